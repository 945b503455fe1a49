"""Bring the stored traces up to date after a load, for the cases that changed and no others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from o2c_mining.calendar.working import WorkCalendar, day_table
from o2c_mining.log.current import current
from o2c_mining.log.event_log import Settings, possible_times
from o2c_mining.log.failpoints import failpoint
from o2c_mining.log.reader import open_reader
from o2c_mining.log.schema import KEYS, TABLES
from o2c_mining.log.store import Writer
from o2c_mining.log.table_reader import TableReader
from o2c_mining.trace.build import Inputs, build, enabled_by, members, ordered_events, steps_of
from o2c_mining.trace.lens import Lens, depth, fingerprint, lens_from_paths, lens_of
from o2c_mining.trace.touched import also_touched

# Raised whenever the meaning of a stored trace changes: stores built with another one are rebuilt on the next load.
TRACE_VERSION = 1
_STORED = ("membership", "cases", "pairs", "variants", "touched")
_DAY_SCHEMA = pa.schema(
    [("utc_date", pa.date32()), ("clock_before", pa.float64())]
    + [(f"w{n}_{edge}", pa.float64()) for n in (1, 2, 3) for edge in ("start", "end")]
)


def refresh(writer: Writer, settings: Settings, touched: Iterable[str]) -> int:
    """Rebuild the traces of every case that a touched object belongs to, or did; return how many.

    When the lenses, the lanes, the calendar or ``TRACE_VERSION`` differ from those of the stored traces, all cases
    are rebuilt.

    Parameters
    ----------
    writer
        Holds the uncommitted load; the refreshed rows become visible with its commit.
    settings
        Lenses, lanes and calendar.
    touched
        Ids of objects that changed, gained or lost an event or a relation.
    """
    failpoint("refresh.started")
    names = ("events", "objects", "e2o", "o2o", *_STORED)
    reader = open_reader(
        {f"{name}_versions": (writer.files(name), TABLES[name]) for name in names}, config=settings.config
    )
    now = datetime.now(UTC)
    inputs = inputs_of(reader, settings, loaded=now)
    known = known_types(reader, inputs.objects)
    lenses = stored_lenses(known, settings)
    stamp = stamp_of(known, settings)
    ids = None
    if stamp == writer.lenses:
        events = reader.table("events_current")
        ids = sorted({*touched, *also_touched(reader, writer, events, inputs.e2o, now)})
    if ids is not None and not ids:
        return 0
    changed = None if ids is None else reader.register("touched_objects", pa.table({"object_id": ids}))
    total = sum(_refresh_lens(reader, writer, inputs, lens, changed) for lens in lenses)
    writer.set_lenses(stamp)
    failpoint("refresh.finished")
    return total


def stored_lenses(known: list[str], settings: Settings) -> list[Lens]:
    """The lenses whose traces are kept, of those the log has objects for."""
    return [lens_for(name, known, settings) for name in settings.config.lenses if name in known]


def stamp_of(known: list[str], settings: Settings) -> str:
    """Fingerprint of everything besides the log that stored traces depend on."""
    names = [sorted(settings.lanes.items()), sorted(teams_of(settings).items())]
    lenses = stored_lenses(known, settings)
    return fingerprint([TRACE_VERSION, lenses, names, calendar_version(settings.calendar)])


def inputs_of(reader: TableReader, settings: Settings, *, loaded: datetime) -> Inputs:
    """Current rows of a reader that has the tables ``<name>_versions``."""
    tables = {
        name: reader.materialize(f"{name}_current", current(reader.table(f"{name}_versions"), KEYS[name]))
        for name in ("events", "objects", "e2o", "o2o")
    }
    events = tables["events"].filter(possible_times(tables["events"], loaded))
    days = register_work_days(reader, events, settings.calendar)
    teams = teams_of(settings)
    return Inputs(events, tables["objects"], tables["e2o"], tables["o2o"], settings.lanes, teams, days)


def register_work_days(reader: TableReader, events: ir.Table, calendar: WorkCalendar | None) -> ir.Table | None:
    """The calendar's day table over the span of the events, as a table the expressions can join."""
    if calendar is None:
        return None
    span = reader.rows(events.aggregate(first=events.time.min(), last=events.time.max()))[0]
    if span["first"] is None:
        return reader.register("work_days", _DAY_SCHEMA.empty_table())
    rows = [row._asdict() for row in day_table(calendar, span["first"].date(), span["last"].date())]
    return reader.register("work_days", pa.Table.from_pylist(rows, schema=_DAY_SCHEMA))


