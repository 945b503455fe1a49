"""Rows of a table of text into a collector, chunk by chunk, as a mapping says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from o2c_mining.errors import ConfigError
from o2c_mining.exchange.attributes import Value, text
from o2c_mining.exchange.collect import Collector
from o2c_mining.exchange.dates import NOTHING, read_date
from o2c_mining.exchange.flat_columns import (
    Moments,
    by_value,
    digests,
    filled,
    maps,
    moments,
    odd_hours,
    stripped,
    with_clocks,
)
from o2c_mining.exchange.mapping import Mapping
from o2c_mining.exchange.numbers import read_number
from o2c_mining.log.schema import TIME

_CHUNK = 200_000


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Events of some rows; ``own`` says which of them have an id of their own, ``bits`` tells the others apart."""

    events: pa.Table
    case: pa.Array
    own: npt.NDArray[np.bool_]
    bits: npt.NDArray[np.uint64]


class RowReader:
    """Rows of a table into a collector."""

    def __init__(self, collector: Collector, mapping: Mapping, case_type: str | None) -> None:
        self._collector = collector
        self._mapping = mapping
        self._case_type = case_type or mapping.case_type
        self._zone = ZoneInfo(mapping.timezone) if mapping.timezone else None
        self._cases: dict[str, dict[str, Value]] = {}
        self._odd: Counter[str] = Counter()
        self._unread = 0

    def read(self, table: pa.Table) -> None:
        """Collect every row."""
        mapping = self._mapping
        single = (mapping.case, mapping.activity, mapping.timestamp, mapping.clock, mapping.start, mapping.resource)
        wanted = [
            n
            for n in (
                *single,
                mapping.team,
                mapping.system,
                mapping.event_id,
                *mapping.attributes,
                *mapping.case_attributes,
            )
            if n is not None
        ]
        for name in wanted:
            if name not in table.column_names:
                raise ConfigError(
                    f"the mapping names column {name!r}, {self._collector.source} has: {', '.join(table.column_names)}"
                    "; expected one of them; correct the mapping"
                )
        table = table.select(list(dict.fromkeys(wanted)))
        chunks = [
            self._chunk(start, {name: whole_column(table[name].slice(start, _CHUNK)) for name in table.column_names})
            for start in range(0, table.num_rows, _CHUNK)
        ]
        again = _repeated(chunks)
        for number, chunk in enumerate(chunks):
            self._add(chunk, again.get(number, {}))
        for what, count in sorted(self._odd.items()):
            self._collector.note(f"{count:,} times {what} (clocks of {mapping.timezone} are changed)")
        if self._unread:
            self._collector.note(f"{self._unread:,} start times cannot be read as the mapping says and were left out")
        for case, attributes in self._cases.items():
            attributes.setdefault("number", case)
            self._collector.add_object(case, self._case_type, attributes)

    def _chunk(self, start: int, given: dict[str, pa.Array]) -> _Chunk:
        mapping, collector = self._mapping, self._collector
        activity = stripped(given[mapping.activity])
        written = given[mapping.timestamp]
        if mapping.clock:
            written = with_clocks(written, given[mapping.clock])
        found = self._moments(mapping.timestamp, written)
        timed = np.asarray(pc.is_valid(found.time))
        kept = timed & np.asarray(pc.not_equal(activity, ""))
        for row in np.flatnonzero(~kept):
            reason = "the row names no activity" if timed[row] else "the time cannot be read as the mapping says"
            collector.refuse("events", f"row {start + row + 2}", "missing activity or time", reason)
        rows = pa.array(np.flatnonzero(kept))
        given = {name: column.take(rows) for name, column in given.items()}
        activity, time, zoned = (column.take(rows) for column in (activity, found.time, found.zoned))
        collector.unzoned += len(rows) - int(pc.sum(zoned).as_py() or 0)
        if self._zone is not None:
            offsets, fine = found.offset_minutes.take(rows), pc.not_equal(found.precision.take(rows), "day")
            self._odd.update(odd_hours(written.take(rows), time, pc.if_else(fine, offsets, None), self._zone))
        case = stripped(given[mapping.case])
        self._note_cases(case, given)
        hexed, bits = digests(case, activity, time)
        ids = pc.binary_join_element_wise(pc.if_else(pc.equal(case, ""), "event", case), hexed, "/")
        own = self._filled(mapping.event_id, given, len(rows))
        place = pc.add(rows, start)
        begun = self._moments(mapping.start, given[mapping.start]).time if mapping.start else pa.nulls(len(rows), TIME)
        if mapping.start:
            self._unread += begun.null_count - self._filled(mapping.start, given, len(rows)).null_count
        values = {name: by_value(given[name], self._text(name), pa.string()) for name in mapping.attributes}
        events = {
            "event_id": pc.coalesce(own, ids),
            "activity": activity,
            "time": time,
            "start_time": begun,
            "offset_minutes": found.offset_minutes.take(rows),
            "precision": found.precision.take(rows),
            "source_seq": place,
            "resource": self._filled(mapping.resource, given, len(rows)),
            "resource_kind": pa.repeat("unknown", len(rows)),
            "team": self._filled(mapping.team, given, len(rows)),
            "system": pc.fill_null(self._filled(mapping.system, given, len(rows)), collector.source),
            "source_table": pa.repeat(collector.source, len(rows)),
            "source_key": pc.binary_join_element_wise("row", pc.add(place, 2).cast(pa.string()), " "),
            "old_value": pa.nulls(len(rows), pa.string()),
            "new_value": pa.nulls(len(rows), pa.string()),
            "attributes": maps(values) if values else pa.nulls(len(rows), pa.map_(pa.string(), pa.string())),
        }
        return _Chunk(pa.table(events), case, np.asarray(pc.is_valid(own)), bits)

    def _add(self, chunk: _Chunk, again: dict[int, int]) -> None:
        """Hand a chunk over; ``again`` says the how manyth of its kind a row is where it is not the first."""
        events = chunk.events
        if again:
            ids = events["event_id"].to_pylist()
            for row, times in again.items():
                ids[row] = f"{ids[row]}-{times}"
            events = events.set_column(0, "event_id", pa.array(ids, pa.string()))
        referring = pc.not_equal(chunk.case, "")
        self._collector.empty_references += len(chunk.case) - int(pc.sum(referring).as_py() or 0)
        ids, case = events["event_id"].filter(referring), chunk.case.filter(referring)
        references = {"event_id": ids, "object_id": case, "qualifier": pa.repeat("", len(case))}
        self._collector.add_rows(events, pa.table(references))

    def _note_cases(self, case: pa.Array, given: dict[str, pa.Array]) -> None:
        """Cases in the order in which they come, each with the first value that its rows give of an attribute."""
        coded = case.dictionary_encode()
        names, codes = coded.dictionary.to_pylist(), np.asarray(coded.indices)
        for name in names:
            if name:
                self._cases.setdefault(name, {})
        for column in self._mapping.case_attributes:
            own = column.removeprefix("case:")
            texts = given[column].dictionary_encode()
            values = [self._value(column, written) for written in texts.dictionary.to_pylist()]
            which = np.asarray(texts.indices)
            said = np.array([value is not None for value in values], bool)[which] if values else np.zeros(0, bool)
            rows = np.flatnonzero(said)
            cases, first = np.unique(codes[rows], return_index=True)
            found = dict(zip(cases.tolist(), which[rows[first]].tolist(), strict=True))
            for code, name in enumerate(names):
                if name and self._cases[name].get(own) is None:
                    place = found.get(code)
                    self._cases[name][own] = None if place is None else values[place]

    def _filled(self, column: str | None, given: dict[str, pa.Array], size: int) -> pa.Array:
        return filled(given[column]) if column else pa.nulls(size, pa.string())

    def _moments(self, column: str, given: pa.Array) -> Moments:
        return moments(given, self._mapping.dates.get(column, "year-first"), self._zone)

    def _text(self, name: str) -> Callable[[str], str | None]:
        def read(written: str) -> str | None:
            value = self._value(name, written)
            return None if value is None else text(value)

        return read

    def _value(self, name: str, written: str) -> Value:
        stripped = written.strip()
        if stripped.lower() in NOTHING:
            return None
        if name in self._mapping.dates:
            found = read_date(stripped, self._mapping.dates.get(name, "year-first"), self._zone)
            return found.time if found is not None else written
        kind = self._mapping.numbers.get(name)
        if kind is not None:
            return read_number(stripped, self._mapping.decimal if kind == "decimal" else kind)
        return written


def _repeated(chunks: list[_Chunk]) -> dict[int, dict[int, int]]:
    """Per chunk the rows that are not the first with their id, and the how manyth they are in the file."""
    bits = np.concatenate([chunk.bits for chunk in chunks]) if chunks else np.zeros(0, np.uint64)
    own = np.concatenate([chunk.own for chunk in chunks]) if chunks else np.zeros(0, bool)
    order = np.argsort(bits, kind="stable")
    order = order[~own[order]]
    same = bits[order][1:] == bits[order][:-1]
    suspects = np.unique(np.concatenate((order[1:][same], order[:-1][same])))
    ends = np.cumsum([len(chunk.bits) for chunk in chunks])
    seen: Counter[str] = Counter()
    again: dict[int, dict[int, int]] = {}
    for place in suspects.tolist():
        number = int(np.searchsorted(ends, place, side="right"))
        row = place - (int(ends[number - 1]) if number else 0)
        name = chunks[number].events["event_id"][row].as_py()
        seen[name] += 1
        if seen[name] > 1:
            again.setdefault(number, {})[row] = seen[name]
    return again


def whole_column(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
