"""Make a Delta commit survive a power cut, and tell whether one did.

delta-rs writes files and log entries without fsync. After each commit we sync what that version added: data files,
their folders, the log entry and its folder. On open the newest versions are checked: the log entry parses, each file
exists and has the size the log says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

ACTIONS = "o2c.actions"  # how many files a log entry adds and removes, where it says so


def sync_path(path: Path) -> None:
    """Flush one file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folders(folder: Path, upto: Path) -> None:
    """Flush the entries of new folders: ``folder``, those above it, and the one that holds ``upto``."""
    while folder != upto:
        sync_path(folder)
        folder = folder.parent
    sync_path(upto)
    sync_path(upto.parent)


def write_durably(path: Path, text: str) -> None:
    """Replace a small file: afterwards it holds all of the text, also after a power cut, or what it held before."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    sync_path(beside)
    beside.replace(path)
    sync_path(path.parent)


def log_entry(table: Path, version: int) -> Path:
    """The log file of one version."""
    return table / "_delta_log" / f"{version:020d}.json"


def added_files(table: Path, version: int) -> list[tuple[Path, int]] | None:
    """Files and sizes that a version added; ``None`` when its log entry is missing or damaged."""
    try:
        text = log_entry(table, version).read_text(encoding="utf-8")
        actions = [json.loads(line) for line in text.split("\n") if line.strip()]  # a value may hold U+2028
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return None
    if not actions or not _is_complete(actions):
        return None
    return [
        (table / unquote(action["add"]["path"]), int(action["add"]["size"])) for action in actions if "add" in action
    ]


def _is_complete(actions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether no line of a log entry is missing, as far as it says how many there are."""
    said = next((action["commitInfo"].get(ACTIONS) for action in actions if "commitInfo" in action), None)
    return said is None or int(said) == sum("add" in action or "remove" in action for action in actions)


def sync_version(table: Path, version: int) -> None:
    """Flush everything that ``version`` of the table added."""
    folders = {table}
    for file, _ in added_files(table, version) or []:
        sync_path(file)
        folders.add(file.parent)
    for folder in folders:
        sync_path(folder)
    log = table / "_delta_log"
    for extra in (*log.glob(f"{version:020d}.*"), log / "_last_checkpoint"):
        if extra.is_file():
            sync_path(extra)
    sync_path(log)


def version_is_whole(table: Path, version: int) -> bool:
    """Whether the log entry of a version parses and its files have the sizes it states."""
    files = added_files(table, version)
    if files is None:
        return False
    return all(file.is_file() and file.stat().st_size == size for file, size in files)


def versions_on_disk(table: Path) -> list[int]:
    """Versions that have a log entry, ascending."""
    return sorted(int(entry.stem) for entry in (table / "_delta_log").glob("*.json") if entry.stem.isdigit())
