"""Which events belong to several cases?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def sharing(occurrences: ir.Table, elsewhere: ir.Table | None) -> ir.Table:
    """Events that belong to several cases of the lens: event_no.

    Parameters
    ----------
    occurrences
        The cases that are built.
    elsewhere
        Events of other cases that are stored as shared: event_id. No more need to be looked at: a case that an event
        is new to is built together with all others that hold it.
    """
    spread = occurrences.group_by("event_no").aggregate(low=occurrences.case_no.min(), high=occurrences.case_no.max())
    several = spread.filter(spread.low != spread.high).select("event_no")
    if elsewhere is None:
        return several
    return ibis.union(several, occurrences.semi_join(elsewhere, "event_id").select("event_no"), distinct=True)
