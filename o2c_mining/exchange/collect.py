"""Rows in, Arrow tables out: what every reader fills while it walks through its file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pyarrow as pa

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import Value
from o2c_mining.exchange.imported import ATTRIBUTE_TYPES, REFUSED, REFUSED_ROWS, TABLES, ImportedLog
from o2c_mining.exchange.moments import Moment
from o2c_mining.exchange.object_columns import ObjectColumns, Part
from o2c_mining.exchange.rows import Rows, file_of
from o2c_mining.log.schema import E2O, EVENTS, LOADED, NAMED_FILE, O2O, OBJECT_CHANGES, SAID

Report: TypeAlias = Callable[[str, int], None]
_CHUNK = 50_000
_SCHEMAS = {
    name: pa.schema([field for field in schema if field.name not in LOADED])
    for name, schema in (("events", EVENTS), ("e2o", E2O), ("o2o", O2O), ("object_changes", OBJECT_CHANGES))
} | {REFUSED_ROWS: REFUSED, ATTRIBUTE_TYPES: SAID}


class EventRow(NamedTuple):
    """One event, in the order of the columns of the events table."""

    event_id: str
    activity: str
    time: datetime
    start_time: datetime | None = None
    offset_minutes: int | None = None
    precision: str = "second"
    source_seq: int = 0
    resource: str | None = None
    resource_kind: str | None = "unknown"
    team: str | None = None
    system: str | None = None
    source_table: str | None = None
    source_key: str | None = None
    old_value: str | None = None
    new_value: str | None = None
    attributes: Mapping[str, str] | None = None


class RelationRow(NamedTuple):
    """One relation between two objects."""

    source_id: str
    target_id: str
    qualifier: str = ""
    quantity: float | None = None
    unit: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    method: str | None = None
    confidence: float | None = None


class ChangeRow(NamedTuple):
    """One change of an object's attribute."""

    object_id: str
    field: str
    time: datetime
    precision: str = "second"
    old_value: str | None = None
    new_value: str | None = None
    resource: str | None = None