def teams_of(settings: Settings) -> dict[str, str]:
    """Team of each resource, as configured."""
    return {member: team.name for team in settings.config.team for member in team.members}


def calendar_version(calendar: WorkCalendar | None) -> str:
    """Name and content version of a calendar; empty without one."""
    return "" if calendar is None else f"{calendar.name}:{calendar.version}"


def known_types(reader: TableReader, objects: ir.Table) -> list[str]:
    """Object types present in the log, sorted."""
    return sorted(str(row["object_type"]) for row in reader.rows(objects.select("object_type").distinct()))


def lens_for(name: str, known: list[str], settings: Settings) -> Lens:
    """The lens of that name under a company's own definitions."""
    own = {
        kind: lens_from_paths(kind, lens.paths, lens.cancels, lens.finals, lens.required)
        for kind, lens in settings.config.lens.items()
    }
    return lens_of(name, known, own)


def _refresh_lens(reader: TableReader, writer: Writer, inputs: Inputs, lens: Lens, changed: ir.Table | None) -> int:
    kind = lens.object_type
    before = latest(reader.table("membership_versions"), reader.table("touched_versions"), kind)
    if changed is None:
        case_ids = None
        stale = inputs.objects.filter(inputs.objects.object_type == kind).select(case_id="object_id")
        stale = ibis.union(stale, before.select("case_id"), distinct=True)
    else:
        stale = ibis.union(
            before.semi_join(changed, "object_id").select("case_id"),
            _cases_above(inputs, lens, changed),
            distinct=True,
        )
    case_ids = reader.materialize(f"stale_{kind}", stale)
    touched_rows = reader.execute(case_ids.mutate(lens=ibis.literal(kind), refresh_seq=ibis.literal(writer.number)))
    if touched_rows.num_rows == 0:
        return 0
    found = reader.materialize(f"members_{kind}", members(inputs, lens, case_ids))
    ordered = reader.materialize(f"ordered_{kind}", ordered_events(inputs, found))
    enabling = reader.materialize(f"enabling_{kind}", enabled_by(inputs, found, ordered))
    traces = build(inputs, lens, found, ordered, enabling)
    stamp = {"lens": ibis.literal(kind), "refresh_seq": ibis.literal(writer.number)}
    known = reader.table("variants_versions")
    fresh = traces.variants.anti_join(known.filter(known.lens == kind), "variant_id")
    writer.append("membership", reader.execute(traces.members.mutate(**stamp)))
    writer.append("cases", reader.execute(traces.cases.mutate(**stamp)))
    writer.append("pairs", reader.execute(traces.pairs.mutate(**stamp)))
    writer.append("variants", reader.execute(fresh))
    writer.append("touched", touched_rows)
    return int(touched_rows.num_rows)


def latest(stored: ir.Table, touched: ir.Table, lens: str) -> ir.Table:
    """Rows of a stored trace table that belong to the newest refresh of their case."""
    mine = touched.filter(touched.lens == lens)
    newest = mine.group_by("case_id").aggregate(refresh_seq=mine.refresh_seq.max())
    return stored.filter(stored.lens == lens).semi_join(newest, ["case_id", "refresh_seq"])


def _cases_above(inputs: Inputs, lens: Lens, changed: ir.Table) -> ir.Table:
    """Cases that reach a changed object along the lens, found by walking its steps backwards."""
    typed = inputs.objects.select("object_id", "object_type")
    steps = steps_of(inputs, lens)
    frontier = typed.semi_join(changed, "object_id")
    levels = [frontier]
    for _ in range(1, depth(lens)):
        last = levels[-1]
        back = last.join(steps, last.object_id == steps.target_id)
        levels.append(back.select(object_id=back.source_id, object_type=back.source_type).distinct())
    everything = levels[0] if len(levels) == 1 else ibis.union(*levels, distinct=True)
    return everything.filter(everything.object_type == lens.object_type).select(case_id="object_id").distinct()
