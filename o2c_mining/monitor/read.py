"""What a deadline rule needs from the log: starts and stops per object, documents, and how far sources were read."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from o2c_mining.errors import AnalysisError
from o2c_mining.log.event_log import EventLog
from o2c_mining.monitor.clocks import CaseTimes
from o2c_mining.monitor.sla import Sla
from o2c_mining.monitor.text import DocumentRef
from o2c_mining.trace.lens import kept_lenses
from o2c_mining.trace.refresh import known_types
from o2c_mining.trace.select import ObjectFilter, Traces, select


def case_times(log: EventLog, sla: Sla, only: Collection[str] | None = None) -> list[CaseTimes]:
    """First start and first stop of every object of the rule's type that was started, ordered by object.

    ``only`` limits the objects. A log that never saw an object of that type, or none of the activities, gives none.
    """
    traces = _traces(log, sla)
    if traces is None:
        return []
    pairs, cases = traces.pairs, traces.cases
    if only is not None:
        chosen = _ids(log, only)
        pairs, cases = pairs.semi_join(chosen, "case_id"), cases.semi_join(chosen, "case_id")
    precision = log.events.select("event_id", "precision")
    starts = pairs.activity.isin(sla.start)
    stops = pairs.activity.isin(sla.stop)
    edges = pairs.filter(starts | stops).join(precision, "event_id")
    is_start, is_stop = edges.activity.isin(sla.start), edges.activity.isin(sla.stop)
    bounds = edges.group_by("case_id").aggregate(
        started_at=edges.time.min(where=is_start),
        stopped_at=edges.time.min(where=is_stop),
        by_day=(edges.precision == "day").any(),
    )
    bounds = bounds.filter(bounds.started_at.notnull())
    facts = cases.select("case_id", "number", "end_kind", "amount_minor", "currency")
    value = _value_from_relations(log)
    joined = bounds.join(facts, "case_id").left_join(value, "case_id")
    rows = log.reader.rows(
        joined.select(
            "case_id",
            "number",
            "started_at",
            "stopped_at",
            "by_day",
            is_cancelled=(joined.end_kind == "cancelled").fill_null(False),
            money_minor=joined.amount_minor.coalesce(joined.related_minor),
            money_currency=ibis.ifelse(joined.amount_minor.notnull(), joined.currency, joined.related_currency),
        ).order_by("case_id")
    )
    return [
        CaseTimes(
            object_id=row["case_id"],
            number=row["number"],
            started_at=row["started_at"],
            stopped_at=row["stopped_at"],
            by_day=bool(row["by_day"]),
            is_cancelled=row["is_cancelled"],
            money_minor=None if row["money_minor"] is None else int(row["money_minor"]),
            currency=row["money_currency"],
        )
        for row in rows
    ]


def documents(log: EventLog, sla: Sla, only: Collection[str]) -> dict[str, tuple[DocumentRef, ...]]:
    """The documents of objects: the object itself, those that lead to it, those that follow; items left out."""
    traces = _traces(log, sla)
    if traces is None or not only:
        return {}
    chosen = _ids(log, only)
    own = traces.members.select("case_id", "object_id").semi_join(chosen, "case_id")
    above = log.o2o.join(chosen, log.o2o.target_id == chosen.case_id)
    above = above.select(case_id=above.case_id, object_id=above.source_id)
    together = ibis.union(own, above, distinct=True)
    objects = log.objects.select("object_id", "object_type", "number")
    objects = objects.filter(~objects.object_type.endswith("_item"), objects.object_type != "customer")
    named = together.join(objects, "object_id")
    rows = log.reader.rows(named.order_by("case_id", "object_type", "number", "object_id"))
    found: dict[str, list[DocumentRef]] = {}
    for row in rows:
        found.setdefault(row["case_id"], []).append(DocumentRef(row["object_id"], row["object_type"], row["number"]))
    return {case: tuple(sorted(refs, key=lambda ref: ref.object_id != case)) for case, refs in found.items()}


def complete_to(log: EventLog, sla: Sla) -> tuple[datetime | None, tuple[str, ...]]:
    """Up to when all sources of the rule were read, and the source or sources that are furthest behind.

    The sources of a rule are those it names, else those that ever reported one of its activities, else all. A source
    without a watermark (a file that was imported) is complete up to the log's newest event. A named source that was
    never read gives ``None``.
    """
    known = {str(row["source"]) for row in log.snapshot.batches()}
    wanted = sla.sources or tuple(sorted(known & _systems(log, sla) or known))
    missing = tuple(name for name in wanted if name not in known)
    if missing:
        return None, missing
    marks = log.snapshot.watermarks()
    read = {name: marks.get(name, log.newest).astimezone(UTC) for name in wanted}
    least = min(read.values(), default=log.newest)
    behind = tuple(name for name, mark in read.items() if mark == least)
    return (least if log.as_of >= log.newest else min(least, log.as_of)), behind


def _systems(log: EventLog, sla: Sla) -> set[str]:
    events = log.events.filter(log.events.activity.isin((*sla.start, *sla.stop)))
    return {str(row["system"]) for row in log.reader.rows(events.select("system").distinct())}


def touched_since(log: EventLog, sla: Sla, refresh_seq: int) -> list[str] | None:
    """Cases of the rule's lens rebuilt after a commit; ``None`` where that is not recorded for the lens."""
    if not log.stored_traces_hold:
        return None
    if sla.object_type not in kept_lenses(known_types(log.reader, log.objects), log.settings.config):
        return None
    touched = log.reader.table("touched_versions")
    rows = touched.filter(touched.lens == sla.object_type, touched.refresh_seq > refresh_seq)
    return [str(row["case_id"]) for row in log.reader.rows(rows.select("case_id").distinct())]


def _traces(log: EventLog, sla: Sla) -> Traces | None:
    if sla.object_type not in known_types(log.reader, log.objects):
        return None
    return select(log, ObjectFilter(lens=sla.object_type))


def _ids(log: EventLog, ids: Collection[str]) -> ir.Table:
    return log.reader.register("monitored_cases", pa.table({"case_id": pa.array(sorted(ids), pa.string())}))


def _value_from_relations(log: EventLog) -> ir.Table:
    """What flows from items into an object that has no amount of its own: one row per object with one currency."""
    items = log.objects.filter(log.objects.object_type.endswith("_item")).select("object_id")
    flows = log.o2o.filter(log.o2o.amount_minor.notnull())
    flows = flows.semi_join(items, flows.source_id == items.object_id)
    value = flows.group_by(case_id=flows.target_id).aggregate(
        related_minor=flows.amount_minor.sum(),
        related_currency=flows.currency.max(),
        currencies=flows.currency.nunique(),
    )
    value = value.filter(value.currencies == 1)
    return value.select("case_id", "related_currency", "related_minor")


def check_activities(log: EventLog, sla: Sla) -> None:
    """Refuse a rule with an activity that neither the log nor the reference model knows: most likely misspelt.

    Without this a typo in ``start`` would end every alert, and one in ``stop`` raise one for every object.

    Raises
    ------
    AnalysisError
        With the activities there are.
    """
    seen = {str(row["activity"]) for row in log.reader.rows(log.events.select("activity").distinct())}
    known = seen | set(log.settings.lanes)
    for key, names in (("start", sla.start), ("stop", sla.stop)):
        for name in names:
            if name not in known:
                raise AnalysisError(
                    f"the SLA '{sla.id}' has {key} '{name}'; the log and the reference model have: "
                    f"{', '.join(sorted(known))}; correct '{key}'"
                )
