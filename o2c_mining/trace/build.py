"""Build the traces of one lens: members, ordered events, enablement, segments, cases.

Every step is an expression over current rows, computed once into a table of the reader before the next one needs it.
Cases are numbered and what events have in common (activity, team, system) is coded, so that the large sorts and joins
move whole numbers, not texts. ``refresh`` stores the result, ``select`` builds it for one point in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from o2c_mining.log.schema import BASE_OBJECT_COLUMNS
from o2c_mining.log.table_reader import TableReader
from o2c_mining.trace.lens import Lens
from o2c_mining.trace.members import links_between
from o2c_mining.trace.reach import Reached, reach
from o2c_mining.trace.steps import Steps

SEPARATOR = "\x1f"
NONE = -1  # the code of "no such event"
_MOST_KINDS = 2**31
_ORDER = ("time", "source_seq", "event_id")
_STATE = ("activity", "team", "system", "resource_kind")


@dataclass(frozen=True, slots=True)
class TraceTables:
    """The tables of one lens as they are stored; see docs/architecture.md for the columns."""

    members: ir.Table
    cases: ir.Table
    pairs: ir.Table
    kinds: ir.Table
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


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored already: traces of other cases, which may share events with the new ones, and coded kinds."""

    members: ir.Table | None = None  # case_no, object_id of cases that are not built now
    kinds: ir.Table | None = None
    variants: ir.Table | None = None
    first_kind: int = 0
    first_variant: int = 0


def build(
    reader: TableReader,
    name: str,
    inputs: Inputs,
    lens: Lens,
    *,
    reached: Reached | None = None,
    known: Known | None = None,
) -> TraceTables:
    """Build the traces of a lens.

    Parameters
    ----------
    reader
        Runs and keeps the steps, under names that begin with ``name``.
    inputs
        Current rows and names.
    lens
        What a case is.
    reached
        The cases and their members, kept by the reader as steps of ``name``; default all cases.
    known
        What is stored already, and the numbers from which on kinds and variants are new.
    """
    stored, steps = known or Known(), Steps(reader, name)
    keep = steps.keep
    # numbers that differ from load to load are rows of a table: the expressions stay the same and are compiled once
    offsets = steps.register("offsets", _offsets(stored))
    reached = reached or reach(steps, inputs.objects, inputs.o2o, lens, case_ids=None, first_case=0)
    numbers, members = reached.numbers, reached.members
    references, events = _references(inputs, members), inputs.events
    if not reached.is_all:
        references = keep("references", references)
        events = keep("events", events.semi_join(references, "event_id"))
    facts = _facts(events, inputs)
    states = keep("states", _states(facts))
    occurrences = keep("occurrences", _occurrences(references, _coded(facts, states)))
    steps.forget("references", "events")
    sharing = keep("sharing", _sharing(inputs, occurrences, stored.members))
    corrections = keep("enabling", _enabling(steps, inputs, members, occurrences))
    steps.forget("firsts", "before")
    ordered = keep("ordered", _ordered(occurrences, corrections, inputs.work_days))
    ends = keep("ends", _ends(lens, members, occurrences, states, numbers))
    steps.forget("occurrences", "enabling")
    coded = keep("coded", _segments(ordered, ends, sharing))
    steps.forget("ordered", "sharing")
    kinds = keep("kinds", _kinds(coded, states, stored.kinds, offsets))
    pairs = keep("pairs", _pairs(lens, coded, kinds))
    steps.forget("coded")
    sequences = keep("sequences", _sequences(pairs, kinds))
    variants = keep("variants", _variants(lens, pairs, kinds, sequences, stored.variants, offsets))
    stands = keep("stands", _stands(pairs, kinds))
    told = keep("told", _told_by(sequences, variants))
    # one join at a time: DuckDB 2.0 fails where a join of coded columns is built on another one (duckdb#24807)
    cases = keep("cases_1", sequences.join(told, "sequence").drop("sequence"))
    for step, other in enumerate((numbers, ends, stands), 2):
        cases = keep(f"cases_{step}", cases.join(other, "case_no"))
    cases = keep("cases", _cases(inputs, lens, cases))
    steps.forget("stands", "told", *(f"cases_{step}" for step in (1, 2, 3, 4)))
    steps.forget("numbers", "states", "ends", "sequences", "offsets")
    fresh = kinds.filter(kinds.is_new).drop("is_new", "state", "next_state", "enabled_state")
    return TraceTables(members, cases, pairs, fresh, variants.filter(variants.is_new).drop("case_no", "is_new"))


