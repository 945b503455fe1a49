"""Which cases does a filter choose?"""

from __future__ import annotations

from o2c_mining.trace.select import Traces


def case_ids(traces: Traces) -> frozenset[str]:
    """Object ids of the chosen cases."""
    return frozenset(str(row["case_id"]) for row in traces.log.reader.rows(traces.cases.select("case_id")))
