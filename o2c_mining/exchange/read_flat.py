"""Tables with a row per event: CSV, Excel and Parquet, read by a mapping that is proposed, kept and reused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.cells import given_cells
from o2c_mining.exchange.collect import Collector, Report
from o2c_mining.exchange.dates import UNDECIDED
from o2c_mining.exchange.flat_rows import RowReader
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.mapping import Mapping, beside, read_mapping, write_mapping
from o2c_mining.exchange.propose import propose
from o2c_mining.exchange.table import read_csv, read_parquet, sniff
from o2c_mining.exchange.workbook import heads, read_sheet, sheets

if TYPE_CHECKING:
    from o2c_mining.exchange.read import Asked


def read_flat(
    path: Path,
    kind: str,
    limits: Limits,
    asked: Asked,
    report: Report | None = None,
    spill: Path | None = None,
) -> ImportedLog:
    """The events of a table.

    Without a mapping, the one beside the file is used, else one is proposed and kept there.

    Raises
    ------
    LogError
        If the mapping leaves a question open and guesses are not accepted; nothing is loaded then.
    """
    known = asked.mapping or beside(path)
    doubts: list[str] = []
    table: pa.Table | None = None
    if asked.mapping is not None or known.exists():
        mapping = read_mapping(known)
    else:
        table, mapping, doubts = _proposed(path, kind, limits, asked)
        write_mapping(known, mapping, path, doubts)
    if mapping.undecided():
        if not asked.accept:
            raise LogError(
                f"{path.name} leaves open: {', '.join(mapping.undecided())}"
                f"{' (' + '; '.join(doubts) + ')' if doubts else ''}; expected an answer in {known}; edit it and "
                "import again, or take the guesses with --accept"
            )
        if any(name in mapping.undecided() for name in ("encoding", "delimiter")):
            table = None
        if not doubts:  # they were told when the mapping was proposed
            doubts = [f"guessed {name}: {mapping.guesses.get(name)}" for name in mapping.undecided()]
        mapping = mapping.accepted()
        if asked.mapping is None:
            write_mapping(known, mapping, path, [f"accepted: {doubt}" for doubt in doubts])
    if table is None:
        table = _table(path, kind, limits, mapping.encoding, mapping.delimiter, mapping.sheet)
    collector = Collector(path.name, limits, report, spill)
    for doubt in doubts:
        collector.note(doubt)
    if asked.mapping is None:
        collector.note(f"read by the mapping {known.name}; correct it and import again where it is wrong")
    RowReader(collector, mapping, asked.case_type).read(table)
    imported = collector.finish()
    account_for(imported, {"events": table.num_rows}, by="the table")
    return imported


def _proposed(path: Path, kind: str, limits: Limits, asked: Asked) -> tuple[pa.Table, Mapping, list[str]]:
    encoding, delimiter, sheet, guesses = "utf-8", ",", None, {}
    doubts = []
    names: list[str] = []
    if kind == "csv":
        dialect = sniff(path, limits)
        encoding, delimiter, guesses = dialect.encoding, dialect.delimiter, dict(dialect.guesses)
        if encoding == UNDECIDED:
            doubts.append(f"the bytes are not UTF-8; guessed {guesses['encoding']}")
        if delimiter == UNDECIDED:
            doubts.append(f"several marks divide the rows evenly; guessed {guesses['delimiter']!r}")
    elif kind == "xlsx":
        names = sheets(path, limits)
        sheet = names[0]
        known = heads(path) if len(names) > 1 else {}
        alike = [name for name in names if known.get(name) and known.get(name) == known.get(sheet)]
        if len(alike) > 1:
            guesses["sheet"], sheet = sheet, UNDECIDED
            doubts.append(f"the sheets {', '.join(alike)} have the same head and only one is read: save each as a file")
        elif len(names) > 1:
            doubts.append(f"of the sheets {', '.join(names)} the first is read")
    table = _table(
        path,
        kind,
        limits,
        guesses.get("encoding", encoding),
        guesses.get("delimiter", delimiter),
        guesses.get("sheet", sheet),
    )
    if table.num_rows == 0:
        raise LogError(f"{path.name} holds no rows below its header; expected events; export it again")
    try:
        mapping, more = propose(
            table,
            file=path.name,
            encoding=encoding,
            delimiter=delimiter,
            sheet=sheet,
            guesses=guesses,
            timezone=asked.timezone,
            case_type=asked.case_type,
        )
    except LogError as error:
        if len(names) < 2:
            raise
        raise LogError(
            f"{error}; it is about the first of the sheets {', '.join(names)}: put the one with the events in front"
        ) from error
    return table, mapping, doubts + more


def _table(path: Path, kind: str, limits: Limits, encoding: str, delimiter: str, sheet: str | None) -> pa.Table:
    if kind == "csv":
        return given_cells(read_csv(path, limits, encoding, delimiter))
    if kind == "xlsx":
        return given_cells(read_sheet(path, limits, sheet or sheets(path, limits)[0]))
    return read_parquet(path, limits)
