"""What is written: the tables of a log or of chosen cases, and the flat view of one lens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from o2c_mining.log.attribute_types import attribute_types
from o2c_mining.log.event_log import EventLog
from o2c_mining.log.same import FILE
from o2c_mining.log.schema import BASE_OBJECT_COLUMNS, LOADED, NAMED_FILE

_CHUNK = 5_000
OWN_ATTRIBUTES = ("number", "system", "amount_minor", "currency", "due_at")


@dataclass(frozen=True, slots=True)
class Content:
    """A log as Arrow tables, events in their total order."""

    events: pa.Table
    objects: pa.Table
    e2o: pa.Table
    o2o: pa.Table
    object_changes: pa.Table
    attribute_types: pa.Table  # how files say attributes, and the names of those files
    files: frozenset[str]  # called the system of what they brought
    is_whole: bool  # not only chosen cases

    def counts(self) -> dict[str, int]:
        """Rows per table."""
        names = ("events", "objects", "e2o", "o2o", "object_changes")
        return {name: getattr(self, name).num_rows for name in names}


@dataclass(frozen=True, slots=True)
class Flat:
    """One lens: one row per case and event, in order, and the case objects with their attributes."""

    lens: str
    events: pa.Table
    cases: pa.Table
    shared_events: int
    attribute_types: pa.Table
    files: frozenset[str]

    def counts(self) -> dict[str, int]:
        """Rows per table."""
        return {"cases": self.cases.num_rows, "events": self.events.num_rows}


def content_of(log: EventLog, members: ir.Table | None, *, everything: bool) -> Content:
    """The whole log, or the objects of the chosen cases with their events and the relations among them.

    Parameters
    ----------
    members
        Objects of the chosen cases; ``None`` for all.
    everything
        Whether events with an impossible time count, as they do where no point in time was asked for.
    """
    reader = log.reader
    events = reader.table("events_current") if everything else log.events
    objects, e2o, o2o, changes = log.objects, log.e2o, log.o2o, log.object_changes
    if members is not None:
        ids = members.select("object_id").distinct()
        chosen = e2o.semi_join(ids, "object_id").select("event_id").distinct()
        events = events.semi_join(chosen, "event_id")
        e2o = e2o.semi_join(events, "event_id")
        kept = ids.union(e2o.select("object_id"), distinct=True)
        objects = objects.semi_join(kept, "object_id")
        o2o = o2o.filter(o2o.source_id.isin(kept.object_id), o2o.target_id.isin(kept.object_id))
        changes = changes.semi_join(kept, "object_id")
    said = attribute_types(log)
    files = _files_of(log, said)
    return Content(
        _rows(log, events, "time", "source_seq", "event_id"),
        _used(_rows(log, objects, "object_type", "object_id")),
        _rows(log, e2o, "event_id", "object_id", "qualifier"),
        _rows(log, o2o, "source_id", "target_id", "qualifier"),
        _rows(log, changes, "object_id", "field", "time"),
        _with_files(said, files),
        files,
        members is None,
    )


def flat_of(log: EventLog, lens: str, cases: ir.Table, pairs: ir.Table) -> Flat:
    """The chosen cases of a lens, one row per case and event."""
    facts = log.events.drop(*(name for name in (*LOADED, "activity", "time") if name in log.events.columns))
    facts = facts.drop("system", "resource_kind").rename(said="team")
    steps = pairs.select("case_id", "seq", "event_id", "activity", "time", "team", "system")
    rows = steps.join(facts, "event_id")
    team = ibis.ifelse(rows.team == "unknown", rows.said, rows.team)  # nobody's team is no team
    found = log.reader.execute(rows.mutate(team=team).drop("said").order_by("case_id", "seq"))
    objects = log.objects.semi_join(cases.select(object_id="case_id"), "object_id")
    shared = found.num_rows - len(pc.unique(found["event_id"]))
    said = attribute_types(log)
    return Flat(lens, found, _used(_rows(log, objects, "object_id")), shared, said, _files_of(log, said))


def dated_ahead(log: EventLog, members: ir.Table | None, *, everything: bool) -> int:
    """How many events have a time in the future, so that no case, and no flat file, has them.

    Parameters
    ----------
    members
        Objects of the chosen cases: events that refer to one of them count; ``None`` for all events.
    everything
        Whether no point in time was asked for; else events after it are not missed.
    """
    events = log.reader.table("events_current")
    ahead = events.filter(events.time > ibis.literal(log.newest))
    if not everything:
        ahead = ahead.filter(ahead.time <= ibis.literal(log.as_of))
    if members is not None:
        chosen = log.e2o.semi_join(members, "object_id").select("event_id")
        ahead = ahead.semi_join(chosen, "event_id")
    return log.reader.count(ahead)


def rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Rows as dictionaries, a few thousand at a time."""
    for start in range(0, table.num_rows, _CHUNK):
        yield from table.slice(start, _CHUNK).to_pylist()


def attribute_columns(objects: pa.Table) -> list[str]:
    """Columns of an object table that are attributes, our own included."""
    own = [name for name in OWN_ATTRIBUTES if name in objects.column_names]
    return own + [name for name in objects.column_names if name not in BASE_OBJECT_COLUMNS]


def _files_of(log: EventLog, said: pa.Table) -> frozenset[str]:
    """Files that may be called the system of their events or objects, for they named none."""
    events, objects = log.reader.table("events_current"), log.objects
    brought = events.filter(events.entity_key.startswith(FILE), events.source_table.notnull())
    own = objects.filter(objects.entity_key.startswith(ibis.literal(FILE) + objects.system + "@"))
    names = ibis.union(brought.select(system="source_table"), own.select("system"), distinct=True)
    told = said.filter(pc.equal(said["of"], NAMED_FILE))["name"].to_pylist()
    return frozenset((*told, *(str(row["system"]) for row in log.reader.rows(names))))


def _with_files(said: pa.Table, files: frozenset[str]) -> pa.Table:
    """What files say, and the names of all: what goes out does not tell which file brought an object."""
    names = sorted(files - {row["name"] for row in said.to_pylist() if row["of"] == NAMED_FILE})
    rows = [{"of": NAMED_FILE, "type": "", "name": name, "attribute": name, "is_used": True} for name in names]
    return pa.concat_tables([said, pa.Table.from_pylist(rows, said.schema)])


def _rows(log: EventLog, table: ir.Table, *order: str) -> pa.Table:
    kept = table.drop(*(name for name in LOADED if name in table.columns))
    return log.reader.execute(kept.order_by(*order))


def _used(objects: pa.Table) -> pa.Table:
    """Without columns in which no object has a value."""
    empty = [name for name in objects.column_names if objects[name].null_count == objects.num_rows]
    return objects.drop_columns([name for name in empty if name not in ("object_id", "object_type")])
