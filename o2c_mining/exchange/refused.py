"""Which rows a file could not bring into the log is kept, so that nothing read is ever unaccounted for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa

from o2c_mining.exchange.load import Loaded
from o2c_mining.log.refusals import EVENT_REFUSED, refusals
from o2c_mining.log.schema import QUARANTINE
from o2c_mining.log.store import Writer


def keep_refused(writer: Writer, loads: Sequence[Loaded], *, changed: bool) -> bool:
    """Append where the refused rows stand and why they were refused, no value of theirs; returns whether to commit.

    The newest load of a file says which of its rows wait (``log.refusals``). So they are noted with every load that
    ``changed`` the log, and with one that did not when other rows wait than before.
    """
    rows = [(load.source, row.table, row.key, row.rule, row.reason) for load in loads for row in load.refused]
    waiting = {row[:4] for row in rows if row[3] != EVENT_REFUSED}
    if not changed and (not writer.base.number or _of(loads, writer) == waiting):
        return False
    now = datetime.now(UTC)
    names = ("source", "stream", "source_key", "rule", "reason")
    noted = {"raw": "", "first_seen": now, "last_seen": now, "batch_id": writer.number}
    kept = [{**dict(zip(names, row, strict=True)), **noted} for row in rows]
    writer.append("quarantine", pa.Table.from_pylist(kept, schema=QUARANTINE))
    return True


def _of(loads: Sequence[Loaded], writer: Writer) -> set[tuple[str, ...]]:
    """The rows of these files that wait so far."""
    sources = {load.source for load in loads}
    waiting = refusals(writer.base).select(["source", "stream", "source_key", "rule"]).to_pylist()
    return {tuple(row.values()) for row in waiting if row["source"] in sources}
