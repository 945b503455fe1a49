"""Which objects belong to which case?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.trace.lens import Lens, depth
from o2c_mining.trace.steps import Steps


def find_members(steps: Steps, objects: ir.Table, o2o: ir.Table, lens: Lens, numbers: ir.Table) -> ir.Table:
    """Walk the relations of the lens from every case object, in the direction of the flow, each object once a case.

    Parameters
    ----------
    steps
        Computes and keeps each level of the walk.
    objects, o2o
        Current rows.
    lens
        Type edges that may be followed.
    numbers
        The cases: case_no, case_id.

    Returns
    -------
    Table
        One row per case and object: case_no, member_no (from 0 in its case), object_id, object_type, path (the
        shortest way of types, the first by name among equals), is_case, due_at.
    """
    level = numbers.select(
        "case_no",
        object_id=numbers.case_id,
        object_type=ibis.literal(lens.object_type),
        path=ibis.literal(lens.object_type),
    )
    levels = [steps.keep("members_0", level)]
    sources = sorted({source for source, _ in lens.edges})
    typed = objects.select("object_id", "object_type")
    links = o2o.select("source_id", object_id="target_id")
    for step in range(1, depth(lens)):
        last = levels[-1].filter(levels[-1].object_type.isin(sources))
        last = last.select("case_no", "path", source_id="object_id", source_type="object_type")
        found = last.join(links, "source_id").join(typed, "object_id")
        found = found.filter((found.source_type + ">" + found.object_type).isin([f"{a}>{b}" for a, b in lens.edges]))
        reached = found.group_by("case_no", "object_id").aggregate(
            object_type=found.object_type.min(), path=(found.path + " > " + found.object_type).min()
        )
        for earlier in levels:
            reached = reached.anti_join(earlier, ["case_no", "object_id"])
        level = steps.keep(f"members_{step}", reached)
        if steps.is_empty(f"members_{step}"):
            break
        levels.append(level)
    everything = levels[0] if len(levels) == 1 else ibis.union(*levels)
    window = ibis.window(group_by="case_no", order_by="object_id")
    numbered = everything.mutate(member_no=ibis.row_number().over(window).cast("int32"))
    dated = objects.filter(objects.due_at.notnull()).select("object_id", "due_at")
    joined = numbered.left_join(dated, "object_id").drop("object_id_right")
    own = joined.object_type == lens.object_type
    return joined.mutate(is_case=own & (joined.path == lens.object_type))


def links_between(members: ir.Table, o2o: ir.Table) -> ir.Table:
    """Members of a case that are directly related, both ways: case_no, member_no, other_no."""
    own = members.select("case_no", "object_id", "member_no")
    there = members.select("case_no", target_id="object_id", other_no="member_no")
    forth = own.join(o2o.select("source_id", "target_id"), own.object_id == o2o.source_id)
    forth = forth.select("case_no", "member_no", "target_id").join(there, ["case_no", "target_id"])
    forth = forth.select("case_no", "member_no", "other_no")
    return ibis.union(forth, forth.select(case_no="case_no", member_no="other_no", other_no="member_no"))


def cases_above(steps: Steps, objects: ir.Table, o2o: ir.Table, lens: Lens, changed: ir.Table) -> ir.Table:
    """Cases that reach a changed object along the lens, found by walking its steps backwards: case_id."""
    typed = objects.select("object_id", "object_type")
    sources = objects.select(source_id="object_id", source_type="object_type")
    links = o2o.select("source_id", "target_id")
    levels = [steps.keep("above_0", typed.semi_join(changed, "object_id"))]
    for step in range(1, depth(lens)):
        last = levels[-1]
        back = links.join(last, links.target_id == last.object_id).join(sources, "source_id")
        back = back.filter((back.source_type + ">" + back.object_type).isin([f"{a}>{b}" for a, b in lens.edges]))
        back = back.select(object_id="source_id", object_type="source_type").distinct()
        for earlier in levels:
            back = back.anti_join(earlier, "object_id")
        level = steps.keep(f"above_{step}", back)
        if steps.is_empty(f"above_{step}"):
            break
        levels.append(level)
    everything = levels[0] if len(levels) == 1 else ibis.union(*levels, distinct=True)
    return everything.filter(everything.object_type == lens.object_type).select(case_id="object_id").distinct()
