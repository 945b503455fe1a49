"""The event store: Delta tables, one writer, many readers, one consistent version at a time.

A load appends to child tables and ends with one append to ``batches``, which holds the cursor and the map
``{table: version}``. That append is the commit: readers open only the versions of the newest complete map, and the
next writer undoes whatever a killed one left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from o2c_mining import __version__
from o2c_mining.errors import LogError
from o2c_mining.log import durable
from o2c_mining.log.append import NO_CHECKPOINT, TABLE_CONFIGURATION, add_files, conforming, write_files
from o2c_mining.log.checkpoint import checkpoint_if_due
from o2c_mining.log.commits import write_commits
from o2c_mining.log.engine import MEMORY_MB, engine, within_memory
from o2c_mining.log.failpoints import failpoint
from o2c_mining.log.recovery import recover
from o2c_mining.log.retention import refuse_removed
from o2c_mining.log.schema import BATCHES, CONTRACT_VERSION, shape_of
from o2c_mining.log.scratch import scratch, sweep
from o2c_mining.log.snapshot import Snapshot, batch_rows, commit_time, files_of, newest_whole, snapshot_of

STAGING = "staging"


@dataclass(frozen=True, slots=True)
class Batch:
    """What one stream of one source contributed to a commit; ``deleted`` is told by the rows of the log themselves."""

    source: str
    stream: str
    cursor: str | None = None
    watermark: datetime | None = None
    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicate: int = 0
    deleted: int = 0


class Store:
    """The Delta tables under one folder."""

    def __init__(self, root: Path, memory_mb: int = MEMORY_MB) -> None:
        self.root = root
        self.memory_mb = memory_mb

    def snapshot(self, known_at: int | datetime | None = None) -> Snapshot:
        """The newest complete version, or the one known at a commit number or moment."""
        rows = batch_rows(self.root / "batches")
        if known_at is None:
            return newest_whole(self.root, rows)
        commits = {int(str(row["commit"])): commit_time(row) for row in rows}
        if isinstance(known_at, datetime):
            number = max((commit for commit, moment in commits.items() if moment <= known_at), default=0)
        else:
            number = known_at
        if commits and number not in commits:
            first, newest = min(commits), max(commits)
            said = f"version {known_at} is not in the store"
            if isinstance(known_at, datetime):
                said = f"at {known_at.isoformat()} nothing was loaded yet"
            raise LogError(
                f"{said}; expected a number from {first} to {newest} or a time from {commits[first].isoformat()} on; "
                "choose one that `o2c store versions` lists"
            )
        refuse_removed(self.root, number)
        return snapshot_of(self.root, rows, number)

    @contextmanager
    def writer(self, *, on_wait: Callable[[], None] | None = None) -> Iterator[Writer]:
        """The one writer: waits for the lock, undoes what a killed writer left, hands out the next commit."""
        with locked(self.root, on_wait=on_wait):
            base = recover(self.root)
            sweep(self.root)
            yield Writer(self.root, base, self.memory_mb)


@contextmanager
def locked(root: Path, *, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the store's one lock; a store that was replaced while we waited is locked anew."""
    while True:
        root.mkdir(parents=True, exist_ok=True)
        path = root / "LOCK"
        with path.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if on_wait is not None:
                    on_wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                yield
                return