def _offsets(known: Known) -> pa.Table:
    return pa.table({name: pa.array([getattr(known, name)], pa.int32()) for name in ("first_kind", "first_variant")})


def _references(inputs: Inputs, members: ir.Table) -> ir.Table:
    """One row per case, member and event that refers to it."""
    joined = members.select("case_no", "member_no", "object_id", "due_at").join(
        inputs.e2o.select("event_id", "object_id"), "object_id"
    )
    return joined.select("case_no", "member_no", "event_id", "due_at")


def _facts(events: ir.Table, inputs: Inputs) -> ir.Table:
    """What the order of events, their teams and their times need to know of each event."""
    lane = _named(events.activity, inputs.lanes).coalesce("unknown")
    return events.select(
        "event_id",
        "time",
        "source_seq",
        event_no=events.ingest_seq,
        width=events.precision.cases(("day", 86400), ("minute", 60), else_=0).cast("int32"),
        activity=events.activity.coalesce(""),
        team=events.team.coalesce(_named(events.resource, inputs.teams), lane),
        system=events.system.coalesce("unknown"),
        resource_kind=events.resource_kind.coalesce("unknown"),
    )


def _named(column: ir.StringValue, names: Mapping[str, str]) -> ir.StringValue:
    """The name a mapping gives to a value, else null."""
    nothing = ibis.null("string")
    return column.cases(*sorted(names.items()), else_=nothing) if names else nothing


def _states(facts: ir.Table) -> ir.Table:
    """What events have in common, coded: state, activity, team, system, resource_kind."""
    distinct = facts.select(*_STATE).distinct()
    number = ibis.row_number().over(ibis.window(order_by=[distinct[name] for name in _STATE]))
    return distinct.mutate(state=number.cast("int32"))


def _coded(facts: ir.Table, states: ir.Table) -> ir.Table:
    return facts.join(states, list(_STATE)).select("event_id", "event_no", "time", "source_seq", "width", "state")


def _occurrences(references: ir.Table, facts: ir.Table) -> ir.Table:
    """One row per case, event and member it refers to; ``seq`` is the place of the event in its case, from 0.

    ``is_first`` marks one row of every event in a case, ``is_alone`` those of events that refer to one member only.
    ``previous`` is the place of the event before on the same member.
    """
    joined = references.join(facts, "event_id")
    window = ibis.window(group_by="case_no", order_by=[joined[name] for name in _ORDER])
    placed = joined.mutate(
        seq=ibis.dense_rank().over(window).cast("int32"),
        before=joined.event_no.lag().over(window),
        after=joined.event_no.lead().over(window),
    )
    first = (placed.before != placed.event_no).fill_null(True)
    last = (placed.after != placed.event_no).fill_null(True)
    marked = placed.mutate(is_first=first, is_alone=first & last).drop("before", "after", "source_seq")
    own = ibis.window(group_by=["case_no", "member_no"], order_by="seq")
    return marked.mutate(previous=marked.seq.lag().over(own).nullif(marked.seq))


def _sharing(inputs: Inputs, occurrences: ir.Table, others: ir.Table | None) -> ir.Table:
    """Events that belong to several cases of the lens: event_no."""
    spread = occurrences.group_by("event_no").aggregate(low=occurrences.case_no.min(), high=occurrences.case_no.max())
    several = spread.filter(spread.low != spread.high).select("event_no")
    if others is None:
        return several
    here = occurrences.select("event_id", "event_no").distinct()
    elsewhere = inputs.e2o.select("event_id", "object_id").join(here, "event_id")
    elsewhere = elsewhere.semi_join(others, "object_id").select("event_no")
    return ibis.union(several, elsewhere, distinct=True)


def _enabling(steps: Steps, inputs: Inputs, members: ir.Table, occurrences: ir.Table) -> ir.Table:
    """Where the enabling event is not simply the one before on the event's only member: case_no, seq, enabled_seq.

    An event is enabled by the latest earlier event that shares a member with it; where it is the first on all its
    members, by the latest earlier event on a member directly related to one of them.
    """
    several = occurrences.filter(~occurrences.is_alone)
    shared = several.group_by("case_no", "seq").aggregate(enabled_seq=several.previous.max())
    alone = occurrences.filter(occurrences.is_alone, occurrences.previous.isnull(), occurrences.seq > 0)
    newest = shared.filter(shared.enabled_seq.isnull(), shared.seq > 0).select("case_no", "seq")
    on_member = several.select("case_no", "seq", "member_no").semi_join(newest, ["case_no", "seq"])
    firsts = steps.keep("firsts", ibis.union(alone.select("case_no", "seq", "member_no"), on_member))

    links = links_between(members, inputs.o2o)
    beside = firsts.join(links, ["case_no", "member_no"]).select("case_no", "seq", "other_no").distinct()
    other = occurrences.select(case_no="case_no", other_no="member_no", other_seq="seq")
    related = beside.join(other, ["case_no", "other_no"])
    related = related.filter(related.other_seq < related.seq)
    before = steps.keep("before", related.group_by("case_no", "seq").aggregate(enabled_seq=related.other_seq.max()))
    return ibis.union(shared.filter(shared.enabled_seq.notnull()), before.select("case_no", "seq", "enabled_seq"))


