"""Walk through an XML file without building a tree, and count its elements a second way.

No document type, no entity, no network: a log has none of them, so a file that declares one is refused. Memory does
not grow with the file.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from xml.parsers import expat

from o2c_mining.errors import LogError
from o2c_mining.exchange.limits import MEGABYTE

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]
_LONGEST_TOKEN = 16 * MEGABYTE
_DEEPEST = 100
_MARGIN = 512
_IDLE = 1_000_000
_PREFIX = re.compile(rb"<[\w.-]+:")
# Supersets of ASCII, in which the byte patterns below say what they mean.
_ENCODINGS = re.compile(r"^(utf-?8|us-ascii|ascii|iso-8859-\d+|latin-?1|windows-125\d)$", re.IGNORECASE)
_DECLARATION = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']")


class ElementCount:
    """How many elements of some names the bytes of a file hold, comments and CDATA aside; a second opinion, formed on
    the bytes before anybody else sees them."""

    def __init__(self, source: str, names: Collection[str]) -> None:
        self.found: Counter[str] = Counter()
        self._source = source
        wanted = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)).encode()
        self._marks = re.compile(
            rb"(<!--)|(-->)|(<!\[CDATA\[)|(\]\]>)|(<!(?:DOCTYPE|ENTITY))|<(?:[\w.-]+:)?(" + wanted + rb")(?=[\s/>])"
        )
        self._plain = {name: re.compile(b"<" + re.escape(name).encode() + rb"(?=[\s/>])") for name in names}
        self._inside = b""
        self._prefixed: bool | None = None

    def through(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The blocks as they are, each counted before it is given on.

        Raises
        ------
        LogError
            If the file declares a document type or entities, or an encoding in which they could hide.
        """
        rest = b""
        pending = iter(blocks)
        block = next(pending, b"")
        while block:
            following = next(pending, b"")
            rest = self._count(rest + block, more=bool(following))
            yield block
            block = following

    def _count(self, data: bytes, *, more: bool) -> bytes:
        """Count what is whole; what may go on in the next block is returned."""
        if self._prefixed is None:
            if more and len(data) < MEGABYTE:
                return data
            _check_encoding(self._source, data)
            self._prefixed = _PREFIX.search(data) is not None
        limit = max(len(data) - _MARGIN, 0) if more else len(data)
        if (
            not self._inside and not self._prefixed and (b"!" not in data or b"<!" not in data)
        ):  # as nearly every block of a log
            cut = data.rfind(b"<", 0, limit) if more else limit
            cut = limit if cut < 0 else cut
            for name, mark in self._plain.items():
                self.found[name] += len(mark.findall(data, 0, cut))
            return data[cut:]
        position = 0
        for found in self._marks.finditer(data):
            if found.start() >= limit:
                break
            position = found.end()
            opened, closed, section, unsection, doctype, element = found.groups()
            if self._inside:
                ends = (closed and self._inside == b"<!--") or (unsection and self._inside == b"<![CDATA[")
                self._inside = b"" if ends else self._inside
            elif opened or section:
                self._inside = opened or section
            elif doctype:
                raise LogError(
                    f"{self._source} declares a document type; expected none, for entities can hide anything; "
                    "remove the DOCTYPE if you trust the file"
                )
            elif element:
                self.found[element.decode()] += 1
        return data[max(position, limit) :] if more else b""


class Idle:
    """Counts what belongs to no event and no object, so that a file of nothing else ends soon."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._count = 0

    def add(self) -> None:
        """One more element without meaning."""
        self._count += 1
        if self._count > _IDLE:
            raise LogError(
                f"{self._source} holds more than {_IDLE:,} elements outside of events and objects; expected an event "
                "log; check what the file is"
            )


def walk_guarded(
    source: str, pieces: Iterable[bytes], start: Start, end: End, text: Callable[[str], None] | None = None
) -> None:
    """As ``walk``, names without their prefix and nesting limited."""
    depth = 0

    def opened(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        check_depth(source, depth)
        start(name.rpartition(":")[2], attributes)

    def closed(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name.rpartition(":")[2])

    walk(source, pieces, opened, closed, text)


def check_depth(source: str, depth: int) -> None:
    """Refuse what nests deeper than any log does."""
    if depth > _DEEPEST:
        raise LogError(f"{source} nests more than {_DEEPEST} elements deep; expected fewer; check the file")


def walk(
    source: str, pieces: Iterable[bytes], start: Start, end: End, text: Callable[[str], None] | None = None
) -> None:
    """Call back for every element of these bytes; the callbacks limit the nesting and take prefixes off.

    Raises
    ------
    LogError
        If the file is no well-formed XML or has an endless token.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def declared(*_: object) -> None:
        raise LogError(f"{source} declares a document type or entity; expected none; remove it")

    def encoded(_: str, encoding: str | None, __: int) -> None:
        if encoding is not None:
            _check_name(source, encoding)

    parser.XmlDeclHandler = encoded
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = declared
    parser.EntityDeclHandler = declared
    if text is not None:
        parser.CharacterDataHandler = text
    fed = 0
    try:
        for block in pieces:
            parser.Parse(block, False)
            fed += len(block)
            if fed - parser.CurrentByteIndex > _LONGEST_TOKEN:
                raise LogError(f"{source} has a value of more than 16 MB; expected an event log; check the file")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise LogError(
            f"{source} is not well-formed XML ({error}); expected a whole XML file in UTF-8; export it again"
        ) from error


def is_utf8(head: bytes) -> bool:
    """Whether the beginning of a file names no other encoding."""
    found = _DECLARATION.match(head[:1024])
    return found is None or found.group(1).lower() in (b"utf-8", b"utf8", b"us-ascii", b"ascii")


def _check_encoding(source: str, head: bytes) -> None:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head[:4]:
        raise LogError(f"{source} is in UTF-16 or UTF-32; expected UTF-8; save it as UTF-8")
    found = _DECLARATION.match(head[:1024])
    if found is not None:
        _check_name(source, found.group(1).decode("ascii", "replace"))


def _check_name(source: str, encoding: str) -> None:
    known = _ENCODINGS.match(encoding) is not None
    if known:
        try:
            codecs.lookup(encoding)
        except LookupError:  # iso-8859-12
            known = False
    if not known:
        raise LogError(f"{source} declares encoding {encoding[:40]!r}; expected UTF-8; save it as UTF-8")
