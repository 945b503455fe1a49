"""Source rows into the kept staging tables: only what changed is appended, every row is accounted for, every page is a
commit with its cursor.

A row with the key and hash of the newest staged version is a duplicate. Rows the source no longer holds are appended
once more with ``_op = 'D'``, so the transform sees what they were.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import duckdb
import pyarrow as pa

from o2c_mining.connect.engine import arrow, content_hash, key_text, number, quoted, scan
from o2c_mining.connect.protocol import OpenSource, Page, Refused, Stream
from o2c_mining.connect.quarantine import quarantine
from o2c_mining.errors import ConnectorError
from o2c_mining.log.store import STAGING, Batch, Writer

logger = logging.getLogger(__name__)

KEYS_A_QUERY = 500


class Progress(Protocol):
    """Told after every page; whoever shows a bar implements it."""

    def __call__(self, source: str, stream: str, rows: int) -> None:
        """``rows`` more were read."""
        ...


@dataclass(slots=True)
class Staged:
    """What one stream brought: totals of the run, and the batch not yet committed because nothing in it changed."""

    stream: str
    cursor: str | None
    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicate: int = 0
    deleted: int = 0
    commits: int = field(default=0)


def staging_table(source: str, stream: str) -> str:
    """Where the rows of a stream are kept."""
    return f"{STAGING}/{source}/{stream}"


def stage(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    stream: Stream,
    opened: OpenSource,
    writer: Writer,
    *,
    after: str | None,
    progress: Progress,
) -> Staged:
    """Read a stream to its end. A kill between two pages costs nothing: the next run starts at the last page's cursor.

    Raises
    ------
    ConnectorError
        If the source fails, or a page does not have the stream's columns.
    """
    _load_current(connection, stream, writer.files(staging_table(source, stream.name)))
    result = Staged(stream.name, after)
    for page in opened.pages(stream, after):
        _take(connection, source, stream, page, writer, result, cursor=page.cursor or result.cursor)
        progress(source, stream.name, page.rows.num_rows)
    held = opened.keys(stream)
    if held is not None:
        _reconcile(connection, source, stream, opened, held, writer, result)
    return result


def _load_current(connection: duckdb.DuckDBPyConnection, stream: Stream, files: Sequence[str]) -> None:
    """The newest version of every staged key as table ``staged_now``."""
    connection.execute("CREATE OR REPLACE TEMP TABLE staged_now (_key VARCHAR PRIMARY KEY, _hash VARCHAR, _op VARCHAR)")
    if files:
        connection.execute(
            "INSERT INTO staged_now SELECT _key, arg_max(_hash, _seq), arg_max(_op, _seq) "
            f"FROM {scan(files)} GROUP BY _key"
        )


def _take(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    stream: Stream,
    page: Page,
    writer: Writer,
    result: Staged,
    *,
    cursor: str | None,
) -> None:
    """One page into staging and, if it brought anything, one commit."""
    rows = _conform(source, stream, page.rows)
    names = stream.schema.names
    connection.register("page", rows)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT *, {key_text(stream.key)} AS _key, "
        f"{content_hash(names)} AS _hash, row_number() OVER () AS _position FROM page"
    )
    connection.unregister("page")
    without_key = number(connection, "SELECT count(*) FROM incoming WHERE _key IS NULL")
    refused = (*page.refused, *_keyless(stream, without_key))
    repeated = number(
        connection,
        "SELECT count(*) FROM (SELECT i._position, i._hash = s._hash AND s._op <> 'D' AS same, i._position < "
        "max(i._position) OVER (PARTITION BY i._key) AS superseded FROM incoming i LEFT JOIN staged_now s USING (_key) "
        "WHERE i._key IS NOT NULL) WHERE superseded OR same",
    )
    fresh = arrow(
        connection,
        f"SELECT {', '.join('i.' + quoted(name) for name in names)}, i._key, "
        "CASE WHEN s._key IS NULL OR s._op = 'D' THEN 'I' ELSE 'U' END AS _op, i._hash "
        "FROM incoming i LEFT JOIN staged_now s USING (_key) WHERE i._key IS NOT NULL "
        "AND (s._key IS NULL OR s._op = 'D' OR s._hash <> i._hash) "
        "QUALIFY row_number() OVER (PARTITION BY i._key ORDER BY i._position DESC) = 1 ORDER BY i._position",
    )
    read = rows.num_rows + len(page.refused)
    accepted, quarantined = fresh.num_rows, len(refused)
    if accepted + quarantined + repeated != read:
        raise ConnectorError(
            f"{source}.{stream.name}: {read} rows read but {accepted} accepted, {quarantined} quarantined and "
            f"{repeated} duplicate; expected the three to add up; report this with the connector's version",
            permanent=True,
        )
    _append(connection, source, stream, fresh, writer)
    quarantine(connection, writer, source, stream.name, refused)
    batch = Batch(
        source, stream.name, cursor, read=read, accepted=accepted, quarantined=quarantined, duplicate=repeated
    )
    _account(batch, writer, result)


def _account(batch: Batch, writer: Writer, result: Staged) -> None:
    """Add a batch to the totals; commit it when it changed anything or moved the cursor through refused rows."""
    result.cursor = batch.cursor
    result.read += batch.read
    result.accepted += batch.accepted
    result.quarantined += batch.quarantined
    result.duplicate += batch.duplicate
    if batch.accepted or batch.quarantined:
        writer.commit([batch])
        result.commits += 1


def _append(
    connection: duckdb.DuckDBPyConnection, source: str, stream: Stream, fresh: pa.Table, writer: Writer
) -> None:
    if fresh.num_rows == 0:
        return
    first = writer.next_seq(fresh.num_rows)
    count = fresh.num_rows
    stamped = fresh.append_column("_seq", pa.array(range(first, first + count), pa.int64()))
    stamped = stamped.append_column("_batch", pa.array([writer.number] * count, pa.int64()))
    typed = pa.schema(
        [
            *stream.schema,
            ("_key", pa.string()),
            ("_op", pa.string()),
            ("_hash", pa.string()),
            ("_seq", pa.int64()),
            ("_batch", pa.int64()),
        ]
    )
    writer.append(staging_table(source, stream.name), stamped.cast(typed))
    connection.register("appended", stamped)
    connection.execute("INSERT OR REPLACE INTO staged_now SELECT _key, _hash, _op FROM appended")
    connection.unregister("appended")


def _reconcile(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    stream: Stream,
    opened: OpenSource,
    held: pa.Table,
    writer: Writer,
    result: Staged,
) -> None:
    """Compare the source's keys with the staged ones: read what was missed, mark what was deleted."""
    connection.register("held_rows", held)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE held AS SELECT *, {key_text(stream.key)} AS _key FROM held_rows")
    connection.unregister("held_rows")
    columns = ", ".join(quoted(name) for name in stream.key)
    missed = connection.execute(
        f"SELECT {columns} FROM held h ANTI JOIN (SELECT _key FROM staged_now WHERE _op <> 'D') s USING (_key)"
    ).fetchall()
    for start in range(0, len(missed), KEYS_A_QUERY):
        for page in opened.rows(stream, missed[start : start + KEYS_A_QUERY]):
            _take(connection, source, stream, page, writer, result, cursor=result.cursor)
    files = writer.files(staging_table(source, stream.name))
    if not files:
        return
    gone = arrow(
        connection,
        f"SELECT {', '.join(quoted(name) for name in stream.schema.names)}, _key, 'D' AS _op, _hash FROM {scan(files)} "
        "WHERE _key IN (SELECT _key FROM staged_now WHERE _op <> 'D' AND _key NOT IN "
        "(SELECT _key FROM held WHERE _key IS NOT NULL)) "
        "QUALIFY row_number() OVER (PARTITION BY _key ORDER BY _seq DESC) = 1 ORDER BY _key",
    )
    if gone.num_rows == 0:
        return
    _append(connection, source, stream, gone, writer)
    result.deleted += gone.num_rows
    _account(Batch(source, stream.name, result.cursor, read=gone.num_rows, accepted=gone.num_rows), writer, result)


def _conform(source: str, stream: Stream, rows: pa.Table) -> pa.Table:
    missing = [name for name in stream.schema.names if name not in rows.column_names]
    if missing:
        raise ConnectorError(
            f"{source}.{stream.name}: a page lacks {', '.join(missing)}; expected {', '.join(stream.schema.names)}; "
            "mend the connector's extract.py",
            permanent=True,
        )
    try:
        return rows.select(stream.schema.names).cast(stream.schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ConnectorError(
            f"{source}.{stream.name}: a page does not fit its schema ({error}); expected the types of sources.yml; "
            "mend the connector's extract.py",
            permanent=True,
        ) from error


def _keyless(stream: Stream, count: int) -> Iterable[Refused]:
    reason = f"{' or '.join(stream.key)} is empty"
    return (Refused(f"row without key {index + 1}", "key-missing", reason) for index in range(count))
