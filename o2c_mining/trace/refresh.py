"""Bring the stored traces up to date after a load, for the cases that changed and no others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from o2c_mining.calendar.working import WorkCalendar
from o2c_mining.log.current import current
from o2c_mining.log.event_log import Settings, possible_times
from o2c_mining.log.failpoints import failpoint
from o2c_mining.log.reader import open_reader
from o2c_mining.log.schema import KEYS, TABLES
from o2c_mining.log.scratch import scratch
from o2c_mining.log.store import Writer
from o2c_mining.log.table_reader import TableReader
from o2c_mining.trace.build import Known, build
from o2c_mining.trace.inputs import Inputs
from o2c_mining.trace.lens import Lens, fingerprint, kept_lenses, lens_from_paths, lens_of
from o2c_mining.trace.reach import reach
from o2c_mining.trace.stale import Stored, stale_cases
from o2c_mining.trace.steps import Steps
from o2c_mining.trace.stored import live, superseded
from o2c_mining.trace.touched import also_touched
from o2c_mining.trace.work_days import register_work_days

# Raised whenever the meaning of a stored trace changes: stores built with another one are rebuilt on the next load.
TRACE_VERSION = 4
_READ = ("events", "objects", "e2o", "o2o", "membership", "cases", "pairs", "kinds", "variants", "touched")


def refresh(writer: Writer, settings: Settings, touched: Iterable[str] | pa.Table | None) -> int:
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
        Ids of objects that changed, gained or lost an event or a relation, or refer to an event that changed (as a
        table: its column ``object_id``); ``None`` rebuilds everything.
    """
    failpoint("refresh.started")
    with scratch(writer.root) as spill:
        tables = {f"{name}_versions": (writer.files(name), TABLES[name]) for name in _READ}
        count = _refresh(open_reader(tables, config=settings.config, spill=spill), writer, settings, touched)
    failpoint("refresh.finished")
    return count


def _refresh(reader: TableReader, writer: Writer, settings: Settings, touched: Iterable[str] | pa.Table | None) -> int:
    now = datetime.now(UTC)
    inputs = inputs_of(reader, settings, loaded=now)
    known = known_types(reader, inputs.objects)
    lenses = stored_lenses(known, settings)
    stamp = stamp_of(known, settings)
    changed = None
    if touched is not None and stamp == writer.lenses:
        ids = touched.select(["object_id"]) if isinstance(touched, pa.Table) else _id_table(touched)
        named = reader.register("named_objects", ids)
        also = also_touched(reader, writer, inputs.e2o, now)
        changed = reader.materialize("touched_objects", ibis.union(named, also, distinct=True))
        if reader.size("touched_objects") == 0:
            return 0
    total = sum(_refresh_lens(reader, writer, inputs, lens, changed) for lens in lenses)
    writer.set_lenses(stamp)
    return total


def _id_table(ids: Iterable[str]) -> pa.Table:
    return pa.table({"object_id": pa.array(sorted(set(ids)), pa.string())})


def stored_lenses(known: list[str], settings: Settings) -> list[Lens]:
    """The lenses whose traces are kept, of those the log has objects for."""
    return [lens_for(name, known, settings) for name in kept_lenses(known, settings.config)]


def stamp_of(known: list[str], settings: Settings) -> str:
    """Fingerprint of everything besides the log that stored traces depend on."""
    names = [sorted(settings.lanes.items()), sorted(teams_of(settings).items())]
    lenses = stored_lenses(known, settings)
    return fingerprint([TRACE_VERSION, lenses, names, calendar_version(settings.calendar)])


def inputs_of(reader: TableReader, settings: Settings, *, loaded: datetime) -> Inputs:
    """Current rows of a reader that has the tables ``<name>_versions``."""
    tables = {
        name: current(reader, reader.table(f"{name}_versions"), KEYS[name], name=f"{name}_corrected")
        for name in ("events", "objects", "e2o", "o2o")
    }
    events = tables["events"].filter(possible_times(tables["events"], loaded))
    days = register_work_days(reader, events, settings.calendar)
    teams = teams_of(settings)
    return Inputs(events, tables["objects"], tables["e2o"], tables["o2o"], settings.lanes, teams, days)


def teams_of(settings: Settings) -> dict[str, str]:
    """Team of each resource, as configured."""
    return {member: team.name for team in settings.config.team for member in team.members}


def calendar_version(calendar: WorkCalendar | None) -> str:
    """Name and content version of a calendar; empty without one."""
    return "" if calendar is None else f"{calendar.name}:{calendar.version}"


def known_types(reader: TableReader, objects: ir.Table) -> list[str]:
    """Object types present in the log, sorted."""
    types = reader.materialize("object_types", objects.select("object_type").distinct())
    return sorted(str(row["object_type"]) for row in reader.rows(types))


