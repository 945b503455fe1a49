"""The ``touches`` queries name every document that a changed or deleted row of any table alters."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator

import duckdb
import pytest

from connectors.tryton import connector
from connectors.tryton.extract import TrytonOptions
from o2c_mining.connect.cases import Row, load_cases, load_rows, rows_of
from o2c_mining.connect.catalog import load_catalog
from o2c_mining.connect.derive import derive
from o2c_mining.connect.engine import engine
from o2c_mining.connect.transform import EVERYTHING

CATALOG = load_catalog(connector.folder)
CASES = {case.name: case for case in load_cases(connector.folder)}
OPTIONS = TrytonOptions(url="sqlite:///unused", teams={"anna": "Sales"})
Given = dict[str, list[Row]]


def derived(connection: duckdb.DuckDBPyConnection, given: Given) -> dict[str, set[str]]:
    """What follows for each entity."""
    load_rows(connection, CATALOG, given)
    derive(connection, CATALOG, "x", connector.reference_tables(OPTIONS), restricted=False)
    found: dict[str, set[str]] = {}
    for table in ("new_events", "new_e2o", "new_objects", "new_o2o"):
        names = [row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()]
        for row in connection.execute(f"SELECT * FROM {table}").fetchall():
            named = dict(zip(names, row, strict=True))
            found.setdefault(str(named["entity_key"]).removeprefix("x:"), set()).add(f"{table} {named}")
    return found


def touched(connection: duckdb.DuckDBPyConnection, table: str, versions: list[Row]) -> set[str]:
    """Entities that the versions of a row touch."""
    touches = CATALOG.table(table).touches
    assert touches is not None
    connection.register("changed", rows_of(CATALOG.table(table), versions))
    found = {str(row[0]) for row in connection.execute(touches).fetchall()}
    connection.unregister("changed")
    return found


def changes(given: Given) -> Iterator[tuple[str, str, Given, list[Row]]]:
    """Each table's first row deleted, and its links to other tables emptied one by one."""
    for table, rows in sorted(given.items()):
        if not rows or (CATALOG.table(table).touches or "").strip() == EVERYTHING:
            continue
        without = copy.deepcopy(given)
        gone = without[table].pop(0)
        yield table, "deleted", without, [gone]
        links = {column.name for column in CATALOG.table(table).columns if re.search(r"\.id|,ID", column.meaning)}
        for column in sorted(set(gone) & links):
            emptied = copy.deepcopy(given)
            emptied[table][0][column] = None
            yield table, column, emptied, [gone, emptied[table][0]]


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_change_touches_every_document_it_alters(name: str) -> None:
    given = CASES[name].given
    forgotten = {}
    with engine() as connection:
        connection.execute("SET threads = 1")
        before = derived(connection, given)
        for table, what, changed, versions in changes(given):
            after = derived(connection, changed)
            altered = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
            asked = touched(connection, table, versions)
            if altered - asked:
                forgotten[table, what] = sorted(altered - asked)
    assert forgotten == {}