def _ordered(occurrences: ir.Table, corrections: ir.Table, work_days: ir.Table | None) -> ir.Table:
    """One row per case and event with the place of the event that enabled it and the next one beside."""
    # an event that refers to several members has the latest due date of them
    several = occurrences.filter(~occurrences.is_alone)
    dues = several.group_by("case_no", "seq").aggregate(latest_due=several.due_at.max())
    firsts = occurrences.filter(occurrences.is_first)
    joined = firsts.left_join(corrections, ["case_no", "seq"]).drop("case_no_right", "seq_right")
    joined = joined.left_join(dues, ["case_no", "seq"])
    alone = ibis.ifelse(joined.is_alone, joined.previous, ibis.null("int32"))
    rows = joined.select(
        "case_no",
        "seq",
        "event_id",
        "event_no",
        "time",
        "width",
        "state",
        own_due=ibis.ifelse(joined.is_alone, joined.due_at, joined.latest_due),
        enabled_seq=joined.enabled_seq.coalesce(alone, joined.seq - 1).cast("int32"),
    )
    return _work_clock(rows, work_days)


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


def _ends(lens: Lens, members: ir.Table, occurrences: ir.Table, states: ir.Table, numbers: ir.Table) -> ir.Table:
    """How cases ended: case_no, end_kind (null for open ones)."""
    named = occurrences.select("case_no", "member_no", "state").join(
        states.select("state", "activity").filter(
            states.activity.isin(sorted({*lens.cancels, *(name for _, names in lens.finals for name in names)}) or [""])
        ),
        "state",
    )
    typed = named.select("case_no", "member_no", "activity").join(
        members.select("case_no", "member_no", "object_type", "is_case"), ["case_no", "member_no"]
    )
    cancelled = typed.filter(typed.is_case, typed.activity.isin(lens.cancels or ("",)))
    cancelled = cancelled.select("case_no").distinct().mutate(is_cancelled=ibis.literal(True))
    ending = ibis.literal(False)
    for kind, activities in lens.finals:
        ending = ending | ((typed.object_type == kind) & typed.activity.isin(activities))
    finished = typed.filter(ending).select("case_no", "member_no").distinct().mutate(done=ibis.literal(True))
    watched = [name for name, _ in lens.finals]
    parts = members.filter(members.object_type.isin(watched or [""])).select("case_no", "member_no", "object_type")
    state = parts.left_join(finished, ["case_no", "member_no"])
    state = state.select("case_no", "object_type", done=state.done.fill_null(False))
    complete = state.done.all()
    for name in lens.required:
        complete = complete & (state.object_type == name).any()
    completed = state.group_by("case_no").aggregate(is_completed=complete)
    joined = numbers.select("case_no").left_join(cancelled, "case_no").drop("case_no_right")
    joined = joined.left_join(completed, "case_no").drop("case_no_right")
    otherwise = ibis.null("string") if lens.finals else ibis.literal("completed")
    kind = ibis.cases(
        (joined.is_cancelled.fill_null(False), "cancelled"),
        (joined.is_completed.fill_null(False), "completed"),
        else_=otherwise,
    )
    return joined.select("case_no", end_kind=kind if lens.finals else ibis.literal("completed"))