def lens_for(name: str, known: list[str], settings: Settings) -> Lens:
    """The lens of that name under a company's own definitions."""
    own = {
        kind: lens_from_paths(kind, lens.paths, lens.cancels, lens.finals, lens.required)
        for kind, lens in settings.config.lens.items()
    }
    return lens_of(name, known, own)


def _refresh_lens(reader: TableReader, writer: Writer, inputs: Inputs, lens: Lens, changed: ir.Table | None) -> int:
    kind = lens.object_type
    gone = superseded(reader, kind)
    before = live(reader.table("cases_versions"), gone, kind).select("case_id", "case_no")
    objects, o2o, first_case = inputs.objects, inputs.o2o, _first_case(reader)
    case_ids, shared = None, None
    if changed is None:
        now = reach(Steps(reader, kind), objects, o2o, lens, case_ids=None, first_case=first_case)
    else:
        membership = live(reader.table("membership_versions"), gone, kind).select("case_no", "object_id")
        stale = stale_cases(
            Steps(reader, kind),
            Stored(before, membership),
            objects,
            o2o,
            inputs.e2o,
            lens,
            changed=changed,
            told=_told(reader, writer),
            moves=writer.appends("objects") or writer.appends("o2o"),
            first_case=first_case,
        )
        if stale is None:
            return 0
        now, before, case_ids = stale.now, stale.before, stale.case_ids
        pairs = reader.table("pairs_versions")
        shared = live(pairs.filter(pairs.is_shared), gone, kind).anti_join(before, "case_no").select("event_id")
    traces = build(reader, kind, inputs, lens, reached=now, known=_known(reader, kind, shared))
    stamp = {"refresh_seq": writer.number}
    # a case without events has no number that a later refresh could replace
    found = traces.members.semi_join(traces.cases, "case_no").drop("is_case", "due_at")
    reader.write(writer, "membership", found, lens=kind, **stamp)
    reader.write(writer, "cases", traces.cases, **stamp)
    reader.write(writer, "pairs", traces.pairs, **stamp)
    reader.write(writer, "kinds", traces.kinds)
    reader.write(writer, "variants", traces.variants)
    refreshed = reader.write(writer, "touched", _touched(before, traces.cases, case_ids), lens=kind, **stamp)
    reader.drop(*(f"{kind}:{step}" for step in ("members", "cases", "pairs", "kinds", "variants")))
    for name in ("kinds", "touched"):  # the next lens knows the new numbers
        reader.add_files(f"{name}_versions", writer.files(name), TABLES[name])
    return refreshed


def _told(reader: TableReader, writer: Writer) -> ir.Table:
    """Events that the load speaks of; all objects they refer to, or did, are touched: column event_id."""
    loaded = [reader.table(f"{name}_versions") for name in ("events", "e2o")]
    return ibis.union(*(table.filter(table.batch_id == writer.number).select("event_id") for table in loaded))


def _first_case(reader: TableReader) -> int:
    """The number from which on cases are new; no number is ever used again."""
    touched = reader.table("touched_versions")
    last = reader.rows(touched.aggregate(last=touched.case_no.max(), gone=touched.replaces.max()))[0]
    return max(_after(last["last"]), _after(last["gone"]))


def _known(reader: TableReader, lens: str, shared: ir.Table | None) -> Known:
    """What is stored of a lens, and from which numbers on everything is new; no number is ever used again."""
    kinds, variants = (reader.table(f"{name}_versions") for name in ("kinds", "variants"))
    last_kind = reader.rows(kinds.aggregate(last=kinds.kind.max()))[0]["last"]
    mine = variants.filter(variants.lens == lens)
    last_variant = reader.rows(mine.aggregate(last=mine.variant_no.max()))[0]["last"]
    return Known(
        shared=shared,
        kinds=None if last_kind is None else kinds,
        variants=None if last_variant is None else mine,
        first_kind=_after(last_kind),
        first_variant=_after(last_variant),
    )


def _after(number: int | None) -> int:
    return 0 if number is None else number + 1


def _touched(before: ir.Table, cases: ir.Table, case_ids: ir.Table | None) -> ir.Table:
    """What became of each case: case_id, case_no (null without events), replaces (null for a new case)."""
    built = cases.select("case_id", "case_no")
    replaced = before.select("case_id", replaces=before.case_no)
    every = ibis.union(replaced.select("case_id"), built.select("case_id"), distinct=True)
    if case_ids is not None:
        every = ibis.union(every, case_ids, distinct=True)
    joined = every.left_join(built, "case_id").drop("case_id_right").left_join(replaced, "case_id")
    return joined.select("case_id", "case_no", "replaces")
