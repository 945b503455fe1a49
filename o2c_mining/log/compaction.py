"""Rewrite many small files of the store into few, sorted so that reads skip what they do not ask for.

Versions of rows are history and all of them stay, with their ``ingest_seq``. Of the traces only the rows that no later
refresh replaced are written again, with their ``refresh_seq``: an older version of the log reads its own files. The
trace tables are rewritten together, because ``touched`` then forgets what replaced what. The rewritten tables become
visible with one commit of source ``store``, like a load that brought nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from o2c_mining.log import durable
from o2c_mining.log.append import NO_CHECKPOINT, conforming, file_action, write_files
from o2c_mining.log.checkpoint import write_checkpoint
from o2c_mining.log.commits import write_commits
from o2c_mining.log.engine import Connection, engine, number, quoted, refusing, scan
from o2c_mining.log.failpoints import failpoint
from o2c_mining.log.schema import CLAIMS, shape_of
from o2c_mining.log.scratch import scratch
from o2c_mining.log.snapshot import MAINTENANCE, Snapshot, read_version
from o2c_mining.log.store import STAGING, Batch, Writer

STREAM = "compact"
SMALL_BYTES = 48 * 1024 * 1024
_SORTED_BY = {
    "events": ("time", "event_id", "ingest_seq"),
    "objects": ("object_type", "object_id", "ingest_seq"),
    "e2o": ("event_id", "object_id", "ingest_seq"),
    "o2o": ("source_id", "target_id", "ingest_seq"),
    "object_changes": ("object_id", "time", "ingest_seq"),
    "attribute_types": ("of", "type", "name", "ingest_seq"),
    "quarantine": ("source", "stream", "first_seen"),
    "membership": ("lens", "case_no", "member_no"),
    "cases": ("lens", "case_no"),
    "pairs": ("lens", "case_no", "seq"),
    "kinds": ("kind",),
    "variants": ("lens", "variant_id"),
    "touched": ("lens", "case_id", "refresh_seq"),
}
_OF_REFRESHES = ("membership", "cases", "pairs", "touched")
_REPLACED = "SELECT DISTINCT replaces AS case_no FROM {touched} WHERE replaces IS NOT NULL"
_NEWEST = (
    "SELECT lens, case_id, arg_max_null(case_no, refresh_seq) AS case_no, NULL::BIGINT AS replaces, "
    "max(refresh_seq) AS refresh_seq FROM {touched} GROUP BY lens, case_id"
)
_ROOM = "expected room for its rows beside the old ones; make room on the disk and run it again, nothing has changed"

Report = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did, or would do, to one table."""

    table: str
    files_before: int
    files_after: int | None
    bytes_before: int
    bytes_after: int | None
    rows_dropped: int


def compact(writer: Writer, report: Report, *, small_bytes: int = SMALL_BYTES) -> list[Compacted]:
    """Rewrite every table that has something to gain and commit that; returns what was done, nothing when idle.

    Raises
    ------
    LogError
        If the store has no room for the new files; nothing changes then.
    """
    done = []
    with writer.engine() as connection:
        plans = _plans(connection, writer.files, sorted(writer.base.versions), small_bytes)
        for plan in plans:
            report(plan.table, 0)
            with refusing(f"table {plan.table} could not be rewritten", _ROOM):
                done.append(_rewrite(connection, writer, plan))
            report(plan.table, plan.rows)
            failpoint("compact.table_done")
    if done:
        rows = sum(plan.rows for plan in plans)
        writer.commit([Batch(MAINTENANCE, STREAM, read=rows, accepted=rows)])
        for plan in plans:
            write_checkpoint(writer.root / plan.table, writer.base.versions[plan.table])
    _compact_commits(writer.root / "batches")
    return done


def plan(snapshot: Snapshot, *, small_bytes: int = SMALL_BYTES) -> list[Compacted]:
    """What a compaction of a version would do, without doing it."""
    with engine() as connection:
        return [
            Compacted(p.table, len(p.old), None, _bytes(p.old), None, p.dropped)
            for p in _plans(connection, snapshot.files, sorted(snapshot.versions), small_bytes)
        ]


