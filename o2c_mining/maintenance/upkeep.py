"""The store's own chores: list versions, pin them, compact, let go of old ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from o2c_mining.bootstrap import Workspace, open_store
from o2c_mining.errors import LogError
from o2c_mining.log import compaction, retention
from o2c_mining.log.compaction import Compacted
from o2c_mining.log.engine import engine, scan
from o2c_mining.log.retention import Freed, Pin
from o2c_mining.log.schema import KEYS
from o2c_mining.log.snapshot import MAINTENANCE, Snapshot, commit_time
from o2c_mining.log.store import locked

Report = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Version:
    """One commit: what it brought, and whether it can still be read."""

    version: int
    committed_at: datetime
    sources: tuple[str, ...]
    read: int
    accepted: int
    quarantined: int
    duplicate: int
    deleted: int
    kept: bool
    pinned: str | None


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a compaction did: tables rewritten, versions let go, files freed."""

    version: int
    tables: tuple[Compacted, ...]
    freed: Freed
    dry_run: bool


def versions(workspace: Workspace) -> list[Version]:
    """Every commit of the store, oldest first."""
    snapshot = open_store(workspace).snapshot()
    kept = retention.kept_of(snapshot.root)
    deleted = _deleted(snapshot)
    found: dict[int, list[dict[str, object]]] = {}
    for row in snapshot.history():
        found.setdefault(int(str(row["commit"])), []).append(row)
    result = []
    for number, rows in found.items():
        pin = kept.pin_of(number)
        total = {name: sum(int(str(row[name] or 0)) for row in rows) for name in _COUNTED}
        sources = tuple(dict.fromkeys(_label(row) for row in rows))
        reason = pin.reason if pin else None
        gone = number in kept.removed
        result.append(
            Version(
                number,
                commit_time(rows[0]),
                sources,
                **total,
                deleted=deleted.get(number, 0),
                kept=not gone,
                pinned=reason,
            )
        )
    return result


def _deleted(snapshot: Snapshot) -> dict[int, int]:
    """How many rows of the log each version deleted."""
    files = [found for table in KEYS if (found := snapshot.files(table))]
    if not files:
        return {}
    rows = " UNION ALL ".join(f"SELECT batch_id FROM {scan(found)} WHERE op = 'D'" for found in files)
    with engine() as connection:
        counted = connection.execute(f"SELECT batch_id, count(*) FROM ({rows}) GROUP BY batch_id").fetchall()
    return {int(number): int(count) for number, count in counted}


_COUNTED = ("read", "accepted", "quarantined", "duplicate")


def _label(row: dict[str, object]) -> str:
    return f"{MAINTENANCE} {row['stream']}" if row["source"] == MAINTENANCE else str(row["source"])


def pin(workspace: Workspace, version: int, reason: str, *, now: datetime) -> Pin:
    """Keep a version for good.

    Raises
    ------
    LogError
        If there is no such version, or it was removed already.
    """
    store = open_store(workspace)
    with locked(store.root):
        snapshot = store.snapshot(version)
        if snapshot.number != version or version == 0:
            raise LogError(f"there is no version {version}; expected one that was committed; see `o2c store versions`")
        return retention.pin(store.root, snapshot, reason, now=now)


def unpin(workspace: Workspace, version: int) -> Pin:
    """Let the retention rule decide about a version again."""
    store = open_store(workspace)
    with locked(store.root):
        return retention.unpin(store.root, version)


def compact(
    workspace: Workspace, *, dry_run: bool, now: datetime, report: Report, on_wait: Callable[[], None]
) -> Upkeep:
    """Compact the store and let go of what the retention rule does not keep; ``dry_run`` only says what would be."""
    store, rule = open_store(workspace), workspace.config.store
    if dry_run:
        snapshot = store.snapshot()
        planned = compaction.plan(snapshot)
        freed = retention.clean_up(snapshot, rule, now=now, dry_run=True, report=report)
        return Upkeep(snapshot.number, tuple(planned), freed, dry_run=True)
    with store.writer(on_wait=on_wait) as writer:
        done = compaction.compact(writer, report)
        freed = retention.clean_up(writer.base, rule, now=now, dry_run=False, report=report)
        return Upkeep(writer.base.number, tuple(done), freed, dry_run=False)
