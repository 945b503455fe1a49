"""Is the log consistent? Each check is a query for the offending rows; bad data are findings, not exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir

from o2c_mining.log.event_log import EventLog, possible_times
from o2c_mining.log.schema import PRECISIONS

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """Rows of one table that break a rule; ``example`` is the id of one of them."""

    rule: str
    severity: str  # error | warning
    table: str
    count: int
    example: str
    why: str
    mend: str


def validate(log: EventLog) -> tuple[Finding, ...]:
    """Run every check over everything loaded; returns only rules that found something, errors first."""
    reader = log.reader
    events, objects = reader.table("events_current"), reader.table("objects_current")
    e2o, o2o = reader.table("e2o_current"), reader.table("o2o_current")
    loaded = log.snapshot.committed_at or datetime.now(UTC)
    referred = e2o.select("event_id").distinct()
    everything = objects.select("object_id")
    sources = o2o.select(object_id="source_id")
    targets = o2o.select(object_id="target_id")
    ends = ibis.union(sources, targets, distinct=True)
    checks: list[tuple[str, str, str, ir.Table, str, str, str]] = [
        (
            "missing time",
            "error",
            "events",
            events.filter(events.time.isnull()),
            "event_id",
            "an event without a time has no place in any order",
            "map a time column, or quarantine the rows",
        ),
        (
            "empty id",
            "error",
            "events",
            events.filter(_empty(events.event_id)),
            "activity",
            "rows without an id cannot be told apart or corrected later",
            "map a key column",
        ),
        (
            "empty activity",
            "error",
            "events",
            events.filter(_empty(events.activity)),
            "event_id",
            "an event must say what happened",
            "map an activity, or name the rows in the connector's SQL",
        ),
        (
            "empty object id",
            "error",
            "objects",
            objects.filter(_empty(objects.object_id)),
            "object_type",
            "relations to an empty id join things that have nothing in common",
            "leave empty references out",
        ),
        (
            "unknown precision",
            "error",
            "events",
            events.filter(~events.precision.isin(PRECISIONS)),
            "event_id",
            "the order of events depends on how exact their times are",
            f"use one of {', '.join(PRECISIONS)}",
        ),
        (
            "dangling event reference",
            "error",
            "e2o",
            e2o.anti_join(everything, "object_id"),
            "object_id",
            "the event refers to an object that is not in the log",
            "load the object, or drop the reference",
        ),
        (
            "reference of no event",
            "error",
            "e2o",
            e2o.anti_join(events.select("event_id"), "event_id"),
            "event_id",
            "the reference belongs to an event that is not in the log",
            "load the event, or drop the reference",
        ),
        (
            "dangling relation",
            "warning",
            "o2o",
            ends.anti_join(everything, "object_id"),
            "object_id",
            "a relation to an object that is not in the log cannot be followed",
            "load the object",
        ),
        (
            "event without object",
            "warning",
            "events",
            events.anti_join(referred, "event_id"),
            "event_id",
            "the event is in no case of any lens",
            "relate it to a document, or leave it out on purpose",
        ),
        (
            "time in the future",
            "warning",
            "events",
            events.filter(~possible_times(events, loaded)),
            "event_id",
            "it is later than its own load; it is kept out of the traces",
            "check the source's clock and time zone",
        ),
        (
            "time before 1990",
            "warning",
            "events",
            events.filter(events.time < ibis.literal(_EARLIEST)),
            "event_id",
            "mostly an empty date read as a number",
            "map empty dates to nothing",
        ),
    ]
    found = []
    for rule, severity, table, offending, key, why, mend in checks:
        row = reader.rows(offending.aggregate(count=offending.count(), example=offending[key].cast("string").min()))[0]
        if row["count"]:
            found.append(Finding(rule, severity, table, row["count"], str(row["example"] or ""), why, mend))
    return tuple(sorted(found, key=lambda finding: finding.severity))


def _empty(column: ir.Value) -> ir.BooleanValue:
    return column.isnull() | (column.cast("string").strip() == "")
