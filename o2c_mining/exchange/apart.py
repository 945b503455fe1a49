"""Read a file in a process of its own, so that whatever it holds can take neither the memory nor the time of this one.

The child gets so much memory beyond what it starts with, and so much time; when it is done, its tables are Arrow files
that are mapped, not copied. When it dies, the file is refused.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any

from o2c_mining import errors
from o2c_mining.config import Limits
from o2c_mining.errors import LogError, O2CError
from o2c_mining.exchange.collect import Report
from o2c_mining.exchange.imported import ATTRIBUTE_TYPES, REFUSED_ROWS, TABLES, ImportedLog
from o2c_mining.exchange.limits import GZIP, MEGABYTE, reachable
from o2c_mining.exchange.read import Asked, read_log
from o2c_mining.exchange.rows import file_of, mapped

_MEMORY_PER_SIZE = 6  # megabytes for each megabyte of the file, where that is more than the limit
_SECONDS_PER_MEGABYTE = 1.0
_SECONDS_PER_UNPACKED = 0.2
_SAYS = 4  # bytes at the end of a packed file: its size unpacked
_WALL = 5  # times the seconds of work that a busy machine may take for them
REQUEST = "request.json"
_FACTS = "facts.json"


def read_apart(path: Path, limits: Limits, asked: Asked, folder: Path, report: Report | None = None) -> ImportedLog:
    """As ``read_log``, in a child process with limits; its tables lie in ``folder`` as long as they are used.

    A folder of tables is read here: its rows stay in their files, and the database engine has its own limit. So is
    everything where ``parse_memory_mb`` is 0.

    Raises
    ------
    LogError
        As ``read_log``, or if the file needs more memory or time than the limits allow.
    """
    if not reachable(path) or limits.parse_memory_mb == 0 or path.is_dir():
        return read_log(path, limits, asked, report)
    size = path.stat().st_size / MEGABYTE
    memory = max(limits.parse_memory_mb, round(size * _MEMORY_PER_SIZE))
    work = max(size * _SECONDS_PER_MEGABYTE, _unpacked(path, size, limits) * _SECONDS_PER_UNPACKED)
    seconds = max(limits.parse_seconds, work)
    request = {
        "path": str(path),
        "folder": str(folder),
        "limits": limits.model_dump(mode="json"),
        "asked": {name: str(value) if isinstance(value, Path) else value for name, value in asdict(asked).items()},
        "memory_mb": memory,
        "seconds": ceil(seconds),
    }
    (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")
    with _child(folder) as child, _deadline(child, seconds * _WALL) as late:
        assert child.stdout is not None
        said: dict[str, Any] = {}
        for line in child.stdout:
            said = json.loads(line)
            if report is not None and "rows" in said:
                report(path.name, said["rows"])
        ended = child.wait()
    if late.is_set() or ended == -signal.SIGXCPU:
        raise LogError(
            f"{path.name} was not read within {seconds:,.0f} seconds; expected less for its size; split it, or raise "
            "parse_seconds under [limits] if you trust it"
        )
    if "error" in said:
        raise _error(said["error"], said["message"])
    if ended or "done" not in said:
        raise LogError(
            f"{path.name} made its reader stop ({_reason(ended, folder)}) with {memory:,} MB of memory; expected a "
            "file that fits; split it, or raise parse_memory_mb under [limits] if you trust it"
        )
    return _result(folder)


def _unpacked(path: Path, size: float, limits: Limits) -> float:
    """Megabytes of a packed file unpacked, as it says at its end, but no more than may be unpacked of it."""
    try:
        with path.open("rb") as file:
            if file.read(len(GZIP)) != GZIP:
                return 0
            file.seek(-_SAYS, os.SEEK_END)
            said = int.from_bytes(file.read(_SAYS), "little") / MEGABYTE
    except OSError:
        return 0  # who reads it says what is wrong with it
    return min(said, limits.raw_mb, max(limits.free_mb, size * limits.ratio))


@contextmanager
def _child(folder: Path) -> Iterator[subprocess.Popen[str]]:
    # The system's allocator gives memory back and reserves none ahead, so the limit means what is used.
    environment = {
        **os.environ,
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "2",
        "OPENBLAS_NUM_THREADS": "1",
        "TMPDIR": str(folder),
    }
    with (folder / "stderr").open("w") as complaints:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "o2c_mining.exchange.parse_child", str(folder / REQUEST)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=environment,
            text=True,
            encoding="utf-8",
        )
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


@contextmanager
def _deadline(child: subprocess.Popen[str], seconds: float) -> Iterator[threading.Event]:
    late = threading.Event()

    def stop() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _error(kind: str, message: str) -> O2CError:
    found = getattr(errors, kind, LogError)
    return found(message) if isinstance(found, type) and issubclass(found, O2CError) else LogError(message)


def _reason(ended: int, folder: Path) -> str:
    if ended < 0:
        return signal.Signals(-ended).name
    lines = (folder / "stderr").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else f"exit code {ended}"


def write_facts(log: ImportedLog, folder: Path) -> None:
    """What the child leaves behind beside the tables, which its reader has kept there."""
    facts = {
        "source": log.source,
        "read": dict(log.read),
        "merged": dict(log.merged),
        "notes": list(log.notes),
        "placed": log.placed,
    }
    (folder / _FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _result(folder: Path) -> ImportedLog:
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    tables = {name: mapped(file_of(folder, name)) for name in TABLES}
    return ImportedLog(
        facts["source"],
        tables,
        facts["read"],
        mapped(file_of(folder, REFUSED_ROWS)),
        facts["merged"],
        tuple(facts["notes"]),
        facts["placed"],
        mapped(file_of(folder, ATTRIBUTE_TYPES)),
    )
