"""Which objects must be refreshed besides those that a load changed: those whose traces depend on something farther.

An event that refers to one more object may now belong to several cases, which the cases of its other objects have to
know. And an event dated too far ahead to be possible becomes possible as time passes, without any load that speaks of
it.
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


def also_touched(reader: TableReader, writer: Writer, e2o: ir.Table, now: datetime) -> ir.Table:
    """Objects to refresh though the load changed neither them nor what refers to them: column object_id.

    All that refer to an event that is itself in the load are among those it changed.

    Parameters
    ----------
    reader
        Has ``events_versions``, ``e2o_versions`` and ``touched_versions`` with what the writer appended.
    writer
        Its load is not committed yet.
    e2o
        Current references.
    now
        When the traces are refreshed.
    """
    refers = e2o.select("event_id", "object_id")
    events, loaded = reader.table("events_versions"), reader.table("e2o_versions")
    own = events.filter(events.batch_id == writer.number).select("event_id")
    related = loaded.filter(loaded.batch_id == writer.number).select("event_id").distinct().anti_join(own, "event_id")
    found = refers.semi_join(related, "event_id").select("object_id")
    since = _last_refresh(reader, writer.base.history())
    if since is None:
        return found.distinct()
    arrived = events.filter(~possible_times(events, since - _LONGEST_LOAD), possible_times(events, now))
    return ibis.union(found, refers.semi_join(arrived, "event_id").select("object_id"), distinct=True)


def _last_refresh(reader: TableReader, history: Sequence[dict[str, object]]) -> datetime | None:
    """When the commit was made that holds the newest refreshed trace."""
    touched = reader.table("touched_versions")
    newest = reader.rows(touched.aggregate(newest=touched.refresh_seq.max()))[0]["newest"]
    moments = [row["committed_at"] for row in history if row["commit"] == newest]
    return max((moment for moment in moments if isinstance(moment, datetime)), default=None)
