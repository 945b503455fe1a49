"""Which objects do the cases of a lens reach now?"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from o2c_mining.trace.lens import Lens, depth
from o2c_mining.trace.members import find_members
from o2c_mining.trace.steps import Steps


@dataclass(frozen=True, slots=True)
class Reached:
    """Cases by number (case_no, case_id) and their members, columns as in ``find_members``.

    ``o2o`` has every relation between members; ``is_all``: they are all the cases of the lens.
    """

    numbers: ir.Table
    members: ir.Table
    o2o: ir.Table
    is_all: bool


def reach(
    steps: Steps, objects: ir.Table, o2o: ir.Table, lens: Lens, *, case_ids: ir.Table | None, first_case: int
) -> Reached:
    """Number the cases and find their members.

    Parameters
    ----------
    steps
        Keeps both as ``numbers`` and ``members``.
    objects, o2o
        Current rows, at least those near the cases.
    lens
        What a case is.
    case_ids
        Column ``case_id``: only these cases, where they still are; ``None`` for all.
    first_case
        The number of the first of them; the others follow in the order of their ids.
    """
    # a number that differs from load to load is a row of a table: the expression stays the same and is compiled once
    first = steps.register("first_case", pa.table({"first_case": pa.array([first_case], pa.int32())}))
    start = objects.filter(objects.object_type == lens.object_type)
    if case_ids is not None:
        start = start.semi_join(case_ids, start.object_id == case_ids.case_id)
    ranked = start.select(case_id=start.object_id, rank=ibis.row_number().over(ibis.window(order_by=start.object_id)))
    joined = ranked.cross_join(first)
    numbered = joined.select(case_no=(joined["rank"] + joined.first_case).cast("int32"), case_id=joined.case_id)
    numbers = steps.keep("numbers", numbered)
    members = steps.keep("members", find_members(steps, objects, o2o, lens, numbers))
    steps.forget("first_case", *(f"members_{level}" for level in range(depth(lens) + 1)))
    return Reached(numbers, members, o2o, case_ids is None)
