"""Which documents belong to the cases that a filter chooses?"""

from __future__ import annotations

from o2c_mining.trace.select import Traces


def member_ids(traces: Traces) -> frozenset[str]:
    """Object ids of the chosen cases and of every document that belongs to one of them."""
    members = traces.members.select("object_id").distinct()
    return frozenset(str(row["object_id"]) for row in traces.log.reader.rows(members))
