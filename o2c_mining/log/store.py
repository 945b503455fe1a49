"""The event store: Delta tables, one writer, many readers, one consistent version at a time.

A load appends to child tables and ends with one append to ``batches``, which holds the cursor and the map
``{table: version}``. That append is the commit: readers open only the versions of the newest complete map, and the
next writer undoes whatever a killed one left behind.
"""

from __future__ import annotations

import fcntl
import functools
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from o2c_mining import __version__
from o2c_mining.errors import LogError
from o2c_mining.log import durable
from o2c_mining.log.schema import BATCHES, CONTRACT_VERSION, TABLES

STAGING = "staging"
# History is what `--known-at` reads: nothing of it expires by itself.
_TABLE_CONFIGURATION = {"delta.logRetentionDuration": "interval 36500 days", "delta.enableExpiredLogCleanup": "false"}
_SUPPORTED_READER = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """What one stream of one source contributed to a commit."""

    source: str
    stream: str
    cursor: str | None = None
    watermark: datetime | None = None
    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicate: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent version of all tables; ``number`` 0 is the empty store."""

    root: Path
    number: int
    committed_at: datetime | None
    versions: dict[str, int]
    last_seq: int
    store_epoch: int
    lenses: str
    _batches: tuple[dict[str, object], ...] = field(repr=False, default=())

    def files(self, table: str) -> list[str]:
        """Parquet files of a table in this version; empty where the table does not exist."""
        if table not in self.versions:
            return []
        return list(_files(self.root / table, self.versions[table]))

    def batches(self) -> list[dict[str, object]]:
        """Newest row per source and stream up to this version: cursor, watermark and totals of that batch."""
        newest: dict[tuple[object, object], dict[str, object]] = {}
        for row in self._batches:
            newest[(row["source"], row["stream"])] = row
        return list(newest.values())

    def history(self) -> tuple[dict[str, object], ...]:
        """Every row of ``batches`` up to this version, oldest first."""
        return self._batches

    def cursor(self, source: str, stream: str) -> str | None:
        """Where the stream continues, or ``None`` before its first batch."""
        for row in reversed(self._batches):
            if row["source"] == source and row["stream"] == stream:
                return str(row["cursor"]) if row["cursor"] is not None else None
        return None

    def watermarks(self) -> dict[str, datetime]:
        """Per source the time up to which its data are complete."""
        result: dict[str, datetime] = {}
        for row in self._batches:
            mark = row["watermark"]
            if isinstance(mark, datetime):
                source = str(row["source"])
                result[source] = max(mark, result.get(source, mark))
        return result


class Store:
    """The Delta tables under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def snapshot(self, known_at: int | datetime | None = None) -> Snapshot:
        """The newest complete version, or the one known at a commit number or moment."""
        rows = _batch_rows(self.root / "batches")
        if known_at is None:
            for number in sorted({int(str(row["commit"])) for row in rows}, reverse=True):
                snapshot = _snapshot(self.root, rows, number)
                if _is_whole(snapshot):
                    return snapshot
            return _snapshot(self.root, [], 0)
        if isinstance(known_at, datetime):
            numbers = [int(str(row["commit"])) for row in rows if _moment(row) <= known_at]
        else:
            numbers = [int(str(row["commit"])) for row in rows if int(str(row["commit"])) <= known_at]
            newest = max((int(str(row["commit"])) for row in rows), default=0)
            if known_at > newest or known_at < 0:
                raise LogError(
                    f"version {known_at} is not in the store; expected a number from 0 to {newest}; "
                    "run `o2c store versions` or leave --known-at out"
                )
        return _snapshot(self.root, rows, max(numbers, default=0))

    @contextmanager
    def writer(self, *, on_wait: Callable[[], None] | None = None) -> Iterator[Writer]:
        """The one writer: waits for the lock, undoes what a killed writer left, hands out the next commit."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "LOCK").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if on_wait is not None:
                    on_wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield Writer(self.root, _recover(self))


class Writer:
    """Appends to child tables; what is not committed is undone on the next open."""

    def __init__(self, root: Path, base: Snapshot) -> None:
        self.root = root
        self.base = base
        self._versions = dict(base.versions)
        self._seq = base.last_seq
        self._lenses = base.lenses

    @property
    def number(self) -> int:
        """Number of the commit in the making."""
        return self.base.number + 1

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
        schema = TABLES.get(table)
        if schema is not None:
            rows = _conform(table, rows, schema)
        exists = DeltaTable.is_deltatable(str(path))
        if exists:
            _check_types(table, rows, pa.schema(DeltaTable(path).schema().to_arrow()))
        try:
            write_deltalake(
                path,
                rows,
                mode="append",
                schema_mode="merge",
                configuration=None if exists else dict(_TABLE_CONFIGURATION),
                commit_properties=CommitProperties(custom_metadata={"commit": str(self.number)}),
            )
        except (DeltaError, pa.ArrowInvalid) as error:
            raise LogError(
                f"table {table} refused {rows.num_rows} rows: {str(error).splitlines()[0]}; expected the columns and "
                "types it already has, new columns aside; keep the type of a column or rename it"
            ) from error
        version = DeltaTable(path).version()
        durable.sync_version(path, version)
        self._versions[table] = version

    def files(self, table: str) -> list[str]:
        """Files of a table including what this writer appended."""
        if table not in self._versions:
            return []
        return list(_files(self.root / table, self._versions[table]))

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
        path = self.root / "batches"
        new = not DeltaTable.is_deltatable(str(path))
        write_deltalake(
            path,
            pa.Table.from_pylist(rows, schema=BATCHES),
            mode="append",
            configuration=dict(_TABLE_CONFIGURATION) if new else None,
        )
        durable.sync_version(path, DeltaTable(path).version())
        if new:
            durable.sync_path(self.root)
        self.base = _snapshot(self.root, [*self.base.history(), *rows], self.number)
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


def _files(table: Path, version: int) -> tuple[str, ...]:
    """Files of one version; the log entry's own identity is part of the cache key, as a store may be made anew."""
    entry = durable.log_entry(table, version).stat()
    return _files_of(table, version, entry.st_ino, entry.st_mtime_ns)


