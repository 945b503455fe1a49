"""Put a backup in the place of a workspace's store, state and settings.

Everything is copied beside and compared with the manifest first; only then is the old moved aside and the new put in
its place. The restored log continues above every number that the old one used, under a new ``store_epoch``: the monitor
evaluates everything again.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deltalake.exceptions import DeltaError

from o2c_mining.bootstrap import CONFIG_FILE
from o2c_mining.errors import ConfigError, LogError
from o2c_mining.log import durable
from o2c_mining.log.failpoints import failpoint
from o2c_mining.log.place import refuse_folder
from o2c_mining.log.snapshot import MAINTENANCE, Snapshot
from o2c_mining.log.store import Batch, Store, locked
from o2c_mining.maintenance.archive import manifest_of, unpack
from o2c_mining.maintenance.backup import FOLDERS
from o2c_mining.state.leases import is_dead

_BESIDE = ".restoring"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored; ``replaced`` is where the old things lie now, if there were any."""

    version: int
    backed_up_version: int
    made_at: str
    replaced: Path | None
    left_out: tuple[str, ...]


def restore(backup: Path, root: Path, *, force: bool, now: datetime, report: Callable[[str, int], None]) -> Restored:
    """Restore a backup into the workspace folder ``root``, which need not exist.

    Raises
    ------
    ConfigError
        If no store can lie in that folder, there is a store or a state database already and ``force`` is not given,
        or a monitor runs there.
    LogError
        If the backup is damaged; nothing is changed then.
    """
    refuse_folder(root)
    state = str(manifest_of(backup)["state"] or "state.db")
    taken = [name for name in ("store/batches", state) if (root / name).exists()]
    if taken and not force:
        raise ConfigError(
            f"{root} has a store or a state database already ({', '.join(taken)}); expected an empty workspace; "
            "restore elsewhere with -w, or replace it with --force (what is there is moved aside)"
        )
    _refuse_running_monitor(root / state, now)
    beside = root / _BESIDE
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        manifest = unpack(backup, beside, report)
        version = _continue_above(beside / "store", _newest(root / "store"), now)
        for folder in (beside, *(path for path in beside.rglob("*") if path.is_dir())):
            durable.sync_path(folder)
        failpoint("restore.copied")
        replaced = _swap(root, beside, state, now)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    left_out = tuple(str(text) for text in manifest["left_out"])
    return Restored(version, int(manifest["version"]), str(manifest["made_at"]), replaced, left_out)


def _continue_above(store: Path, old: Snapshot | None, now: datetime) -> int:
    """One commit under a new epoch, so that nobody takes the restored log for a version of the old one."""
    with Store(store).writer() as writer:
        base = writer.base
        others = [base] if old is None else [base, old]
        writer.go_on_above(
            number=max(snapshot.number for snapshot in others),
            seq=max(snapshot.last_seq for snapshot in others),
            epoch=max(max(snapshot.store_epoch for snapshot in others) + 1, int(now.timestamp())),
        )
        return writer.commit([Batch(MAINTENANCE, "restore")]).number


def _newest(store: Path) -> Snapshot | None:
    """What the store that is replaced came to, as far as it can still be read."""
    try:
        return Store(store).snapshot()
    except (LogError, DeltaError, OSError, ValueError):
        return None


def _swap(root: Path, beside: Path, state: str, now: datetime) -> Path | None:
    """Move the old things aside and the new ones in; under the old store's lock, which its writers wait for."""
    aside = root / f"replaced-{now.astimezone(UTC):%Y%m%dT%H%M%S}"
    aside.mkdir()
    attempt = 0
    while True:
        attempt += 1
        with locked(root / "store"):
            (root / "store").rename(aside / f"store{attempt if attempt > 1 else ''}")
            failpoint("restore.moved_aside")
            try:
                (beside / "store").rename(root / "store")
                break
            except OSError as error:  # somebody began a store of their own in this very moment
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
    durable.sync_path(root)
    failpoint("restore.in_place")
    for name in (CONFIG_FILE, *FOLDERS, state, state + "-wal", state + "-shm"):
        new, old = beside / name, root / name
        if old.exists() and (new.exists() or name.startswith(state)):
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            old.rename(aside / name)
        if new.exists():
            old.parent.mkdir(parents=True, exist_ok=True)
            new.rename(old)
    durable.sync_path(root)
    for empty in aside.glob("store*"):
        if not (empty / "batches").exists():
            shutil.rmtree(empty)
    if any(aside.iterdir()):
        return aside
    aside.rmdir()
    return None


def _refuse_running_monitor(state: Path, now: datetime) -> None:
    if not state.is_file():
        return
    try:
        with closing(sqlite3.connect(f"{state.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            rows = connection.execute("SELECT holder, until FROM leases").fetchall()
    except sqlite3.DatabaseError:
        return
    for holder, until in rows:
        end = datetime.fromisoformat(str(until))
        if (end if end.tzinfo else end.replace(tzinfo=UTC)) > now and not is_dead(str(holder)):
            raise ConfigError(
                f"a monitor runs on this workspace ({holder}); expected none during a restore; stop it first"
            )