@dataclass(frozen=True, slots=True)
class _Plan:
    table: str
    old: tuple[str, ...]
    sql: str
    rows: int
    dropped: int


def _plans(
    connection: Connection, files_of: Callable[[str], list[str]], tables: Sequence[str], small_bytes: int
) -> list[_Plan]:
    traces = {table: files_of(table) for table in _OF_REFRESHES if table in tables}
    worth = any(len(_small(files, small_bytes)) > 1 for files in traces.values())
    found = []
    for table in tables:
        if table not in traces:
            small = _small(files_of(table), small_bytes)
            if len(small) > 1:
                found.append(_plan(connection, table, small, f"SELECT * FROM {scan(small)}"))
        elif worth and traces[table]:
            touched = scan(traces["touched"])
            kept = (
                f"SELECT * FROM {scan(traces[table])} ANTI JOIN ({_REPLACED.format(touched=touched)}) USING (case_no)"
            )
            sql = _NEWEST.format(touched=touched) if table == "touched" else kept
            found.append(_plan(connection, table, traces[table], sql))
    return found


def _small(files: Sequence[str], small_bytes: int) -> list[str]:
    return [file for file in files if Path(file).stat().st_size < small_bytes]


def _plan(connection: Connection, table: str, old: Sequence[str], sql: str) -> _Plan:
    total = number(connection, f"SELECT count(*) FROM {scan(old)}")
    rows = number(connection, f"SELECT count(*) FROM ({sql})")
    return _Plan(table, tuple(old), sql, rows, total - rows)


def _rewrite(connection: Connection, writer: Writer, plan: _Plan) -> Compacted:
    path = writer.root / plan.table
    opened = DeltaTable(path)
    stored = pa.schema(opened.schema().to_arrow())
    query, _ = conforming(connection, plan.table, plan.sql, shape_of(plan.table), stored)
    order = ("_seq",) if plan.table.startswith(f"{STAGING}/") else _SORTED_BY[plan.table.removeprefix(f"{CLAIMS}/")]
    ordered = f"{query} ORDER BY {', '.join(quoted(name) for name in order)}"
    with scratch(writer.root) as folder:
        written = write_files(connection, ordered, folder)
        added = [file_action(path, file, data_change=False) for file in written]
        for file in written:
            durable.sync_path(path / file.path.name)
        durable.sync_path(path)
    failpoint("compact.written")
    now = int(time.time() * 1000)
    gone = {Path(file).name: Path(file).stat().st_size for file in plan.old}
    removed = [RemoveAction(name, False, now, size, {}) for name, size in _paths(opened, gone)]
    actions: list[AddAction | RemoveAction] = [*added, *removed]
    opened.create_write_transaction(
        actions,
        "append",
        opened.schema(),
        commit_properties=CommitProperties(custom_metadata={"commit": str(writer.number)}),
        post_commithook_properties=NO_CHECKPOINT,
    )
    version = DeltaTable(path).version()
    durable.sync_version(path, version)
    writer.rewrote(plan.table, version)
    after = sum(action.size for action in added)
    return Compacted(plan.table, len(plan.old), len(added), sum(gone.values()), after, plan.dropped)


def _paths(opened: DeltaTable, gone: dict[str, int]) -> list[tuple[str, int]]:
    """The removed files as the log names them."""
    listed = pa.table(opened.get_add_actions(flatten=True))["path"].to_pylist()
    return [(str(path), gone[Path(str(path)).name]) for path in listed if Path(str(path)).name in gone]


def _compact_commits(batches: Path) -> None:
    """Gather the rows of all commits in one file; which version of the log is the newest does not change."""
    if not DeltaTable.is_deltatable(str(batches)):
        return
    opened = DeltaTable(batches)
    if len(opened.file_uris()) < 2:
        return
    # not by delta-rs: its compaction writes a checkpoint of its own with every hundredth entry, unflushed
    version = write_commits(batches, read_version(batches, opened.version()), anew=True)
    durable.sync_version(batches, version)
    write_checkpoint(batches, version)


def _bytes(files: Sequence[str]) -> int:
    return sum(Path(file).stat().st_size for file in files)