@functools.lru_cache(maxsize=512)
def _files_of(table: Path, version: int, inode: int, modified: int) -> tuple[str, ...]:
    opened = DeltaTable(table, version=version)
    protocol = opened.protocol()
    if protocol.min_reader_version > _SUPPORTED_READER:
        raise LogError(
            f"table {table.name} needs Delta reader version {protocol.min_reader_version}; expected at most "
            f"{_SUPPORTED_READER} (no deletion vectors, no column mapping); rewrite it without these features"
        )
    return tuple(opened.file_uris())


def _batch_rows(path: Path) -> list[dict[str, object]]:
    """All rows of ``batches`` in commit order, as far as its log is readable."""
    for version in reversed(durable.versions_on_disk(path)):
        if not durable.version_is_whole(path, version):
            continue
        for attempt in range(3):
            try:
                table = _read(path, version)
                break
            except (DeltaError, TableNotFoundError, OSError):
                if attempt == 2:
                    raise
                time.sleep(0.05)
        rows: list[dict[str, object]] = table.to_pylist()
        return sorted(rows, key=lambda row: (int(str(row["commit"])), str(row["source"]), str(row["stream"])))
    return []


def _read(path: Path, version: int) -> pa.Table:
    files = _files(path, version)
    return pa.concat_tables([pq.read_table(file, partitioning=None) for file in files], promote_options="default")


def _moment(row: dict[str, object]) -> datetime:
    moment = row["committed_at"]
    assert isinstance(moment, datetime)
    return moment


def _snapshot(root: Path, rows: Sequence[dict[str, object]], number: int) -> Snapshot:
    known = tuple(row for row in rows if int(str(row["commit"])) <= number)
    if number == 0 or not known:
        return Snapshot(root, 0, None, {}, 0, 0, "")
    last = known[-1]
    return Snapshot(
        root=root,
        number=number,
        committed_at=_moment(last),
        versions=json.loads(str(last["versions"])),
        last_seq=int(str(last["last_seq"])),
        store_epoch=int(str(last["store_epoch"])),
        lenses=str(last["lenses"]),
        _batches=known,
    )


def _is_whole(snapshot: Snapshot) -> bool:
    return all(durable.version_is_whole(snapshot.root / table, v) for table, v in snapshot.versions.items())


def _recover(store: Store) -> Snapshot:
    """Bring every table back to the newest complete commit; a commit lost to a power cut raises ``store_epoch``."""
    rows = _batch_rows(store.root / "batches")
    base = store.snapshot()
    newest = max((int(str(row["commit"])) for row in rows), default=0)
    batches = store.root / "batches"
    _drop_damaged_tail(batches)
    if base.number < newest:
        keep = max(v for v in durable.versions_on_disk(batches) if _last_commit(batches, v) <= base.number)
        DeltaTable(batches).restore(keep)
        durable.sync_version(batches, DeltaTable(batches).version())
        lost = _snapshot(store.root, rows, newest)
        base = _replace(base, store_epoch=base.store_epoch + 1, last_seq=max(base.last_seq, lost.last_seq))
    for path in _table_folders(store.root):
        name = str(path.relative_to(store.root))
        if name == "batches":
            continue
        _drop_damaged_tail(path, above=base.versions.get(name, -1))
        on_disk = durable.versions_on_disk(path)
        committed = base.versions.get(name)
        if committed is None:
            shutil.rmtree(path)
        elif on_disk and on_disk[-1] > committed and _changes_data(path, committed, on_disk[-1]):
            DeltaTable(path).restore(committed)
            durable.sync_version(path, DeltaTable(path).version())
    return base


def _replace(snapshot: Snapshot, *, store_epoch: int, last_seq: int) -> Snapshot:
    return Snapshot(
        snapshot.root,
        snapshot.number,
        snapshot.committed_at,
        snapshot.versions,
        last_seq,
        store_epoch,
        snapshot.lenses,
        snapshot.history(),
    )


def _last_commit(batches: Path, version: int) -> int:
    return max(int(str(number)) for number in _read(batches, version)["commit"].to_pylist())


def _changes_data(path: Path, committed: int, newest: int) -> bool:
    return set(_files(path, committed)) != set(_files(path, newest))


def _drop_damaged_tail(path: Path, above: int = -1) -> None:
    """Remove log entries at the end that a power cut left unreadable; none of them was ever acknowledged."""
    for version in reversed(durable.versions_on_disk(path)):
        if version <= above or durable.version_is_whole(path, version):
            return
        durable.log_entry(path, version).unlink()


def _table_folders(root: Path) -> list[Path]:
    return [log.parent for log in root.glob("**/_delta_log") if log.is_dir()]
