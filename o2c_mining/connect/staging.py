"""Source rows into the kept staging tables: only what changed is appended, every row is accounted for, and a
page is committed together with its cursor.

A row with the key and hash of the newest staged version is a duplicate. Rows the source no longer holds are appended
once more with ``_op = 'D'``, so the transform sees what they were. Rows whose key or stamp the pages did not bring are
read by their keys.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import duckdb
import pyarrow as pa

from o2c_mining.connect.engine import arrow, content_hash, key_text, number, quoted, scan
from o2c_mining.connect.protocol import OpenSource, Page, Refused, Stream
from o2c_mining.connect.quarantine import quarantine
from o2c_mining.errors import ConnectorError
from o2c_mining.log.failpoints import failpoint
from o2c_mining.log.store import STAGING, Batch, Writer

logger = logging.getLogger(__name__)

KEYS_A_QUERY = 500
COMMIT_ROWS = 5_000


class Progress(Protocol):
    """Told after every page; whoever shows a bar implements it."""

    def __call__(self, source: str, stream: str, rows: int) -> None:
        """``rows`` more were read."""
        ...


@dataclass(slots=True)
class Staged:
    """What one stream brought in this run, and where it goes on."""

    source: str
    stream: str
    cursor: str | None
    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicate: int = 0

    def batch(self) -> Batch:
        """The totals of the run."""
        return Batch(
            self.source,
            self.stream,
            self.cursor,
            read=self.read,
            accepted=self.accepted,
            quarantined=self.quarantined,
            duplicate=self.duplicate,
        )


class Commits:
    """Commits staged pages with their cursors, small ones of several streams together."""

    def __init__(self, writer: Writer, commit_rows: int) -> None:
        self.writer = writer
        self._commit_rows = commit_rows
        self._waiting: dict[str, Batch] = {}

    def add(self, batch: Batch, known_cursor: str | None) -> None:
        """Remember a page that changed something or moved the cursor; commit when enough wait."""
        before = self._waiting.get(batch.stream)
        if before is not None:
            batch = replace(
                batch,
                read=before.read + batch.read,
                accepted=before.accepted + batch.accepted,
                quarantined=before.quarantined + batch.quarantined,
                duplicate=before.duplicate + batch.duplicate,
            )
        if before is not None or batch.accepted or batch.quarantined or batch.cursor != known_cursor:
            self._waiting[batch.stream] = batch
        if sum(waiting.accepted + waiting.quarantined for waiting in self._waiting.values()) >= self._commit_rows:
            self.finish()

    def finish(self) -> None:
        """Commit what still waits."""
        waiting = list(self._waiting.values())
        self._waiting = {}
        if waiting:
            self.writer.commit(waiting)
            failpoint("stage.committed")


def staging_table(source: str, stream: str) -> str:
    """Where the rows of a stream are kept."""
    return f"{STAGING}/{source}/{stream}"


def stage(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    stream: Stream,
    opened: OpenSource,
    commits: Commits,
    *,
    after: str | None,
    progress: Progress,
) -> Staged:
    """Read a stream to its end. A kill costs at most the pages since the last commit; the next run reads them again.

    Raises
    ------
    ConnectorError
        If the source fails, or a page does not have the stream's columns.
    """
    writer = commits.writer
    result = Staged(source, stream.name, writer.base.cursor(source, stream.name))
    _load_current(connection, stream, writer.files(staging_table(source, stream.name)))
    for page in opened.pages(stream, after):
        _take(connection, stream, page, commits, result)
        progress(source, stream.name, page.rows.num_rows)
    held = opened.keys(stream)
    if held is not None:
        _reconcile(connection, stream, opened, held, commits, result)
    return result


def _load_current(connection: duckdb.DuckDBPyConnection, stream: Stream, files: Sequence[str]) -> None:
    """The newest version of every staged key as table ``staged_now``."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE staged_now (_key VARCHAR PRIMARY KEY, _hash VARCHAR, _op VARCHAR, _stamp VARCHAR)"
    )
    if files:
        connection.execute(
            "INSERT INTO staged_now SELECT _key, arg_max(_hash, _seq), arg_max(_op, _seq), "
            f"arg_max({_stamp(stream)}, _seq) FROM {scan(files)} GROUP BY _key"
        )


def _stamps(stream: Stream) -> list[str]:
    """Columns that change whenever a row does."""
    return [name for name in (stream.cursor or "").split(", ") if name in stream.schema.names]


def _stamp(stream: Stream) -> str:
    """SQL for these columns as one text."""
    parts = [f"coalesce(CAST({quoted(name)} AS VARCHAR), '')" for name in _stamps(stream)]
    return f"concat_ws('|', {', '.join(parts)})" if parts else "''"


def _take(connection: duckdb.DuckDBPyConnection, stream: Stream, page: Page, commits: Commits, result: Staged) -> None:
    """One page into staging, with its cursor."""
    source, writer = result.source, commits.writer
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
    failpoint("stage.appended")
    quarantine(connection, writer, source, stream.name, refused)
    cursor = page.cursor or result.cursor
    batch = Batch(
        source, stream.name, cursor, read=read, accepted=accepted, quarantined=quarantined, duplicate=repeated
    )
    _account(batch, commits, result)


def _account(batch: Batch, commits: Commits, result: Staged) -> None:
    """Add a batch to the totals of the run and to what will be committed."""
    known = result.cursor
    result.cursor = batch.cursor
    result.read += batch.read
    result.accepted += batch.accepted
    result.quarantined += batch.quarantined
    result.duplicate += batch.duplicate
    commits.add(batch, known)


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
    connection.execute(f"INSERT OR REPLACE INTO staged_now SELECT _key, _hash, _op, {_stamp(stream)} FROM appended")
    connection.unregister("appended")


def _reconcile(
    connection: duckdb.DuckDBPyConnection,
    stream: Stream,
    opened: OpenSource,
    held: pa.Table,
    commits: Commits,
    result: Staged,
) -> None:
    """Compare the source's keys and stamps with the staged ones: read what was missed, mark what was deleted."""
    stamped = all(name in held.column_names for name in _stamps(stream))
    connection.register("held_rows", held)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE held AS SELECT *, {key_text(stream.key)} AS _key, "
        f"{_stamp(stream) if stamped else 'NULL'} AS _stamp FROM held_rows"
    )
    connection.unregister("held_rows")
    columns = ", ".join(quoted(name) for name in stream.key)
    same_stamp = " AND h._stamp = s._stamp" if stamped else ""
    missed = connection.execute(
        f"SELECT {columns} FROM held h ANTI JOIN (SELECT _key, _stamp FROM staged_now WHERE _op <> 'D') s "
        f"ON h._key = s._key{same_stamp}"
    ).fetchall()
    for start in range(0, len(missed), KEYS_A_QUERY):
        for page in opened.rows(stream, missed[start : start + KEYS_A_QUERY]):
            _take(connection, stream, replace(page, cursor=None), commits, result)
    source, writer = result.source, commits.writer
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
    _account(Batch(source, stream.name, result.cursor, read=gone.num_rows, accepted=gone.num_rows), commits, result)


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
