"""Which cases must be built anew after a load, as they are stored and as they are now?"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from o2c_mining.trace.beside import cases_beside
from o2c_mining.trace.lens import Lens
from o2c_mining.trace.members import cases_above
from o2c_mining.trace.near import near
from o2c_mining.trace.reach import Reached, reach
from o2c_mining.trace.steps import Steps


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of the cases of a lens: case_no, case_id, and the members: case_no, object_id."""

    cases: ir.Table
    membership: ir.Table


@dataclass(frozen=True, slots=True)
class Stale:
    """Cases to build: case_id; those of them that are stored: case_no, case_id, and what they hold: case_no,
    object_id; those of them that there are now."""

    case_ids: ir.Table
    before: ir.Table
    held: ir.Table
    now: Reached


def stale_cases(
    steps: Steps,
    stored: Stored,
    objects: ir.Table,
    o2o: ir.Table,
    e2o: ir.Table,
    lens: Lens,
    *,
    changed: ir.Table,
    told: ir.Table,
    moves: bool,
    first_case: int,
) -> Stale | None:
    """The cases that a changed object belongs to, or did, and those beside them; ``None`` where there are none.

    Parameters
    ----------
    steps
        Computes and keeps what is found.
    stored
        The cases before the load.
    objects, o2o, e2o
        Current rows.
    lens
        What a case is.
    changed
        Objects that changed, gained or lost an event or a relation: object_id.
    told
        Events that the load speaks of, all of whose objects are among the changed ones: event_id.
    moves
        Whether a document may have come into a case or left it: an object or a relation changed.
    first_case
        The number from which on cases are new.
    """
    hit = stored.cases.semi_join(stored.membership.semi_join(changed, "object_id"), "case_no").select("case_id")
    if moves or _is_any_silent(steps, stored, objects, lens):
        hit = ibis.union(hit, cases_above(steps, objects, o2o, lens, changed), distinct=True)
    case_ids = steps.keep("stale", hit)
    if steps.is_empty("stale"):
        return None
    found = _found(steps, stored, objects, o2o, lens, case_ids, changed, first_case)
    beside = cases_beside(steps, e2o, told, stored.membership, found.before, found.held, found.now) if moves else None
    if beside is None:
        return found
    more = stored.cases.semi_join(beside, "case_no").select("case_id")
    case_ids = steps.keep("stale_and_beside", ibis.union(case_ids, more))
    steps.forget("replaced", "held", "near_objects", "near_o2o", "numbers", "members")
    return _found(steps, stored, objects, o2o, lens, case_ids, changed, first_case)


def _is_any_silent(steps: Steps, stored: Stored, objects: ir.Table, lens: Lens) -> bool:
    """Whether a case has had no event so far: then it is not stored, nor what it would reach."""
    own = objects.filter(objects.object_type == lens.object_type)
    return steps.count(own) != steps.count(stored.cases)


def _found(
    steps: Steps,
    stored: Stored,
    objects: ir.Table,
    o2o: ir.Table,
    lens: Lens,
    case_ids: ir.Table,
    changed: ir.Table,
    first_case: int,
) -> Stale:
    """Cases as they are stored and as they are now."""
    before = steps.keep("replaced", stored.cases.semi_join(case_ids, "case_id"))
    held = steps.keep("held", stored.membership.semi_join(before, "case_no"))
    # whatever they reach now they held before, or it is reached from an object that changed
    ids = [case_ids.select(object_id="case_id"), held.select("object_id"), changed.select("object_id")]
    beside = near(steps, objects, o2o, lens, ibis.union(*ids))
    now = reach(steps, beside.objects, beside.o2o, lens, case_ids=case_ids, first_case=first_case)
    return Stale(case_ids, before, held, now)
