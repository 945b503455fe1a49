"""Paging and snapshots of a real SQLite and a real PostgreSQL read alike."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from o2c_mining.connect.catalog import load_catalog
from o2c_mining.connect.protocol import Page, Stream
from o2c_mining.connect.sql_guard import read_only_connection
from o2c_mining.connect.sql_source import SqlSource
from o2c_mining.errors import ConnectorError
from tests.connect.postgres import postgres_url
from tests.connect.shop import ShopConnector, create_shop, fill_shop

CATALOG = load_catalog(ShopConnector.folder)
DOCUMENT: Stream = CATALOG.table("document").stream()
LINE: Stream = CATALOG.table("line").stream()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shop that every test only reads."""
    tmp_path = tmp_path_factory.mktemp("shop")
    path = tmp_path / "shop.sqlite"
    connection = create_shop(path)
    fill_shop(connection, 30)
    if request.param == "sqlite":
        yield f"sqlite:///{path}"
        return
    with postgres_url() as server:
        copy_to_postgres(connection, server)
        yield server


def copy_to_postgres(connection: sqlite3.Connection, server: str) -> None:
    engine = sa.create_engine(server)
    tables = {
        "document": "id integer primary key, state text, created_at timestamp, done_at timestamp, changed_at timestamp",
        "line": "id integer primary key, document integer, amount numeric, changed_at timestamp",
        "unit": "code text, kind text, factor integer",
    }
    with engine.begin() as target:
        for table, columns in tables.items():
            target.execute(sa.text(f"CREATE TABLE {table} ({columns})"))
            for row in connection.execute(f"SELECT * FROM {table}").fetchall():
                marks = ", ".join(f":p{index}" for index in range(len(row)))
                target.execute(
                    sa.text(f"INSERT INTO {table} VALUES ({marks})"), {f"p{i}": value for i, value in enumerate(row)}
                )
    engine.dispose()


def read(url: str, stream: Stream, after: str | None, page_rows: int = 4) -> list[Page]:
    with read_only_connection(url, base=Path()) as connection:
        return list(SqlSource(connection, CATALOG, page_rows=page_rows).pages(stream, after))


def test_pages_are_complete_and_in_order_of_change(url: str) -> None:
    pages = read(url, LINE, None)
    rows = [row for page in pages for row in page.rows.to_pylist()]
    assert len(pages) == 15
    assert len(rows) == len({row["id"] for row in rows}) == 60
    assert [row["changed_at"] for row in rows] == sorted(row["changed_at"] for row in rows)
    assert rows[0]["amount"] == Decimal("1.1000000000")
    assert rows[0]["changed_at"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_cursor_looks_back_and_never_goes_back(url: str) -> None:
    cursor = read(url, DOCUMENT, None)[-1].cursor
    assert cursor is not None
    assert json.loads(cursor)["value"] == "2026-01-01 00:07:00"
    again = read(url, DOCUMENT, cursor)
    assert sum(page.rows.num_rows for page in again) == 30, "15 minutes before the cursor lie all of them"
    assert {page.cursor for page in again} == {cursor}


def test_table_without_cursor_is_read_whole(url: str) -> None:
    (page,) = read(url, CATALOG.table("unit").stream(), None)
    assert (page.rows.to_pylist(), page.cursor) == ([{"code": "EUR", "kind": "currency", "factor": 100}], None)


def test_rows_by_key_and_all_keys(url: str) -> None:
    with read_only_connection(url, base=Path()) as connection:
        source = SqlSource(connection, CATALOG)
        held = source.keys(DOCUMENT)
        assert held is not None
        assert sorted(held["id"].to_pylist()) == list(range(1, 31))
        assert held.column_names == ["id", "changed_at"], "a changed stamp is seen wherever it lies"
        (page,) = source.rows(DOCUMENT, [(3,), (5,), (999,)])
        assert [row["id"] for row in page.rows.to_pylist()] == [3, 5]
        (page,) = source.rows(CATALOG.table("unit").stream(), [("EUR", "currency"), ("EUR", "other")])
        assert page.rows.num_rows == 1


def test_optional_column_reads_as_empty(url: str) -> None:
    assert {row["note"] for page in read(url, DOCUMENT, None) for row in page.rows.to_pylist()} == {None}


def test_postgresql_session_cannot_write(url: str) -> None:
    if url.startswith("sqlite"):
        with read_only_connection(url, base=Path()) as connection:
            assert connection.execute(sa.text("SELECT query_only FROM pragma_query_only")).scalar_one() == 1
        return
    with read_only_connection(url, base=Path()) as connection:
        settings = sa.text(
            "SELECT name, setting FROM pg_settings WHERE name IN ('transaction_read_only', 'statement_timeout')"
        )
        assert dict(connection.execute(settings).fetchall()) == {
            "transaction_read_only": "on",
            "statement_timeout": "60000",
        }
        raw = connection.connection.cursor()
        with pytest.raises(Exception, match="read-only transaction"):
            raw.execute("DELETE FROM unit")


def test_check_warns_of_a_user_who_may_write(url: str) -> None:
    shop = ShopConnector()
    found = shop.check(shop.options_model(url=url), base=Path())
    if url.startswith("sqlite"):
        assert found == []
    else:
        (warning,) = found
        assert warning.startswith("the user may change 3 tables, document among them")


def test_a_value_of_another_type_is_named(tmp_path: Path) -> None:
    connection = create_shop(tmp_path / "shop.sqlite")
    connection.execute("INSERT INTO line VALUES (1, 1, 'much', '2026-01-01 00:00:00')")
    with pytest.raises(ConnectorError, match="column amount holds a value that is no decimal"):
        read(f"sqlite:///{tmp_path}/shop.sqlite", LINE, None)


def test_a_load_sees_one_state_of_a_sqlite_file(tmp_path: Path) -> None:
    shop = create_shop(tmp_path / "shop.sqlite")
    shop.execute("PRAGMA journal_mode = WAL")
    fill_shop(shop, 30)
    with read_only_connection("sqlite:///shop.sqlite", base=tmp_path) as connection:
        source = SqlSource(connection, CATALOG, page_rows=4)
        pages = source.pages(DOCUMENT, None)
        next(pages)
        shop.execute("DELETE FROM line")
        shop.execute("UPDATE document SET changed_at = '2027-01-01 00:00:00' WHERE id > 20")
        assert 4 + sum(page.rows.num_rows for page in pages) == 30
        assert sum(page.rows.num_rows for page in source.pages(LINE, None)) == 60
