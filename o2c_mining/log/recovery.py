"""Bring a store back to its newest complete commit before anything is written."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from deltalake import DeltaTable

from o2c_mining.log import durable
from o2c_mining.log.snapshot import Snapshot, batch_rows, files_of, newest_whole, read_version, snapshot_of


def recover(root: Path) -> Snapshot:
    """Bring every table back to the newest complete commit; a commit lost to a power cut raises ``store_epoch``."""
    batches = root / "batches"
    rows = batch_rows(batches)
    base = newest_whole(root, rows)
    newest = max((int(str(row["commit"])) for row in rows), default=0)
    _drop_damaged_tail(batches)
    if base.number < newest:
        _forget_commits_after(batches, base.number)
        lost = snapshot_of(root, rows, newest)
        base = replace(base, store_epoch=base.store_epoch + 1, last_seq=max(base.last_seq, lost.last_seq))
    for path in _table_folders(root):
        name = str(path.relative_to(root))
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


def _forget_commits_after(batches: Path, number: int) -> None:
    kept = [version for version in durable.versions_on_disk(batches) if _last_commit(batches, version) <= number]
    if not kept:
        shutil.rmtree(batches)
        return
    DeltaTable(batches).restore(max(kept))
    durable.sync_version(batches, DeltaTable(batches).version())


def _last_commit(batches: Path, version: int) -> int:
    return max(int(str(number)) for number in read_version(batches, version)["commit"].to_pylist())


def _changes_data(path: Path, committed: int, newest: int) -> bool:
    return set(files_of(path, committed)) != set(files_of(path, newest))


def _drop_damaged_tail(path: Path, above: int = -1) -> None:
    """Remove log entries at the end that a power cut left unreadable; none of them was ever acknowledged."""
    for version in reversed(durable.versions_on_disk(path)):
        if version <= above or durable.version_is_whole(path, version):
            return
        durable.log_entry(path, version).unlink()


def _table_folders(root: Path) -> list[Path]:
    return [log.parent for log in root.glob("**/_delta_log") if log.is_dir()]
