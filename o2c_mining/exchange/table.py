"""CSV, Excel and Parquet as one table of text, every cell as it is written."""

from __future__ import annotations

import codecs
import csv
import io
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import MAX_ATTRIBUTES, text
from o2c_mining.exchange.dates import UNDECIDED
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.limits import MEGABYTE, ByteSource, blocks, check_file, check_size, opened
from o2c_mining.exchange.scan_csv import count_records

# What Excel writes and reads as a first line.
_SEPARATOR = re.compile(r'^"?sep=([ -~\t])"?(?:\r\n|\r|\n)', re.IGNORECASE)
_UNNAMED = "\0"
_DELIMITERS = (",", ";", "\t", "|")
_HEAD = 256 * 1024
_BLOCK = 16 * MEGABYTE
_FORMULA = re.compile(
    rb"<c\b[^>]*?\br=\"([A-Z]+\d+)\"[^>]*>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"
)
_ROW = re.compile(rb"<row\b(?:[^>]*/>|.*?</row>)", re.DOTALL)
# What parsers of packed and binary files raise at damage.
_DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, re.error, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written; ``undecided`` where its bytes leave it open, with a guess beside."""

    encoding: str
    delimiter: str
    guesses: dict[str, str]


def sniff(path: Path, limits: Limits) -> Dialect:
    """Encoding and delimiter of a CSV file; the encoding is decided by all of its bytes."""
    guesses: dict[str, str] = {}
    encoding = _encoding(path, limits)
    if encoding == UNDECIDED:
        guesses["encoding"] = "cp1252"
    with opened(path, limits) as source:
        head = source.read(_HEAD)
    written = head.decode(guesses.get("encoding", encoding), "replace").removeprefix("\ufeff")
    said = _SEPARATOR.match(written)
    if said is not None:
        return Dialect(encoding, said.group(1), guesses)
    widths: dict[str, int] = {}
    for mark in _DELIMITERS:
        rows = _lines(written, mark)
        whole = rows[:-1] if len(head) == _HEAD and len(rows) > 2 else rows
        counts = {len(row) for row in whole}
        if len(counts) == 1 and counts != {1}:
            widths[mark] = len(whole[0])
    best = sorted(widths, key=lambda mark: -widths[mark])
    if len(best) > 1:
        guesses["delimiter"] = best[0]
    if not best:
        counts_of = {mark: written.split("\n", 1)[0].count(mark) for mark in _DELIMITERS}
        best = [max(_DELIMITERS, key=lambda mark: counts_of[mark])]
    return Dialect(encoding, UNDECIDED if len(best) > 1 else best[0], guesses)


def _lines(written: str, mark: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(written, newline=""), delimiter=mark) if row]
    except csv.Error:
        return []


def _head(written: str, mark: str) -> tuple[list[str], int]:
    """The names in the first row that is not empty, and how many lines stand before it that say the delimiter."""
    written = written.removeprefix("\ufeff")
    said = _SEPARATOR.match(written)
    rest = written[said.end() :] if said else written
    first = next((row for row in csv.reader(io.StringIO(rest, newline=""), delimiter=mark) if row), [])
    return [name.strip() for name in first], int(said is not None)


def _encoding(path: Path, limits: Limits) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    first = True
    for block in blocks(path, limits):
        if first and block[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
        first = False
        try:
            decoder.decode(block)
        except UnicodeDecodeError:
            return UNDECIDED
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return UNDECIDED
    return "utf-8"


def read_csv(path: Path, limits: Limits, encoding: str, delimiter: str) -> pa.Table:
    """All cells of a CSV file as text.

    Raises
    ------
    LogError
        If rows differ in length, a quote does not end, or the bytes hold another number of records.
    """
    wide = "utf-8" if encoding.lower().replace("-", "") in ("utf8", "utf8sig") else encoding
    try:
        codecs.lookup(wide)
        with opened(path, limits) as source:
            names, skipped = _head(source.read(_HEAD).decode(wide, "replace"), delimiter)
        named = len(names)
        while named and not names[named - 1]:  # a delimiter at the end of each row
            named -= 1
        _check_names(path, names[:named])
        names[named:] = [f"{_UNNAMED}{number}" for number in range(named + 1, len(names) + 1)]
        with opened(path, limits) as source:
            table = pcsv.read_csv(
                io.BufferedReader(RawBytes(source), MEGABYTE),
                read_options=pcsv.ReadOptions(block_size=_BLOCK, encoding=wide, column_names=names, skip_rows=skipped),
                parse_options=pcsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                convert_options=pcsv.ConvertOptions(
                    column_types={name: pa.string() for name in names},
                    strings_can_be_null=False,
                    check_utf8=True,
                ),
            ).slice(1)
    except (pa.ArrowInvalid, UnicodeError, LookupError, csv.Error) as error:
        raise LogError(
            f"{path.name} is no readable CSV ({' '.join(str(error).split())[:200]}); expected rows of equal length in "
            f"{encoding}; mend the row, or correct encoding and delimiter in the mapping"
        ) from error
    if wide == "utf-8" or wide.lower().startswith(("cp", "iso", "latin", "windows")):
        counted = ImportedLog(path.name, {}, {"events": table.num_rows})
        account_for(counted, {"events": count_records(blocks(path, limits)) - 1 - skipped}, by="a scan of the bytes")
    for name in names[named:]:
        if pc.any(pc.not_equal(pc.utf8_trim_whitespace(table[name]), "")).as_py():
            raise LogError(
                f"{path.name}: column {name.removeprefix(_UNNAMED)} has values and no name; expected a first row with "
                "a name for each column; correct it"
            )
    return table.select(names[:named])


def read_parquet(path: Path, limits: Limits) -> pa.Table:
    """All columns of a Parquet file as text, times in ISO 8601.

    Raises
    ------
    LogError
        If the file is damaged, too large, or a column has no plain values.
    """
    check_file(path, limits)
    try:
        with pq.ParquetFile(path) as file:
            groups = range(file.metadata.num_row_groups)
            unpacked = sum(file.metadata.row_group(number).total_byte_size for number in groups)
            check_size(path, path.stat().st_size, unpacked, limits)
            if file.metadata.num_rows > limits.events:
                raise LogError(
                    f"{path.name} holds {file.metadata.num_rows:,} rows; expected at most {limits.events:,}; split it, "
                    "or raise events under [limits]"
                )
            rows = file.metadata.num_rows
            table = file.read()
        table.validate(full=True)  # texts that are no UTF-8 are found here, not where somebody reads them
        _check_names(path, table.column_names)
        columns = {name: table[name].cast(pa.string()).fill_null("") for name in table.column_names}
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise LogError(
            f"{path.name} is no readable Parquet ({' '.join(str(error).split())[:200]}); expected plain columns; "
            "write it anew"
        ) from error
    account_for(ImportedLog(path.name, {}, {"events": table.num_rows}), {"events": rows}, by="the file's own footer")
    return pa.table(columns)


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
                if info.filename.endswith((".xml", ".rels")):
                    _check_part(path, archive, info.filename)
        with _workbook(path) as book:
            return [str(name) for name in book.sheetnames]


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
        for row in _filled(book[sheet]):
            seen += 1
            if seen == 1:
                names = ["" if cell is None else text(_plain(cell)).strip() for cell in row]
                while names and not names[-1]:
                    names.pop()
                _check_names(path, names)
                columns = [[] for _ in names]
                continue
            if seen > limits.events:
                raise LogError(f"{path.name} holds more than {limits.events:,} rows; expected fewer; split it")
            for number, column in enumerate(columns):
                column.append(row[number] if number < len(row) else None)
    account_for(ImportedLog(path.name, {}, {"events": seen}), {"events": counted}, by="a scan of the sheet")
    cells = {name: _column(values) for name, values in zip(names, columns, strict=True)}
    return pa.table(cells)


def _filled(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """Rows that hold a value; what the sheet claims about its size is not believed."""
    sheet.reset_dimensions()
    for row in sheet.iter_rows(values_only=True, max_col=MAX_ATTRIBUTES):
        if any(cell is not None and cell != "" for cell in row):
            yield row


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

    with warnings.catch_warnings(), _readable(path), path.open("rb") as file:  # by its bytes: the parser goes by names
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            yield book
        finally:
            book.close()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Whatever a parser makes of damage, while it opens a workbook or reads it, is one error of ours."""
    try:
        yield
    except LogError:
        raise
    except _DAMAGE as error:
        said = " ".join(str(error).split())[:200]
        raise LogError(f"{path.name} is no readable workbook ({said}); expected .xlsx; save it again") from error