class Writer:
    """Appends to child tables; what is not committed is undone on the next open."""

    def __init__(self, root: Path, base: Snapshot, memory_mb: int = MEMORY_MB) -> None:
        self.root = root
        self.base = base
        self.memory_mb = memory_mb
        self._versions = dict(base.versions)
        self._seq = base.last_seq
        self._lenses = base.lenses
        self._appended: set[str] = set()

    @property
    def number(self) -> int:
        """Number of the commit in the making."""
        return self.base.number + 1

    @contextmanager
    def engine(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for this load: what exceeds its memory goes to a folder of the store that vanishes."""
        with scratch(self.root) as folder, engine(memory_mb=self.memory_mb, spill=folder) as connection:
            yield connection

    def schema(self, table: str) -> pa.Schema | None:
        """Columns of a table as stored so far, with what this writer appended; ``None`` before its first row."""
        path = self.root / table
        return pa.schema(DeltaTable(path).schema().to_arrow()) if DeltaTable.is_deltatable(str(path)) else None

    def next_seq(self, count: int) -> int:
        """Reserve ``count`` strictly increasing ingest_seq and return the first."""
        first = self._seq + 1
        self._seq += count
        return first

    def append(self, table: str, rows: pa.Table) -> None:
        """Append rows durably; they become visible with the commit. New columns widen the table."""
        if rows.num_rows == 0:
            return
        path = self.root / table
        schema = shape_of(table)
        if schema is not None:
            rows = _conform(table, rows, schema)
        exists = DeltaTable.is_deltatable(str(path))
        if exists:
            _check_types(table, rows, pa.schema(DeltaTable(path).schema().to_arrow()))
        failpoint("append.started")
        try:
            write_deltalake(
                path,
                rows,
                mode="append",
                schema_mode="merge",
                configuration=None if exists else dict(TABLE_CONFIGURATION),
                commit_properties=CommitProperties(custom_metadata={"commit": str(self.number)}),
                post_commithook_properties=NO_CHECKPOINT,
            )
        except (DeltaError, pa.ArrowInvalid) as error:
            raise LogError(
                f"table {table} refused {rows.num_rows} rows: {str(error).splitlines()[0]}; expected the columns and "
                "types it already has, new columns aside; keep the type of a column or rename it"
            ) from error
        failpoint("append.logged")
        version = DeltaTable(path).version()
        durable.sync_version(path, version)
        if not exists:
            durable.sync_folders(path.parent, self.root)
        failpoint("append.synced")
        self._versions[table] = version
        self._appended.add(table)

    def append_query(self, table: str, connection: duckdb.DuckDBPyConnection, sql: str) -> int:
        """Append the rows of an SQL query durably, as ``append`` does with rows in memory; returns how many.

        The engine writes them to files itself, so the rows never are in memory together. Columns the query lacks are
        null, new columns widen the table.

        Raises
        ------
        LogError
            If a column does not have the type the table holds, or the rows cannot be written.
        """
        failpoint("append.started")
        path = self.root / table
        stored = self.schema(table)
        query, schema = conforming(connection, table, sql, shape_of(table), stored)
        try:
            with scratch(self.root) as folder:
                with within_memory(connection):
                    files = write_files(connection, query, folder)
                versions = add_files(path, files, schema, self.number) if files else []
        except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
            raise LogError(
                f"table {table} refused a value: {str(error).splitlines()[0]}; expected values of the columns' types; "
                "mend the mapping"
            ) from error
        except (DeltaError, duckdb.IOException) as error:
            raise LogError(
                f"table {table} could not be written: {str(error).splitlines()[0]}; expected a store that takes files; "
                f"make room on the disk of {self.root} and load again"
            ) from error
        failpoint("append.logged")
        for version in versions:
            durable.sync_version(path, version)
        if versions:
            if stored is None:
                durable.sync_folders(path.parent, self.root)
            failpoint("append.synced")
            self._versions[table] = versions[-1]
            self._appended.add(table)
        return sum(file.rows for file in files)

    def files(self, table: str) -> list[str]:
        """Files of a table including what this writer appended."""
        if table not in self._versions:
            return []
        return list(files_of(self.root / table, self._versions[table]))

    def appends(self, table: str) -> bool:
        """Whether rows were appended to a table since the last commit."""
        return table in self._appended

    def rewrote(self, table: str, version: int) -> None:
        """Take a version of a table that holds the same rows in other files into the commit."""
        self._versions[table] = version

    def go_on_above(self, *, number: int, seq: int, epoch: int) -> None:
        """Number the next commit and its rows above these, under this epoch: the log has come from elsewhere."""
        self.base = replace(self.base, number=number, store_epoch=epoch)
        self._seq = max(self._seq, seq)

    def set_lenses(self, fingerprint: str) -> None:
        """Remember which lens definitions the stored traces follow."""
        self._lenses = fingerprint

    @property
    def lenses(self) -> str:
        """Fingerprint of the lens definitions the stored traces follow."""
        return self._lenses

    def commit(self, batches: Sequence[Batch]) -> Snapshot:
        """Make everything appended so far visible at once; returns the new snapshot."""
        now = datetime.now(UTC)
        shared = {
            "commit": self.number,
            "committed_at": now,
            "versions": json.dumps(self._versions, sort_keys=True),
            "last_seq": self._seq,
            "store_epoch": self.base.store_epoch,
            "lenses": self._lenses,
            "tool_version": __version__,
            "contract_version": CONTRACT_VERSION,
        }
        rows = [
            {
                **shared,
                "source": batch.source,
                "stream": batch.stream,
                "cursor": batch.cursor,
                "watermark": batch.watermark,
                "read": batch.read,
                "accepted": batch.accepted,
                "quarantined": batch.quarantined,
                "duplicate": batch.duplicate,
            }
            for batch in batches
        ]
        if not rows:
            raise LogError("nothing to commit: expected at least one batch; pass the batches that were loaded")
        failpoint("commit.started")
        path = self.root / "batches"
        version = write_commits(path, pa.Table.from_pylist(rows, schema=BATCHES))
        failpoint("commit.logged")
        durable.sync_version(path, version)
        if version == 0:
            durable.sync_folders(self.root, self.root)
        failpoint("commit.synced")
        for table in self._appended:
            checkpoint_if_due(self.root / table, self._versions[table])
        self._appended.clear()
        checkpoint_if_due(path, version)
        self.base = snapshot_of(self.root, [*self.base.history(), *rows], self.number)
        return self.base


def _conform(table: str, rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Base columns in the table's own types (missing ones null), further columns as they come."""
    columns: dict[str, pa.ChunkedArray] = {}
    for column in schema:
        if column.name in rows.column_names:
            try:
                columns[column.name] = rows[column.name].cast(column.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise LogError(
                    f"{table}.{column.name} does not hold {column.type}: {error}; expected that type; mend the mapping"
                ) from error
        else:
            columns[column.name] = pa.chunked_array([pa.nulls(rows.num_rows, column.type)])
    for name in rows.column_names:
        if name not in columns:
            columns[name] = rows[name]
    return pa.table(columns)


def _check_types(table: str, rows: pa.Table, stored: pa.Schema) -> None:
    """Refuse a column whose type is not the stored one: Delta would cast it without a word."""
    for column in rows.schema:
        index = stored.get_field_index(column.name)
        if index < 0 or pa.types.is_null(column.type):
            continue
        kind = stored.field(index).type
        if not column.type.equals(kind) and _family(column.type) != _family(kind):
            raise LogError(
                f"column {column.name} of table {table} is {column.type}; expected {kind}, as loaded before; "
                "keep the type of a column or give it another name"
            )


def _family(kind: pa.DataType) -> str:
    """Types that Delta stores alike."""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if pa.types.is_timestamp(kind):
        return f"timestamp {kind.tz is not None}"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        return "nested"
    return str(kind)


__all__ = ["STAGING", "Batch", "Snapshot", "Store", "Writer"]
