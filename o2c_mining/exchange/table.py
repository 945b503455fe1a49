"""CSV and Parquet as one table of text, every cell as it is written."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import MAX_ATTRIBUTES
from o2c_mining.exchange.dates import UNDECIDED
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.limits import MEGABYTE, ByteSource, blocks, check_file, check_size, opened
from o2c_mining.exchange.scan_csv import count_records

# What Excel writes and reads as a first line.
_SEPARATOR = re.compile(r'^"?sep=([ !#-~\t])"?(?:\r\n|\r|\n)', re.IGNORECASE)
_UNNAMED = "\0"
_DELIMITERS = (",", ";", "\t", "|")
_HEAD = 256 * 1024
_BLOCK = 16 * MEGABYTE


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
        check_names(path, names[:named])
        names[named:] = [f"{_UNNAMED}{number}" for number in range(named + 1, len(names) + 1)]
        check_names(path, names)
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
    except MemoryError:  # Arrow's is one of its own errors too
        raise
    except (pa.ArrowException, UnicodeError, LookupError, csv.Error) as error:
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
            _check_groups(path, file.metadata)
            table = file.read()
        table.validate(full=True)  # texts that are no UTF-8 are found here, not where somebody reads them
        check_names(path, table.column_names)
        columns = {name: table[name].cast(pa.string()).fill_null("") for name in table.column_names}
    except pa.ArrowMemoryError as error:  # a damaged part may claim any size
        raise LogError(
            f"{path.name} needs more memory than it may have ({error}); expected a whole file of plain columns; write "
            "it anew, or raise parse_memory_mb under [limits] if it is that large"
        ) from error
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise LogError(
            f"{path.name} is no readable Parquet ({' '.join(str(error).split())[:200]}); expected plain columns; "
            "write it anew"
        ) from error
    account_for(ImportedLog(path.name, {}, {"events": table.num_rows}), {"events": rows}, by="the file's own footer")
    return pa.table(columns)


def _check_groups(path: Path, said: pq.FileMetaData) -> None:
    """Refuse a file whose parts claim other numbers of rows than the whole: memory is taken for what they claim."""
    claimed = [said.row_group(number).num_rows for number in range(said.num_row_groups)]
    if min(claimed, default=0) < 0 or sum(claimed) != said.num_rows:
        raise LogError(
            f"{path.name} is no readable Parquet (its parts hold other numbers of rows than the file says); expected "
            "plain columns; write it anew"
        )


def check_names(path: Path, names: list[str]) -> None:
    """Refuse a table whose columns are too many, have no name, or share one.

    Raises
    ------
    LogError
        Naming the column.
    """
    double = next((name for name in names if names.count(name) > 1), None) if len(names) <= MAX_ATTRIBUTES else None
    if len(names) > MAX_ATTRIBUTES:
        raise LogError(
            f"{path.name} has {len(names):,} columns; expected at most {MAX_ATTRIBUTES:,}; check the delimiter"
        )
    if not names:
        raise LogError(f"{path.name} holds no names of columns; expected them in its first row; export it again")
    if double is not None or "" in names:
        place = 0 if double else names.index("") + 1
        where = f"column {place} of {len(names)}{f', after {names[place - 2]!r},' if place > 1 else ''}"
        wrong = f"column {double!r} is there twice" if double else f"{where} has no name"
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
