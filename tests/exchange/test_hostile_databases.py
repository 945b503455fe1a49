"""SQLite files that lose rows, go round in circles or hold what no log holds."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from o2c_mining.errors import LogError
from tests.exchange.hostile import database, read, refused
from tests.exchange.logs import refused_rows


def test_ids_of_any_type_are_found_in_a_database(tmp_path: Path) -> None:
    """The ids of one event as number here and as text there: a reader that joins by type drops such events."""
    log = read(database(tmp_path / "log.sqlite"))
    rows = log.tables["events"].to_pylist()
    assert [(row["event_id"], row["time"].hour, row["source_seq"]) for row in rows] == [
        ("1", 10, 0),
        ("2", 10, 1),
        ("3", 12, 2),
    ]
    assert [tuple(row.values()) for row in log.tables["e2o"].to_pylist()] == [("1", "o", ""), ("3", "o", "q")]


def test_databases_that_lose_events_say_so(tmp_path: Path) -> None:
    log = read(database(tmp_path / "a.sqlite", "DELETE FROM event_A WHERE ocel_id = 2"))
    assert log.tables["events"].num_rows == 2
    assert [(row.table, row.key) for row in refused_rows(log)] == [("events", "2"), ("e2o", "2, reference 2")]
    refused(database(tmp_path / "b.sqlite", "INSERT INTO event_A VALUES (9, '2026-01-05')"), "holds event '9'")


@pytest.mark.parametrize(
    "more",
    [
        "DROP TABLE event_object; CREATE VIEW event_object AS "
        "SELECT 1 AS ocel_event_id, 'o' AS ocel_object_id, '' AS ocel_qualifier",
        "DROP TABLE event_object",
        "DROP TABLE event_A; CREATE TABLE event_A "
        "(ocel_id, ocel_time GENERATED ALWAYS AS (printf('%.*c', 900000000, 'x')))",
        "UPDATE event_A SET ocel_time = CAST(x'ff' AS TEXT)",
    ],
)
def test_hostile_databases(tmp_path: Path, more: str) -> None:
    refused(database(tmp_path / "log.sqlite", more))
    (tmp_path / "short.sqlite").write_bytes((tmp_path / "log.sqlite").read_bytes()[:5000])
    refused(tmp_path / "short.sqlite")


def test_a_database_that_goes_round_in_circles(tmp_path: Path) -> None:
    """Pages that are part of each other would make rows without end."""
    rows = ";".join(f"INSERT INTO event_object VALUES ('{n}', '{'x' * 200}', '')" for n in range(400))
    path = database(tmp_path / "log.sqlite", "BEGIN", rows, "COMMIT", "PRAGMA page_size = 512", "VACUUM")
    data = bytearray(path.read_bytes())
    size = 512
    inner = [at for at in range(0, len(data), size) if data[at] == 5]  # interior pages of tables
    assert inner
    for at in inner:
        data[at + 8 : at + 12] = (at // size + 1).to_bytes(4, "big")
        cells = int.from_bytes(data[at + 3 : at + 5], "big")
        for cell in range(cells):
            place = at + int.from_bytes(data[at + 12 + 2 * cell : at + 14 + 2 * cell], "big")
            data[place : place + 4] = (at // size + 1).to_bytes(4, "big")
    path.write_bytes(data)
    start = time.process_time()
    refused(path, "damaged")
    assert time.process_time() - start < 5


def test_a_database_whose_index_says_something_else(tmp_path: Path) -> None:
    """What an index says of an id is not believed: the row is what counts."""
    path = database(
        tmp_path / "log.sqlite",
        "DELETE FROM event",
        "CREATE INDEX ids ON event (ocel_id)",
        "INSERT INTO event VALUES ('the-first-event', 'A a')",
        "DELETE FROM event_A",
        "INSERT INTO event_A VALUES ('the-first-event', '2026-01-05')",
        "DELETE FROM event_object",
    )
    data = path.read_bytes()
    places = [found.start() for found in re.finditer(b"the-first-event", data)]
    assert len(places) == 3  # the event, its entry in the index, its attributes
    outcomes = []
    for place in places:
        path.write_bytes(data[:place] + b"T" + data[place + 1 :])
        try:
            outcomes.append(read(path).tables["events"]["event_id"].to_pylist())
        except LogError:
            outcomes.append([])
    assert sorted(outcomes) == [[], [], ["the-first-event"]]


def test_a_database_of_many_types_takes_no_longer_than_one_of_many_events(tmp_path: Path) -> None:
    size = 3000
    kinds = [
        f"INSERT INTO event VALUES ('e{n}', 'k{n}'); INSERT INTO object VALUES ('o{n}', 'k{n}')" for n in range(size)
    ]
    maps = [f"INSERT INTO object_map_type VALUES ('k{n}', 'one')" for n in range(size)]
    values = [f"INSERT INTO object_one VALUES ('o{n}', 'x')" for n in range(size)]
    table = "CREATE TABLE object_one (ocel_id TEXT, a TEXT)"
    start = time.process_time()
    log = read(database(tmp_path / "log.sqlite", "BEGIN", table, *kinds, *maps, *values, "COMMIT"))
    assert log.tables["objects"].num_rows == size + 1
    assert time.process_time() - start < 10
