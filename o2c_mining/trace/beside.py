"""Which cases hold an event that came into another case, or left it, though no object of theirs changed?

A relation, or an object, that comes or goes moves documents into a case or out of it, and their events with them. Such
an event may refer to documents of further cases: whether it ``is_shared`` has changed for them too.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.trace.reach import Reached
from o2c_mining.trace.steps import Steps


def cases_beside(
    steps: Steps,
    e2o: ir.Table,
    told: ir.Table,
    membership: ir.Table,
    before: ir.Table,
    held: ir.Table,
    reached: Reached,
) -> ir.Table | None:
    """The cases besides those that are refreshed already: column case_no; ``None`` where there are none.

    Parameters
    ----------
    steps
        Computes and keeps what lies between.
    e2o
        Current references.
    told
        Events that the load speaks of (column event_id): every case that holds one is refreshed already.
    membership
        The stored members of all cases: case_no, object_id.
    before
        The cases that are refreshed, as they are stored: case_no, case_id.
    held
        Their stored members: case_no, object_id.
    reached
        The same cases as they are now.
    """
    old = held.join(before, "case_no").select("case_id", "object_id")
    new = reached.members.select("case_no", "object_id").join(reached.numbers, "case_no")
    new = new.select("case_id", "object_id")
    both = ["case_id", "object_id"]
    differing = ibis.union(old.anti_join(new, both), new.anti_join(old, both))
    moved = steps.keep("moved", differing.select("object_id").distinct())
    try:
        if steps.is_empty("moved"):
            return None
        refers = e2o.select("event_id", "object_id")
        events = refers.semi_join(moved, "object_id").select("event_id").distinct().anti_join(told, "event_id")
        events = steps.keep("moved_events", events)
        if steps.is_empty("moved_events"):
            return None
        objects = refers.semi_join(events, "event_id").select("object_id").distinct()
        holders = membership.semi_join(objects, "object_id").select("case_no").distinct()
        found = steps.keep("beside", holders.anti_join(before, "case_no"))
        return None if steps.is_empty("beside") else found
    finally:
        steps.forget("moved", "moved_events")
