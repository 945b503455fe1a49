"""Bring a store back to its newest complete commit before anything is written.

What was never committed is removed from the Delta logs, newest version first, so that a kill or a power cut on the way
leaves a beginning of the log that the next recovery goes on with. Readers never see it: they open committed versions.
"""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from o2c_mining.errors import LogError
from o2c_mining.log import durable
from o2c_mining.log.checkpoint import forget_checkpoints_after
from o2c_mining.log.commits import write_commits
from o2c_mining.log.failpoints import failpoint
from o2c_mining.log.schema import BATCHES
from o2c_mining.log.snapshot import Snapshot, batch_rows, newest_whole, read_version, snapshot_of

_FLOOR = "floor.json"
_log = logging.getLogger(__name__)


def recover(root: Path) -> Snapshot:
    """Bring every table back to the newest complete commit; a commit lost to a power cut raises ``store_epoch``.

    Raises
    ------
    LogError
        If there were commits and none of them can be read.
    """
    batches = root / "batches"
    rows = batch_rows(batches)
    if not rows and len(durable.versions_on_disk(batches)) > 1:
        raise LogError(
            f"no commit in {batches} can be read; expected the newest one at least; restore the store from a backup "
            "with `o2c store restore`"
        )
    base = newest_whole(root, rows)
    newest = max((int(str(row["commit"])) for row in rows), default=0)
    failpoint("recovery.started")
    if base.number < newest:
        _log.warning("commits %d to %d are damaged and are undone; load again", base.number + 1, newest)
        lost = snapshot_of(root, rows, newest)
        base = replace(base, store_epoch=lost.store_epoch + 1, last_seq=max(base.last_seq, lost.last_seq))
        floor = {"store_epoch": base.store_epoch, "last_seq": base.last_seq}
        durable.write_durably(root / _FLOOR, json.dumps(floor))
    _drop_damaged_tail(batches)
    if base.number < newest:
        _forget_commits_after(batches, rows, base.number)
    base = _not_below_floor(root, base)
    failpoint("recovery.commits_forgotten")
    for path in _table_folders(root):
        name = str(path.relative_to(root))
        if name == "batches":
            continue
        committed = base.versions.get(name)
        if committed is None:
            shutil.rmtree(path)
            durable.sync_path(path.parent)
        else:
            forget_after(path, committed)
        failpoint("recovery.table_undone")
    failpoint("recovery.finished")
    return base


def _not_below_floor(root: Path, base: Snapshot) -> Snapshot:
    """What was lost stays in mind until a later commit carries it: no ``ingest_seq`` is used twice."""
    path = root / _FLOOR
    if not path.is_file():
        return base
    floor = json.loads(path.read_text(encoding="utf-8"))
    return replace(
        base,
        store_epoch=max(base.store_epoch, int(floor["store_epoch"])),
        last_seq=max(base.last_seq, int(floor["last_seq"])),
    )


def forget_after(table: Path, version: int) -> None:
    """Remove every version above ``version`` from a table's log; their data files become orphans."""
    gone = [number for number in durable.versions_on_disk(table) if number > version]
    for number in reversed(gone):
        durable.log_entry(table, number).unlink()
    if forget_checkpoints_after(table, version) or gone:
        durable.sync_path(table / "_delta_log")


def _forget_commits_after(batches: Path, rows: list[dict[str, object]], number: int) -> None:
    """Write the rows of the kept commits anew: the files of earlier versions of ``batches`` may be gone already."""
    kept = [row for row in rows if int(str(row["commit"])) <= number]
    if not kept:
        shutil.rmtree(batches)
        durable.sync_path(batches.parent)
        return
    durable.sync_version(batches, write_commits(batches, pa.Table.from_pylist(kept, schema=BATCHES), anew=True))


def _drop_damaged_tail(batches: Path) -> None:
    """Remove entries above the newest readable one; a commit that a power cut broke off was promised to nobody."""
    versions = durable.versions_on_disk(batches)
    whole = next((version for version in reversed(versions) if durable.version_is_whole(batches, version)), None)
    if whole is not None:
        forget_after(batches, whole)
    elif batches.is_dir():
        shutil.rmtree(batches)
        durable.sync_path(batches.parent)


def newest_entry_of(batches: Path, number: int) -> int:
    """Newest readable Delta version of ``batches`` whose last commit is ``number``."""
    newest_first = reversed(durable.versions_on_disk(batches))
    return next(
        version
        for version in newest_first
        if durable.version_is_whole(batches, version) and _last_commit(batches, version) <= number
    )


def _last_commit(batches: Path, version: int) -> int:
    return max(int(str(number)) for number in read_version(batches, version)["commit"].to_pylist())


def _table_folders(root: Path) -> list[Path]:
    return [log.parent for log in root.glob("**/_delta_log") if log.is_dir()]