def _segments(ordered: ir.Table, ends: ir.Table, sharing: ir.Table) -> ir.Table:
    """One row per case and event with the next one, its enabler and the states of all three."""
    window = ibis.window(group_by="case_no", order_by="seq")
    names = ("time", "state", "width", "work_clock", "own_due", "enabled_seq")
    ahead = ordered.mutate(**{f"next_{name}": ordered[name].lead().over(window) for name in names})
    far = ahead.filter(ahead.next_enabled_seq != ahead.seq).select("case_no", "seq", "next_enabled_seq")
    enablers = ordered.select("case_no", next_enabled_seq="seq", far_state="state")
    far = far.join(enablers, ["case_no", "next_enabled_seq"]).select("case_no", "seq", "far_state")
    joined = ahead.left_join(far, ["case_no", "seq"]).drop("case_no_right", "seq_right")
    joined = joined.join(ends.select("case_no", "end_kind"), "case_no")
    shared = joined.left_join(sharing.mutate(is_shared=ibis.literal(True)), "event_no")
    is_last = shared.next_state.isnull()
    gap = shared.next_time.delta(shared.time, unit="microsecond") / 1_000_000
    unknown = ((shared.width > 0) & (gap < shared.width)) | ((shared.next_width > 0) & (gap == 0))
    near = ibis.ifelse(is_last, ibis.null("int32"), shared.state)
    return shared.select(
        "case_no",
        "seq",
        "event_id",
        "time",
        "next_time",
        "work_clock",
        "state",
        next_state=shared.next_state.coalesce(NONE).cast("int32"),
        enabled_state=shared.far_state.coalesce(near, NONE).cast("int32"),
        enabled_seq=shared.next_enabled_seq,
        is_end=is_last & shared.end_kind.notnull(),
        working_seconds=shared.next_work_clock - shared.work_clock,
        order_known=~unknown.fill_null(False),
        due_at=ibis.ifelse(is_last, shared.own_due, shared.next_own_due),
        is_shared=shared.is_shared.fill_null(False),
    )


_KIND = (
    "activity",
    "team",
    "system",
    "resource_kind",
    "next_activity",
    "next_team",
    "next_system",
    "enabled_activity",
    "enabled_team",
    "enabled_system",
    "is_end",
)


def _kinds(coded: ir.Table, states: ir.Table, stored: ir.Table | None, offsets: ir.Table) -> ir.Table:
    """What segments have in common, coded: the stored kinds keep their number, new ones follow (``is_new``)."""
    codes = coded.select("state", "next_state", "enabled_state", "is_end").distinct()
    own = codes.join(states, "state")
    ahead = states.select(next_state="state", next_activity="activity", next_team="team", next_system="system")
    named = own.left_join(ahead, "next_state").drop("next_state_right")
    behind = states.select(
        enabled_state="state", enabled_activity="activity", enabled_team="team", enabled_system="system"
    )
    named = named.left_join(behind, "enabled_state").drop("enabled_state_right")
    changed = (named.next_team != named.enabled_team) | (named.next_system != named.enabled_system)
    named = named.mutate(handoff=changed.fill_null(False))
    named = named.mutate(told=_told(named))
    if stored is None:
        known = named.mutate(known_kind=ibis.null("int32"))
    else:
        known = named.left_join(stored.select(told=_told(stored), known_kind="kind"), "told").drop("told_right")
    ranked = known.mutate(
        rank=ibis.row_number().over(ibis.window(order_by=[known.known_kind.notnull(), known.told]))
    ).cross_join(offsets.select("first_kind"))
    numbered = ranked.mutate(
        kind=ranked.known_kind.coalesce(ranked["rank"] + ranked.first_kind).cast("int32"),
        is_new=ranked.known_kind.isnull(),
    )
    return numbered.select(*codes.columns, *_KIND[:-1], "handoff", "kind", "is_new")


def _told(kinds: ir.Table) -> ir.StringValue:
    """All that a kind says, as one text: nulls and empty texts differ."""
    parts = [(ibis.literal("=") + kinds[name].cast("string")).coalesce("") for name in _KIND]
    return ibis.literal(SEPARATOR).join(parts)


def _pairs(lens: Lens, coded: ir.Table, kinds: ir.Table) -> ir.Table:
    """The segments with their kind, and which of them are the first of their sort in the case."""
    edges = kinds.select("state", "next_state", "enabled_state", "is_end", "kind", **group_codes(kinds))
    keyed = coded.join(edges, ["state", "next_state", "enabled_state", "is_end"])

    def first(*names: str) -> ir.BooleanValue:
        window = ibis.window(group_by=["case_no", *names], order_by="seq")
        return ibis.row_number().over(window) == 0

    flagged = keyed.mutate(first_in_case=first("edge"), first_in_cell=first("cell"), first_of_activity=first("node"))
    return flagged.select(
        "case_no",
        "seq",
        "event_id",
        "kind",
        "enabled_seq",
        "time",
        "next_time",
        "work_clock",
        "working_seconds",
        "order_known",
        "due_at",
        "is_shared",
        "first_in_case",
        "first_in_cell",
        "first_of_activity",
        lens=ibis.literal(lens.object_type),
    )


