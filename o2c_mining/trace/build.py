"""Build the traces of one lens: members, ordered events, enablement, segments, cases.

Everything here is a lazy expression over current rows; who calls decides whether it is stored (``refresh``) or
computed for one point in time (``select``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from o2c_mining.log.schema import BASE_OBJECT_COLUMNS
from o2c_mining.trace.lens import Lens, depth

SEPARATOR = "\x1f"
_ORDER = ("time", "source_seq", "event_id")


@dataclass(frozen=True, slots=True)
class TraceTables:
    """The tables of one lens; see docs/architecture.md for the columns."""

    members: ir.Table
    cases: ir.Table
    pairs: ir.Table
    variants: ir.Table


@dataclass(frozen=True, slots=True)
class Inputs:
    """Current rows that traces are built from.

    ``teams`` names the team of a resource, ``lanes`` that of an activity where the resource has none; ``work_days``
    is the day table of the calendar, if there is one.
    """

    events: ir.Table
    objects: ir.Table
    e2o: ir.Table
    o2o: ir.Table
    lanes: Mapping[str, str]
    teams: Mapping[str, str]
    work_days: ir.Table | None


def members(inputs: Inputs, lens: Lens, case_ids: ir.Table | None = None) -> ir.Table:
    """Which objects belong to which case: one row per case and object, with the first path that reached it."""
    typed = inputs.objects.select("object_id", "object_type")
    start = typed.filter(typed.object_type == lens.object_type)
    if case_ids is not None:
        start = start.semi_join(case_ids, start.object_id == case_ids.case_id)
    reached = start.select(case_id=start.object_id, object_id=start.object_id, object_type=start.object_type)
    reached = reached.mutate(path=reached.object_type, steps=ibis.literal(0))
    steps = steps_of(inputs, lens)
    levels = [reached]
    for level in range(1, depth(lens)):
        last = levels[-1]
        found = last.join(steps, last.object_id == steps.source_id)
        found = found.filter(found.target_id != found.case_id)
        levels.append(
            found.select(
                case_id=found.case_id,
                object_id=found.target_id,
                object_type=found.target_type,
                path=found.path + " > " + found.target_type,
                steps=ibis.literal(level),
            ).distinct(on=["case_id", "object_id"], keep="first")
        )
    everything = levels[0] if len(levels) == 1 else ibis.union(*levels)
    return everything.group_by("case_id", "object_id", "object_type").aggregate(
        path=everything.path.argmin(ibis.struct({"steps": everything.steps, "path": everything.path}))
    )


def steps_of(inputs: Inputs, lens: Lens) -> ir.Table:
    """Relations the lens may follow: one row per source and target object."""
    typed = inputs.objects.select("object_id", "object_type")
    pairs = inputs.o2o.select("source_id", "target_id").distinct()
    sources = typed.select(source_id=typed.object_id, source_type=typed.object_type)
    targets = typed.select(target_id=typed.object_id, target_type=typed.object_type)
    joined = pairs.join(sources, "source_id").join(targets, "target_id")
    allowed = (joined.source_type + ">" + joined.target_type).isin([f"{a}>{b}" for a, b in lens.edges])
    return joined.filter(allowed).select("source_id", "target_id", "source_type", "target_type")


def ordered_events(inputs: Inputs, case_members: ir.Table) -> ir.Table:
    """Events of each case in total order: one row per case and event, ``seq`` from 0."""
    referred = inputs.e2o.select("event_id", "object_id").distinct()
    found = case_members.select("case_id", "object_id").join(referred, "object_id")
    found = found.select("case_id", "event_id").distinct()
    events = inputs.events
    lane = _named(events.activity, inputs.lanes).coalesce("unknown")
    facts = events.select(
        "event_id",
        "activity",
        "time",
        "source_seq",
        "precision",
        "system",
        "resource",
        "resource_kind",
        team=events.team.coalesce(_named(events.resource, inputs.teams), lane),
    )
    joined = found.join(facts, "event_id")
    window = ibis.window(group_by="case_id", order_by=[joined[name] for name in _ORDER])
    return joined.mutate(seq=ibis.row_number().over(window))


def _named(column: ir.StringValue, names: Mapping[str, str]) -> ir.StringValue:
    """The name a mapping gives to a value, else null."""
    nothing = ibis.null("string")
    return column.cases(*sorted(names.items()), else_=nothing) if names else nothing


def enabled_by(inputs: Inputs, case_members: ir.Table, ordered: ir.Table) -> ir.Table:
    """Which earlier event of the case enabled each event: columns case_id, seq, enabled_seq.

    The latest earlier event that shares an object with it; where it is the first on all its objects, the latest
    earlier event on a member directly related to one of them; else the event before it. The first event of a case
    has no row.
    """
    own = case_members.select("case_id", "object_id")
    referred = inputs.e2o.select("event_id", "object_id").distinct()
    on_object = (
        ordered.select("case_id", "event_id", "seq").join(referred, "event_id").join(own, ["case_id", "object_id"])
    ).select("case_id", "seq", "object_id")
    window = ibis.window(group_by=["case_id", "object_id"], order_by="seq")
    before = on_object.mutate(previous=on_object.seq.lag().over(window))
    shared = before.group_by("case_id", "seq").aggregate(shared_seq=before.previous.max())

    firsts = shared.filter(shared.shared_seq.isnull(), shared.seq > 0).select("case_id", "seq")
    links = inputs.o2o.select(a=inputs.o2o.source_id, b=inputs.o2o.target_id)
    links = ibis.union(links, links.select(a=links.b, b=links.a), distinct=True)
    first_objects = on_object.join(firsts, ["case_id", "seq"]).select("case_id", "seq", "object_id")
    neighbours = first_objects.join(links, first_objects.object_id == links.a)
    neighbours = neighbours.select(case_id=neighbours.case_id, seq=neighbours.seq, neighbour=neighbours.b).distinct()
    other = on_object.select(case_id=on_object.case_id, neighbour=on_object.object_id, other_seq=on_object.seq)
    related = neighbours.join(other, ["case_id", "neighbour"])
    related = related.filter(related.other_seq < related.seq)
    related = related.group_by("case_id", "seq").aggregate(related_seq=related.other_seq.max())

    joined = shared.left_join(related, ["case_id", "seq"])
    chosen = joined.select(
        case_id=joined.case_id,
        seq=joined.seq,
        enabled_seq=joined.shared_seq.coalesce(joined.related_seq, joined.seq - 1),
    )
    return chosen.filter(chosen.seq > 0)


def build(inputs: Inputs, lens: Lens, case_members: ir.Table, ordered: ir.Table, enabling: ir.Table) -> TraceTables:
    """Cases, segments and variants over (preferably materialized) members, ordered events and enablement."""
    clocked = _work_clock(ordered, inputs.work_days)
    cases = _cases(inputs, lens, case_members, clocked)
    return TraceTables(case_members, cases, _pairs(inputs, lens, clocked, enabling, cases), _variants(lens, ordered))


def _work_clock(ordered: ir.Table, work_days: ir.Table | None) -> ir.Table:
    if work_days is None:
        return ordered.mutate(work_clock=ibis.null("float64"))
    moment = ordered.time.cast("timestamp")
    dated = ordered.mutate(
        _day=moment.date(), _second=moment.delta(moment.truncate("D"), unit="microsecond") / 1_000_000
    )
    joined = dated.left_join(work_days, dated._day == work_days.utc_date)
    clock, second = joined.clock_before, joined._second
    for n in (1, 2, 3):
        start, end = joined[f"w{n}_start"], joined[f"w{n}_end"]
        clock = clock + ibis.greatest(ibis.least(second, end) - start, ibis.literal(0.0))
    return joined.mutate(work_clock=clock).select(*ordered.columns, "work_clock")


def _cases(inputs: Inputs, lens: Lens, case_members: ir.Table, ordered: ir.Table) -> ir.Table:
    ranked = ordered.mutate(order_known=_order_known(ordered))
    bounds = ranked.group_by("case_id").aggregate(
        opened_at=ranked.time.min(),
        last_event_at=ranked.time.max(),
        events=ranked.count(),
        order_known=ranked.order_known.all(),
        variant_id=_sequence(ranked).join(SEPARATOR).hexdigest("md5"),
    )
    joined = bounds.left_join(_ends(inputs, lens, case_members), "case_id")
    objects = inputs.objects
    attributes = [name for name in objects.columns if name not in BASE_OBJECT_COLUMNS]
    own = objects.select("number", "amount_minor", "currency", *attributes, case_id=objects.object_id)
    table = joined.drop("case_id_right").join(own, "case_id")
    closed = ibis.literal(True) if not lens.finals else table.end_kind.notnull()
    return table.select(
        "case_id",
        "number",
        "variant_id",
        "opened_at",
        "last_event_at",
        "events",
        "order_known",
        "amount_minor",
        "currency",
        *attributes,
        lens=ibis.literal(lens.object_type),
        closed_at=ibis.ifelse(closed, table.last_event_at, ibis.null("timestamp('UTC', 6)")),
        end_kind=table.end_kind if lens.finals else ibis.literal("completed"),
    )


def _ends(inputs: Inputs, lens: Lens, case_members: ir.Table) -> ir.Table:
    """How cases ended: case_id, end_kind (only for ended ones)."""
    referred = inputs.e2o.select("event_id", "object_id").distinct()
    named = inputs.events.select("event_id", "activity").join(referred, "event_id")
    own = named.filter(named.activity.isin(lens.cancels or ("",)))
    cancelled = own.select(case_id=own.object_id).distinct().mutate(is_cancelled=ibis.literal(True))
    watched = [name for name, _ in lens.finals]
    parts = case_members.filter(case_members.object_type.isin(watched or [""])).select(
        "case_id", "object_id", "object_type"
    )
    done = [
        named.filter(named.activity.isin(activities))
        .select("object_id")
        .distinct()
        .mutate(object_type=ibis.literal(name), done=ibis.literal(True))
        for name, activities in lens.finals
    ] or [named.filter(ibis.literal(False)).select("object_id").mutate(object_type=ibis.literal(""), done=True)]
    finished = done[0] if len(done) == 1 else ibis.union(*done)
    state = parts.left_join(finished, ["object_id", "object_type"])
    state = state.select("case_id", "object_type", done=state.done.fill_null(False))
    present = [(state.object_type == name).any() for name in lens.required]
    complete = state.done.all()
    for found in present:
        complete = complete & found
    completed = state.group_by("case_id").aggregate(is_completed=complete)
    every = case_members.select("case_id").distinct()
    joined = every.left_join(cancelled, "case_id").drop("case_id_right")
    joined = joined.left_join(completed, "case_id").drop("case_id_right")
    kind = ibis.cases(
        (joined.is_cancelled.fill_null(False), "cancelled"),
        (joined.is_completed.fill_null(False), "completed"),
        else_=ibis.null("string"),
    )
    return joined.select(case_id=joined.case_id, end_kind=kind)


def _sequence(ordered: ir.Table) -> ir.ArrayColumn:
    """Activities of a case in order: collect, sort by seq, keep the name (Spark has no ordered collect)."""
    steps = ibis.struct({"seq": ordered.seq, "activity": ordered.activity}).collect()
    return steps.sort().map(lambda step: step.activity)


def _variants(lens: Lens, ordered: ir.Table) -> ir.Table:
    per_case = ordered.group_by("case_id").aggregate(activities=_sequence(ordered))
    per_case = per_case.mutate(variant_id=per_case.activities.join(SEPARATOR).hexdigest("md5"))
    distinct = per_case.group_by("variant_id").aggregate(activities=per_case.activities.arbitrary())
    return distinct.mutate(lens=ibis.literal(lens.object_type))


def _order_known(ordered: ir.Table) -> ir.BooleanColumn:
    """Whether the next event of the case certainly comes later, given how exact both stamps are."""
    window = ibis.window(group_by="case_id", order_by="seq")
    width = ordered.precision.cases(("day", 86400), ("minute", 60), else_=0)
    next_time, next_width = ordered.time.lead().over(window), width.lead().over(window)
    gap = next_time.delta(ordered.time, unit="second")
    unknown = ((width > 0) & (gap < width)) | ((next_width > 0) & (next_time == ordered.time))
    return ~unknown.fill_null(False)


def _pairs(inputs: Inputs, lens: Lens, ordered: ir.Table, enabling: ir.Table, cases: ir.Table) -> ir.Table:
    window = ibis.window(group_by="case_id", order_by="seq")
    ahead = {f"next_{name}": ordered[name].lead().over(window) for name in _NEXT}
    pairs = ordered.mutate(
        order_known=_order_known(ordered), next_clock=ordered.work_clock.lead().over(window), **ahead
    )
    enablers = ordered.select(
        case_id=ordered.case_id,
        enabled_seq=ordered.seq,
        enabled_by_event_id=ordered.event_id,
        enabled_activity=ordered.activity,
        enabled_team=ordered.team,
        enabled_system=ordered.system,
    )
    resolved = enabling.join(enablers, ["case_id", "enabled_seq"]).drop("enabled_seq")
    resolved = resolved.mutate(seq=resolved.seq - 1)
    pairs = pairs.left_join(resolved, ["case_id", "seq"]).drop("case_id_right", "seq_right")
    ends = cases.select("case_id", ended=cases.closed_at.notnull())
    pairs = pairs.join(ends, "case_id")
    pairs = pairs.mutate(is_end=pairs.next_event_id.isnull() & pairs.ended)
    dues = _dues(inputs)
    pairs = pairs.mutate(due_event=pairs.next_event_id.coalesce(pairs.event_id))
    pairs = pairs.left_join(dues, pairs.due_event == dues.event_id).drop("event_id_right")
    edge = ibis.window(group_by=[pairs.case_id, pairs.activity, pairs.next_activity], order_by=pairs.seq)
    changed = (pairs.next_team != pairs.enabled_team) | (pairs.next_system != pairs.enabled_system)
    return pairs.select(
        "case_id",
        "seq",
        "event_id",
        "next_event_id",
        "activity",
        "next_activity",
        "team",
        "next_team",
        "system",
        "next_system",
        "resource",
        "next_resource",
        "resource_kind",
        "enabled_by_event_id",
        "enabled_activity",
        "enabled_team",
        "enabled_system",
        "time",
        "next_time",
        "work_clock",
        "order_known",
        "is_end",
        "due_at",
        lens=ibis.literal(lens.object_type),
        elapsed_seconds=pairs.next_time.delta(pairs.time, unit="microsecond") / 1_000_000,
        working_seconds=pairs.next_clock - pairs.work_clock,
        handoff=changed.fill_null(False),
        first_in_case=ibis.row_number().over(edge) == 0,
    )


_NEXT = ("event_id", "activity", "team", "system", "resource", "time")


def _dues(inputs: Inputs) -> ir.Table:
    """Latest due date among the objects an event refers to."""
    dated = inputs.objects.filter(inputs.objects.due_at.notnull()).select("object_id", "due_at")
    referred = inputs.e2o.select("event_id", "object_id").distinct().join(dated, "object_id")
    return referred.group_by("event_id").aggregate(due_at=referred.due_at.max())
