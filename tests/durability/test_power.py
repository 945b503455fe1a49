"""After a power cut the store is at the last promised load or a later whole one, and loading again reaches the end.

``tests.durability.power`` says what a disk may hold then. Every trial opens such a disk as a reader and as a writer.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from o2c_mining.log import checkpoint, durable
from o2c_mining.log.store import Store
from tests.conftest import soak
from tests.durability import work
from tests.durability.invariants import Witness, assert_same_content, content_of
from tests.durability.power import Disk, PowerFailed, Recorder
from tests.durability.writers import EVENTS, load_numbered, loads_done

SEED = 20261122
LOADS = 7

Tell = Callable[[int], None]


def load_all(folder: Path, tell: Tell = lambda number: None) -> None:
    """Small loads one after the other, a compaction after every third."""
    root = folder / "store"
    while (done := loads_done(root)) < LOADS:
        load_numbered(root, done + 1)
        tell(done + 1)
        if done % 3 == 2:
            with Store(root).writer() as writer:
                work.compact(writer)


def check_loads(folder: Path, promised: int) -> None:
    """Every promised load is there, and every load is there whole or not at all."""
    Witness(folder).check(0)
    done = loads_done(folder / "store")
    assert done >= promised, f"load {promised} was promised, the store ends with {done}"
    rows = content_of(folder)
    assert sum(rows["events"].values()) == EVENTS * done
    assert sum(rows["e2o"].values()) == 2 * EVENTS * done


class Trials:
    """Power cuts at random flushes of one piece of work."""

    def __init__(
        self,
        base: Path,
        monkeypatch: pytest.MonkeyPatch,
        *,
        prepare: Callable[[Path], object],
        run: Callable[[Path, Tell], None],
        check: Callable[[Path, int], None],
    ) -> None:
        self.base, self.monkeypatch = base, monkeypatch
        self.prepare, self.run, self.check = prepare, run, check
        self.dice = random.Random(SEED)
        self.done = self.again = self.slips = self.rounds = 0
        prepare(base / "clean")
        run(base / "clean", lambda number: None)
        self.expected = content_of(base / "clean")
        self.flushes = self._record(self._fresh(), frozenset(), stop=False).flushes

    def _fresh(self) -> Path:
        self.rounds += 1
        folder = self.base / f"round{self.rounds}" / "company"
        folder.parent.mkdir()
        self.prepare(folder)
        return folder

    def _record(self, folder: Path, cuts: frozenset[int], *, stop: bool, promised: int = 0) -> Recorder:
        """Do the work in a folder whose disk is watched."""
        disk = Disk(folder)
        disk.flush_everything()
        told = [promised]
        recorder = Recorder(disk, cuts, folder.parent, self.dice, lambda: told[-1], stop)
        with self.monkeypatch.context() as patched:
            patched.setattr(durable, "sync_path", recorder)
            with suppress(PowerFailed):
                self.run(folder, told.append)
        return recorder

    def cut_often(self, wanted: int) -> None:
        """Cut the power until there were so many trials."""
        while self.done < wanted:
            folder = self._fresh()
            number = min(15, wanted - self.done)
            cuts = frozenset(self.dice.sample(range(1, self.flushes + 1), min(number, self.flushes)))
            for disk, promised in self._record(folder, cuts, stop=False).taken:
                self._trial(disk, promised)
            shutil.rmtree(folder.parent)

    def _trial(self, disk: Path, promised: int) -> None:
        """Open what was left, perhaps lose power again while it recovers, and finish."""
        self.done += 1
        self.check(disk, promised)
        if self.dice.random() < 0.3:
            second = disk.parent / f"{disk.name}-again" / "company"
            shutil.copytree(disk, second)
            cuts = frozenset({self.dice.randint(1, 12)})
            for again, later in self._record(second, cuts, stop=True, promised=promised).taken:
                self.again += 1
                self._trial(again, later)
        self.run(disk, lambda number: None)
        assert_same_content(content_of(disk), self.expected)


@pytest.fixture
def often_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 3)


@pytest.mark.soak
@pytest.mark.usefixtures("often_checkpoints")
def test_a_power_cut_costs_nothing_that_was_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = Trials(tmp_path, monkeypatch, prepare=Path.mkdir, run=load_all, check=check_loads)
    trials.cut_often(soak(47, 450))
    print(f"{trials.done} power cuts, {trials.again} of them while recovering, at {trials.flushes} flushes")


@pytest.mark.soak
@pytest.mark.usefixtures("often_checkpoints")
def test_a_power_cut_of_an_extraction_or_import_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = Trials(
        tmp_path,
        monkeypatch,
        prepare=lambda folder: work.prepare(folder, ()),
        run=work.run,
        check=lambda folder, promised: Witness(folder).check(promised) and None,
    )
    trials.cut_often(soak(3, 50))
    print(f"{trials.done} power cuts, {trials.again} of them while recovering, at {trials.flushes} flushes")


@pytest.mark.parametrize("mutant", ["sync_version", "sync_folders", "write_in_place"])
@pytest.mark.usefixtures("often_checkpoints")
def test_the_harness_sees_a_missing_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mutant: str) -> None:
    """Planted faults: without these flushes some trial must lose what was promised, or the store must not open."""
    trials = Trials(tmp_path, monkeypatch, prepare=Path.mkdir, run=load_all, check=check_loads)
    if mutant == "write_in_place":
        monkeypatch.setattr("o2c_mining.log.store.checkpoint_if_due", _checkpoint_as_delta_does)
    else:
        monkeypatch.setattr(durable, mutant, lambda *paths: None)
    with pytest.raises(Exception):  # noqa: B017 - any way of noticing will do
        trials.cut_often(60)


def _checkpoint_as_delta_does(table: Path, version: int) -> None:
    from deltalake import DeltaTable

    DeltaTable(table, version=version).create_checkpoint()
