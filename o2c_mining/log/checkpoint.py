"""Checkpoints of a Delta log, so that a long log opens fast; written so that a power cut leaves none half done.

delta-rs would write one in place, unflushed, with every hundredth commit; a damaged one makes a table unreadable. Ours
is made beside the log, flushed, and only then given its name.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from deltalake import DeltaTable

from o2c_mining.log import durable
from o2c_mining.log.failpoints import failpoint

EVERY = 50
_HINT = "_last_checkpoint"


def checkpoint_if_due(table: Path, version: int) -> None:
    """Write a checkpoint when ``version`` is ``EVERY`` or more versions after the last one."""
    if version - last_checkpoint(table) >= EVERY:
        write_checkpoint(table, version)


def last_checkpoint(table: Path) -> int:
    """Version of the newest checkpoint; -1 without one."""
    return max((version_of(path) for path in (table / "_delta_log").glob("*.checkpoint*.parquet")), default=-1)


def version_of(checkpoint: Path) -> int:
    """The version a checkpoint's file name states."""
    return int(checkpoint.name.split(".", 1)[0])


def write_checkpoint(table: Path, version: int) -> None:
    """Write the checkpoint of one durable version, unless it is there."""
    if last_checkpoint(table) == version:
        return
    log = table / "_delta_log"
    beside = table.parent / f".{table.name}.checkpoint"
    shutil.rmtree(beside, ignore_errors=True)
    (beside / "_delta_log").mkdir(parents=True)
    try:
        for entry in (*log.glob("*.json"), *log.glob("*.checkpoint*.parquet")):
            if entry.name.split(".", 1)[0].isdigit() and version_of(entry) <= version:
                os.link(entry, beside / "_delta_log" / entry.name)
        DeltaTable(beside, version=version).create_checkpoint()
        hint = beside / "_delta_log" / _HINT
        made = [path for path in (beside / "_delta_log").glob("*.checkpoint*.parquet") if version_of(path) == version]
        for path in (*made, hint):
            durable.sync_path(path)
        failpoint("checkpoint.written")
        for path in made:
            path.replace(log / path.name)
        durable.sync_path(log)
        failpoint("checkpoint.linked")
        hint.replace(log / _HINT)
        durable.sync_path(log)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def forget_checkpoints_after(table: Path, version: int) -> bool:
    """Remove checkpoints of versions that are being undone; whether there were any."""
    log = table / "_delta_log"
    gone = [path for path in log.glob("*.checkpoint*.parquet") if version_of(path) > version]
    for path in gone:
        path.unlink()
    hint = log / _HINT
    if hint.is_file() and _hinted(hint) not in range(version + 1):
        hint.unlink()
        return True
    return bool(gone)


def _hinted(hint: Path) -> int:
    """The version the hint names; -1 when it is damaged."""
    try:
        return int(json.loads(hint.read_text(encoding="utf-8"))["version"])
    except (ValueError, KeyError, TypeError):
        return -1
