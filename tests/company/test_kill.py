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
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from o2c_mining.bootstrap import open_store, open_workspace
from o2c_mining.log.reader import open_reader
from o2c_mining.log.schema import TABLES
from tests.company.conftest import run_o2c

pytestmark = pytest.mark.slow

KILLS = 10


def _fresh(company: Path, folder: Path) -> Path:
    """The company's sources and settings without what was derived from them."""
    shutil.copytree(company, folder, ignore=shutil.ignore_patterns("store", "state.db*", "actions.jsonl"))
    return folder


def _kill_at_random(workspace: Path, command: str, rng: random.Random, longest: float) -> bool:
    """Start the command, kill it after a random time; whether it was still running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "o2c_mining", "-w", str(workspace), *command.split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ),
    )
    time.sleep(rng.uniform(0.8, longest))
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    return alive


def _content(workspace: Path) -> dict[str, Counter[str]]:
    """Rows of every table that analyses read, without what differs from load to load."""
    snapshot = open_store(open_workspace(workspace)).snapshot()
    reader = open_reader({f"{name}_versions": (snapshot.files(name), schema) for name, schema in TABLES.items()})
    from o2c_mining.log.current import current
    from o2c_mining.log.schema import KEYS
    from o2c_mining.trace.refresh import latest

    result: dict[str, Counter[str]] = {}
    volatile = {"ingest_seq", "batch_id", "op", "refresh_seq"}
    for name, keys in KEYS.items():
        rows = reader.rows(current(reader.table(f"{name}_versions"), keys))
        result[name] = Counter(
            json.dumps({k: v for k, v in r.items() if k not in volatile}, default=str, sort_keys=True) for r in rows
        )
    for name in ("membership", "cases", "pairs"):
        for lens in ("order", "delivery", "invoice"):
            rows = reader.rows(latest(reader.table(f"{name}_versions"), reader.table("touched_versions"), lens))
            result[f"{name} {lens}"] = Counter(
                json.dumps({k: v for k, v in r.items() if k not in volatile}, default=str, sort_keys=True) for r in rows
            )
    return result


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
    hits = sum(_kill_at_random(killed, "extract", rng, 7.0) for _ in range(KILLS))
    for name in ("extract",):
        run_o2c("-w", killed, name)
    assert _content(killed) == _content(company)
    again = json.loads(run_o2c("-w", killed, "extract", "--json").stdout)
    assert {batch["accepted"] for batch in again["batches"]} == {0}

    hits += sum(_kill_at_random(killed, "monitor --once", rng, 5.0) for _ in range(KILLS))
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
    print(f"{hits} of {2 * KILLS} kills hit a running process; {len(sent)} deliveries of {len(ids)} messages")
    assert hits >= KILLS
