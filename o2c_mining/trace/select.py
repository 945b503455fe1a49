"""Choose cases: the one filter that all analyses, the command line and the dashboards share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir

from o2c_mining.calendar.local_day import start_of_day
from o2c_mining.calendar.working import work_clock
from o2c_mining.errors import AnalysisError
from o2c_mining.log.event_log import EventLog
from o2c_mining.log.money import minor_or_null, refuse_unpriced
from o2c_mining.trace.build import build
from o2c_mining.trace.codes import group_codes
from o2c_mining.trace.inputs import Inputs
from o2c_mining.trace.lens import Lens, default_lens, kept_lenses
from o2c_mining.trace.refresh import known_types, lens_for, stamp_of, teams_of
from o2c_mining.trace.segments import Coded, segments, segments_of_cases, shared_occurrences, stored_tables
from o2c_mining.trace.work_days import register_work_days

_FEW = 50
_OURS = frozenset(
    [
        "lens",
        "case_id",
        "case_no",
        "variant_no",
        "variant_id",
        "reporting_minor",
        "last_kind",
        "last_due_at",
        "first_work_clock",
        "last_work_clock",
        "refresh_seq",
        "batch_id",
        "ingest_seq",
        "object_id",
        "entity_key",
        "op",
    ]
)


@dataclass(frozen=True, slots=True)
class ObjectFilter:
    """Whole cases to keep. ``start`` and ``end`` bound the case's start, half-open, in the company's time zone.

    ``where`` holds ``(attribute, values)``; an attribute of a related object is written ``customer.region``.
    ``variant`` is a rank in the unfiltered lens, from 1.
    """

    lens: str | None = None
    start: date | None = None
    end: date | None = None
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    with_: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    variant: int | None = None


@dataclass(frozen=True, slots=True)
class Traces:
    """Chosen cases of one lens: tables as in docs/architecture.md, open segments running to ``as_of``."""

    log: EventLog
    lens: Lens
    filter: ObjectFilter
    cases: ir.Table
    pairs: ir.Table
    members: ir.Table
    coded: Coded

    @property
    def is_whole(self) -> bool:
        """Whether every case of the lens is chosen."""
        return self.filter == ObjectFilter(lens=self.filter.lens) and not self.log.scope.where


def select(log: EventLog, object_filter: ObjectFilter | None = None) -> Traces:
    """The traces of the chosen cases. Whole cases are kept or dropped, so no edge appears that never happened.

    Raises
    ------
    AnalysisError
        If the lens, an attribute or an activity is unknown to the log.
    """
    chosen = object_filter or ObjectFilter()
    lens = lens_named(log, chosen.lens)
    tables = _tables(log, lens)
    condition = _conditions(log, lens, tables, chosen)
    if condition is None:
        return Traces(log, lens, chosen, tables.cases, tables.pairs, tables.members, tables.coded)
    kept = tables.cases.filter(condition)
    ids = kept.select("case_id")
    pairs, members = (table.semi_join(ids, "case_id") for table in (tables.pairs, tables.members))
    return Traces(log, lens, chosen, kept, pairs, members, tables.coded)


def priced_cases(traces: Traces) -> ir.Table:
    """The chosen cases, whose column ``reporting_minor`` is their value in minor units of the reporting currency.

    Raises
    ------
    AnalysisError
        If one of them has an amount in a currency without a rate.
    """
    log, coded = traces.log, traces.coded
    name = f"unpriced:{coded.suffix}"
    if log.reader.known(name) is None:
        log.reader.materialize(name, coded.cases.filter(coded.cases.reporting_minor.isnull()).select("case_no"))
    if log.reader.size(name):
        refuse_unpriced(log, traces.cases)
    return traces.cases


def segments_of(traces: Traces) -> ir.Table:
    """The coded segments of the chosen cases; columns as in ``trace.segments``.

    Raises
    ------
    AnalysisError
        If a case has an amount in a currency without a rate.
    """
    cases = priced_cases(traces)
    if traces.is_whole:
        return segments(traces.log, traces.lens, traces.coded)
    return segments_of_cases(traces.log, traces.lens, traces.coded, cases)


def shared_of(traces: Traces) -> ir.Table | None:
    """Shared events of the chosen cases, once per case: case_no, kind, event_id; ``None`` where no event is shared."""
    found = shared_occurrences(traces.log, traces.lens, traces.coded)
    return found if found is None or traces.is_whole else found.semi_join(traces.cases, "case_no")


def refuse_silent_lens(log: EventLog, lens: Lens) -> None:
    """Tell a person who asks for a lens without a single case why there is nothing to see.

    Raises
    ------
    AnalysisError
        If no event refers to any object of the lens' flow.
    """
    if not log.reader.rows(unfiltered(log, lens).select("case_id").limit(1)):
        raise AnalysisError(
            f"no {lens.object_type} of this log has an event, so there is no case to follow; expected a type whose "
            f"objects events refer to; choose another --lens, or name its paths under [lens.{lens.object_type}]"
        )


def lens_named(log: EventLog, name: str | None) -> Lens:
    """The lens of that name, or the default one."""
    types = known_types(log.reader, log.objects)
    return lens_for(name or default_lens(types, log.settings.config.default_lens), types, log.settings)


def variants_ranked(cases: ir.Table) -> ir.Table:
    """Variants of some cases by frequency: variant_no, variant_id, cases, rank (from 1; ties by id)."""
    counted = cases.group_by("variant_no").aggregate(cases=cases.count(), variant_id=cases.variant_id.arbitrary())
    window = ibis.window(order_by=[ibis.desc(counted.cases), counted.variant_id])
    return counted.mutate(rank=ibis.row_number().over(window) + 1)


def sequences(traces: Traces, numbers: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The activities of variants by their number, in order."""
    known = traces.coded.variants
    if len(numbers) <= _FEW:
        known = known.filter(known.variant_no.isin(sorted(numbers) or [-1]))
    found = traces.log.reader.rows(known.select("variant_no", "activities"))
    return {row["variant_no"]: tuple(row["activities"]) for row in found}


