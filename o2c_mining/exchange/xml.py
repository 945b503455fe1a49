"""Walk through an XML file without building a tree, and count its elements a second way.

No document type, no entity, no network: a log has none of them, so a file that declares one is refused. Memory does
not grow with the file.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from xml.parsers import expat

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.limits import MEGABYTE, blocks

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


def count_elements(path: Path, limits: Limits, names: Collection[str]) -> Counter[str]:
    """How many elements of these names the bytes of a file hold, comments and CDATA aside; a second opinion.

    Raises
    ------
    LogError
        If the file declares a document type or entities, or an encoding in which they could hide.
    """
    wanted = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)).encode()
    marks = re.compile(
        rb"(<!--)|(-->)|(<!\[CDATA\[)|(\]\]>)|(<!(?:DOCTYPE|ENTITY))|<(?:[\w.-]+:)?(" + wanted + rb")(?=[\s/>])"
    )
    plain = {element: re.compile(b"<" + re.escape(element).encode() + rb"(?=[\s/>])") for element in names}
    counts: Counter[str] = Counter()
    inside = b""
    rest = b""
    first = prefixed = True
    pending = blocks(path, limits)
    block = next(pending, b"")
    while block:
        following = next(pending, b"")
        data = rest + block
        if first:
            _check_encoding(path, data)
            first = False
            prefixed = _PREFIX.search(data) is not None
        limit = len(data) - _MARGIN if following else len(data)
        position = 0
        if not inside and not prefixed and b"<!" not in data:  # as nearly every block of a log
            cut = data.rfind(b"<", 0, limit) if following else len(data)
            head = data[:cut]
            for element, mark in plain.items():
                counts[element] += len(mark.findall(head))
            rest = data[cut:]
            block = following
            continue
        for found in marks.finditer(data):
            if found.start() >= limit:
                break
            position = found.end()
            opened, closed, section, unsection, doctype, name = found.groups()
            if inside:
                inside = b"" if (closed and inside == b"<!--") or (unsection and inside == b"<![CDATA[") else inside
            elif opened or section:
                inside = opened or section
            elif doctype:
                raise LogError(
                    f"{path.name} declares a document type; expected none, for entities can hide anything; "
                    "remove the DOCTYPE if you trust the file"
                )
            elif name:
                counts[name.decode()] += 1
        rest = data[max(position, limit, 0) :] if following else b""
        block = following
    return counts


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


def walk_guarded(path: Path, limits: Limits, start: Start, end: End, text: Callable[[str], None] | None = None) -> None:
    """As ``walk``, names without their prefix and nesting limited."""
    depth = 0

    def opened(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        check_depth(path.name, depth)
        start(name.rpartition(":")[2], attributes)

    def closed(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name.rpartition(":")[2])

    walk(path, limits, opened, closed, text)


def check_depth(source: str, depth: int) -> None:
    """Refuse what nests deeper than any log does."""
    if depth > _DEEPEST:
        raise LogError(f"{source} nests more than {_DEEPEST} elements deep; expected fewer; check the file")


def walk(
    path: Path,
    limits: Limits,
    start: Start,
    end: End,
    text: Callable[[str], None] | None = None,
    pieces: Iterable[bytes] | None = None,
) -> None:
    """Call back for every element; the callbacks limit the nesting and take prefixes off.

    ``pieces`` are the bytes to parse where they are not all of the file: whole elements may be left out.

    Raises
    ------
    LogError
        If the file is no well-formed XML or has an endless token.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def declared(*_: object) -> None:
        raise LogError(f"{path.name} declares a document type or entity; expected none; remove it")

    def encoded(_: str, encoding: str | None, __: int) -> None:
        if encoding is not None:
            _check_name(path, encoding)

    parser.XmlDeclHandler = encoded
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = declared
    parser.EntityDeclHandler = declared
    if text is not None:
        parser.CharacterDataHandler = text
    fed = 0
    try:
        for block in blocks(path, limits) if pieces is None else pieces:
            parser.Parse(block, False)
            fed += len(block)
            if fed - parser.CurrentByteIndex > _LONGEST_TOKEN:
                raise LogError(f"{path.name} has a value of more than 16 MB; expected an event log; check the file")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise LogError(
            f"{path.name} is not well-formed XML ({error}); expected a whole XML file in UTF-8; export it again"
        ) from error


def is_utf8(head: bytes) -> bool:
    """Whether the beginning of a file names no other encoding."""
    found = _DECLARATION.match(head[:1024])
    return found is None or found.group(1).lower() in (b"utf-8", b"utf8", b"us-ascii", b"ascii")


def _check_encoding(path: Path, head: bytes) -> None:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head[:4]:
        raise LogError(f"{path.name} is in UTF-16 or UTF-32; expected UTF-8; save it as UTF-8")
    found = _DECLARATION.match(head[:1024])
    if found is not None:
        _check_name(path, found.group(1).decode("ascii", "replace"))


def _check_name(path: Path, encoding: str) -> None:
    known = _ENCODINGS.match(encoding) is not None
    if known:
        try:
            codecs.lookup(encoding)
        except LookupError:  # iso-8859-12
            known = False
    if not known:
        raise LogError(f"{path.name} declares encoding {encoding[:40]!r}; expected UTF-8; save it as UTF-8")
