"""An in-memory DuckDB for one load: UTC, no extension is fetched, files are named one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

Connection = duckdb.DuckDBPyConnection


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


def arrow(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """All rows of a query."""
    return connection.sql(sql).to_arrow_table()


def number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The one number a query yields."""
    ((value,),) = connection.execute(sql).fetchall()
    return int(value)
