"""Staging, transform and versions: nothing is lost, nothing doubled, an increment equals a full load."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from o2c_mining.connect.engine import engine
from o2c_mining.connect.transform import TABLES
from o2c_mining.errors import ConnectorError
from o2c_mining.log.refusals import refusals
from o2c_mining.log.store import Store
from tests.connect.shop import ShopConnector, create_shop, current, extract_shop, fill_shop, versions


@pytest.fixture
def shop(tmp_path: Path) -> tuple[Path, Path, sqlite3.Connection]:
    database = tmp_path / "shop.sqlite"
    connection = create_shop(database)
    fill_shop(connection, 20)
    return tmp_path / "store", database, connection


def test_first_load_counts_by_hand(shop: tuple[Path, Path, sqlite3.Connection]) -> None:
    root, database, _ = shop
    result = extract_shop(root, database)
    assert {batch.stream: batch.accepted for batch in result.streams[:3]} == {"document": 20, "line": 40, "unit": 1}
    events = current(root, "events")
    assert len(events) == 30
    assert sum(event["activity"] == "Finish Document" for event in events) == 10
    assert len(current(root, "objects")) == 60
    assert len(current(root, "e2o")) == 20 * 3 + 10
    assert result.touched.num_rows == 60
    (first,) = [row for row in current(root, "objects") if row["object_id"] == "shop:document:1"]
    assert first["amount_minor"] == 220


def test_pages_are_commits_and_resume_after_a_stop(shop: tuple[Path, Path, sqlite3.Connection]) -> None:
    root, database, _ = shop

    class Broken(RuntimeError):
        pass

    seen = 0

    def stop(source: str, stream: str, rows: int) -> None:
        nonlocal seen
        seen += 1
        if seen == 4:
            raise Broken

    from o2c_mining.connect import stage_source
    from o2c_mining.connect.contract import ContractSource

    source = ContractSource("shop", "shop", {}, url=f"sqlite:///{database}")
    with pytest.raises(Broken), Store(root).writer() as writer:
        stage_source(source, ShopConnector(), writer, base=root, progress=stop, commit_rows=1)
    snapshot = Store(root).snapshot()
    assert snapshot.number == 4, "a page is not a commit"
    assert json.loads(str(snapshot.cursor("shop", "document")))["value"] == "2026-01-01 00:05:00"
    assert current(root, "events") == []
    result = extract_shop(root, database)
    read = {batch.stream: batch for batch in result.streams}
    assert read["document"].accepted == 0
    assert read["line"].accepted == 40 - 7
    assert len(current(root, "events")) == 30


def test_second_run_reads_little_and_adds_nothing(shop: tuple[Path, Path, sqlite3.Connection]) -> None:
    root, database, _ = shop
    extract_shop(root, database)
    before = Store(root).snapshot().number
    again = extract_shop(root, database)
    assert sum(batch.accepted for batch in again.streams) == 0
    assert again.touched.num_rows == 0
    assert Store(root).snapshot().number == before, "an idle run makes no commit"


def test_update_delete_and_late_row(shop: tuple[Path, Path, sqlite3.Connection]) -> None:
    root, database, connection = shop
    extract_shop(root, database)
    connection.execute(
        "UPDATE document SET state = 'open', done_at = NULL, changed_at = '2026-01-02 00:00:00' WHERE id = 1"
    )
    connection.execute("DELETE FROM line WHERE id = 21")
    # committed late: its stamp lies far below the cursor and the lookback
    connection.execute("INSERT INTO line VALUES (999, 3, '5.00', '2025-01-01 00:00:00')")
    result = extract_shop(root, database)
    counts = {batch.stream: batch.accepted for batch in result.streams}
    assert counts["document"] == 1
    assert counts["line"] == 2
    deleted = [row for row in versions(root, "events") if row["op"] == "D"]
    assert [row["event_id"] for row in deleted] == ["shop/document/1/Finish Document"]
    assert "shop:line:21" not in {row["object_id"] for row in current(root, "objects")}
    (third,) = [row for row in current(root, "objects") if row["object_id"] == "shop:document:3"]
    assert third["amount_minor"] == 720
    touched = set(result.touched["object_id"].to_pylist())
    assert {"shop:document:1", "shop:line:21", "shop:document:2", "shop:line:999", "shop:document:3"} <= touched
    assert "shop:document:7" not in touched


def test_a_row_that_moves_touches_where_it_was(shop: tuple[Path, Path, sqlite3.Connection]) -> None:
    root, database, connection = shop
    extract_shop(root, database)
    connection.execute("UPDATE line SET document = 5, changed_at = '2026-01-03 00:00:00' WHERE id = 11")
    extract_shop(root, database)
    values = {
        row["object_id"]: row["amount_minor"] for row in current(root, "objects") if row["object_type"] == "document"
    }
    assert (values["shop:document:1"], values["shop:document:5"]) == (110, 330)


def test_a_lookup_that_changes_renews_everything(shop: tuple[Path, Path, sqlite3.Connection]) -> None:
    root, database, connection = shop
    extract_shop(root, database)
    connection.execute("UPDATE unit SET factor = 1000")
    extract_shop(root, database)
    assert {row["amount_minor"] for row in current(root, "objects") if row["object_type"] == "document"} == {2200}


def test_two_installations_do_not_meet(shop: tuple[Path, Path, sqlite3.Connection]) -> None:
    root, database, connection = shop
    extract_shop(root, database, name="north")
    extract_shop(root, database, name="south")
    assert len(current(root, "events")) == 60
    connection.execute("DELETE FROM document")
    connection.execute("DELETE FROM line")
    extract_shop(root, database, name="south")
    assert {row["system"] for row in current(root, "events")} == {"north"}


def test_impossible_event_is_quarantined_once(shop: tuple[Path, Path, sqlite3.Connection]) -> None:
    root, database, connection = shop
    connection.execute("UPDATE document SET done_at = NULL WHERE id = 1")
    connection.execute("UPDATE document SET done_at = '0202-01-01 00:00:00' WHERE id = 3")
    extract_shop(root, database)
    extract_shop(root, database, full=True)
    snapshot = Store(root).snapshot()
    with engine() as reader:
        held = reader.execute(f"SELECT rule, source_key FROM read_parquet({snapshot.files('quarantine')})").fetchall()
    assert sorted(held) == [
        ("event-before-1990", "document 3 Finish Document"),
        ("event-without-time", "document 1 Finish Document"),
    ]
    assert refusals(snapshot).column("source_key").to_pylist() == [key for _, key in held], "in the order they came"
    connection.execute("UPDATE document SET done_at = '2026-01-05 10:00:00' WHERE id = 1")
    extract_shop(root, database, full=True)
    assert refusals(Store(root).snapshot()).column("source_key").to_pylist() == ["document 3 Finish Document"]


def test_missing_column_is_a_permanent_error(shop: tuple[Path, Path, sqlite3.Connection]) -> None:
    root, database, connection = shop
    connection.execute("ALTER TABLE line RENAME COLUMN amount TO value")
    with pytest.raises(ConnectorError, match=r"line\.amount") as raised:
        extract_shop(root, database)
    assert raised.value.permanent


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "update", "delete", "line", "move", "unline", "extract"]),
        st.integers(1, 6),
        st.integers(1, 9),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(CHANGES)
def test_increments_equal_a_full_load(changes: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        database = root / "shop.sqlite"
        connection = create_shop(database)
        fill_shop(connection, 3)
        for step, (kind, number, line) in enumerate(changes):
            now = f"2026-02-01 00:{step:02d}:00"
            apply_change(connection, kind, number, line, now)
            if kind == "extract":
                extract_shop(root / "steps", database)
        extract_shop(root / "steps", database)
        extract_shop(root / "once", database)
        connection.close()
        for table in TABLES:
            assert current(root / "steps", table) == current(root / "once", table), table
        for table in ("events", "objects", "e2o", "o2o"):
            rows = versions(root / "once", table)
            assert len(rows) == len(current(root / "once", table))


def apply_change(connection: sqlite3.Connection, kind: str, number: int, line: int, now: str) -> None:
    """One thing that happens in the shop."""
    if kind == "insert":
        connection.execute("INSERT OR REPLACE INTO document VALUES (?, 'open', ?, NULL, ?)", (number, now, now))
    elif kind == "update":
        connection.execute(
            "UPDATE document SET state = 'done', done_at = ?, changed_at = ? WHERE id = ?", (now, now, number)
        )
    elif kind == "delete":
        connection.execute("DELETE FROM document WHERE id = ?", (number,))
    elif kind == "line":
        connection.execute("INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?)", (line, number, f"{line}.25", now))
    elif kind == "move":
        connection.execute("UPDATE line SET document = ?, changed_at = ? WHERE id = ?", (number, now, line))
    elif kind == "unline":
        connection.execute("DELETE FROM line WHERE id = ?", (line,))
