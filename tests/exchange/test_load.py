"""A folder of tables into the store: every row once, differences as versions, damage refused, memory bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.load import Loaded, load
from o2c_mining.exchange.read import Asked, read_log
from o2c_mining.log.engine import engine, scan
from o2c_mining.log.schema import KEYS
from o2c_mining.log.store import Store

EVENTS = "SELECT 'e' || i AS event_id, 'Create Order' AS activity, TIMESTAMPTZ '2026-01-05' + to_seconds(i) AS time"


def tables(folder: Path, **queries: str) -> Path:
    """Parquet files, each written from a query; ``{n}`` events by default."""
    folder.mkdir(exist_ok=True)
    with engine() as connection:
        for name, sql in queries.items():
            connection.execute(f"COPY ({sql}) TO '{folder / name}.parquet' (FORMAT parquet)")
    return folder


def bring(store: Store, folder: Path, **limits: int) -> Loaded:
    with store.writer() as writer:
        loaded = load(writer, read_log(folder, Limits(**limits), Asked()), folder)
        if loaded.changed:
            writer.commit(loaded.batches)
    return loaded


def versions(store: Store, table: str) -> list[dict[str, Any]]:
    files = store.snapshot().files(table)
    if not files:
        return []
    rows: list[dict[str, Any]] = (
        duckdb.connect().sql(f"SELECT * FROM {scan(files)} ORDER BY ingest_seq").to_arrow_table().to_pylist()
    )
    return rows


def counts(loaded: Loaded) -> dict[str, tuple[int, int, int]]:
    return {batch.stream: (batch.read, batch.accepted, batch.duplicate) for batch in loaded.batches}


def small(folder: Path, *, region: str = "'DACH'", events: int = 6) -> Path:
    return tables(
        folder,
        events=f"{EVENTS} FROM range({events}) r(i)",
        objects=f"SELECT 'o' || i AS object_id, 'order' AS object_type, {region} AS region FROM range(3) r(i)",
        e2o=f"SELECT 'e' || i AS event_id, 'o' || i // 2 AS object_id, '' AS qualifier FROM range({events}) r(i)",
        o2o="SELECT 'o0' AS source_id, 'o' || i AS target_id, 'n' AS qualifier, 2.5 AS quantity FROM range(1, 3) r(i)",
        object_changes="SELECT 'o0' AS object_id, 'region' AS field, TIMESTAMPTZ '2026-01-05' AS time, '' AS new_value",
    )


def test_a_second_load_adds_nothing_and_a_change_adds_one_version_of_each_changed_row(tmp_path: Path) -> None:
    store, folder = Store(tmp_path / "store"), small(tmp_path / "log")
    first = bring(store, folder)
    assert first.touched is None, "the log was empty: everything is new"
    assert counts(first) == {
        "events": (6, 6, 0),
        "objects": (3, 3, 0),
        "e2o": (6, 6, 0),
        "o2o": (2, 2, 0),
        "object_changes": (1, 1, 0),
    }
    again = bring(store, folder)
    assert again.changed == 0 and store.snapshot().number == 1
    assert all(duplicate == read for read, _, duplicate in counts(again).values())
    small(folder, region="if(i = 1, 'US', 'DACH')", events=5)
    changed = bring(store, folder)
    assert changed.touched is not None
    assert sorted(changed.touched["object_id"].to_pylist()) == ["o1", "o2"]
    newest = [row for table in KEYS for row in versions(store, table) if row["batch_id"] == 2]
    said = [(row["op"], row.get("object_id"), row.get("event_id"), row.get("region")) for row in newest]
    assert said == [("D", None, "e5", None), ("U", "o1", None, "US"), ("D", "o2", "e5", None)]
    small(folder)
    assert bring(store, folder).changed == 3
    back = [(row["op"], row["event_id"]) for row in versions(store, "events")[-2:]]
    assert back == [("D", "e5"), ("I", "e5")]
    numbers = [row["ingest_seq"] for table in KEYS for row in versions(store, table)]
    assert len(set(numbers)) == len(numbers)


def test_what_a_file_repeats_is_kept_once_and_what_it_contradicts_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    twice = f"{EVENTS} FROM (SELECT * FROM range(4) r(i) UNION ALL SELECT * FROM range(1, 3) r(i))"
    loaded = bring(store, tables(tmp_path / "twice", events=twice))
    assert counts(loaded)["events"] == (6, 4, 2)
    assert [row["event_id"] for row in versions(store, "events")] == ["e0", "e1", "e2", "e3"]
    item = EVENTS.replace("Order", "Item")
    other = f"{EVENTS}, i AS source_seq FROM range(9) r(i) UNION ALL {item}, 9 FROM range(1) r(i)"
    with pytest.raises(LogError, match="other says two different things about 'e0' in events"):
        bring(store, tables(tmp_path / "other", events=other))
    assert store.snapshot().number == 1


@pytest.mark.parametrize(
    ("name", "sql", "message"),
    [
        ("events", EVENTS.replace("'e' || i", "if(i = 2, NULL, 'e' || i)"), "event_id is empty in some rows"),
        (
            "events",
            EVENTS.replace("TIMESTAMPTZ '2026-01-05' + to_seconds(i)", "'soon'"),
            "time is VARCHAR; expected T",
        ),
        ("events", f"{EVENTS}, i + 0.5 AS source_seq", r"source_seq is DECIMAL.*; expected BIGINT"),
        ("events", f"{EVENTS}, [1] AS team", r"team is INTEGER\[\]; expected VARCHAR"),
        ("events", f"{EVENTS}, 3000000000 AS offset_minutes", "offset_minutes is BIGINT; expected INTEGER"),
        ("events", "SELECT 'e' || i AS event_id, 'A' AS activity", "has no column time"),
        (
            "objects",
            "SELECT 'o' || i AS object_id, ['a'] AS x, TIME '10:00' AS at",
            "column at of table objects",
        ),
    ],
)
def test_values_that_do_not_fit_are_refused(tmp_path: Path, name: str, sql: str, message: str) -> None:
    folder = tables(tmp_path / "log", **{"events": f"{EVENTS} FROM range(3) r(i)", name: f"{sql} FROM range(3) r(i)"})
    with pytest.raises(LogError, match=message):
        bring(Store(tmp_path / "store"), folder)


def test_values_of_other_types_are_taken_where_nothing_is_lost(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    table = pa.table(
        {
            "event_id": pa.array([b"1", "ü".encode()], pa.binary()),
            "activity": pa.array(["A", "B"]).dictionary_encode(),
            "time": pa.array([10**9, 2 * 10**9], pa.timestamp("ns")),
            "offset_minutes": pa.array([60.0, None]),
            "source_seq": pa.array([1, 2], pa.uint8()),
            "source_key": pa.array([7, 8]),
        }
    )
    (tmp_path / "log").mkdir()
    pq.write_table(table, tmp_path / "log" / "events.parquet")
    bring(store, tmp_path / "log")
    found = [
        (r["event_id"], r["activity"], r["time"].timestamp(), r["offset_minutes"], r["source_seq"], r["source_key"])
        for r in versions(store, "events")
    ]
    assert found == [("1", "A", 1, 60, 1, "7"), ("ü", "B", 2, None, 2, "8")]
    with pytest.raises(LogError, match="time is TIMESTAMP_NS; expected TIMESTAMP WITH TIME ZONE"):
        pq.write_table(
            table.set_column(2, "time", pa.array([1, 2], pa.timestamp("ns"))), tmp_path / "log" / "events.parquet"
        )
        bring(store, tmp_path / "log")


def test_attributes_keep_the_type_the_log_has_for_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    event = {"events": f"{EVENTS} FROM range(1) r(i)"}
    sql = "SELECT 'o' || i + {} AS object_id, 'order' AS object_type, {} FROM range(2) r(i)"
    bring(
        store, tables(tmp_path / "a", **event, objects=sql.format(0, "i / 2 AS share, i AS n, 'x' AS note, i AS Kind"))
    )
    more = "2 ** 60 + i AS n, i AS share, 1.5e300 AS note, TIMESTAMPTZ '2026-01-05' AS kind"
    notes = bring(store, tables(tmp_path / "b", **event, objects=sql.format(2, more))).notes
    assert notes == (
        "attribute 'n' has another type in the log and is kept as 'n_text'",
        "attribute 'kind' has another type in the log and is kept as 'Kind_text'",
    )
    found = [
        (r["share"], r["n"], r["n_text"], r["note"], r["Kind"], r["Kind_text"]) for r in versions(store, "objects")
    ]
    assert found == [
        (0.0, 0, None, "x", 0, None),
        (0.5, 1, None, "x", 1, None),
        (0.0, None, "1.152921504606847e+18", "1.5e+300", None, "2026-01-05T00:00:00Z"),
        (1.0, None, "1.152921504606847e+18", "1.5e+300", None, "2026-01-05T00:00:00Z"),
    ]
    with pytest.raises(LogError, match="calls 'o0' a invoice, the log a order"):
        bring(store, tables(tmp_path / "c", **event, objects="SELECT 'o0' AS object_id, 'invoice' AS object_type"))


@pytest.mark.parametrize("where", [0.02, 0.3, 0.6, 0.9])
def test_a_damaged_file_is_refused_and_loads_nothing(tmp_path: Path, where: float) -> None:
    store = Store(tmp_path / "store")
    wide = f"{EVENTS}, md5(i::TEXT) AS source_key FROM range(20000) r(i)"
    file = tables(tmp_path / "log", events=wide) / "events.parquet"
    whole = file.read_bytes()
    place = int(len(whole) * where)
    file.write_bytes(whole[:place] + bytes(byte ^ 0xFF for byte in whole[place : place + 400]) + whole[place + 400 :])
    try:
        bring(store, file.parent)
    except LogError as error:
        assert "; expected" in str(error)
        assert store.snapshot().number == 0
    else:  # Parquet has no checksum of a value: what can be read is read, and every row is there
        assert len(versions(store, "events")) == 20_000


def test_a_load_beyond_the_memory_goes_through_files_and_leaves_none(tmp_path: Path) -> None:
    store, count = Store(tmp_path / "store", memory_mb=100), 200_000
    folder = tables(tmp_path / "log", events=f"{EVENTS} FROM range({count}) r(i)")
    assert counts(bring(store, folder))["events"] == (count, count, 0)
    with store.writer() as writer, writer.engine() as connection:
        assert connection.execute("SELECT current_setting('memory_limit')").fetchone() == ("100.0 MiB",)
        many = "SELECT count(*) FROM (SELECT DISTINCT hash(i) FROM range(5_000_000) r(i))"
        assert connection.execute(many).fetchone() == (5_000_000,), "40 MB of numbers and what finds them"
        (spill,) = (tmp_path / "store" / ".tmp").glob("*/")
        assert list(spill.iterdir())
    assert not list((tmp_path / "store" / ".tmp").iterdir())


def test_readers_of_the_version_before_see_what_they_saw(tmp_path: Path) -> None:
    store, folder = Store(tmp_path / "store"), small(tmp_path / "log")
    bring(store, folder)
    files = {table: store.snapshot().files(table) for table in KEYS}
    reader = duckdb.connect()
    before = {table: reader.execute(f"SELECT * FROM {scan(files[table])} ORDER BY ALL").fetchall() for table in KEYS}
    small(folder, region="'US'", events=3)
    assert bring(store, folder).changed > 0
    for table in KEYS:
        assert reader.execute(f"SELECT * FROM {scan(files[table])} ORDER BY ALL").fetchall() == before[table]
