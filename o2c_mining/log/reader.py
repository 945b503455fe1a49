"""Run ibis expressions on DuckDB, or hand them to the reader on Spark where the workspace asks for it.

Expressions are compiled by ibis and executed here; ibis' own backends are never used. One reader serves one thread;
``cursor()`` gives another thread its own on the same data.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from o2c_mining.config import Config
from o2c_mining.errors import LogError
from o2c_mining.log.engine import quoted, scan
from o2c_mining.log.table_reader import TableReader


class Reader:
    """Tables by name, expressions in, Arrow out."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, lock: threading.Lock, known: dict[str, ir.Table]) -> None:
        self._connection = connection
        self._lock = lock
        self._known = known

    def cursor(self) -> Reader:
        """A reader on the same tables for another thread."""
        cursor = self._connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        return Reader(cursor, self._lock, self._known)

    def table(self, name: str) -> ir.Table:
        """The ibis table of a registered name."""
        found = self._known.get(name)
        if found is None:
            empty = self._connection.sql(f"SELECT * FROM {quoted(name)} LIMIT 0").to_arrow_table()
            found = self._known[name] = ibis.table(ibis.Schema.from_pyarrow(empty.schema), name=name)
        return found

    def add_files(self, name: str, files: Sequence[str], schema: pa.Schema) -> ir.Table:
        """A view over Parquet files; with no files an empty table of ``schema``."""
        if files:
            self._connection.execute(f"CREATE OR REPLACE VIEW {quoted(name)} AS SELECT * FROM {scan(files)}")
            self._known.pop(name, None)
            return self.table(name)
        return self.register(name, schema.empty_table())

    def register(self, name: str, rows: pa.Table) -> ir.Table:
        """Copy Arrow rows into a table of that name, replacing an earlier one."""
        with self._lock:
            self._connection.register("_incoming", rows)
            self._connection.execute(f"CREATE OR REPLACE TABLE {quoted(name)} AS SELECT * FROM _incoming")
            self._connection.unregister("_incoming")
            self._known.pop(name, None)
        return self.table(name)

    def materialize(self, name: str, expression: ir.Table) -> ir.Table:
        """Compute an expression once into a table of that name (kept when it is there already)."""
        if name not in self._known:
            sql = ibis.to_sql(expression, dialect="duckdb")
            with self._lock:
                self._connection.execute(f"CREATE TABLE IF NOT EXISTS {quoted(name)} AS {sql}")
        return self.table(name)

    def execute(self, expression: ir.Table) -> pa.Table:
        """Rows of an expression as Arrow, times in UTC."""
        sql = ibis.to_sql(expression, dialect="duckdb")
        try:
            return _plain_integers(self._connection.sql(sql).to_arrow_table())
        except duckdb.IOException as error:
            raise LogError(
                f"the event store could not be read: {str(error).splitlines()[0]}; expected the files of the newest "
                "complete version; restore the store folder from a backup"
            ) from error

    def rows(self, expression: ir.Table) -> list[dict[str, Any]]:
        """Rows of an expression as dictionaries (for bounded results)."""
        result: list[dict[str, Any]] = self.execute(expression).to_pylist()
        return result

    def count(self, table: ir.Table) -> int:
        """Number of rows of an expression."""
        return int(self.rows(table.aggregate(n=table.count()))[0]["n"])


def open_reader(
    tables: Mapping[str, tuple[Sequence[str], pa.Schema]], *, threads: int | None = None, config: Config | None = None
) -> TableReader:
    """A reader over named sets of Parquet files, on the engine of the configuration (default: DuckDB)."""
    if config is not None and config.engine == "spark":
        from o2c_mining.log.spark import open_spark_reader

        return open_spark_reader(tables, config.spark.master, config.spark.options)
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    if threads is not None:
        connection.execute(f"SET threads = {int(threads)}")
    reader = Reader(connection, threading.Lock(), {})
    for name, (files, schema) in tables.items():
        reader.add_files(name, files, schema)
    return reader


def _plain_integers(rows: pa.Table) -> pa.Table:
    """Sums of integers come as 128-bit numbers, which Arrow shows as decimals: make them 64-bit integers again."""
    for index, column in enumerate(rows.schema):
        if pa.types.is_decimal(column.type) and column.type.scale == 0:
            rows = rows.set_column(index, column.name, rows[column.name].cast(pa.int64()))
    return rows
