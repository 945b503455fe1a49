"""``kill -9`` at twenty random moments of extract and monitor loses nothing and doubles nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from o2c_mining.bootstrap import open_store, open_workspace
from tests.company.conftest import run_o2c
from tests.durability.invariants import current_rows, traces_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

KILLS = 10


def _fresh(company: Path, folder: Path) -> Path:
    """The company's sources and settings without what was derived from them."""
    shutil.copytree(company, folder, ignore=shutil.ignore_patterns("store", "state.db*", "actions.jsonl"))
    return folder


def _kill_at_random(workspace: Path, command: str, rng: random.Random, longest: float) -> bool:
    """Start the command, kill it after a random time; whether it still had something to do then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "o2c_mining", "-w", str(workspace), *command.split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ),
    )
    try:
        process.wait(rng.uniform(0.2, 1.0) * longest)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        return True
    return False


def _kill_often(workspace: Path, command: str, rng: random.Random, undo: Callable[[], None]) -> list[float]:
    """Kill the command ``KILLS`` times in the middle; a run that was quicker starts over from nothing."""
    started = time.monotonic()
    run_o2c("-w", workspace, *command.split())
    longest = time.monotonic() - started
    undo()
    hits: list[float] = []
    for _ in range(4 * KILLS):
        if len(hits) == KILLS:
            break
        started = time.monotonic()
        if _kill_at_random(workspace, command, rng, longest):
            hits.append(time.monotonic() - started)
        else:
            longest *= 0.9
            undo()
    assert len(hits) == KILLS, "every kill has to hit a process that still had something to do"
    return hits


def _content(workspace: Path) -> dict[str, Counter[str]]:
    """Rows of every table that analyses read, without what differs from load to load."""
    snapshot = open_store(open_workspace(workspace)).snapshot()
    return current_rows(snapshot) | traces_of(snapshot)


def _alerts(workspace: Path) -> tuple[Counter[tuple[object, ...]], Counter[str]]:
    engine = create_engine(f"sqlite:///{workspace / 'state.db'}")
    with engine.connect() as connection:
        alerts = Counter(
            tuple(row)
            for row in connection.execute(
                text("SELECT rule, object_id, episode, state, due_at, stopped_at, money_minor FROM alerts")
            )
        )
        keys = Counter(str(row[0]) for row in connection.execute(text("SELECT key FROM outbox")))
    engine.dispose()
    return alerts, keys


def test_nothing_is_lost_and_nothing_doubled(company: Path, tmp_path: Path) -> None:
    rng = random.Random(20261122)
    killed = _fresh(company, tmp_path / "killed")
    hits = _kill_often(killed, "extract", rng, lambda: shutil.rmtree(killed / "store"))
    run_o2c("-w", killed, "extract")
    assert _content(killed) == _content(company)
    again = json.loads(run_o2c("-w", killed, "extract", "--json").stdout)
    assert {batch["accepted"] for batch in again["batches"]} == {0}

    def forget() -> None:
        for file in (*killed.glob("state.db*"), *killed.glob("actions.jsonl")):
            file.unlink()

    hits += _kill_often(killed, "monitor --once --no-extract", rng, forget)
    run_o2c("-w", killed, "monitor", "--once")
    alerts, keys = _alerts(killed)
    expected, expected_keys = _alerts(company)
    assert alerts == expected
    assert max(alerts.values()) == 1
    assert keys == expected_keys
    sent = [json.loads(line) for line in (killed / "actions.jsonl").read_text(encoding="utf-8").splitlines()]
    ids = {message["id"] for message in sent}
    assert ids == {json.loads(line)["id"] for line in (company / "actions.jsonl").read_text().splitlines()}
    bodies = {(m["id"], json.dumps(m["data"], sort_keys=True)) for m in sent}
    assert len(bodies) == len(ids), "a repeated delivery carries the same id and the same content"
    moments = ", ".join(f"{seconds:.1f}" for seconds in hits)
    print(f"{len(hits)} kills after {moments} s; {len(sent)} deliveries of {len(ids)} messages")
