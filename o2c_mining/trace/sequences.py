"""In which order did the activities of each case happen?"""

from __future__ import annotations

import ibis.expr.types as ir

from o2c_mining.trace.codes import group_codes

_MOST_KINDS = 2**31


def sequences_of(pairs: ir.Table, kinds: ir.Table) -> ir.Table:
    """Each case's activities in order, as sorted codes (place and activity in one number), and what its events add up
    to: case_no, sequence, opened_at, last_event_at, first_work_clock, events, order_known."""
    named = pairs.join(kinds.select("kind", node=group_codes(kinds)["node"]), "kind")
    return named.group_by("case_no").aggregate(
        sequence=(named.seq.cast("int64") * _MOST_KINDS + named.node).collect().sort(),
        opened_at=named.time.min(),
        last_event_at=named.time.max(),
        first_work_clock=named.work_clock.min(),
        events=named.count(),
        order_known=named.order_known.all(),
    )
