"""The in-memory DuckDB in which connector SQL runs: UTC, no extension is fetched, files are named one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa


@contextmanager
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own for one load."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET preserve_insertion_order = true")
        yield connection
    finally:
        connection.close()


def quoted(name: str) -> str:
    """An identifier as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string as SQL."""
    return "'" + text.replace("'", "''") + "'"


def scan(files: Sequence[str]) -> str:
    """A table function over exactly these Parquet files; never a glob, for a Delta folder holds dead files too."""
    listed = ", ".join(literal(file) for file in files)
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"


def content_hash(columns: Sequence[str]) -> str:
    """SQL for the hash of a row; nulls are left out, so a column added later changes no hash."""
    parts = ", ".join(f"{literal(name + '=')} || CAST({quoted(name)} AS VARCHAR)" for name in columns)
    return f"md5(concat_ws(chr(31), {parts}))"


def event_id(source: str, table: str, key: str, activity: str) -> str:
    """The id of an event: always the same for the same row and activity of a source."""
    return f"{source}/{table}/{key}/{activity}"


def event_id_sql(source: str) -> str:
    """``event_id`` as SQL over the columns ``source_table, source_key, activity``."""
    return f"{literal(source)} || '/' || source_table || '/' || source_key || '/' || activity"


def key_text(columns: Sequence[str]) -> str:
    """SQL for a primary key as text: the value itself, or the parts joined by ``|``."""
    if len(columns) == 1:
        return f"CAST({quoted(columns[0])} AS VARCHAR)"
    parts = ", ".join(f"replace(CAST({quoted(name)} AS VARCHAR), '|', '\\|')" for name in columns)
    missing = " OR ".join(f"{quoted(name)} IS NULL" for name in columns)
    return f"CASE WHEN {missing} THEN NULL ELSE concat_ws('|', {parts}) END"


def arrow(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """All rows of a query."""
    return connection.sql(sql).to_arrow_table()


def number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The one number a query yields."""
    ((value,),) = connection.execute(sql).fetchall()
    return int(value)
