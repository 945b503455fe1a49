"""What every connection to DuckDB is kept from: a fault of its optimizer, and names of files taken for patterns."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from o2c_mining.log.engine import connect, scan
from o2c_mining.log.reader import open_reader

# The ends of all cases in the first chunks, none for the rest of the last tenth: a CASE over them gives the dictionary
# of the join below as it is at first and single values later.
_TABLES = """
    CREATE TABLE ends AS
        SELECT i AS k, CASE WHEN i < 63000 THEN TIMESTAMP '2024-01-01' + to_seconds(i) END AS ended
        FROM range(70000) t(i);
    CREATE TABLE cases AS SELECT i AS k, 'case ' || i AS id FROM range(70000) t(i);
    CREATE TABLE objects AS SELECT 'case ' || i AS id, i AS amount FROM range(70000) t(i)
"""
_QUESTION = """
    SELECT count(*), count(closed), sum(amount) FILTER (closed IS NOT NULL), max(closed) FROM (
        SELECT closed, amount FROM objects
        JOIN (SELECT id, CASE WHEN ended IS NOT NULL THEN ended END AS closed FROM cases JOIN ends USING (k)) USING (id)
    )
"""


def test_a_join_built_on_a_join_is_answered() -> None:
    connection = connect()
    connection.execute(_TABLES)
    ((count, closed, amount, last),) = connection.execute(_QUESTION).fetchall()
    assert (count, closed, amount) == (70_000, 63_000, 62_999 * 63_000 // 2)
    assert last.isoformat() == "2024-01-01T17:29:59"


def test_the_fault_is_still_in_duckdb() -> None:
    """When this fails, ``engine.LEFT_OUT`` has done its work: measure, and let the optimizer run again."""
    connection = duckdb.connect()
    connection.execute(_TABLES)
    with pytest.raises(duckdb.InternalException, match="dict-surviving join"):
        connection.execute(_QUESTION).fetchall()


def test_readers_are_protected_too() -> None:
    left_out = "SELECT value FROM duckdb_settings() WHERE name = 'disabled_optimizers'"
    for connection in (connect().cursor(), open_reader({})._connection, open_reader({}).cursor()._connection):
        assert connection.execute(left_out).fetchall() == [("statistics_propagation",)]


@pytest.mark.parametrize("name", ["a?b", "a*b", "a[x]b", "a[b", "[*]", "??", "a{x,y}b", "a%20b"])
def test_a_file_is_read_under_its_own_name_only(tmp_path: Path, name: str) -> None:
    connection = connect()
    for number, folder in enumerate((name, "axb", "a20b", "zz", "*"), 1):
        (tmp_path / folder).mkdir()
        file = str(tmp_path / folder / "part.parquet")
        connection.execute(f"COPY (SELECT {number} AS n) TO '{file}'")
    found = connection.execute(f"SELECT n FROM {scan([str(tmp_path / name / 'part.parquet')])}").fetchall()
    assert found == [(1,)]