def _check_part(path: Path, archive: zipfile.ZipFile, name: str) -> None:
    rest = b""
    with archive.open(name) as part:
        while block := part.read(MEGABYTE):
            if re.search(rb"<!(?:DOCTYPE|ENTITY)", rest + block):
                raise LogError(f"{path.name} declares entities in {name}; expected none; save it again from Excel")
            rest = block[-16:]


def _count_rows(path: Path, sheet: str) -> int:
    """Rows with a value, counted in the XML of the sheet."""
    with _readable(path), zipfile.ZipFile(path) as archive:
        book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
        links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
        part = _part_of(book, links, sheet)
        if part is None or part not in archive.namelist():
            raise LogError(f"{path.name} has no sheet {sheet!r} that can be read; expected one; save it again")
        data = archive.read(part)
    formula = _FORMULA.search(data)
    if formula is not None:
        raise LogError(
            f"{path.name}, cell {formula.group(1).decode()} holds a formula without its value; expected values; open "
            "and save it in Excel, or save it as CSV"
        )
    return sum(1 for row in _ROW.finditer(data) if b"<v>" in row.group() or b"<is>" in row.group())


def _part_of(book: str, links: str, sheet: str) -> str | None:
    from html import unescape

    for tag in re.findall(r"<sheet\b[^>]*>", book):
        fields = dict(re.findall(r'([\w:]+)="([^"]*)"', tag))
        if unescape(fields.get("name", "")) != sheet:
            continue
        wanted = next((value for name, value in fields.items() if name.endswith(":id")), None)
        for link in re.findall(r"<Relationship\b[^>]*>", links):
            found = dict(re.findall(r'(\w+)="([^"]*)"', link))
            if found.get("Id") == wanted:
                target = found.get("Target", "")
                return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return None


def _check_names(path: Path, names: list[str]) -> None:
    double = next((name for name in names if names.count(name) > 1), None) if len(names) <= MAX_ATTRIBUTES else None
    if len(names) > MAX_ATTRIBUTES:
        raise LogError(
            f"{path.name} has {len(names):,} columns; expected at most {MAX_ATTRIBUTES:,}; check the delimiter"
        )
    if not names:
        raise LogError(f"{path.name} holds no names of columns; expected them in its first row; export it again")
    if double is not None or "" in names:
        wrong = f"column {double!r} is there twice" if double else "a column has no name"
        raise LogError(f"{path.name}: {wrong}; expected a first row with a name for each column; correct it")


class RawBytes(io.RawIOBase):
    """Guarded bytes as a raw file."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer."""
        view = memoryview(buffer)
        block = self._source.read(len(view))
        view[: len(block)] = block
        return len(block)