def group_codes(kinds: ir.Table) -> dict[str, ir.IntegerValue]:
    """Codes of the groups that analyses count by, each the least kind of its group.

    ``edge``: activity and next activity; ``cell``: a cell of the ledger; ``node``: the activity.
    """
    start = [kinds.enabled_activity.coalesce(kinds.activity), kinds.enabled_team.coalesce(kinds.team)]
    start.append(kinds.enabled_system.coalesce(kinds.system))
    cell = [*start, kinds.next_activity, kinds.next_team, kinds.next_system, kinds.handoff, kinds.is_end]
    groups = {"edge": [kinds.activity, kinds.next_activity, kinds.is_end], "cell": cell, "node": [kinds.activity]}
    return {name: kinds.kind.min().over(ibis.window(group_by=by)).cast("int32") for name, by in groups.items()}


def _sequences(pairs: ir.Table, kinds: ir.Table) -> ir.Table:
    """Each case's activities in order, as sorted codes (place and activity in one number), and what its events add up
    to: case_no, sequence, opened_at, last_event_at, first_work_clock, events, order_known."""
    named = pairs.join(kinds.select("kind", node=group_codes(kinds)["node"]), "kind")
    return named.group_by("case_no").aggregate(
        sequence=(named.seq.cast("int64") * _MOST_KINDS + named.node).collect().sort(),
        opened_at=named.time.min(),
        last_event_at=named.time.max(),
        first_work_clock=named.work_clock.min(),
        events=named.count(),
        order_known=named.order_known.all(),
    )


def _variants(
    lens: Lens, pairs: ir.Table, kinds: ir.Table, sequences: ir.Table, stored: ir.Table | None, offsets: ir.Table
) -> ir.Table:
    """Distinct sequences: lens, variant_no, variant_id, activities, is_new, and the case they are read off."""
    example = sequences.group_by("sequence").aggregate(case_no=sequences.case_no.min())
    steps = pairs.semi_join(example, "case_no").join(kinds.select("kind", "activity"), "kind")
    ordered = ibis.struct({"seq": steps.seq, "activity": steps.activity}).collect().sort()
    listed = steps.group_by("case_no").aggregate(activities=ordered.map(lambda step: step.activity))
    named = listed.mutate(variant_id=listed.activities.join(SEPARATOR).hexdigest("md5"))
    if stored is None:
        known = named.mutate(known_no=ibis.null("int32"))
    else:
        known = named.left_join(stored.select("variant_id", known_no="variant_no"), "variant_id")
        known = known.drop("variant_id_right")
    window = ibis.window(order_by=[known.known_no.notnull(), known.variant_id])
    ranked = known.mutate(rank=ibis.row_number().over(window)).cross_join(offsets.select("first_variant"))
    return ranked.select(
        "case_no",
        "activities",
        "variant_id",
        lens=ibis.literal(lens.object_type),
        variant_no=ranked.known_no.coalesce(ranked["rank"] + ranked.first_variant).cast("int32"),
        is_new=ranked.known_no.isnull(),
    )


def _stands(pairs: ir.Table, kinds: ir.Table) -> ir.Table:
    """Where each case stands after its last event: case_no, last_kind, last_due_at, last_work_clock."""
    last = pairs.semi_join(kinds.filter(kinds.next_activity.isnull()), "kind")
    return last.select("case_no", last_kind="kind", last_due_at="due_at", last_work_clock="work_clock")


def _told_by(sequences: ir.Table, variants: ir.Table) -> ir.Table:
    """The variant of each sequence: sequence, variant_no, variant_id."""
    example = sequences.group_by("sequence").aggregate(case_no=sequences.case_no.min())
    return example.join(variants.select("case_no", "variant_no", "variant_id"), "case_no").drop("case_no")


def _cases(inputs: Inputs, lens: Lens, found: ir.Table) -> ir.Table:
    """One row per case that has an event: when, how it ended, its variant, where it stands, the object's attributes."""
    objects = inputs.objects
    attributes = [name for name in objects.columns if name not in BASE_OBJECT_COLUMNS]
    own = objects.filter(objects.object_type == lens.object_type)
    own = own.select("number", "amount_minor", "currency", *attributes, case_id=own.object_id)
    table = found.join(own, "case_id")
    return table.select(
        "case_no",
        "case_id",
        "number",
        "variant_no",
        "variant_id",
        "opened_at",
        "last_event_at",
        "end_kind",
        "events",
        "order_known",
        "first_work_clock",
        "last_kind",
        "last_due_at",
        "last_work_clock",
        "amount_minor",
        "currency",
        *attributes,
        lens=ibis.literal(lens.object_type),
        closed_at=ibis.ifelse(table.end_kind.notnull(), table.last_event_at, ibis.null("timestamp('UTC', 6)")),
    )
