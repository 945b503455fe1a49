"""Which event enabled each event of a case, when was it due, and how much work time had passed?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.trace.work_days import with_work_clock


def ordered(occurrences: ir.Table, corrections: ir.Table, work_days: ir.Table | None) -> ir.Table:
    """One row per case and event with the place of the event that enabled it and the next one beside."""
    # an event that refers to several members has the latest due date of them
    several = occurrences.filter(~occurrences.is_alone)
    dues = several.group_by("case_no", "seq").aggregate(latest_due=several.due_at.max())
    firsts = occurrences.filter(occurrences.is_first)
    joined = firsts.left_join(corrections, ["case_no", "seq"]).drop("case_no_right", "seq_right")
    joined = joined.left_join(dues, ["case_no", "seq"])
    alone = ibis.ifelse(joined.is_alone, joined.previous, ibis.null("int32"))
    rows = joined.select(
        "case_no",
        "seq",
        "event_id",
        "event_no",
        "time",
        "width",
        "state",
        own_due=ibis.ifelse(joined.is_alone, joined.due_at, joined.latest_due),
        enabled_seq=joined.enabled_seq.coalesce(alone, joined.seq - 1).cast("int32"),
    )
    return with_work_clock(rows, work_days)
