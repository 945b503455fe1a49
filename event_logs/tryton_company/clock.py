"""The simulated clock: a file that libfaketime shows to every process as the current time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

STAMP = "%Y-%m-%d %H:%M:%S"


class FaketimeMissingError(RuntimeError):
    """libfaketime is not installed."""


def library() -> Path:
    """Where Debian's package ``faketime`` puts the multi-thread variant of libfaketime."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise FaketimeMissingError(
            "libfaketime is not installed; the recipe needs it for its clock; apt install faketime"
        )
    return found[0]


def faked(environment: Mapping[str, str], clock_file: Path) -> dict[str, str]:
    """The environment in which a process sees the time written in ``clock_file``."""
    return {
        **environment,
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(clock_file),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "TZ": "UTC",
    }


class Clock:
    """Simulated UTC time that stands still until it is moved, and only ever moves forward."""

    def __init__(self, file: Path, now: datetime) -> None:
        self._file = file
        self.now = now
        self._write()

    def advance(self, to: datetime | None = None) -> datetime:
        """Move to ``to``, but at least one second: no two transactions share a second."""
        following = self.now + timedelta(seconds=1)
        self.now = max(following, to.replace(microsecond=0)) if to else following
        self._write()
        return self.now

    def _write(self) -> None:
        if not self._file.exists():
            self._file.touch()
        with self._file.open("r+") as file:
            file.write(self.now.strftime(STAMP) + "\n")
            file.flush()
