"""The event log as five lazy tables of current rows, at one version and one point in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from o2c_mining.calendar.working import WorkCalendar
from o2c_mining.config import Config
from o2c_mining.errors import LogError
from o2c_mining.log.current import current
from o2c_mining.log.reader import open_reader
from o2c_mining.log.schema import KEYS, TABLES
from o2c_mining.log.snapshot import MAINTENANCE
from o2c_mining.log.store import Snapshot
from o2c_mining.log.table_reader import TableReader

_FUTURE = timedelta(days=1)  # an event later than this after its load has an impossible time
# Tables up to this size on disk are held in memory when a log is opened; larger ones are read where they are asked for.
HELD_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader of the log may see: cases whose object has these attribute values."""

    name: str = "everything"
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Settings:
    """What a company's figures depend on besides its log: configuration, calendar, lanes of the reference model."""

    config: Config = field(default_factory=Config)
    calendar: WorkCalendar | None = None
    lanes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventLog:
    """OCEL 2.0 as ibis tables of current rows; nothing later than ``as_of`` exists in them.

    ``is_held`` tells whether the tables are in memory. ``base`` is an earlier version in the same engine, of which
    this log holds only what changed since. ``prepared`` keeps expressions (no rows) that every question begins with:
    putting them together takes longer than many an answer.
    """

    events: ir.Table
    objects: ir.Table
    e2o: ir.Table
    o2o: ir.Table
    object_changes: ir.Table
    reader: TableReader
    snapshot: Snapshot
    as_of: datetime
    newest: datetime
    scope: Scope
    settings: Settings
    is_held: bool = True
    base: EventLog | None = None
    prepared: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def stored_traces_hold(self) -> bool:
        """Whether the persisted traces describe this point in time."""
        return self.as_of >= self.newest


def open_event_log(
    snapshot: Snapshot,
    settings: Settings,
    *,
    scope: Scope = EVERYTHING,
    as_of: datetime | None = None,
    previous: EventLog | None = None,
    may_lack_events: bool = False,
) -> EventLog:
    """Open a snapshot at a point in event time (default: its newest event with a possible time).

    Parameters
    ----------
    snapshot, settings
        From ``Store.snapshot`` and the workspace.
    scope
        What may be seen.
    as_of
        Nothing later exists.
    previous
        An earlier version of the same log that is still open: what did not change since is not read again.
    may_lack_events
        Whether a log of nothing but objects is opened too: its newest moment is that of its load, or ``as_of``.

    Raises
    ------
    LogError
        If the store or the log is empty, or nothing happened up to ``as_of``.
    """
    if snapshot.number == 0:
        raise LogError(
            "the event store is empty; expected at least one load; run `o2c extract`, or `o2c import` a file"
        )
    files = {name: snapshot.files(name) for name in TABLES}
    is_held = sum(Path(file).stat().st_size for name in KEYS for file in files[name]) <= HELD_BYTES
    base = None if is_held or as_of is not None else _base(previous, snapshot, settings)
    sources = {f"{name}_versions": (files[name], TABLES[name]) for name in TABLES}
    if base is None:
        reader = open_reader(sources, config=settings.config)
    else:
        reader = base.reader.fork()
        for name, (paths, schema) in sources.items():
            reader.add_files(name, paths, schema)
    tables = {}
    for name, keys in KEYS.items():
        now = current(reader, reader.table(f"{name}_versions"), keys, name=f"{name}_corrected")
        keep = reader.materialize if is_held else reader.view
        tables[name] = keep(f"{name}_current", now)
    events = tables["events"]
    loaded = snapshot.committed_at or datetime.now(UTC)
    possible = events.filter(possible_times(events, loaded))
    newest = reader.rows(possible.aggregate(newest=possible.time.max()))[0]["newest"]
    if newest is None and may_lack_events:
        newest = loaded if as_of is None else as_of.astimezone(UTC)
    elif newest is None:
        raise LogError(
            f"version {snapshot.number} of the log holds no event; expected at least one; load some "
            "with `o2c extract` or `o2c import`, or choose another --known-at"
        )
    until = newest if as_of is None else as_of.astimezone(UTC)
    if until < newest:
        tables = _cut(reader, tables, until)
        left = reader.rows(tables["events"].aggregate(n=tables["events"].count()))[0]["n"]
        if not left:
            first = reader.rows(events.aggregate(first=events.time.min()))[0]["first"]
            raise LogError(
                f"nothing happened up to {until.isoformat()}; expected a time from {first.isoformat()} on; "
                "choose a later --as-of"
            )
    else:
        tables["events"] = possible
        if as_of is not None:
            changes = tables["object_changes"]
            tables["object_changes"] = changes.filter(changes.time <= ibis.literal(until))
    return EventLog(
        events=tables["events"],
        objects=tables["objects"],
        e2o=tables["e2o"],
        o2o=tables["o2o"],
        object_changes=tables["object_changes"],
        reader=reader,
        snapshot=snapshot,
        as_of=until,
        newest=newest,
        scope=scope,
        settings=settings,
        is_held=is_held,
        base=base,
    )