def unfiltered(log: EventLog, lens: Lens) -> ir.Table:
    """All cases of a lens that the scope allows."""
    return _tables(log, lens).cases


@dataclass(frozen=True, slots=True)
class _Whole:
    """All cases of a lens that the scope allows."""

    coded: Coded
    cases: ir.Table
    pairs: ir.Table
    members: ir.Table


def _tables(log: EventLog, lens: Lens) -> _Whole:
    """All cases of a lens at ``as_of``, put together once for an open log."""
    name = f"lens:{lens.object_type}"
    if name not in log.prepared:
        log.prepared[name] = _whole(log, lens)
    found: _Whole = log.prepared[name]
    return found


def _whole(log: EventLog, lens: Lens) -> _Whole:
    """All cases of a lens at ``as_of``: the stored ones where they hold, else built for this moment."""
    reader = log.reader
    if _stored_hold(log, lens.object_type):
        coded = stored_tables(log, lens)
    else:
        coded = _built(log, lens)
    keep = reader.materialize if log.is_held else reader.view
    ids = coded.cases.select("case_no", "case_id")
    members = coded.members.join(ids, "case_no").select("case_id", "object_id", "object_type", "path")
    pairs = coded.pairs.join(ids, "case_no").join(coded.kinds.drop("edge", "cell", "node"), "kind")
    pairs = pairs.mutate(elapsed_seconds=pairs.next_time.delta(pairs.time, unit="microsecond") / 1_000_000)
    whole = _Whole(
        coded,
        coded.cases,
        _until(log, keep(f"pairs:{coded.suffix}", pairs)),
        keep(f"members:{coded.suffix}", members),
    )
    return _scoped(log, lens, whole)


def _built(log: EventLog, lens: Lens) -> Coded:
    """The traces of a lens built for this moment."""
    reader, settings = log.reader, log.settings
    suffix = f"{lens.object_type}@{int(log.as_of.timestamp() * 1e6)}"
    if reader.known(f"{suffix}:cases") is None:
        days = register_work_days(reader, log.events, settings.calendar)
        inputs = Inputs(log.events, log.objects, log.e2o, log.o2o, settings.lanes, teams_of(settings), days)
        build(reader, suffix, inputs, lens)
    members, cases, pairs, kinds, variants = (
        reader.table(f"{suffix}:{name}") for name in ("members", "cases", "pairs", "kinds", "variants")
    )
    coded = reader.materialize(f"{suffix}:codes", kinds.mutate(**group_codes(kinds)))
    now = ibis.literal(log.snapshot.number)
    valued = cases.mutate(reporting_minor=minor_or_null(settings, cases))
    return Coded(suffix, members, valued, pairs.mutate(refresh_seq=now), coded, variants)


def _stored_hold(log: EventLog, kind: str) -> bool:
    """Whether stored traces describe this lens now: nothing later was cut off, no setting has changed since."""
    if not log.stored_traces_hold:
        return False
    known = known_types(log.reader, log.objects)
    return kind in kept_lenses(known, log.settings.config) and log.snapshot.lenses == stamp_of(known, log.settings)


