"""Which events belong to several cases?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def sharing(e2o: ir.Table, occurrences: ir.Table, others: ir.Table | None) -> ir.Table:
    """Events that belong to several cases of the lens: event_no."""
    spread = occurrences.group_by("event_no").aggregate(low=occurrences.case_no.min(), high=occurrences.case_no.max())
    several = spread.filter(spread.low != spread.high).select("event_no")
    if others is None:
        return several
    here = occurrences.select("event_id", "event_no").distinct()
    elsewhere = e2o.select("event_id", "object_id").join(here, "event_id")
    elsewhere = elsewhere.semi_join(others, "object_id").select("event_no")
    return ibis.union(several, elsewhere, distinct=True)
