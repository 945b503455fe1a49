"""One consistent version of all tables, read from the rows of ``batches``."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from o2c_mining.errors import LogError
from o2c_mining.log import durable
from o2c_mining.log.schema import CONTRACT_VERSION

_SUPPORTED_READER = 1
# The store's own commits (compaction, restore): they bring no data and are no source.
MAINTENANCE = "store"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent version of all tables; ``number`` 0 is the empty store.

    ``committed_at`` is when data were last loaded; a compaction does not move it.
    """

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
        return list(files_of(self.root / table, self.versions[table]))

    def batches(self) -> list[dict[str, object]]:
        """Newest row per source and stream up to this version: cursor, watermark and totals of that batch."""
        newest: dict[tuple[object, object], dict[str, object]] = {}
        for row in self._batches:
            if row["source"] != MAINTENANCE:
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


def files_of(table: Path, version: int) -> tuple[str, ...]:
    """Files of one version; the log entry's own identity is part of the cache key, as a store may be made anew."""
    entry = durable.log_entry(table, version).stat()
    return _cached_files(table, version, entry.st_ino, entry.st_mtime_ns)


@functools.lru_cache(maxsize=512)
def _cached_files(table: Path, version: int, inode: int, modified: int) -> tuple[str, ...]:
    opened = DeltaTable(table, version=version)
    protocol = opened.protocol()
    if protocol.min_reader_version > _SUPPORTED_READER:
        raise LogError(
            f"table {table.name} needs Delta reader version {protocol.min_reader_version}; expected at most "
            f"{_SUPPORTED_READER} (no deletion vectors, no column mapping); rewrite it without these features"
        )
    return tuple(unquote(uri) for uri in opened.file_uris())  # a blank in the path comes as %20


def batch_rows(path: Path) -> list[dict[str, object]]:
    """All rows of ``batches`` in commit order, as far as its log is readable.

    Raises
    ------
    LogError
        If the store was written under another contract between the tables.
    """
    for version in reversed(durable.versions_on_disk(path)):
        if not durable.version_is_whole(path, version):
            continue
        for attempt in range(3):
            try:
                table = read_version(path, version)
                break
            except (DeltaError, TableNotFoundError, OSError):
                if attempt == 2:
                    raise
                time.sleep(0.05)
        rows: list[dict[str, object]] = table.to_pylist()
        _refuse_other_contract(path.parent, rows)
        return sorted(rows, key=lambda row: (int(str(row["commit"])), str(row["source"]), str(row["stream"])))
    return []


def _refuse_other_contract(root: Path, rows: Sequence[dict[str, object]]) -> None:
    found = {int(str(row["contract_version"])) for row in rows} - {CONTRACT_VERSION}
    if found:
        raise LogError(
            f"the store {root} was written under contract {min(found)} by another version of o2c-mining; expected "
            f"contract {CONTRACT_VERSION}; move that folder away and load again, or use the version that wrote it"
        )


def read_version(path: Path, version: int) -> pa.Table:
    """All rows of one version of a small table."""
    files = files_of(path, version)
    return pa.concat_tables([pq.read_table(file, partitioning=None) for file in files], promote_options="default")


def commit_time(row: dict[str, object]) -> datetime:
    """When the commit of a row of ``batches`` was made."""
    moment = row["committed_at"]
    assert isinstance(moment, datetime)
    return moment


def snapshot_of(root: Path, rows: Sequence[dict[str, object]], number: int) -> Snapshot:
    """The version that commit ``number`` made, from the rows of ``batches``."""
    known = tuple(row for row in rows if int(str(row["commit"])) <= number)
    if number == 0 or not known:
        return Snapshot(root, 0, None, {}, 0, 0, "")
    last = known[-1]
    loaded = next((row for row in reversed(known) if row["source"] != MAINTENANCE), last)
    return Snapshot(
        root=root,
        number=number,
        committed_at=commit_time(loaded),
        versions=json.loads(str(last["versions"])),
        last_seq=int(str(last["last_seq"])),
        store_epoch=int(str(last["store_epoch"])),
        lenses=str(last["lenses"]),
        _batches=known,
    )


def is_whole(snapshot: Snapshot) -> bool:
    """Whether the newest entry of every table of a version is undamaged."""
    return all(durable.version_is_whole(snapshot.root / table, v) for table, v in snapshot.versions.items())


def newest_whole(root: Path, rows: Sequence[dict[str, object]]) -> Snapshot:
    """The newest commit whose tables are all there; a power cut may have damaged later ones."""
    for number in sorted({int(str(row["commit"])) for row in rows}, reverse=True):
        snapshot = snapshot_of(root, rows, number)
        if is_whole(snapshot):
            return snapshot
    return snapshot_of(root, [], 0)