def _until(log: EventLog, pairs: ir.Table) -> ir.Table:
    """Let the last segment of an open case run to ``as_of``."""
    is_open = pairs.next_activity.isnull() & ~pairs.is_end
    moment = ibis.literal(log.as_of)
    running = moment.delta(pairs.time, unit="microsecond") / 1_000_000
    calendar = log.settings.calendar
    working: ir.Value = ibis.null("float64")
    if calendar is not None:
        working = ibis.literal(work_clock(calendar, log.as_of)) - pairs.work_clock
    return pairs.mutate(
        is_open=is_open,
        elapsed_seconds=ibis.ifelse(is_open, running, pairs.elapsed_seconds),
        working_seconds=ibis.ifelse(is_open, working, pairs.working_seconds),
    )


def _scoped(log: EventLog, lens: Lens, whole: _Whole) -> _Whole:
    condition = None
    for attribute, values in log.scope.where:
        part = _where(log, lens, whole, attribute, values)
        condition = part if condition is None else condition & part
    if condition is None:
        return whole
    cases = whole.cases.filter(condition)
    ids = cases.select("case_id")
    return _Whole(whole.coded, cases, whole.pairs.semi_join(ids, "case_id"), whole.members.semi_join(ids, "case_id"))


def _conditions(log: EventLog, lens: Lens, tables: _Whole, chosen: ObjectFilter) -> ir.BooleanValue | None:
    cases = tables.cases
    parts: list[ir.BooleanValue] = []
    zone = log.settings.config.company.timezone
    if chosen.start is not None:
        parts.append(cases.opened_at >= ibis.literal(start_of_day(chosen.start, zone)))
    if chosen.end is not None:
        parts.append(cases.opened_at < ibis.literal(start_of_day(chosen.end, zone)))
    parts.extend(_where(log, lens, tables, attribute, values) for attribute, values in chosen.where)
    if chosen.with_ or chosen.without:
        named = tables.coded.pairs.select("case_no", "kind").join(tables.coded.kinds.select("kind", "activity"), "kind")
        activities = {str(r["activity"]) for r in log.reader.rows(named.select("activity").distinct())}
        for activity in (*chosen.with_, *chosen.without):
            if activity not in activities:
                raise AnalysisError(
                    f"unknown activity {activity!r}; lens {lens.object_type} has: {', '.join(sorted(activities))}; "
                    "check --with and --without"
                )
        for activity in chosen.with_:
            parts.append(cases.case_no.isin(named.filter(named.activity == activity).case_no))
        for activity in chosen.without:
            parts.append(~cases.case_no.isin(named.filter(named.activity == activity).case_no))
    if chosen.variant is not None:
        ranked = variants_ranked(cases)
        found = log.reader.rows(ranked.filter(ranked.rank == chosen.variant))
        if not found:
            total = log.reader.count(ranked)
            raise AnalysisError(
                f"variant {chosen.variant} does not exist; lens {lens.object_type} has ranks 1 to {total}; "
                "check --variant"
            )
        parts.append(cases.variant_no == found[0]["variant_no"])
    condition: ir.BooleanValue | None = None
    for part in parts:
        condition = part if condition is None else condition & part
    return condition


def _where(log: EventLog, lens: Lens, tables: _Whole, attribute: str, values: tuple[str, ...]) -> ir.BooleanValue:
    if "." not in attribute:
        cases = tables.cases
        _check_attribute(attribute, cases.columns, lens.object_type)
        return cases[attribute].cast("string").isin(values)
    kind, _, name = attribute.partition(".")
    types = known_types(log.reader, log.objects)
    if kind not in types:
        raise AnalysisError(
            f"unknown object type {kind!r} in {attribute!r}; the log has: {', '.join(types)}; check --where"
        )
    _check_attribute(name, log.objects.columns, kind)
    objects = log.objects.filter(log.objects.object_type == kind)
    matching = objects.filter(objects[name].cast("string").isin(values)).select("object_id")
    links = ibis.union(
        log.o2o.select(a=log.o2o.source_id, b=log.o2o.target_id),
        log.o2o.select(a=log.o2o.target_id, b=log.o2o.source_id),
    )
    beside = links.semi_join(matching, links.b == matching.object_id).select(object_id=links.a)
    near = ibis.union(matching, beside, distinct=True)
    having = tables.members.semi_join(near, "object_id")
    return tables.cases.case_id.isin(having.case_id)


def _check_attribute(name: str, columns: tuple[str, ...], kind: str) -> None:
    if name not in columns:
        raise AnalysisError(
            f"unknown attribute {name!r} of {kind}; known: {', '.join(c for c in columns if c not in _OURS)}; "
            "check --where"
        )
