"""Tables with a row per event: CSV, Excel and Parquet, read by a mapping that is proposed, kept and reused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa

from o2c_mining.config import Limits
from o2c_mining.errors import ConfigError, LogError
from o2c_mining.exchange.attributes import Value, text
from o2c_mining.exchange.collect import Collector, EventRow, Report
from o2c_mining.exchange.dates import UNDECIDED, read_date
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.mapping import Mapping, beside, read_mapping, write_mapping
from o2c_mining.exchange.moments import Moment
from o2c_mining.exchange.numbers import read_number
from o2c_mining.exchange.propose import NOTHING, propose
from o2c_mining.exchange.table import read_csv, read_parquet, read_sheet, sheets, sniff

if TYPE_CHECKING:
    from o2c_mining.exchange.read import Asked

_CHUNK = 20_000


def read_flat(path: Path, kind: str, limits: Limits, asked: Asked, report: Report | None = None) -> ImportedLog:
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
        mapping = mapping.accepted()
        if asked.mapping is None:
            write_mapping(known, mapping, path, [f"accepted: {doubt}" for doubt in doubts])
    if table is None:
        table = _table(path, kind, limits, mapping.encoding, mapping.delimiter, mapping.sheet)
    collector = Collector(path.name, limits, report)
    for doubt in doubts:
        collector.note(doubt)
    if asked.mapping is None:
        collector.note(f"read by the mapping {known.name}; correct it and import again where it is wrong")
    _Reader(collector, mapping, asked.case_type).read(table)
    imported = collector.finish()
    account_for(imported, {"events": table.num_rows}, by="the table")
    return imported


def _proposed(path: Path, kind: str, limits: Limits, asked: Asked) -> tuple[pa.Table, Mapping, list[str]]:
    encoding, delimiter, sheet, guesses = "utf-8", ",", None, {}
    doubts = []
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
        if len(names) > 1:
            doubts.append(f"of the sheets {', '.join(names)} the first is read")
    table = _table(path, kind, limits, guesses.get("encoding", encoding), guesses.get("delimiter", delimiter), sheet)
    if table.num_rows == 0:
        raise LogError(f"{path.name} holds no rows below its header; expected events; export it again")
    mapping, more = propose(
        table,
        encoding=encoding,
        delimiter=delimiter,
        sheet=sheet,
        guesses=guesses,
        timezone=asked.timezone,
        case_type=asked.case_type,
    )
    return table, mapping, doubts + more


def _table(path: Path, kind: str, limits: Limits, encoding: str, delimiter: str, sheet: str | None) -> pa.Table:
    if kind == "csv":
        return read_csv(path, limits, encoding, delimiter)
    if kind == "xlsx":
        return read_sheet(path, limits, sheet or sheets(path, limits)[0])
    return read_parquet(path, limits)


class _Reader:
    """Rows of a table into a collector."""

    def __init__(self, collector: Collector, mapping: Mapping, case_type: str | None) -> None:
        self._collector = collector
        self._mapping = mapping
        self._case_type = case_type or mapping.case_type
        self._zone = ZoneInfo(mapping.timezone) if mapping.timezone else None
        self._cases: dict[str, dict[str, Value]] = {}
        self._seen: Counter[bytes] = Counter()

    def read(self, table: pa.Table) -> None:
        """Collect every row."""
        mapping = self._mapping
        single = (mapping.case, mapping.activity, mapping.timestamp, mapping.start, mapping.resource, mapping.team)
        wanted = [
            n
            for n in (*single, mapping.system, mapping.event_id, *mapping.attributes, *mapping.case_attributes)
            if n is not None
        ]
        for name in wanted:
            if name not in table.column_names:
                raise ConfigError(
                    f"the mapping names column {name!r}, {self._collector.source} has: {', '.join(table.column_names)}"
                    "; expected one of them; correct the mapping"
                )
        for position, row in enumerate(_rows(table.select(list(dict.fromkeys(wanted))))):
            self._row(position, row)
        for case, attributes in self._cases.items():
            attributes.setdefault("number", case)
            self._collector.add_object(case, self._case_type, attributes)

    def _row(self, position: int, row: dict[str, str]) -> None:
        mapping, collector = self._mapping, self._collector
        case, activity = row[mapping.case].strip(), row[mapping.activity].strip()
        found = self._moment(mapping.timestamp, row[mapping.timestamp])
        if found is None or not activity:
            reason = "the row names no activity" if found is not None else "the time cannot be read as the mapping says"
            collector.refuse("events", f"row {position + 2}", "missing activity or time", reason)
            return
        collector.dated(found)
        started = self._moment(mapping.start, row[mapping.start]) if mapping.start else None
        attributes = {}
        for name in mapping.attributes:
            value = self._value(name, row[name])
            if value is not None:
                attributes[name] = text(value)
        event_id = row[mapping.event_id].strip() if mapping.event_id else ""
        if not event_id:
            digest = blake2b(f"{case}\x1f{activity}\x1f{found.time.isoformat()}".encode(), digest_size=10).digest()
            self._seen[digest] += 1
            again = self._seen[digest]
            event_id = f"{case or 'event'}/{digest.hex()}" + (f"-{again}" if again > 1 else "")
        collector.add_event(
            EventRow(
                event_id,
                activity,
                found.time,
                started.time if started is not None and started.time <= found.time else None,
                found.offset_minutes,
                found.precision,
                position,
                (row[mapping.resource].strip() or None) if mapping.resource else None,
                "unknown",
                (row[mapping.team].strip() or None) if mapping.team else None,
                (row[mapping.system].strip() if mapping.system else "") or collector.source,
                collector.source,
                f"row {position + 2}",
                None,
                None,
                attributes,
            )
        )
        collector.add_reference(event_id, case)
        if case:
            known = self._cases.setdefault(case, {})
            for name in mapping.case_attributes:
                own = name.removeprefix("case:")
                if known.get(own) is None:
                    known[own] = self._value(name, row[name])

    def _moment(self, column: str, written: str) -> Moment | None:
        return read_date(written, self._mapping.dates.get(column, "year-first"), self._zone)

    def _value(self, name: str, written: str) -> Value:
        stripped = written.strip()
        if stripped.lower() in NOTHING:
            return None
        if name in self._mapping.dates:
            found = self._moment(name, stripped)
            return found.time if found is not None else written
        kind = self._mapping.numbers.get(name)
        if kind is not None:
            return read_number(stripped, self._mapping.decimal if kind == "decimal" else kind)
        return written


def _rows(table: pa.Table) -> Iterator[dict[str, str]]:
    for start in range(0, table.num_rows, _CHUNK):
        yield from table.slice(start, _CHUNK).to_pylist()
