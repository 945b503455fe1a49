"""Which event follows each event of a case, and which one enabled that?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

NONE = -1  # the code of "no such event"


def following(ordered: ir.Table, ends: ir.Table, sharing: ir.Table) -> ir.Table:
    """One row per case and event with the next one, its enabler and the states of all three."""
    window = ibis.window(group_by="case_no", order_by="seq")
    names = ("time", "state", "width", "work_clock", "own_due", "enabled_seq")
    ahead = ordered.mutate(**{f"next_{name}": ordered[name].lead().over(window) for name in names})
    far = ahead.filter(ahead.next_enabled_seq != ahead.seq).select("case_no", "seq", "next_enabled_seq")
    enablers = ordered.select("case_no", next_enabled_seq="seq", far_state="state")
    far = far.join(enablers, ["case_no", "next_enabled_seq"]).select("case_no", "seq", "far_state")
    joined = ahead.left_join(far, ["case_no", "seq"]).drop("case_no_right", "seq_right")
    joined = joined.join(ends.select("case_no", "end_kind"), "case_no")
    shared = joined.left_join(sharing.mutate(is_shared=ibis.literal(True)), "event_no")
    is_last = shared.next_state.isnull()
    gap = shared.next_time.delta(shared.time, unit="microsecond") / 1_000_000
    unknown = ((shared.width > 0) & (gap < shared.width)) | ((shared.next_width > 0) & (gap == 0))
    near = ibis.ifelse(is_last, ibis.null("int32"), shared.state)
    return shared.select(
        "case_no",
        "seq",
        "event_id",
        "time",
        "next_time",
        "work_clock",
        "state",
        next_state=shared.next_state.coalesce(NONE).cast("int32"),
        enabled_state=shared.far_state.coalesce(near, NONE).cast("int32"),
        enabled_seq=shared.next_enabled_seq,
        is_end=is_last & shared.end_kind.notnull(),
        working_seconds=shared.next_work_clock - shared.work_clock,
        order_known=~unknown.fill_null(False),
        due_at=ibis.ifelse(is_last, shared.own_due, shared.next_own_due),
        is_shared=shared.is_shared.fill_null(False),
    )
