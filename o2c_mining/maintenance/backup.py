"""Copy a workspace as it is at its newest complete version, while others go on reading and writing it.

Committed versions never change, so their files are copied without a lock. The state database is copied first: alerts
are never ahead of the log they speak about.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from o2c_mining import __version__
from o2c_mining.bootstrap import CONFIG_FILE, Workspace, open_store
from o2c_mining.errors import ConfigError, LogError
from o2c_mining.log import durable
from o2c_mining.log.checkpoint import version_of
from o2c_mining.log.failpoints import failpoint
from o2c_mining.log.recovery import newest_entry_of
from o2c_mining.log.retention import kept_of, needed_files
from o2c_mining.log.snapshot import Snapshot, files_of
from o2c_mining.maintenance.archive import Archive

FOLDERS = ("slas", "rules", "calendars", "reference")
_NOTES = ("retention.json", "floor.json")


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup holds; ``left_out`` says what it does not."""

    path: Path
    version: int
    files: int
    bytes: int
    left_out: tuple[str, ...]


def backup(workspace: Workspace, target: Path, *, now: datetime, report: Callable[[str, int], None]) -> BackedUp:
    """Write a backup as a folder, or as one file where the name ends in ``.tar``.

    Raises
    ------
    ConfigError
        If there is something at the target already.
    LogError
        If the store is empty, or versions were removed while they were copied.
    """
    if target.exists():
        raise ConfigError(f"{target} exists; expected a name that is free; choose another, or remove it")
    left_out: list[str] = []
    count = size = 0
    with Archive(target) as archive, tempfile.TemporaryDirectory(prefix="o2c-state-") as scratch:
        state = _state_copy(workspace, Path(scratch) / "state.db", left_out)
        snapshot = open_store(workspace).snapshot()
        if snapshot.number == 0:
            raise LogError(
                "the event store is empty; expected at least one load; run `o2c extract`, or `o2c import` a file"
            )
        for name, path in _files(workspace, snapshot, state):
            try:
                archive.put(name, path)
            except FileNotFoundError as error:
                raise LogError(
                    f"{name} went away while it was copied; expected no clean-up of old versions meanwhile; "
                    "run the backup again"
                ) from error
            report(name.split("/", 1)[0], 1)
            count += 1
            size += path.stat().st_size
        failpoint("backup.copied")
        archive.finish(
            {
                "tool_version": __version__,
                "made_at": now.isoformat(),
                "version": snapshot.number,
                "last_seq": snapshot.last_seq,
                "store_epoch": snapshot.store_epoch,
                "state": state[0] if state else None,
                "left_out": left_out,
            }
        )
    return BackedUp(target, snapshot.number, count, size, tuple(left_out))


def _state_copy(workspace: Workspace, copy: Path, left_out: list[str]) -> tuple[str, Path] | None:
    """Name and a consistent copy of the state database, made while others write it."""
    url = make_url(workspace.config.state.url)
    path = (workspace.root / str(url.database)).resolve()
    if url.get_backend_name() != "sqlite" or not path.is_relative_to(workspace.root):
        shown = url.render_as_string(hide_password=True)
        left_out.append(f"the state database {shown}: back it up with its own tools")
        return None
    if not path.is_file():
        return None
    with closing(sqlite3.connect(path, timeout=60)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return path.relative_to(workspace.root).as_posix(), copy


def _files(workspace: Workspace, snapshot: Snapshot, state: tuple[str, Path] | None) -> Iterator[tuple[str, Path]]:
    """Name in the backup and path of every file."""
    root = snapshot.root
    yield CONFIG_FILE, workspace.root / CONFIG_FILE
    for folder in FOLDERS:
        for path in sorted((workspace.root / folder).rglob("*")):
            if path.is_file():
                yield path.relative_to(workspace.root).as_posix(), path
    if state is not None:
        yield state
    for name in _NOTES:
        if (root / name).is_file():
            yield f"store/{name}", root / name
    batches = newest_entry_of(root / "batches", snapshot.number)
    data = needed_files(snapshot, kept_of(root).removed)
    data |= {Path(file) for file in files_of(root / "batches", batches)}
    for table, version in sorted({**snapshot.versions, "batches": batches}.items()):
        yield from ((f"store/{table}/_delta_log/{path.name}", path) for path in _log_files(root / table, version))
    for path in sorted(data):
        yield f"store/{path.relative_to(root).as_posix()}", path


def _log_files(table: Path, version: int) -> list[Path]:
    """Log entries and checkpoints up to a version."""
    checkpoints = (table / "_delta_log").glob("*.checkpoint*.parquet")
    entries = [durable.log_entry(table, number) for number in range(version + 1)]
    return entries + sorted(path for path in checkpoints if version_of(path) <= version)
