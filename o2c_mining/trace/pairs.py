"""Of which kind is each segment, and is it the first of its sort in the case?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.trace.codes import group_codes
from o2c_mining.trace.lens import Lens


def pairs_of(lens: Lens, coded: ir.Table, kinds: ir.Table) -> ir.Table:
    """The segments with their kind, and which of them are the first of their sort in the case."""
    edges = kinds.select("state", "next_state", "enabled_state", "is_end", "kind", **group_codes(kinds))
    keyed = coded.join(edges, ["state", "next_state", "enabled_state", "is_end"])

    def first(*names: str) -> ir.BooleanValue:
        window = ibis.window(group_by=["case_no", *names], order_by="seq")
        return ibis.row_number().over(window) == 0

    flagged = keyed.mutate(first_in_case=first("edge"), first_in_cell=first("cell"), first_of_activity=first("node"))
    return flagged.select(
        "case_no",
        "seq",
        "event_id",
        "kind",
        "enabled_seq",
        "time",
        "next_time",
        "work_clock",
        "working_seconds",
        "order_known",
        "due_at",
        "is_shared",
        "first_in_case",
        "first_in_cell",
        "first_of_activity",
        lens=ibis.literal(lens.object_type),
    )
