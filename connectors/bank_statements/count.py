"""Count the entries of a statement file without reading it as XML: by its tags, as far as its bytes go.

This is the other side of the completeness certificate, so it shares nothing with ``camt``: no parser, no balance, no
booking. It counts what a refused or broken file holds as well. Time and memory are linear in the file.
"""

from __future__ import annotations

import codecs
import html
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from connectors.bank_statements.camt import RefusedFileError
from connectors.bank_statements.files import StatementFile, open_streams

_CHUNK_BYTES = 1_000_000
_LONGEST_TAG = 8_000_000
_DEEPEST = 256
_MOST_ENTRIES = 1_000_000
_TAG = re.compile(r"<(/?)(?:[\w.\-]++:)?+([A-Za-z_][\w.\-]*+)([^<>]*+)>([^<]*+)")
_ENCODING = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9._\-]{1,40})[\"']")
_REPORTS = ("Stmt", "Rpt", "Ntfctn")
_IBAN = ("Acct", "Id", "IBAN")
_OTHER = ("Acct", "Id", "Othr", "Id")


@dataclass(slots=True)
class _Report:
    """A statement, or another report with entries, as far as it was read."""

    account: str = ""
    other_account: str = ""
    identification: str = ""
    entries: list[dict[str, str]] = field(default_factory=list)

    def keys(self) -> Iterator[str]:
        account = (self.account or self.other_account or "unknown account").replace(" ", "").upper()
        used: dict[str, int] = {}
        for entry in self.entries:
            own = entry.get("AcctSvcrRef") or entry.get("NtryRef") or "entry"
            used[own] = used.get(own, 0) + 1
            first = used[own] == 1 and own != "entry"
            yield entry_key(account, self.identification, own if first else f"{own}#{used[own]}")


def entry_key(*parts: str) -> str:
    """Account, statement and reference as the staging writes a key."""
    return "|".join(part.replace("|", "\\|") for part in parts)


def entry_keys(file: StatementFile) -> list[str]:
    """The key of every entry of a file, repeated where the file repeats it.

    A file that holds neither an entry nor a whole statement stands for itself: its name is then the only key.
    """
    keys: list[str] = []
    has_statement = False
    try:
        for _, document in open_streams(file):
            for report, is_whole in _reports(document):
                has_statement = has_statement or is_whole
                keys.extend(report.keys())
    except RefusedFileError:
        pass  # what was counted before the damage counts
    return keys if keys or has_statement else [file.name]


def _reports(document: IO[bytes]) -> Iterator[tuple[_Report, bool]]:
    """Each report of a document, and whether it is a statement that was read to its end."""
    report = _Report()
    path: list[str] = []
    count = 0
    try:
        for closing, name, rest, text in _tags(document):
            if closing:
                if name in path:
                    del path[len(path) - 1 - path[::-1].index(name) :]
                if name in _REPORTS:
                    yield report, name == "Stmt"
                    report, path = _Report(), []
                continue
            if name in _REPORTS:
                if report.entries:
                    yield report, False
                report, path = _Report(), []
                continue
            if name == "Ntry" and "Ntry" not in path:
                count += 1
                if count > _MOST_ENTRIES:
                    break
                report.entries.append({})
            elif text:
                _note(report, (*path, name), text)
            if not rest.endswith("/") and len(path) < _DEEPEST:
                path.append(name)
    except RefusedFileError:
        if report.entries:
            yield report, False
        raise
    if report.entries:
        yield report, False


def _note(report: _Report, path: tuple[str, ...], text: str) -> None:
    value = html.unescape(text).strip()
    if path == ("Id",):
        report.identification = report.identification or value
    elif path == _IBAN:
        report.account = report.account or value
    elif path == _OTHER:
        report.other_account = report.other_account or value
    elif len(path) == 2 and path[0] == "Ntry" and path[1] in ("AcctSvcrRef", "NtryRef"):
        report.entries[-1].setdefault(path[1], value)


def _tags(document: IO[bytes]) -> Iterator[tuple[str, str, str, str]]:
    for piece in _markup(document):
        for match in _TAG.finditer(piece):
            closing, name, rest, text = match.groups()
            yield closing, name, rest, text


def _markup(document: IO[bytes]) -> Iterator[str]:
    """The text without comments, cut before a tag."""
    waiting = ""
    in_comment = False
    for chunk in _decoded(document):
        waiting += chunk
        at = 0
        while True:
            if in_comment:
                end = waiting.find("-->", at)
                if end < 0:
                    waiting = waiting[max(at, len(waiting) - 2) :]
                    break
                at, in_comment = end + 3, False
            start = waiting.find("<!--", at)
            if start < 0:
                cut = max(waiting.rfind("<", at), at)
                yield waiting[at:cut]
                waiting = waiting[cut:] if len(waiting) - cut < _LONGEST_TAG else ""
                break
            yield waiting[at:start]
            at, in_comment = start + 4, True
    if not in_comment:
        yield waiting


def _decoded(document: IO[bytes]) -> Iterator[str]:
    chunk = document.read(_CHUNK_BYTES)
    decoder = codecs.getincrementaldecoder(_encoding(chunk))("replace")
    while chunk:
        yield decoder.decode(chunk)
        chunk = document.read(_CHUNK_BYTES)


def _encoding(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    declared = _ENCODING.match(start.removeprefix(codecs.BOM_UTF8))
    name = declared[1].decode() if declared is not None else "utf-8"
    try:
        with io.TextIOWrapper(io.BytesIO(start), encoding=name, errors="replace") as text:
            text.read()
        found = codecs.lookup(name)
    except (LookupError, UnicodeError):  # unknown, not of text, or of no file
        return "latin-1"
    return "utf-8-sig" if found.name == "utf-8" else found.name
