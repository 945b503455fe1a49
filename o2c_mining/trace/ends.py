"""How did cases end?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.trace.lens import Lens


def ends_of(lens: Lens, members: ir.Table, occurrences: ir.Table, states: ir.Table, numbers: ir.Table) -> ir.Table:
    """How cases ended: case_no, end_kind (null for open ones)."""
    named = occurrences.select("case_no", "member_no", "state").join(
        states.select("state", "activity").filter(
            states.activity.isin(sorted({*lens.cancels, *(name for _, names in lens.finals for name in names)}) or [""])
        ),
        "state",
    )
    typed = named.select("case_no", "member_no", "activity").join(
        members.select("case_no", "member_no", "object_type", "is_case"), ["case_no", "member_no"]
    )
    cancelled = typed.filter(typed.is_case, typed.activity.isin(lens.cancels or ("",)))
    cancelled = cancelled.select("case_no").distinct().mutate(is_cancelled=ibis.literal(True))
    ending = ibis.literal(False)
    for kind, activities in lens.finals:
        ending = ending | ((typed.object_type == kind) & typed.activity.isin(activities))
    finished = typed.filter(ending).select("case_no", "member_no").distinct().mutate(done=ibis.literal(True))
    watched = [name for name, _ in lens.finals]
    parts = members.filter(members.object_type.isin(watched or [""])).select("case_no", "member_no", "object_type")
    state = parts.left_join(finished, ["case_no", "member_no"])
    state = state.select("case_no", "object_type", done=state.done.fill_null(False))
    complete = state.done.all()
    for name in lens.required:
        complete = complete & (state.object_type == name).any()
    completed = state.group_by("case_no").aggregate(is_completed=complete)
    joined = numbers.select("case_no").left_join(cancelled, "case_no").drop("case_no_right")
    joined = joined.left_join(completed, "case_no").drop("case_no_right")
    otherwise = ibis.null("string") if lens.finals else ibis.literal("completed")
    kind = ibis.cases(
        (joined.is_cancelled.fill_null(False), "cancelled"),
        (joined.is_completed.fill_null(False), "completed"),
        else_=otherwise,
    )
    return joined.select("case_no", end_kind=kind if lens.finals else ibis.literal("completed"))
