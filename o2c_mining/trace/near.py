"""Which objects and relations can a few cases reach, read from the log as seldom as may be?

A walk along the relations of a large log reads it whole at every step. What lies near a few cases is read once, and
once more where relations lead to objects that nobody named; the walks then stay in small tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from o2c_mining.trace.lens import Lens
from o2c_mining.trace.steps import Steps


@dataclass(frozen=True, slots=True)
class Near:
    """Objects that cases can reach (object_id, object_type, due_at) and all relations that start at one of them
    (source_id, target_id). There may be more of both."""

    objects: ir.Table
    o2o: ir.Table


def near(steps: Steps, objects: ir.Table, o2o: ir.Table, lens: Lens, seeds: ir.Table) -> Near:
    """What can be reached from the seeds along the lens, and the seeds.

    Parameters
    ----------
    steps
        Keeps both tables as ``near_objects`` and ``near_o2o``.
    objects, o2o
        Current rows.
    lens
        Type edges that may be followed.
    seeds
        Where to start: object_id. What they reach is read with fewest steps where it is among them.
    """
    typed = objects.select("object_id", "object_type", "due_at")
    targets = typed.filter(typed.object_type.isin(sorted({target for _, target in lens.edges}) or [""]))
    links = o2o.select("source_id", "target_id")
    fronts = [steps.keep("near_0", seeds.distinct())]
    found: list[ir.Table] = []
    while True:
        step = len(found)
        starts = fronts[-1].select(source_id="object_id")
        found.append(steps.keep(f"near_links_{step}", links.semi_join(starts, "source_id")))
        ends = found[-1].select(object_id="target_id").distinct()
        for front in fronts:
            ends = ends.anti_join(front, "object_id")
        further = steps.keep(f"near_{step + 1}", targets.semi_join(ends, "object_id").select("object_id"))
        if steps.is_empty(f"near_{step + 1}"):
            break
        fronts.append(further)
    seen = fronts[0] if len(fronts) == 1 else ibis.union(*fronts)
    near_objects = steps.keep("near_objects", typed.semi_join(seen, "object_id"))
    near_o2o = steps.keep("near_o2o", found[0] if len(found) == 1 else ibis.union(*found))
    steps.forget(*(f"{name}_{step}" for name in ("near", "near_links") for step in range(len(found) + 1)))
    return Near(near_objects, near_o2o)
