"""Do the tables fit together? References to what is not there, events of no object, amounts only some have."""

from __future__ import annotations

import ibis

from o2c_mining.log.findings.finding import Finding, Part, Rule
from o2c_mining.log.findings.tables import Tables

_ONE_IN = 10  # at most so many objects of a type lack an amount: then it is missing, else the type has none


def references(tables: Tables) -> list[Rule]:
    """Rows that point to nothing, or that nothing points to. Rules of which one look at all references says that they
    find nothing are left out."""
    events, e2o, o2o = tables.events, tables.e2o, tables.o2o
    seen = tables.references()
    (broken,) = tables.log.reader.rows(
        seen.aggregate(
            no_object=(seen.has_reference & seen.object_no.isnull()).any(),
            no_event=(~seen.has_event).any(),
            no_reference=(~seen.has_reference).any(),
        )
    )
    everything = tables.objects.select("object_id")
    ends = ibis.union(o2o.select(object_id="source_id"), o2o.select(object_id="target_id"))
    rules = {
        "no_object": Rule(
            "dangling event reference",
            "error",
            "e2o",
            e2o.anti_join(everything, "object_id"),
            "object_id",
            "the event refers to an object that is not in the log, so it is in no case",
            "load the object, or drop the reference",
        ),
        "no_event": Rule(
            "reference of no event",
            "error",
            "e2o",
            e2o.anti_join(events.select("event_id"), "event_id"),
            "event_id",
            "the reference belongs to an event that is not in the log",
            "load the event, or drop the reference",
        ),
        "always": Rule(
            "dangling relation",
            "warning",
            "o2o",
            ends.anti_join(everything, "object_id").distinct(),
            "object_id",
            "a relation to an object that is not in the log cannot be followed",
            "load the object",
        ),
        "no_reference": Rule(
            "event without object",
            "warning",
            "events",
            events.anti_join(e2o.select("event_id"), "event_id"),
            "event_id",
            "the event is in no case of any lens",
            "relate it to a document, or leave it out on purpose",
            part="activity",
        ),
    }
    return [rule for name, rule in rules.items() if broken.get(name, True)]


def missing_amounts(tables: Tables) -> list[Finding]:
    """Objects without an amount though nine in ten of their type have one."""
    objects = tables.objects
    bare = objects.amount_minor.isnull()
    types = objects.group_by("object_type").aggregate(
        total=objects.count(), missing=bare.cast("int64").sum(), example=objects.object_id.min(where=bare)
    )
    few = types.filter(types.missing > 0, types.missing * _ONE_IN <= types.total).order_by("object_type")
    rows = tables.log.reader.rows(few)
    if not rows:
        return []
    return [
        Finding(
            "missing amount",
            "warning",
            "objects",
            sum(row["missing"] for row in rows),
            str(rows[0]["example"]),
            "money sums leave these documents out, while nine in ten of their type have an amount",
            "check the amount in the source, and its mapping",
            tuple(Part(str(row["object_type"]), row["missing"], row["total"]) for row in rows),
        )
    ]
