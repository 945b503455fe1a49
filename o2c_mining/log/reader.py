"""Run ibis expressions on DuckDB, or hand them to the reader on Spark where the workspace asks for it.

Expressions are compiled by ibis and executed here; ibis' own backends are never used. One reader serves one thread;
``cursor()`` gives another thread its own on the same tables. ``fork()`` opens another version of the log beside this
one in the same engine, so that what did not change between two versions is held once.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from o2c_mining.config import Config
from o2c_mining.errors import LogError
from o2c_mining.log.duck_sql import duck_sql
from o2c_mining.log.engine import connect, limit_memory, literal, number, quoted, scan, within_memory
from o2c_mining.log.table_reader import TableReader

if TYPE_CHECKING:
    from o2c_mining.log.store import Writer

_TABLE, _VIEW, _DETACH = "DROP TABLE", "DROP VIEW", "DETACH DATABASE"  # how what was made is forgotten


class Reader:
    """Tables by name, expressions in, Arrow out."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, names: _Names) -> None:
        self._connection = connection
        self._names = names

    def cursor(self) -> Reader:
        """A reader on the same tables for another thread."""
        cursor = self._connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        return Reader(cursor, self._names)

    def fork(self) -> Reader:
        """A reader without tables in the same engine; its names are its own."""
        cursor = self._connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        return Reader(cursor, _Names(self._names.engine))

    def table(self, name: str) -> ir.Table:
        """The ibis table of a registered name."""
        found = self._names.known.get(name)
        if found is None:
            held = self._names.held(name)
            empty = self._connection.sql(f"SELECT * FROM {quoted(held)} LIMIT 0").to_arrow_table()
            found = self._names.known[name] = ibis.table(ibis.Schema.from_pyarrow(empty.schema), name=held)
        return found

    def known(self, name: str) -> ir.Table | None:
        """The table of that name where it was asked for before."""
        return self._names.known.get(name)

    def add_files(self, name: str, files: Sequence[str], schema: pa.Schema) -> ir.Table:
        """A view over Parquet files; with no files an empty table of ``schema``."""
        if not files:
            return self.register(name, schema.empty_table())
        return self._view(name, f"SELECT * FROM {scan(files)}")

    def register(self, name: str, rows: pa.Table) -> ir.Table:
        """Copy Arrow rows into a table of that name, replacing an earlier one."""
        self.drop(name)
        with self._names.engine.lock:
            self._connection.register("_incoming", rows)
            self._connection.execute(
                f"CREATE TABLE {quoted(self._names.hold(name, _TABLE))} AS SELECT * FROM _incoming"
            )
            self._connection.unregister("_incoming")
        return self.table(name)

    def materialize(self, name: str, expression: ir.Table) -> ir.Table:
        """Compute an expression once into a table of that name (kept when it is there already)."""
        if name not in self._names.known:
            sql = self.sql(expression)
            with self._names.engine.lock, within_memory(self._connection):
                held = quoted(self._names.hold(name, _TABLE))
                self._connection.execute(f"CREATE TABLE IF NOT EXISTS {held} AS {sql}")
        return self.table(name)

    def gather(self, name: str, parts: Sequence[ir.Table]) -> ir.Table:
        """Compute expressions one after the other into one table of that name (kept when it is there already).

        Of several parts no more than one is in memory as it is computed: what is there already is compressed.
        """
        if len(parts) == 1:
            return self.materialize(name, parts[0])
        with self._names.engine.lock, within_memory(self._connection):
            if self._names.held(name) not in self._names.created:
                self._gather(name, parts)
        return self.table(name)

    def _gather(self, name: str, parts: Sequence[ir.Table]) -> None:
        """A view of a table in a database of its own: what is attached can be compressed, what is open at first not."""
        place = self._names.held(f"{name} gathered")
        self._connection.execute(f"DETACH DATABASE IF EXISTS {quoted(place)}")  # of a try that was stopped
        self._connection.execute(f"ATTACH ':memory:' AS {quoted(place)} (COMPRESS)")
        self._names.created[place] = _DETACH
        rows = f"{quoted(place)}.main.gathered"
        for order, part in enumerate(parts):
            into = f"INSERT INTO {rows}" if order else f"CREATE TABLE {rows} AS"
            self._connection.execute(f"{into} {self.sql(part)}")
            self._connection.execute(f"CHECKPOINT {quoted(place)}")
        self._connection.execute(f"CREATE VIEW {quoted(self._names.hold(name, _VIEW))} AS SELECT * FROM {rows}")

    def view(self, name: str, expression: ir.Table) -> ir.Table:
        """Give an expression a name; it is computed whenever it is read."""
        return self.table(name) if name in self._names.known else self._view(name, self.sql(expression))

    def drop(self, *names: str) -> None:
        """Forget tables and views, where there are any of these names."""
        for name in names:
            self._names.known.pop(name, None)
            kind = self._names.created.pop(self._names.held(name), None)
            if kind is not None:
                self._connection.execute(f"{kind} {quoted(self._names.held(name))}")

    def size(self, name: str) -> int:
        """Number of rows of a table of that name."""
        return number(self._connection, f"SELECT count(*) FROM {quoted(self._names.held(name))}")

    def sql(self, expression: ir.Table) -> str:
        """The expression as SQL of this engine."""
        return duck_sql(expression)

    def execute(self, expression: ir.Table) -> pa.Table:
        """Rows of an expression as Arrow, times in UTC."""
        sql = self.sql(expression)
        try:
            with within_memory(self._connection):
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

    def write(self, writer: Writer, table: str, expression: ir.Table, **constants: str | int) -> int:
        """Append the rows of an expression, with constant columns beside, to a table of the store; returns how many."""
        beside = "".join(
            f", {literal(value) if isinstance(value, str) else value} AS {quoted(name)}"
            for name, value in constants.items()
        )
        return writer.append_query(table, self._connection, f"SELECT *{beside} FROM ({self.sql(expression)})")

    def _view(self, name: str, sql: str) -> ir.Table:
        self.drop(name)
        with self._names.engine.lock:
            self._connection.execute(f"CREATE OR REPLACE VIEW {quoted(self._names.hold(name, _VIEW))} AS {sql}")
        return self.table(name)


