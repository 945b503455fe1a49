"""Which rows a file could not bring into the log is kept, so that nothing read is ever unaccounted for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from o2c_mining.exchange.load import Loaded
from o2c_mining.log.refusals import EVENT_REFUSED, refusals
from o2c_mining.log.schema import QUARANTINE
from o2c_mining.log.store import Writer


def keep_refused(writer: Writer, loads: Sequence[Loaded], *, changed: bool) -> bool:
    """Append where the refused rows stand and why they were refused, no value of theirs; returns whether to commit.

    The newest load of a file says which of its rows wait (``log.refusals``). So they are noted with every load that
    ``changed`` the log, and with one that did not when other rows wait than before.
    """
    rows = pa.concat_tables([_rows(load) for load in loads])
    if not changed and (not writer.base.number or _told(rows).equals(_told(_waiting(writer, loads)))):
        return False
    now = datetime.now(UTC)
    noted = {"first_seen": now, "last_seen": now, "batch_id": writer.number}
    for name, value in noted.items():
        kind = QUARANTINE.field(name).type
        rows = rows.append_column(name, pa.repeat(pa.scalar(value, kind), rows.num_rows))
    writer.append("quarantine", rows.select(QUARANTINE.names))
    return True


def _rows(load: Loaded) -> pa.Table:
    """What a file refused, in the quarantine's words; ``raw`` says which file of that name."""
    rows = load.refused.rename_columns(["stream", "source_key", "rule", "reason"])
    for name, value in (("source", load.source), ("raw", load.owner)):
        rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
    return rows


def _waiting(writer: Writer, loads: Sequence[Loaded]) -> pa.Table:
    """The rows of these files that wait so far."""
    waiting = refusals(writer.base)
    return waiting.filter(pc.is_in(waiting["raw"], pa.array(sorted({load.owner for load in loads}))))


def _told(rows: pa.Table) -> pa.Table:
    """Which rows wait, each once, in an order of their own; references that go with their event are not told."""
    names = ["raw", "stream", "source_key", "rule"]
    own = rows.filter(pc.not_equal(rows["rule"], EVENT_REFUSED))
    return own.group_by(names).aggregate([]).select(names).sort_by([(name, "ascending") for name in names])
