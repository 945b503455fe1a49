"""Which connectors there are, what their folders say, and what a source is protected from."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from o2c_mining.connect import connector_named, connectors
from o2c_mining.connect.catalog import load_catalog
from o2c_mining.connect.registry import parse_options
from o2c_mining.connect.sql_guard import read_only_connection, refuse_unless_one_select
from o2c_mining.errors import ConfigError, ConnectorError
from tests.connect.shop import ShopConnector, create_shop


def test_our_connectors_come_through_the_entry_point() -> None:
    assert {"bank_statements", "tryton"} <= set(connectors())
    assert connector_named("tryton").title == "Tryton"


def test_unknown_connector_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown connector 'trytn'; installed: .*tryton.*; did you mean 'tryton'\?"):
        connector_named("trytn")


def test_unknown_option_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"technical_user.*source 'erp'.*did you mean 'technical_users'"):
        parse_options(connector_named("tryton"), {"url": "sqlite:///x", "technical_user": []}, source="erp")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM sale_sale",
        "SELECT 1; DELETE FROM sale_sale",
        "WITH gone AS (DELETE FROM sale_sale RETURNING id) SELECT * FROM gone",
        "SELECT * INTO copy FROM sale_sale",
        "SELECT 1 -- hidden",
        "SELECT /* hidden */ 1",
        "PRAGMA query_only = OFF",
        "COPY sale_sale TO '/tmp/x'",
        "",
    ],
)
def test_guard_stops_what_is_not_one_select(statement: str) -> None:
    with pytest.raises(ConnectorError, match="was stopped"):
        refuse_unless_one_select(statement)


@pytest.mark.parametrize(
    "statement", ["SELECT 1", "SELECT \"update\", 'DELETE; --' FROM t", "WITH a AS (SELECT 1) SELECT * FROM a"]
)
def test_guard_lets_reading_pass(statement: str) -> None:
    refuse_unless_one_select(statement)


def test_sqlite_stays_read_only_below_the_guard(tmp_path: Path) -> None:
    create_shop(tmp_path / "shop.sqlite").close()
    with read_only_connection(f"sqlite:///{tmp_path}/shop.sqlite", base=tmp_path) as connection:
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            raw.execute("DELETE FROM unit")
        with pytest.raises(ConnectorError, match="was stopped"):
            connection.execute(sa.text("DELETE FROM unit"))


def test_missing_file_is_a_wrong_setting_and_unreachable_server_is_worth_a_retry(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"no SQLite file .*nowhere\.sqlite; expected .*; correct the path"),
        read_only_connection("sqlite:///nowhere.sqlite", base=tmp_path),
    ):
        pass
    with (
        pytest.raises(ConnectorError, match="cannot be reached") as unreachable,
        read_only_connection("postgresql://nobody:secret@127.0.0.1:9/none", base=tmp_path),
    ):
        pass
    assert not unreachable.value.permanent
    assert "secret" not in str(unreachable.value)


def test_other_databases_are_refused(tmp_path: Path) -> None:
    for url in ("oracle://x/y", "not a url", "mssql+pyodbc://x"):
        with pytest.raises(ConfigError), read_only_connection(url, base=tmp_path):
            pass


def test_check_names_what_is_missing(tmp_path: Path) -> None:
    connection = create_shop(tmp_path / "shop.sqlite")
    shop = ShopConnector()
    options = shop.options_model(url="sqlite:///shop.sqlite")
    assert shop.check(options, base=tmp_path) == []
    connection.execute("DROP TABLE line")
    (finding,) = shop.check(options, base=tmp_path)
    assert finding.startswith("table line is missing")


def test_catalog_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "a.sql").write_text("-- grain: x\nSELECT 1")
    bad = {
        "columns: {id: whole}": "type integer, text",
        "columns: {number: integer}": "has no column 'id'",
        "columns: {id: integer}, fresh: 1": "unknown key",
    }
    for number, (text, message) in enumerate(bad.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "sources.yml").write_text("system: x\ntables: {t: {meaning: m, key: [id], " + text + "}}")
        with pytest.raises(ConfigError, match=message):
            load_catalog(folder)


def test_header_goes_over_several_lines() -> None:
    (file,) = [f for f in load_catalog(connector_named("bank_statements").folder).files if f.name == "receive_payment"]
    assert file.header["time"].endswith("which may lie before the money was there")
