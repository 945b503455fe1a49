"""Run one side of the benchmark in a process of its own: its times, what it found, its peak memory.

``python -m tests.bench.measure tests.bench.ours:load '{"folder": ...}'`` prints one line of JSON last.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RUNS = 5
ENOUGH_SECONDS = 24.0
_LOOK_SECONDS = 0.02


@dataclass(slots=True)
class Measured:
    """Seconds of every run per question, and facts by which the sides are compared.

    ``waiting`` is how many processes of the machine wanted a core in the minute before: above the number of cores,
    times are too long.
    """

    times: dict[str, list[float]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    peak_mb: float = 0.0
    waiting: float = 0.0

    def take(self, question: str, action: Callable[[], Any], *, runs: int = RUNS) -> Any:
        """Time an action ``runs`` times after one to warm up; what takes long is run less often. Its last result."""
        started = time.perf_counter()
        result = action()
        first = time.perf_counter() - started
        if first > ENOUGH_SECONDS / 2 or runs == 1:
            self.times[question] = [first]
            return result
        taken: list[float] = []
        while len(taken) < runs and first + sum(taken) < ENOUGH_SECONDS:
            gc.collect()
            started = time.perf_counter()
            result = action()
            taken.append(time.perf_counter() - started)
        self.times[question] = taken
        return result

    def take_each(self, question: str, actions: Iterable[Callable[[], Any]]) -> None:
        """Time actions that cannot be repeated, each once; the first is there to warm up."""
        taken = []
        for action in actions:
            gc.collect()
            started = time.perf_counter()
            action()
            taken.append(time.perf_counter() - started)
        self.times[question] = taken[1:] or taken


def peak_mb() -> float:
    """Largest resident size of this process so far, or of the largest of its children."""
    sizes = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(sizes) / 1024


def _together_mb(process: int) -> float:
    """Resident size of a process and all it started, now."""
    found, pages = [process], 0
    for number in found:
        try:
            pages += int(Path(f"/proc/{number}/statm").read_text(encoding="ascii").split()[1])
            for task in Path(f"/proc/{number}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
        except (OSError, IndexError):
            continue  # it has ended
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def apart(function: str, **arguments: Any) -> Measured:
    """Call ``module:function`` with arguments that JSON can say, in a process of its own.

    This process must stay small: the size a child reports is never below that of the process that started it.
    """
    waiting = os.getloadavg()[0]
    command = [sys.executable, "-m", "tests.bench.measure", function, json.dumps(arguments)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    together = 0.0
    while True:
        try:
            told, _ = done.communicate(timeout=_LOOK_SECONDS)
            break
        except subprocess.TimeoutExpired:
            together = max(together, _together_mb(done.pid))
    if done.returncode != 0:
        sys.exit(f"error: {function} ended with {done.returncode}; expected its times; see its message above")
    found = json.loads(told.splitlines()[-1])
    return Measured(found["times"], found["facts"], max(found["peak_mb"], together), waiting)


def main() -> None:
    """Run the function named on the command line."""
    module, _, name = sys.argv[1].partition(":")
    told = os.dup(1)
    os.dup2(2, 1)  # what others print is for the eye, not for who reads the result
    measured: Measured = getattr(importlib.import_module(module), name)(**json.loads(sys.argv[2]))
    line = json.dumps({"times": measured.times, "facts": measured.facts, "peak_mb": peak_mb()})
    os.write(told, line.encode() + b"\n")


if __name__ == "__main__":
    main()
