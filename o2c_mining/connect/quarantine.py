"""Refused rows, each kept once with its reason, so that nothing read is ever unaccounted for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from o2c_mining.connect.engine import scan
from o2c_mining.connect.protocol import Refused
from o2c_mining.log.schema import QUARANTINE
from o2c_mining.log.store import Writer


def quarantine(
    connection: duckdb.DuckDBPyConnection, writer: Writer, source: str, stream: str, refused: Iterable[Refused]
) -> int:
    """Append what is not quarantined yet for the same source, stream, key and rule; returns how many were new."""
    rows = list({(row.source_key, row.rule): row for row in refused}.values())
    if not rows:
        return 0
    known = _known(connection, writer, source, stream)
    now = datetime.now(UTC)
    new = [
        {
            "source": source,
            "stream": stream,
            "source_key": row.source_key,
            "reason": row.reason,
            "rule": row.rule,
            "raw": row.raw,
            "first_seen": now,
            "last_seen": now,
            "batch_id": writer.number,
        }
        for row in rows
        if (row.source_key, row.rule) not in known
    ]
    writer.append("quarantine", pa.Table.from_pylist(new, schema=QUARANTINE))
    return len(new)


def _known(connection: duckdb.DuckDBPyConnection, writer: Writer, source: str, stream: str) -> set[tuple[str, str]]:
    files = writer.files("quarantine")
    if not files:
        return set()
    sql = f"SELECT DISTINCT source_key, rule FROM {scan(files)} WHERE source = $source AND stream = $stream"
    return {
        (str(key), str(rule)) for key, rule in connection.execute(sql, {"source": source, "stream": stream}).fetchall()
    }