class _Engine:
    """What all readers of one in-memory database share."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.lock = threading.Lock()
        self.opened = 0


class _Names:
    """The tables of one version of the log; they leave the memory when nobody reads that version any more."""

    def __init__(self, engine: _Engine) -> None:
        self.engine = engine
        self.known: dict[str, ir.Table] = {}
        with engine.lock:
            engine.opened += 1
            self._suffix = f"#{engine.opened}"
        self.created: dict[str, str] = {}
        weakref.finalize(self, _forget, engine.connection, self.created)

    def held(self, name: str) -> str:
        """The name the engine knows a table by."""
        return name + self._suffix

    def hold(self, name: str, kind: str) -> str:
        """The same for what is about to be made; ``kind`` says how it is forgotten."""
        self.created[self.held(name)] = kind
        return self.held(name)


def _forget(connection: duckdb.DuckDBPyConnection, created: dict[str, str]) -> None:
    try:
        cursor = connection.cursor()
        for name, kind in created.items():
            cursor.execute(f"{kind} IF EXISTS {quoted(name)}")
    except duckdb.Error:  # the engine is being closed: its memory goes with it
        return


def open_reader(
    tables: Mapping[str, tuple[Sequence[str], pa.Schema]],
    *,
    config: Config | None = None,
    spill: Path | None = None,
) -> TableReader:
    """A reader over named sets of Parquet files, on the engine of the configuration (default: DuckDB).

    With ``spill`` it holds no more than ``[limits] memory_mb`` in memory and puts the rest into that folder.
    """
    settings = config or Config()
    if settings.engine == "spark":
        from o2c_mining.log.spark import open_spark_reader

        return open_spark_reader(tables, settings.spark.master, settings.spark.options)
    connection = connect()
    if spill is not None:
        limit_memory(connection, settings.limits.memory_mb, spill)
        connection.execute("SET preserve_insertion_order = false")
    reader = Reader(connection, _Names(_Engine(connection)))
    for name, (files, schema) in tables.items():
        reader.add_files(name, files, schema)
    return reader


def _plain_integers(rows: pa.Table) -> pa.Table:
    """Sums of integers come as 128-bit numbers, which Arrow shows as decimals: make them 64-bit integers again."""
    for index, column in enumerate(rows.schema):
        if pa.types.is_decimal(column.type) and column.type.scale == 0:
            rows = rows.set_column(index, column.name, rows[column.name].cast(pa.int64()))
    return rows