def _base(previous: EventLog | None, snapshot: Snapshot, settings: Settings) -> EventLog | None:
    """The version that an open log's tables were read at, where the new one continues it."""
    found = previous.base or previous if previous is not None else None
    if found is None or found.is_held or not found.stored_traces_hold or found.settings != settings:
        return None
    before = found.snapshot
    if any(row["source"] == MAINTENANCE and int(str(row["commit"])) > before.number for row in snapshot.history()):
        return None  # a compaction forgets what replaced what
    same = (before.root, before.store_epoch, before.lenses) == (snapshot.root, snapshot.store_epoch, snapshot.lenses)
    return found if same and before.number <= snapshot.number else None


def _born_with(objects: ir.Table, o2o: ir.Table, now: ir.Table, later: ir.Table) -> ir.Table:
    """Objects that no event refers to (items, customers) and whose related documents are all still to come."""
    silent = objects.select("object_id").anti_join(now, "object_id").anti_join(later, "object_id")
    links = ibis.union(
        o2o.select(object_id=o2o.source_id, other_id=o2o.target_id),
        o2o.select(object_id=o2o.target_id, other_id=o2o.source_id),
    ).semi_join(silent, "object_id")
    to_come = links.filter(links.other_id.isin(later.object_id)).select("object_id").distinct()
    there = links.filter(links.other_id.isin(now.object_id)).select("object_id").distinct()
    return to_come.anti_join(there, "object_id")


def possible_times(events: ir.Table, loaded: datetime) -> ir.BooleanValue:
    """Events not later than a day after their load; later ones are findings, no facts."""
    return events.time <= ibis.literal(loaded + _FUTURE)


def _cut(reader: TableReader, tables: dict[str, ir.Table], until: datetime) -> dict[str, ir.Table]:
    """Take away what lies after ``until``: events, objects all of whose events do, and relations of those."""
    moment = ibis.literal(until)
    events, e2o, objects, o2o, changes = (tables[n] for n in ("events", "e2o", "objects", "o2o", "object_changes"))
    kept = events.filter(events.time <= moment)
    later = events.filter(events.time > moment)
    referred_now = e2o.semi_join(kept, "event_id").select("object_id").distinct()
    referred_later = e2o.semi_join(later, "event_id").select("object_id").distinct()
    unborn = referred_later.anti_join(referred_now, "object_id")
    unborn = ibis.union(unborn, _born_with(objects, o2o, referred_now, referred_later), distinct=True)
    unborn = reader.materialize(f"unborn_{int(until.timestamp() * 1e6)}", unborn)
    return {
        "events": kept,
        "e2o": e2o.semi_join(kept, "event_id"),
        "objects": objects.anti_join(unborn, "object_id"),
        "o2o": o2o.filter(~o2o.source_id.isin(unborn.object_id), ~o2o.target_id.isin(unborn.object_id)),
        "object_changes": changes.filter(changes.time <= moment),
    }
