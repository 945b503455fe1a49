"""A worksheet of an Excel workbook as a table of text, every cell as it is written.

A workbook is an archive of XML that several parsers read: what any of them makes of damage is one error of ours. Its
rows are counted a second way, by the tags of the sheet.
"""

from __future__ import annotations

import html
import lzma
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import text
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.limits import MEGABYTE, check_file, check_size
from o2c_mining.exchange.table import check_names

# Each pattern reads a tag once: what does not end, or begins again and again, takes no longer than its bytes.
_PREFIX = rb"(?:[\w.-]++:)?+"
_FORMULA = re.compile(
    rb"<" + _PREFIX + rb"c\b([^<>]*+)>\s*+<" + _PREFIX + rb"f\b[^<>]*+>(?:[^<]*+</" + _PREFIX + rb"f>)?+\s*+"
    rb"(?:<" + _PREFIX + rb"v\s*+/>|<" + _PREFIX + rb"v></" + _PREFIX + rb"v>)?+\s*+</" + _PREFIX + rb"c>"
)  # fmt: skip
_CELL = re.compile(rb"(?<![\w:])r=\"([A-Z]+\d+)\"")
_MARK = re.compile(
    rb"(</" + _PREFIX + rb"sheetData\b)|<" + _PREFIX + rb"(?:(row)\b|v(?=[\s>])[^<>]*+>[^<]|is(?=[\s>]))"
)  # fmt: skip
_SHEET = re.compile(r"<(?:[\w.-]++:)?+sheet\b([^<>]*+)>")
_LINK = re.compile(r"<(?:[\w.-]++:)?+Relationship\b([^<>]*+)>")
_FIELD = re.compile(r"(?<![\w:])([\w:]++)=(?:\"([^\"]*+)\"|'([^']*+)')")
_ENTITIES = re.compile(rb"<\0?!\0?(?:D\0?O\0?C\0?T\0?Y\0?P\0?E|E\0?N\0?T\0?I\0?T\0?Y)")  # in UTF-16 too
_ZEROS = re.compile(r"0{2,40}")
_FEWEST, _TITLES = 3, 10  # columns of an event log, and rows in which a title above its head is looked for
_PICTURES = "xl/media/"
_LAST_ROW = 1_048_576
# What parsers of packed and binary files raise at damage.
_DAMAGE: tuple[type[Exception], ...] = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, lzma.LZMAError, re.error, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def sheets(path: Path, limits: Limits) -> list[str]:
    """Names of the worksheets of a workbook that was found harmless.

    Raises
    ------
    LogError
        If it unpacks to more than the limits, or declares entities.
    """
    check_file(path, limits)
    with _readable(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
            if unpacked > limits.excel_mb * MEGABYTE:
                raise LogError(
                    f"{path.name} unpacks to {unpacked // MEGABYTE:,} MB; expected at most {limits.excel_mb:,}; save "
                    "it as CSV, or raise excel_mb under [limits]"
                )
            check_size(path, path.stat().st_size, unpacked, limits)
            for info in archive.infolist():
                if not info.is_dir() and not info.filename.startswith(_PICTURES):
                    _check_part(path, archive, info.filename)
        with _workbook(path) as book:
            names = [str(name) for name in book.sheetnames]
        if not names:
            raise LogError(f"{path.name} has no sheet that can be read; expected one with a table; save it again")
        return names


def read_sheet(path: Path, limits: Limits, sheet: str) -> pa.Table:
    """All cells of a worksheet as text; the first row holds the names.

    Raises
    ------
    LogError
        If a cell holds a formula whose value was not saved, or a second count finds other rows.
    """
    counted = _count_rows(path, sheet)
    names: list[str] = []
    columns: list[list[Any]] = []
    seen = 0
    with _workbook(path) as book:
        if sheet not in book.sheetnames:
            raise LogError(
                f"{path.name} has no sheet {sheet!r}; it has: {', '.join(book.sheetnames)}; correct the mapping"
            )
        for row in _filled(book[sheet], _pads(book)):
            seen += 1
            if len(names) < _FEWEST <= len(_names(row)) and 1 < seen <= _TITLES:
                raise LogError(
                    f"{path.name}: the first filled row of sheet {sheet!r} names {len(names)} columns, a row below it "
                    f"has {len(_names(row))}; expected the names of all columns first; delete what stands above them"
                )
            if seen == 1:
                names = _names(row)
                check_names(path, names)
                columns = [[] for _ in names]
                continue
            if seen > limits.events:
                raise LogError(f"{path.name} holds more than {limits.events:,} rows; expected fewer; split it")
            for number, column in enumerate(columns):
                column.append(row[number] if number < len(row) else None)
    account_for(ImportedLog(path.name, {}, {"events": seen}), {"events": counted}, by="a scan of the sheet")
    cells = {name: _column(values) for name, values in zip(names, columns, strict=True)}
    return pa.table(cells)


def heads(path: Path) -> dict[str, tuple[str, ...]]:
    """The names in the first row of each worksheet, where it has one."""
    found = {}
    with _workbook(path) as book:
        for sheet in book.worksheets:
            row = next(_filled(sheet, is_padded=False), None)
            if row is not None:
                found[str(sheet.title)] = tuple(_names(row))
    return found


def _names(row: tuple[Any, ...]) -> list[str]:
    names = ["" if cell is None else text(_plain(cell)).strip() for cell in row]
    while names and not names[-1]:
        names.pop()
    return names


def _pads(book: Any) -> bool:
    """Whether a format of the workbook writes numbers with zeros before them, as ``00123``."""
    return any(_ZEROS.fullmatch(str(known)) for known in book._number_formats)


def _filled(sheet: Any, is_padded: bool) -> Iterator[tuple[Any, ...]]:
    """Rows that hold a value; what the sheet claims about its size is not believed."""
    sheet.reset_dimensions()
    # Rows that are left out on the way cost nothing, and cells without their format cost less.
    for cells in sheet.iter_rows(values_only=not is_padded, max_row=_LAST_ROW):
        row = tuple(_padded(cell) for cell in cells) if is_padded else cells
        if any(cell is not None and cell != "" for cell in row):
            yield row


def _padded(cell: Any) -> Any:
    """The value of a cell, a number with the zeros that its format shows."""
    value = _plain(cell.value) if isinstance(cell.value, float) else cell.value
    if type(value) is int and value >= 0 and _ZEROS.fullmatch(str(cell.number_format)):
        return str(value).zfill(len(cell.number_format))
    return value


def _column(values: list[Any]) -> pa.Array:
    dates = [value for value in values if isinstance(value, datetime | date)]
    whole = all(not isinstance(value, datetime) or value.time() == time() for value in dates)
    return pa.array(["" if value is None else _written(value, whole) for value in values], pa.string())


def _written(value: Any, whole_days: bool) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat() if whole_days else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else text(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if isinstance(value, str | int | float | bool | datetime) else str(value)


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    import openpyxl
    from openpyxl.utils import exceptions

    own = tuple(kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception))
    with warnings.catch_warnings(), _readable(path, own), path.open("rb") as file:
        warnings.simplefilter("ignore")  # and by its bytes, for the parser goes by names
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            yield book
        finally:
            book.close()


@contextmanager
def _readable(path: Path, more: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Whatever a parser makes of damage, while it opens a workbook or reads it, is one error of ours."""
    try:
        yield
    except LogError:
        raise
    except (*_DAMAGE, *more) as error:
        said = " ".join(str(error).split())[:200]
        raise LogError(f"{path.name} is no readable workbook ({said}); expected .xlsx; save it again") from error


def _check_part(path: Path, archive: zipfile.ZipFile, name: str) -> None:
    rest = b""
    with archive.open(name) as part:
        while block := part.read(MEGABYTE):
            if _ENTITIES.search(rest + block):
                raise LogError(f"{path.name} declares entities in {name}; expected none; save it again from Excel")
            rest = block[-32:]


def _count_rows(path: Path, sheet: str) -> int:
    """Rows with a value, counted in the XML of the sheet."""
    with _readable(path), zipfile.ZipFile(path) as archive:
        book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
        links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
        part = _part_of(book, links, sheet)
        if part is None or part not in archive.namelist():
            raise LogError(f"{path.name} has no sheet {sheet!r} that can be read; expected one; save it again")
        _check_part(path, archive, part)
        data = archive.read(part)
    formula = _FORMULA.search(data)
    if formula is not None:
        found = _CELL.search(formula.group(1))
        cell = f"cell {found.group(1).decode()}" if found is not None else "a cell"
        raise LogError(
            f"{path.name}, {cell} holds a formula without its value; expected values; open and save it in Excel, or "
            "save it as CSV"
        )
    count, is_empty = 0, False
    for mark in _MARK.finditer(data):
        if mark.group(1):
            break
        if mark.group(2):
            is_empty = True
        elif is_empty:
            count, is_empty = count + 1, False
    return count


def _part_of(book: str, links: str, sheet: str) -> str | None:
    for tag in _SHEET.findall(book):
        fields = _fields(tag)
        if html.unescape(fields.get("name", "")) != sheet:
            continue
        wanted = next((value for name, value in fields.items() if name.endswith(":id")), None)
        for link in _LINK.findall(links):
            found = _fields(link)
            if found.get("Id") == wanted:
                target = found.get("Target", "")
                return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return None


def _fields(tag: str) -> dict[str, str]:
    return {name: first or second for name, first, second in _FIELD.findall(tag)}
