"""How far do the times tell the order of events? Stamps that are only days, and stamps that are equal."""

from __future__ import annotations

import ibis

from o2c_mining.log.findings.finding import Finding, Part, Rule
from o2c_mining.log.findings.tables import Tables, label

_MOST_PARTS = 10


def day_only_stamps(tables: Tables) -> list[Finding]:
    """Events of which only the day is known, with their share per system and activity."""
    events = tables.events
    days = events.precision == "day"
    streams = events.group_by(name=label(events.system, events.activity)).aggregate(
        count=days.cast("int64").sum(), of=events.count(), example=events.event_id.min(where=days)
    )
    rows = tables.log.reader.rows(streams.filter(streams["count"] > 0).order_by(ibis.desc("count"), "name"))
    if not rows:
        return []
    return [
        Finding(
            "day-only stamps",
            "note",
            "events",
            sum(row["count"] for row in rows),
            min(str(row["example"]) for row in rows),
            "their order among other events of that day is unknown; verdicts on it are 'cannot tell'",
            "look for a column with the time of day, such as a change log or an entry time",
            tuple(Part(str(row["name"]), row["count"], row["of"]) for row in rows[:_MOST_PARTS]),
        )
    ]


def equal_stamps(tables: Tables) -> Rule:
    """Moments at which two or more events of one object happen; only ``source_seq`` orders them.

    Days are no moments: day-only stamps are left to their own rule.
    """
    seen = tables.references()
    seen = seen.filter(seen.has_event, seen.has_reference, seen.time.notnull(), ~seen.day_only)
    groups = seen.group_by("object_no", "lost_id", "time").aggregate(
        least=seen.event_no.min(), most=seen.event_no.max()
    )
    objects = tables.objects.select("object_id", "object_type", object_no="ingest_seq")
    named = groups.filter(groups.least < groups.most).left_join(objects, "object_no")
    return Rule(
        "equal stamps",
        "note",
        "events",
        named.select("object_type", object_id=named.lost_id.coalesce(named.object_id)),
        "object_id",
        "which of them came first is decided by the source's own order, not by time",
        "load a finer stamp, or declare the rank of the activities in the connector",
        part="object_type",
    )
