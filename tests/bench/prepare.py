"""Make what the benchmark reads, where it is not there already; called in processes of their own."""

from __future__ import annotations

from pathlib import Path

from tests.bench.generate import add_events, generate
from tests.bench.measure import Measured
from tests.bench.xes import write_xes


def tables(folder: str, events: int) -> Measured:
    """The log as tables, and flat."""
    if not (Path(folder) / "expected.json").exists():
        generate(Path(folder), events, 7, flat=True)
    return Measured()


def more(folder: str, count: int, times: int) -> Measured:
    """Folders of new events to import on top of the log in ``folder``."""
    for number in range(1, times + 1):
        out = Path(f"{folder}-more-{number}")
        if not out.exists():
            add_events(Path(folder), out, count, number)
    return Measured()


def xes(flat: str, out: str, megabytes: float | None, bare: bool) -> Measured:
    """The flat log as XES."""
    if not Path(out).exists():
        part = Path(f"{out}.part")
        write_xes(Path(flat), part, megabytes=megabytes, bare=bare)
        part.rename(out)
    return Measured()
