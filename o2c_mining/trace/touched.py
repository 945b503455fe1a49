"""Which objects must be refreshed besides those that a load changed: those whose traces depend on something farther.

A pair's due date comes from every object its event refers to, also one outside the case. And an event dated too far
ahead to be possible becomes possible as time passes, without any load that speaks of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir

from o2c_mining.log.event_log import possible_times
from o2c_mining.log.store import Writer
from o2c_mining.log.table_reader import TableReader

_LONGEST_LOAD = timedelta(hours=1)  # from a refresh to the commit it belongs to; what lies between is looked at twice


def also_touched(reader: TableReader, writer: Writer, events: ir.Table, e2o: ir.Table, now: datetime) -> set[str]:
    """Objects to refresh though the load changed neither them nor what refers to them.

    Parameters
    ----------
    reader
        Has ``objects_versions`` and ``touched_versions`` with what the writer appended.
    writer
        Its load is not committed yet.
    events, e2o
        Current rows, impossible events among them.
    now
        When the traces are refreshed.
    """
    refers = e2o.select("event_id", "object_id").distinct()
    moved = _due_elsewhere(reader.table("objects_versions"), writer.number)
    beside = refers.semi_join(refers.semi_join(moved, "object_id"), "event_id").select("object_id")
    found = [beside]
    since = _last_refresh(reader, writer.base.history())
    if since is not None:
        arrived = events.filter(~possible_times(events, since - _LONGEST_LOAD), possible_times(events, now))
        found.append(refers.semi_join(arrived, "event_id").select("object_id"))
    rows = reader.execute(ibis.union(*found, distinct=True) if len(found) > 1 else beside.distinct())
    return set(rows["object_id"].to_pylist())


def _due_elsewhere(versions: ir.Table, number: int) -> ir.Table:
    """Objects whose due date is another one since this load."""
    loaded = versions.filter(versions.batch_id == number).select("object_id").distinct()
    known = versions.semi_join(loaded, "object_id")
    due = ibis.ifelse(known["op"] == "D", ibis.null(known.due_at.type()), known.due_at)
    known = known.select("object_id", "batch_id", "ingest_seq", due=due)
    window = ibis.window(group_by="object_id", order_by="ingest_seq")
    known = known.mutate(before=known.due.lag().over(window))
    return known.filter(known.batch_id == number, ~known.due.identical_to(known.before)).select("object_id").distinct()


def _last_refresh(reader: TableReader, history: Sequence[dict[str, object]]) -> datetime | None:
    """When the commit was made that holds the newest refreshed trace."""
    touched = reader.table("touched_versions")
    newest = reader.rows(touched.aggregate(newest=touched.refresh_seq.max()))[0]["newest"]
    moments = [row["committed_at"] for row in history if row["commit"] == newest]
    return max((moment for moment in moments if isinstance(moment, datetime)), default=None)
