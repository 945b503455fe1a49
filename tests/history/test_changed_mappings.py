"""A mapping that changes: rows that no longer follow are deleted, changed ones updated, and the old meaning is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import o2c_mining.connect
from o2c_mining import bootstrap
from o2c_mining.exchange.mapping import beside
from o2c_mining.exchange.read import Asked
from tests.history.world import World, differences, quick_machine, small_world, tables_of, versions

SALE = "INSERT INTO sale VALUES (?, 'confirmed', ?, ?, NULL, 'web', ?)"


@pytest.fixture
def world() -> Iterator[World]:
    with quick_machine(), small_world(lenses=("order", "invoice")) as made:
        erp = made.erp.connection
        for number in (1, 2):
            day = f"2026-01-0{number} 08:00:00"
            erp.execute(SALE, (number, day, f"2026-01-0{number} 09:00:00", day))
        day = "2026-01-05 08:00:00"
        erp.execute("INSERT INTO invoice VALUES (1, '2026-01-04 08:00:00', ?, NULL, NULL, ?)", (day, day))
        yield made


def operations(world: World, table: str, since: int) -> Counter[tuple[str, str]]:
    """What a version appended: operation and activity or type."""
    rows = [row for row in versions(world.snapshot(), table) if row["batch_id"] >= since]
    return Counter((row["op"], str(row.get("activity") or row.get("object_type"))) for row in rows)


def activities(world: World, known_at: int | None = None) -> list[str]:
    log = bootstrap.open_log(world.workspace, known_at=known_at)
    return sorted(str(row["activity"]) for row in log.reader.rows(log.events))


def test_a_connector_whose_sql_changes_says_the_new_and_keeps_the_old(world: World) -> None:
    before = world.extract().version
    old = activities(world)
    world.change_mapping()
    changed = world.extract()
    assert operations(world, "events", changed.version) == {
        ("D", "Confirm Order"): 2,
        ("I", "Approve Order"): 2,
        ("D", "Post Invoice"): 1,
    }
    assert operations(world, "objects", changed.version) == {("U", "order"): 2}, "the channel is read now"
    assert not differences(tables_of(world.snapshot()), world.meaning())
    assert activities(world) == ["Approve Order"] * 2 + ["Create Invoice"] + ["Create Order"] * 2
    assert activities(world, before) == old, "the old meaning is what was known then"
    assert {row["channel"] for row in tables_of(world.snapshot())["objects"] if row["object_type"] == "order"} == {
        "web"
    }
    assert changed.refreshed_cases == 3


def test_a_mapping_taken_back_says_the_old_again(world: World) -> None:
    world.extract(traces=False)
    old = {table: len(rows) for table, rows in tables_of(world.snapshot()).items()}
    for _ in range(2):
        world.change_mapping()
        world.extract(traces=False)
    assert {table: len(rows) for table, rows in tables_of(world.snapshot()).items()} == old
    assert not differences(tables_of(world.snapshot()), world.meaning())
    (row,) = [
        row for row in versions(world.snapshot(), "events") if row["event_id"].endswith("invoice/1/Post Invoice")
    ][-1:]
    assert row["op"] == "I", "it came back"


def test_a_column_that_the_connector_reads_anew_is_read_of_old_rows_too(world: World) -> None:
    world.extract(traces=False)
    world.erp.connection.execute(
        "INSERT INTO sale VALUES (9, 'draft', ?, NULL, NULL, 'shop', ?)", ("2026-03-01 08:00:00",) * 2
    )
    world.extract(traces=False)  # the cursor lies two months above the first rows now
    world.change_mapping()
    world.extract(traces=False)
    channels = {
        row["number"]: row["channel"] for row in tables_of(world.snapshot())["objects"] if row["object_type"] == "order"
    }
    assert channels == {"1": "web", "2": "web", "9": "shop"}


def test_a_column_that_the_source_gets_is_read_of_old_rows_too(world: World) -> None:
    world.extract(traces=False)
    world.erp.connection.execute(
        "INSERT INTO sale VALUES (9, 'draft', ?, NULL, NULL, 'shop', ?)", ("2026-03-01 08:00:00",) * 2
    )
    world.extract(traces=False)
    world.erp.add_note_column()
    world.extract(traces=False)
    notes = [row["note"] for row in tables_of(world.snapshot())["objects"] if row["object_type"] == "order"]
    assert notes == ["old"] * 3
    again = world.extract(traces=False)
    assert sum(batch.accepted for batch in again.batches) == 0, "it is read whole once"


def test_a_kill_while_a_table_is_read_anew_loses_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.extract(traces=False)
    world.connector.page_rows = 1
    world.change_mapping()
    taken = []

    class Killed(RuntimeError):
        pass

    def stop(text: str, rows: int) -> None:
        taken.append(text)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(o2c_mining.connect, "connector_named", lambda name: world.connector)
        bootstrap.extract(world.workspace, progress=bootstrap.Progress(stop))
    assert taken == ["erp sale"]
    world.extract(traces=False)
    assert not differences(tables_of(world.snapshot()), world.meaning())


def test_a_table_read_under_another_mapping_says_the_new_and_keeps_the_old(tmp_path: Path) -> None:
    (tmp_path / "o2c.toml").write_text("", encoding="utf-8")
    table = tmp_path / "tickets.csv"
    table.write_text(
        "ticket;step;state;at;who\nT1;Open;new;02.01.2026 08:00;ann\nT1;Close;done;03.01.2026 08:00;bob\n"
        "T2;Open;new;04.01.2026 08:00;ann\n",
        encoding="utf-8",
    )
    mapping = beside(table)
    mapping.write_text(MAPPING, encoding="utf-8")
    asked = Asked(timezone="UTC")
    with quick_machine():
        workspace = bootstrap.open_workspace(tmp_path)
        first = bootstrap.import_files(workspace, [table], asked).version
        mapping.write_text(
            MAPPING.replace("activity: step", "activity: state").replace("resource: who\n", ""), encoding="utf-8"
        )
        second = bootstrap.import_files(workspace, [table], asked).version
        assert second == first + 1
        assert bootstrap.import_files(workspace, [table], asked).version == second, "the same again adds nothing"

        def said(known_at: int | None) -> list[tuple[str, str | None]]:
            log = bootstrap.open_log(workspace, known_at=known_at)
            rows = log.reader.rows(log.events.order_by("time"))
            return [(str(row["activity"]), row["resource"]) for row in rows]

        assert said(first) == [("Open", "ann"), ("Close", "bob"), ("Open", "ann")]
        assert said(None) == [("new", None), ("done", None), ("new", None)]
        snapshot = bootstrap.open_store(workspace).snapshot()
        rows = [row for row in versions(snapshot, "events") if row["batch_id"] == second]
        assert {row["op"] for row in rows} <= {"U", "I", "D"}
        assert Counter(row["op"] for row in rows) in ({"U": 3}, {"I": 3, "D": 3})
        table.write_text(
            table.read_text(encoding="utf-8").replace("T2;Open;new;04.01.2026 08:00;ann\n", ""), encoding="utf-8"
        )
        bootstrap.import_files(workspace, [table], asked)
        assert len(said(None)) == 2
        assert len(said(second)) == 3


MAPPING = """\
encoding: utf-8
delimiter: ;
case: ticket
case_type: ticket
activity: step
timestamp: at
resource: who
timezone: UTC
dates:
  at: day-first
"""
