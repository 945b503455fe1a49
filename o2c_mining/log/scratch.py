"""Temporary folders inside the store: gone after use, and after a kill gone with the next writer.

Each is held by a lock on a file beside it; the operating system frees the lock however its process ends. A folder
whose lock can be had belongs to nobody.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = ".tmp"


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """A new folder under ``root`` that vanishes with the context."""
    home = root / FOLDER
    home.mkdir(parents=True, exist_ok=True)
    folder = home / uuid.uuid4().hex
    lock = folder.with_suffix(".lock")
    held = _held(lock)
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
        os.close(held)


def sweep(root: Path) -> None:
    """Remove what killed processes left behind."""
    home = root / FOLDER
    for lock in home.glob("*.lock"):
        try:
            descriptor = os.open(lock, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _held(lock: Path) -> int:
    """Descriptor of a lock file that is held and still there: another process may have swept it in between."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _same(descriptor, lock):
            return descriptor
        os.close(descriptor)


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
