"""Killed at any moment, an extraction loses nothing and doubles nothing."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from o2c_mining.log.store import Store
from tests.connect.shop import create_shop, current, extract_shop, fill_shop, versions

KILLS = 20


def work_in_the_shop(connection: sqlite3.Connection, number: int) -> None:
    """A new document, a changed one and a deleted one, all a little later."""
    moment = f"2026-02-01 {number:02d}:00:00"
    connection.execute("BEGIN")
    connection.execute("INSERT INTO document VALUES (?, 'done', ?, ?, ?)", (1000 + number, moment, moment, moment))
    connection.execute(
        "UPDATE document SET state = 'done', done_at = ?, changed_at = ? WHERE id = ?", (moment, moment, 2 * number + 2)
    )
    connection.execute("DELETE FROM line WHERE document = ?", (3 * number + 1,))
    connection.execute("COMMIT")


def test_twenty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    database, root = tmp_path / "shop.sqlite", tmp_path / "store"
    connection = create_shop(database)
    fill_shop(connection, 40)
    chance = random.Random(7)
    numbers = []
    for kill in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.connect.kill_child", str(root), str(database)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        work_in_the_shop(connection, kill)
        if kill % 2:
            wait_for_a_commit(root)
        time.sleep(chance.uniform(0.0, 0.7))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        numbers.append(Store(root).snapshot().number)
    assert numbers == sorted(numbers), "a committed load was lost"
    assert numbers[-1] >= KILLS / 2, "the kills came before anything was committed"
    extract_shop(root, database)
    extract_shop(tmp_path / "clean", database)
    for table in ("events", "objects", "e2o", "o2o"):
        assert current(root, table) == current(tmp_path / "clean", table), table
    for table, key in (("staging/shop/document", "_key"), ("staging/shop/line", "_key")):
        rows = staged(root, table)
        doubled = [
            row for row, count in Counter((row[key], row["_hash"], row["_op"]) for row in rows).items() if count > 1
        ]
        assert doubled == [], f"{table} staged the same version twice"
        sequence = [row["_seq"] for row in rows]
        assert len(sequence) == len(set(sequence)), "an ingest number was used twice"
    inserted = Counter(row["event_id"] for row in versions(root, "events") if row["op"] == "I")
    assert {key for key, count in inserted.items() if count > 1} == set()
    connection.close()


def wait_for_a_commit(root: Path) -> None:
    """Until the store has one more version, so that half of the kills come in the middle of something."""
    before = Store(root).snapshot().number
    end = time.monotonic() + 30
    while Store(root).snapshot().number == before and time.monotonic() < end:
        time.sleep(0.02)


def staged(root: Path, table: str) -> list[dict[str, object]]:
    """Every staged version of a table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = Store(root).snapshot().files(table)
    return list(pa.concat_tables([pq.read_table(file, partitioning=None) for file in files]).to_pylist())
