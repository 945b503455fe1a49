"""Two writers, a compactor and two readers at work together: no error, and no figure that belongs to no version."""

from __future__ import annotations

import json
import multiprocessing
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from o2c_mining.config import Retention
from o2c_mining.log import compaction, retention
from o2c_mining.log.reader import open_reader
from o2c_mining.log.schema import TABLES
from o2c_mining.log.snapshot import MAINTENANCE, Snapshot
from o2c_mining.log.store import Store
from tests.conftest import soak
from tests.durability.writers import EVENTS, load_once

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.durability.test_together"])


def begin(start: Barrier, seconds: float) -> float:
    """When everybody is there: the moment at which to stop."""
    start.wait(60)
    return time.monotonic() + seconds


def write(root: str, who: str, seconds: float, start: Barrier, told: str) -> None:
    numbers = []
    until = begin(start, seconds)
    while not numbers or time.monotonic() < until:
        numbers.append(load_once(Path(root), who))
    Path(told).write_text(json.dumps(numbers))


def tidy(root: str, who: str, seconds: float, start: Barrier, told: str) -> None:
    numbers = []
    until = begin(start, seconds)
    while not numbers or time.monotonic() < until:
        with Store(Path(root)).writer() as writer:
            if compaction.compact(writer, lambda what, count: None):
                numbers.append(writer.base.number)
            now = writer.base.committed_at
            if now is not None:  # it may be its turn before anybody has written
                retention.clean_up(
                    writer.base, Retention(keep_versions=1), now=now, dry_run=False, report=lambda what, count: None
                )
        time.sleep(0.3)
    Path(told).write_text(json.dumps(numbers))


def read(root: str, who: str, seconds: float, start: Barrier, told: str) -> None:
    """Count in the newest version and in an older one; each has to be what its own commits say."""
    seen: list[int] = []
    store = Store(Path(root))
    until = begin(start, seconds)
    while not seen or time.monotonic() < until:
        snapshot = store.snapshot()
        if snapshot.number:
            assert not seen or snapshot.number >= seen[-1], "a version was taken back"
            seen.append(snapshot.number)
            check(snapshot)
            check(store.snapshot(snapshot.number // 2 or 1))
    Path(told).write_text(json.dumps(seen))


def check(snapshot: Snapshot) -> None:
    loaded = [row for row in snapshot.history() if row["source"] != MAINTENANCE]
    wanted = sum(int(str(row["accepted"])) for row in loaded)
    reader = open_reader({table: (snapshot.files(table), TABLES[table]) for table in ("events", "e2o")})
    events, e2o = reader.table("events"), reader.table("e2o")
    found = (reader.count(events), reader.count(events.event_id.as_table().distinct()), reader.count(e2o))
    assert found == (wanted, wanted, 2 * wanted), f"version {snapshot.number}: {found}"


@pytest.mark.soak
def test_writers_a_compactor_and_readers_do_not_disturb_each_other(tmp_path: Path) -> None:
    root, seconds = tmp_path / "store", soak(8, 600)
    work: list[tuple[Any, str]] = [(write, "a"), (write, "b"), (tidy, "tidy"), (read, "r1"), (read, "r2")]
    start = CONTEXT.Barrier(len(work))
    processes = [
        CONTEXT.Process(target=target, args=(str(root), who, seconds, start, str(tmp_path / f"{who}.json")))
        for target, who in work
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(work)
    told = {who: json.loads((tmp_path / f"{who}.json").read_text()) for _, who in work}
    final = Store(root).snapshot()
    numbers = told["a"] + told["b"] + told["tidy"]
    assert sorted(numbers) == list(range(1, final.number + 1)), "every commit has one owner, none is lost"
    assert min(len(told["a"]), len(told["b"]), len(told["tidy"]), len(told["r1"]), len(told["r2"])) > 0
    check(final)
    assert sum(int(str(r["accepted"])) for r in final.history() if r["source"] != MAINTENANCE) == EVENTS * len(
        told["a"] + told["b"]
    )
    queries = 2 * (len(told["r1"]) + len(told["r2"]))
    print(f"{final.number} commits, {len(told['tidy'])} of them compactions, {queries} versions read, no error")
