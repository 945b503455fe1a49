"""Which format a file has, told by what is in it; its name decides nothing."""

from __future__ import annotations

import codecs
import csv
import re
import struct
import zipfile
from pathlib import Path

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.limits import opened
from o2c_mining.exchange.ocel_header import is_ocel_header

_HEAD = 64 * 1024
_OCEL_XML = re.compile(rb"<(?:[\w.-]+:)?(?:object-types|event-types|objects)[\s/>]")
_OCEL1_XML = re.compile(
    rb"<global\s[^<>]*scope\s*=\s*[\"']object[\"']|<list\s[^<>]*key\s*=\s*[\"'](?:omap|object-types)[\"']"
)
_XES = re.compile(rb"<(?:[\w.-]+:)?(?:log|trace|extension|classifier)[\s/>]")
_OTHERS = (b"\x7f", b"\x89", b"%PDF", b"GIF8", b"BZh", b"7z\xbc\xaf", b"\xd0\xcf\x11\xe0")
_JSON_LIST = re.compile(rb"\[\s*(?:[\[{\"\]0-9-]|true|false|null)")  # [Case ID] may begin a table
_CONTROLS = bytes(code for code in range(1, 32) if code not in b"\t\n\v\f\r\x0e\x0f\x1b\x1a")
_MANY, _SHARE = 8, 0.02  # control characters of so many kinds, and so much of the bytes, are in no text
FORMATS = ("auto", "csv", "parquet", "xlsx", "xes", "ocel")


def detect(path: Path, limits: Limits) -> str:
    """One of csv, parquet, tables (a folder of ours), xlsx, xes, ocel-json, ocel-xml, ocel1-xml, ocel-sqlite,
    ocel-csv.

    Raises
    ------
    LogError
        If the content is none of these.
    """
    if path.is_dir():
        if (path / "events.parquet").is_file():
            return "tables"
        raise LogError(
            f"{path} is a folder without events.parquet; expected a file, or a folder that `o2c export` wrote; name one"
        )
    with opened(path, limits) as source:
        head = source.read(_HEAD)
    if head.startswith(b"SQLite format 3\0"):
        return "ocel-sqlite"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK"):
        return _zipped(path)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "ocel-json"
    if text.startswith(b"<"):
        if _OCEL1_XML.search(text):
            return "ocel1-xml"
        if _OCEL_XML.search(text):
            return "ocel-xml"
        if _XES.search(text) or b"<!DOCTYPE" in text:
            return "xes"
        raise LogError(f"{path.name} is XML, but no event log; expected XES or OCEL; export it as one of these")
    if _JSON_LIST.match(text):
        raise LogError(
            f"{path.name} is a list in JSON; expected OCEL, an object with events and objects; export it as that"
        )
    if text.startswith(_OTHERS) or _is_binary(head):
        raise LogError(f"{path.name} is no event log; expected XES, OCEL, CSV, Excel (.xlsx) or Parquet; convert it")
    header = text.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    try:
        names = next(csv.reader([header]), [])
    except csv.Error:
        names = []
    return "ocel-csv" if is_ocel_header(names) else "csv"


def _is_binary(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    found = [code for code in head if code in _CONTROLS]
    return len(set(found)) >= _MANY and len(found) > _SHARE * len(head)


def _zipped(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, LookupError, OverflowError, struct.error) as error:
        raise LogError(f"{path.name} is a damaged archive ({error}); expected a whole file; copy it again") from error
    if "xl/workbook.xml" in names:
        return "xlsx"
    raise LogError(f"{path.name} is an archive; expected an event log; unpack it and import the files inside")


def fits(found: str, asked: str, path: Path) -> None:
    """Refuse a file that is something else than what was asked for."""
    kinds = {
        "ocel": ("ocel-json", "ocel-xml", "ocel1-xml", "ocel-sqlite", "ocel-csv"),
        "parquet": ("parquet", "tables"),
        "csv": ("csv",),
    }
    if asked != "auto" and found not in kinds.get(asked, (asked,)):
        raise LogError(f"{path.name} is {found}; expected {asked}; leave --format out, or name the right file")
