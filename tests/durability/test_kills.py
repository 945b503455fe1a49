"""``kill -9`` at random moments and at every named step of loading, importing, compacting and cleaning up.

After every kill the store opens, holds everything that was promised, and counts no row twice; when all steps are done
at last, it says exactly what an undisturbed store says.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from o2c_mining.log.failpoints import POINTS
from tests.conftest import soak
from tests.durability import work
from tests.durability.invariants import Witness, assert_same_content, check_traces_equal_a_full_rebuild, content_of

ROOT = Path(__file__).parents[2]
SEED = 20261122
_LONGEST = 600  # seconds; whoever waits that long on the busiest machine waits for nothing
# Killed elsewhere: tests/monitor/test_crash.py, tests/durability/test_backup.py.
ELSEWHERE = {p for p in POINTS if p.split(".")[0] in ("evaluate", "deliver", "backup", "restore")}
HERE = sorted(POINTS - ELSEWHERE)
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.durability.work"])


class Killing:
    """Runs of the same work, each killed again and again until it is done."""

    def __init__(self, base: Path, lenses: tuple[str, ...], dice: random.Random) -> None:
        self.base, self.lenses, self.dice = base, lenses, dice
        self.kills = self.runs = 0
        self.slowest = 0.0
        self.reached: set[str] = set()
        clean = base / "clean"
        work.prepare(clean, lenses)
        began = time.monotonic()
        work.run(clean)
        self.seconds = time.monotonic() - began
        self.expected = content_of(clean)
        self._begin()

    def _begin(self) -> None:
        self.runs += 1
        self.folder = self.base / f"run{self.runs}"
        work.prepare(self.folder, self.lenses)
        self.witness = Witness(self.folder)

    def kill(self, point: str | None) -> None:
        """Let the work go on and kill it at a point, or at a random moment."""
        told = self.folder / "told"
        process = CONTEXT.Process(target=work.child, args=(str(self.folder), str(told), point))
        process.start()
        process.join(_LONGEST if point else self.dice.uniform(0.05, self.seconds / 3))
        if process.exitcode is None:
            assert point is None, f"{point}: still running after {_LONGEST} s"
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        assert process.exitcode in (0, -signal.SIGKILL), f"{point}: the work failed with {process.exitcode}"
        self._check(told)
        if process.exitcode == 0:
            self.finish()
        else:
            self.kills += 1
            self.reached.add("" if point is None else point.split(":")[0])

    def _check(self, told: Path) -> None:
        lines = told.read_text().split("\n")[:-1] if told.exists() else []
        self.witness.check(max((int(line) for line in lines), default=0))
        self.slowest = max(self.slowest, self.witness.slowest)

    def finish(self) -> None:
        """Do what is left undisturbed and compare the whole with a store that was never disturbed."""
        work.run(self.folder)
        self.witness.check(0)
        assert_same_content(content_of(self.folder), self.expected)
        if self.lenses:
            check_traces_equal_a_full_rebuild(self.folder, work.settings(self.lenses), self.base)
        self._begin()


@pytest.mark.soak
def test_a_kill_anywhere_loses_and_doubles_nothing(tmp_path: Path) -> None:
    killing = Killing(tmp_path, (), random.Random(SEED))
    wanted = soak(46, 1600)
    while killing.kills < wanted:
        for point in _points(killing.dice):
            killing.kill(point)
            if killing.kills >= wanted:
                break
    killing.finish()
    _report(killing)
    assert {"append.started", "commit.synced", ""} <= killing.reached, "a point that is always there, or no moment"


@pytest.mark.soak
def test_a_kill_anywhere_leaves_traces_that_equal_a_full_rebuild(tmp_path: Path) -> None:
    killing = Killing(tmp_path, ("document",), random.Random(SEED + 1))
    wanted = soak(14, 400)
    near = [p for p in HERE if p.startswith(("refresh.", "compact.", "commit.", "recovery."))]
    while killing.kills < wanted:
        killing.dice.shuffle(near)
        for point in near:
            killing.kill(point if killing.dice.random() < 0.6 else None)
            if killing.kills >= wanted:
                break
    killing.finish()
    _report(killing)


def _points(dice: random.Random) -> list[str | None]:
    """Every point once, at its first or a later time, and half as many random moments, in random order."""
    points: list[str | None] = []
    for point in HERE:
        often = point.startswith(("append.", "retention.file", "recovery.table"))
        points.append(f"{point}:{dice.randint(1, 12 if often else 2)}")
    points += [None] * (len(points) // 2)
    dice.shuffle(points)
    return points


def _report(killing: Killing) -> None:
    print(
        f"{killing.kills} kills in {killing.runs} runs, slowest reopening {killing.slowest:.2f} s, "
        f"never killed at: {', '.join(sorted({*HERE} - killing.reached)) or 'no point left out'}"
    )


def test_every_failpoint_is_somewhere_and_every_place_is_listed() -> None:
    placed: dict[str, int] = {}
    for file in (ROOT / "o2c_mining").rglob("*.py"):
        for name in re.findall(r"failpoint\(\"([a-z_.]+)\"\)", file.read_text(encoding="utf-8")):
            placed[name] = placed.get(name, 0) + 1
    assert set(placed) == POINTS


def test_the_variable_chooses_the_point_and_a_wrong_name_is_refused() -> None:
    def o2c(point: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from o2c_mining.log.failpoints import failpoint as f; f('commit.synced')"]
        environment = {**os.environ, "O2C_FAILPOINT": point}
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)

    assert [o2c(point).returncode for point in ("", "commit.logged", "commit.synced:2")] == [0, 0, 0]
    assert o2c("commit.synced").returncode == -signal.SIGKILL
    for wrong in ("commit", "commit.synced:0", "commit.synced:x"):
        assert "is no failpoint; expected NAME or NAME:N" in o2c(wrong).stderr
