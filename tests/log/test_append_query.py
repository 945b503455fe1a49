"""Rows of a query become the same rows of a table as rows from memory, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from o2c_mining.errors import LogError
from o2c_mining.log.append import write_files
from o2c_mining.log.engine import engine, scan
from o2c_mining.log.schema import TABLES
from o2c_mining.log.store import Batch, Store

_MOMENTS = st.integers(-(2**50), 2**52).map(lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us))
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_MAPS = st.dictionaries(_TEXTS, st.none() | _TEXTS, max_size=3).map(lambda found: [*found.items()])
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "event_id": _TEXTS,
            "activity": st.none() | _TEXTS,
            "time": st.none() | _MOMENTS,
            "offset_minutes": st.none() | st.integers(-(2**31), 2**31 - 1),
            "source_seq": st.none() | st.integers(-(2**63), 2**63 - 1),
            "attributes": st.none()
            | st.dictionaries(_TEXTS, st.none() | _TEXTS, max_size=3).map(lambda d: [*d.items()]),
            "share": st.none() | st.floats(allow_nan=False),
            "paid": st.none() | st.booleans(),
            "due": st.none() | st.dates(date(1600, 1, 1), date(9999, 1, 1)),
            "großes Maß": st.none() | _TEXTS,
        }
    ),
    min_size=1,
    max_size=6,
)
_GIVEN = pa.schema(
    [field for field in TABLES["events"] if field.name in ("event_id", "activity", "time", "offset_minutes")]
    + [field for field in TABLES["events"] if field.name in ("source_seq", "attributes")]
    + [("share", pa.float64()), ("paid", pa.bool_()), ("due", pa.date32()), ("großes Maß", pa.string())]
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with engine() as opened:
        yield opened


def _read(connection: duckdb.DuckDBPyConnection, store: Store, table: str) -> list[dict[str, Any]]:
    found = connection.sql(f"SELECT * FROM {scan(store.snapshot().files(table))} ORDER BY ALL").to_arrow_table()
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=_ROWS, second=_ROWS)
def test_it_equals_append(
    tmp_path_factory: pytest.TempPathFactory,
    connection: duckdb.DuckDBPyConnection,
    first: list[dict[str, Any]],
    second: list[dict[str, Any]],
) -> None:
    stores = [Store(tmp_path_factory.mktemp(name)) for name in ("rows", "query")]
    for step, rows in enumerate((first, second)):
        given = pa.Table.from_pylist(rows, schema=_GIVEN)
        given = given if step else given.drop_columns(["großes Maß", "due"])
        for store in stores:
            with store.writer() as writer:
                if store is stores[0]:
                    writer.append("events", given)
                else:
                    connection.register("given", given)
                    assert writer.append_query("events", connection, "SELECT * FROM given") == len(rows)
                writer.commit([Batch("erp", "events")])
    expected, found = (_read(connection, store, "events") for store in stores)
    for row, other in zip(found, expected, strict=True):
        assert row == other
    opened = [DeltaTable(store.root / "events") for store in stores]
    assert opened[0].schema().to_json() == opened[1].schema().to_json()
    assert opened[1].protocol().min_reader_version == 1
    assert opened[1].to_pyarrow_table().num_rows == len(expected)


def test_many_rows_become_files_of_bounded_row_groups_that_everyone_reads(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    store = Store(tmp_path)
    sql = "SELECT 'o' || i AS object_id, i AS ingest_seq, sum(1) OVER () AS n FROM range({}) r(i)"
    with store.writer() as writer:
        assert writer.append_query("objects", connection, sql.format(300_000)) == 300_000
        writer.commit([Batch("erp", "objects")])
    files = store.snapshot().files("objects")
    groups = [pa.parquet.ParquetFile(file).metadata.num_row_groups for file in files]
    assert sum(groups) >= 3
    table = DeltaTable(tmp_path / "objects")
    assert table.to_pyarrow_table(columns=["ingest_seq"]).num_rows == 300_000
    assert pa.table(table.get_add_actions(flatten=True))["num_records"].to_pylist() == [300_000]
    assert table.schema().to_arrow().field("n").type == pa.int64(), "a sum of integers is an integer"
    with store.writer() as writer:
        assert writer.append_query("objects", connection, sql.format(0)) == 0
        assert writer.files("objects") == files
    assert not list((tmp_path / ".tmp").iterdir())


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "SELECT 'a' AS object_id, 'no day' AS due_at",
            "column due_at of table objects is VARCHAR; expected TIME",
        ),
        ("SELECT 'a' AS object_id, 1.5::DOUBLE AS amount_minor", "is DOUBLE; expected BIGINT"),
        ("SELECT 'a' AS object_id, TIMESTAMP '2026-01-01' AS paid_at", "column paid_at of table objects is TIMESTAMP;"),
        ("SELECT 'a' AS object_id, [1] AS region", r"column region of table objects is INTEGER\[\]; expected VARCHAR"),
        ("SELECT 'a' AS object_id, 2::HUGEINT ** 100 AS amount_minor", "is DOUBLE; expected BIGINT"),
        ("SELECT 'a' AS object_id, 9223372036854775808 AS amount_minor", "table objects refused a value"),
    ],
)
def test_a_column_of_another_type_is_refused_and_leaves_nothing(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, sql: str, message: str
) -> None:
    store = Store(tmp_path)
    with store.writer() as writer:
        writer.append_query("objects", connection, "SELECT 'x' AS object_id, 'DACH' AS region")
        writer.commit([Batch("erp", "objects")])
    before = sorted((tmp_path / "objects").rglob("*"))
    with store.writer() as writer, pytest.raises(LogError, match=message):
        writer.append_query("objects", connection, sql)
    assert sorted((tmp_path / "objects").rglob("*")) == before
    assert [row["region"] for row in _read(connection, store, "objects")] == ["DACH"]


def test_what_is_not_committed_is_undone_with_its_new_columns(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    store = Store(tmp_path)
    with store.writer() as writer:
        writer.append_query("objects", connection, "SELECT 'a' AS object_id")
        writer.commit([Batch("erp", "objects")])
    with store.writer() as writer:
        writer.append_query("objects", connection, "SELECT 'lost' AS object_id, 1 AS region")
    with store.writer() as writer:
        writer.append_query("objects", connection, "SELECT 'b' AS object_id, 'DACH' AS Region")
        writer.commit([Batch("erp", "objects")])
    assert [(row["object_id"], row.get("Region")) for row in _read(connection, store, "objects")] == [
        ("a", None),
        ("b", "DACH"),
    ]


def test_a_reader_of_the_version_before_is_not_disturbed(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    store = Store(tmp_path)
    with store.writer() as writer:
        writer.append_query("objects", connection, "SELECT 'a' AS object_id")
        writer.commit([Batch("erp", "objects")])
    old = store.snapshot().files("objects")
    with store.writer() as writer:
        writer.append_query("objects", connection, "SELECT 'b' AS object_id")
        assert store.snapshot().files("objects") == old, "not visible before the commit"
        assert len(writer.files("objects")) == 2
        writer.commit([Batch("erp", "objects")])
    assert connection.execute(f"SELECT object_id FROM {scan(old)}").fetchall() == [("a",)]
    assert len(_read(connection, store, "objects")) == 2


def test_temporary_files_of_a_killed_process_go_with_the_next_writer_and_no_others(tmp_path: Path) -> None:
    from o2c_mining.log.scratch import FOLDER, scratch

    store = Store(tmp_path)
    with scratch(tmp_path) as alive:
        dead = tmp_path / FOLDER / "dead"
        dead.mkdir()
        (dead / "spill.tmp").write_bytes(b"x")
        dead.with_suffix(".lock").touch()
        with store.writer():
            assert alive.is_dir()
            assert not dead.exists()
    assert not list((tmp_path / FOLDER).iterdir())


@pytest.mark.parametrize(
    ("values", "encoding"),
    [
        ("(2147483647), (-5873), (-395643), (NULL)", "PLAIN"),
        ("(1073741824), (-1073741823), (7), (NULL)", "DELTA_BINARY_PACKED"),
        ("(NULL), (NULL)", "DELTA_BINARY_PACKED"),
        ("([2147483647, -5873, -395643]), (NULL)", "PLAIN"),
        ("(MAP {'a': 2147483647, 'b': -5873, 'c': -395643})", "PLAIN"),
        ("('2147483647'), ('-5873')", "DELTA_LENGTH_BYTE_ARRAY"),
    ],
)
def test_numbers_far_apart_are_written_so_that_arrow_reads_them(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, values: str, encoding: str
) -> None:
    """DuckDB writes differences of more than 31 bits as no other reader of Parquet reads them."""
    kind = {"[": "INTEGER[]", "M": "MAP(VARCHAR, INTEGER)", "'": "VARCHAR"}.get(values[1], "INTEGER")
    sql = f'SELECT n::{kind} AS "n""o" FROM (VALUES {values}) AS given(n)'
    (file,) = write_files(connection, sql, tmp_path)
    assert list(tmp_path.glob("*.parquet")) == [file.path]
    read = pq.read_table(file.path)
    assert read.to_pylist() == connection.sql(sql).to_arrow_table().to_pylist()
    last = pq.read_metadata(file.path).row_group(0)
    assert encoding in last.column(last.num_columns - 1).encodings
