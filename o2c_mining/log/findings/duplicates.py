"""Was an event loaded twice under two ids?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.log.findings.finding import Rule
from o2c_mining.log.findings.tables import Tables

_SAME = ("activity", "time", "start", "resource", "old_value", "new_value", "transition")
_TRANSITION = "lifecycle:transition"


def exact_duplicates(tables: Tables) -> Rule:
    """Events beyond the first with the same activity, times, resource, values changed, and set of objects.

    Steps of one activity's life cycle (XES) are told apart by their transition. Events without objects are another
    rule's. Only events whose activity, time and resource occur twice are compared by their objects.
    """
    events = tables.events
    repeated = events.group_by("activity", "time", "resource").having(events.count() > 1).aggregate(n=events.count())
    repeated = repeated.select(a=repeated.activity, t=repeated.time, r=repeated.resource)
    repeated = tables.log.reader.materialize("findings_repeated", repeated)
    suspects = events.semi_join(
        repeated,
        [events.activity == repeated.a, events.time == repeated.t, events.resource.identical_to(repeated.r)],
    ).select(
        "event_id",
        "activity",
        "time",
        "resource",
        "old_value",
        "new_value",
        start="start_time",
        transition=events.attributes.get(_TRANSITION, ibis.null("string")),
    )
    return Rule(
        "exact duplicate",
        "warning",
        "events",
        _surplus(tables.log.reader.materialize("findings_suspects", suspects), tables.e2o),
        "event_id",
        "one happening counts twice: activities, loops and durations are wrong",
        "give the event one id in both places it comes from; with times to the day it may be two real events",
        part="activity",
    )


def _surplus(suspects: ir.Table, e2o: ir.Table) -> ir.Table:
    referred = e2o.semi_join(suspects, "event_id").select("event_id", "object_id").distinct()
    sets = referred.group_by("event_id").aggregate(objects=referred.object_id.collect().sort())
    whole = suspects.join(sets, "event_id")
    window = ibis.window(group_by=[*_SAME, "objects"], order_by="event_id")
    ranked = whole.mutate(place=ibis.row_number().over(window))
    return ranked.filter(ranked.place > 0).select("event_id", "activity")