class Collector:
    """Rows of one file, kept as Arrow as soon as there are enough of them: in memory, or in files in ``spill``."""

    def __init__(self, source: str, limits: Limits, report: Report | None = None, spill: Path | None = None) -> None:
        self.source = source
        self._limits = limits
        self._report = report
        self._spill = spill
        self._rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in _SCHEMAS}
        self._kept = {name: Rows(schema, self._file(name)) for name, schema in _SCHEMAS.items()}
        self._objects = ObjectColumns(source)
        self._notes: dict[str, None] = {}
        self.read: Counter[str] = Counter()
        self.merged: Counter[str] = Counter()
        self.unzoned = 0
        self.empty_references = 0
        self.repeated = 0  # attributes an event or object says once more
        self.places_told = False  # whether the file itself says in which order events stand

    def add_event(self, row: EventRow) -> None:
        """Keep an event."""
        self.read["events"] += 1
        self._check_events()
        self._add("events", row)

    def add_rows(self, events: pa.Table, e2o: pa.Table) -> None:
        """Keep events and their references that are Arrow already."""
        for name, rows in (("events", events), ("e2o", e2o)):
            if not rows.num_rows:
                continue
            self._flush(name)
            self.read[name] += rows.num_rows
            self._kept[name].add(rows.cast(_SCHEMAS[name]))
        self._check_events()
        if self._report is not None:
            self._report(self.source, events.num_rows)

    def add_reference(self, event_id: str, object_id: str | None, qualifier: str | None = "") -> None:
        """Keep what an event refers to; an empty id is no object, so such a reference is refused."""
        if object_id is None or not object_id.strip():
            self.empty_references += 1
            self.refuse("e2o", f"{event_id}, reference {self.read['e2o'] + 1}", "empty id", "it refers to an empty id")
            return
        self.read["e2o"] += 1
        self._add("e2o", (event_id, object_id, qualifier or ""))

    def add_relation(self, row: RelationRow) -> None:
        """Keep a relation between objects."""
        self.read["o2o"] += 1
        self._add("o2o", row)

    def add_change(self, row: ChangeRow) -> None:
        """Keep a change of an attribute."""
        self.read["object_changes"] += 1
        self._add("object_changes", row)

    def add_object(self, object_id: str, object_type: str, attributes: Mapping[str, Value]) -> None:
        """Keep an object with its latest attributes."""
        self.read["objects"] += 1
        self._check_objects()
        with self._whole_characters():
            self._objects.add(object_id, object_type, attributes)

    def add_objects(self, ids: pa.Array, object_type: str, parts: Mapping[str, list[Part]]) -> None:
        """Keep objects of one type that are Arrow already; attributes in the order in which they first occur."""
        self.read["objects"] += len(ids)
        self._check_objects()
        self._objects.add_columns(ids, object_type, parts)

    def refuse(self, table: str, key: str, rule: str, reason: str) -> None:
        """Count a row that cannot be part of a log."""
        self.read[table] += 1
        self._add(REFUSED_ROWS, (table, key, rule, reason))

    def dated(self, found: Moment) -> Moment:
        """Remember times that came without a zone."""
        if not found.zoned:
            self.unzoned += 1
        return found

    def note(self, text: str) -> None:
        """Something the user should know about the file, said once."""
        self._notes[text] = None

    def finish(self) -> ImportedLog:
        """The tables."""
        for name in _SCHEMAS:
            self._flush(name)
        with self._whole_characters():
            objects, renamed = self._objects.table(self._file("objects"))
        for said in self.attribute_types(renamed):
            self._add(ATTRIBUTE_TYPES, said)
        for name in self._objects.files():
            self._add(ATTRIBUTE_TYPES, (NAMED_FILE, "", name, None, name, True))
        self._flush(ATTRIBUTE_TYPES)
        tables = {"objects": objects, **{name: rows.table() for name, rows in self._kept.items()}}
        notes = list(self._notes)
        if merged := self.merged["events"]:
            notes.append(
                f"{merged:,} start events went into the events that complete them: each is a start time, "
                "and no event of its own"
            )
        if self.unzoned:
            notes.append(f"{self.unzoned:,} times have no time zone and were taken as UTC")
        if self.empty_references:
            notes.append(f"{self.empty_references:,} references to an empty id were left out: an empty id is no object")
        if self.repeated:
            notes.append(f"{self.repeated:,} attributes are said again in one event or object: the last value is kept")
        notes += [f"attribute {old!r} is kept as {new!r}" for old, new in renamed.items()]
        return ImportedLog(
            self.source,
            {name: tables[name] for name in TABLES},
            dict(self.read),
            tables[REFUSED_ROWS],
            dict(self.merged),
            tuple(notes),
            not self.places_told,
            tables[ATTRIBUTE_TYPES],
        )

    def attribute_types(self, kept_as: Mapping[str, str]) -> Iterable[tuple[object, ...]]:
        """How the file says its attributes, as rows of ``SAID``; ``kept_as`` has the columns of renamed ones."""
        return ()

    def _check_events(self) -> None:
        if self.read["events"] > self._limits.events:
            raise LogError(
                f"{self.source} holds more than {self._limits.events:,} events; expected fewer; split it, or raise "
                "events under [limits]"
            )

    def _check_objects(self) -> None:
        if self.read["objects"] > self._limits.events:
            raise LogError(
                f"{self.source} holds more than {self._limits.events:,} objects; expected fewer; split it, or raise "
                "events under [limits]"
            )

    def _file(self, table: str) -> Path | None:
        return None if self._spill is None else file_of(self._spill, table)

    @contextmanager
    def _whole_characters(self) -> Iterator[None]:
        try:
            yield
        except UnicodeEncodeError as error:
            raise LogError(
                f"{self.source} holds half a character ({error.object[:40]!r}); expected Unicode text; mend the file"
            ) from error

    def _add(self, table: str, row: tuple[object, ...]) -> None:
        rows = self._rows[table]
        rows.append(row)
        if len(rows) >= _CHUNK:
            self._flush(table)

    def _flush(self, table: str) -> None:
        rows = self._rows[table]
        if not rows:
            return
        schema = _SCHEMAS[table]
        with self._whole_characters():
            arrays = [_array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)]
        self._kept[table].add(pa.table(arrays, schema=schema))
        if self._report is not None and table == "events":
            self._report(self.source, len(rows))
        rows.clear()


def _array(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    if pa.types.is_map(kind):
        return _maps(values)  # type: ignore[arg-type]
    return pa.array(values, kind)


def _maps(values: Iterable[Mapping[str, str] | None]) -> pa.Array:
    offsets: list[int | None] = []
    keys: list[str] = []
    items: list[str] = []
    for value in values:
        offsets.append(len(keys) if value else None)
        if value:
            names = sorted(value)  # two files that say the same give the same row
            keys.extend(names)
            items.extend([value[name] for name in names])
    offsets.append(len(keys))
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(keys, pa.string()), pa.array(items, pa.string())
    )
