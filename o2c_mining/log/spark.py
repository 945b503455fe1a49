"""Run ibis expressions on Spark: the same tables and the same answers as the reader on DuckDB.

pyspark is imported only here and in ``spark_session``, when a workspace asks for it.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from o2c_mining.errors import AnalysisError, LogError
from o2c_mining.log.spark_session import spark_session
from o2c_mining.log.spark_sql import spark_query

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from o2c_mining.log.store import Writer

_T = TypeVar("_T")
_PATTERN = frozenset("*?[]{}\\")


class SparkReader:
    """Tables by name, expressions in, Arrow out; every thread may use it."""

    def __init__(self, spark: _Spark, names: _Names) -> None:
        self._spark = spark
        self._session = spark.session
        self._names = names

    def cursor(self) -> SparkReader:
        """A reader on the same tables for another thread."""
        return SparkReader(self._spark, self._names)

    def fork(self) -> SparkReader:
        """A reader without tables on the same Spark; its names are its own."""
        return SparkReader(self._spark, _Names(self._spark))

    def known(self, name: str) -> ir.Table | None:
        """The table of that name where it was asked for before."""
        return self._names.known.get(name)

    def table(self, name: str) -> ir.Table:
        """The ibis table of a registered name."""
        return self._names.known[name]

    def add_files(self, name: str, files: Sequence[str], schema: pa.Schema) -> ir.Table:
        """A view over Parquet files, columns by name; with no files an empty table of ``schema``."""
        if not files:
            return self.register(name, schema.empty_table())
        from pyspark.sql.pandas.types import from_arrow_schema

        pattern = sorted(_PATTERN & set("".join(files)))
        if pattern:
            raise LogError(
                f"the path of the store has {' '.join(pattern)} in it, which Spark takes for a pattern; expected none "
                f'of {" ".join(sorted(_PATTERN))}; rename the folder, or set engine = "duckdb"'
            )
        found = _union_of(files)
        frame = self._session.read.schema(from_arrow_schema(found, prefer_timestamp_ntz=False)).parquet(*files)
        return self._named(name, frame, ibis.Schema.from_pyarrow(found))

    def register(self, name: str, rows: pa.Table) -> ir.Table:
        """Copy Arrow rows into a table of that name, replacing an earlier one."""
        return self._named(name, self._session.createDataFrame(rows), ibis.Schema.from_pyarrow(rows.schema))

    def materialize(self, name: str, expression: ir.Table) -> ir.Table:
        """Compute an expression once into a table of that name (kept when it is there already)."""
        with self._spark.lock:
            if name in self._names.known:
                return self._names.known[name]
            frame = self._asked(expression, lambda frame: frame.localCheckpoint(eager=True))
            return self._named(name, frame, expression.schema())

    def gather(self, name: str, parts: Sequence[ir.Table]) -> ir.Table:
        """Compute expressions into one table of that name (kept when it is there already)."""
        return self.materialize(name, parts[0] if len(parts) == 1 else ibis.union(*parts))

    def view(self, name: str, expression: ir.Table) -> ir.Table:
        """Give an expression a name; it is computed whenever it is read."""
        with self._spark.lock:
            if name in self._names.known:
                return self._names.known[name]
            return self._named(name, self._asked(expression, lambda frame: frame), expression.schema())

    def drop(self, *names: str) -> None:
        """Forget tables and views, where there are any of these names."""
        with self._spark.lock:
            for name in names:
                if self._names.known.pop(name, None) is not None:
                    self._session.catalog.dropTempView(name + self._names.suffix)

    def size(self, name: str) -> int:
        """Number of rows of a table of that name."""
        return self.count(self.table(name))

    def execute(self, expression: ir.Table) -> pa.Table:
        """Rows of an expression as Arrow, times in UTC."""
        rows: pa.Table = self._asked(expression, lambda frame: frame.toArrow())
        return _typed(rows, expression.schema())

    def rows(self, expression: ir.Table) -> list[dict[str, Any]]:
        """Rows of an expression as dictionaries (for bounded results)."""
        result: list[dict[str, Any]] = self.execute(expression).to_pylist()
        return result

    def count(self, table: ir.Table) -> int:
        """Number of rows of an expression."""
        return int(self.rows(table.aggregate(n=table.count()))[0]["n"])

    def write(self, writer: Writer, table: str, expression: ir.Table, **constants: str | int) -> int:
        """Append the rows of an expression, with constant columns beside, to a table of the store; returns how many."""
        rows = self.execute(expression)
        for name, value in constants.items():
            rows = rows.append_column(name, pa.array([value] * rows.num_rows))
        writer.append(table, rows)
        return int(rows.num_rows)

    def _named(self, name: str, frame: DataFrame, schema: ibis.Schema) -> ir.Table:
        held = name + self._names.suffix
        with self._spark.lock:
            self._spark.forget()
            frame.createOrReplaceTempView(_quoted(held))
            kinds = {column: kind.copy(nullable=True) for column, kind in schema.items()}  # as the tables of files say
            found = self._names.known[name] = ibis.table(kinds, name=held)
            return found

    def _asked(self, expression: ir.Table, answer: Callable[[DataFrame], _T]) -> _T:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        query = spark_query(expression.op()).named(uuid4().hex)
        try:
            for name, sql in query.parts:
                self._session.sql(sql).localCheckpoint().createOrReplaceTempView(name)
            return answer(self._session.sql(query.sql))
        except (PySparkException, Py4JError) as error:
            said = _first_line(error)
            if "FAILED_READ_FILE" in said or "PATH_NOT_FOUND" in said:
                raise LogError(
                    f"the event store could not be read: {said}; expected the files of the newest complete version "
                    "under the same path on every machine of the cluster; mount the store there or restore it from a "
                    "backup"
                ) from error
            raise AnalysisError(
                f"Spark gave no answer: {said}; expected one; look into Spark's log, and give it more memory in "
                "[spark.options] if it ran out of it"
            ) from error
        finally:
            for name, _ in query.parts:
                self._session.catalog.dropTempView(name)


class _Spark:
    """The session that all readers of a log and of its later versions share."""

    def __init__(self, session: SparkSession) -> None:
        self.session = session
        self.lock = threading.RLock()
        self.opened = itertools.count(1)
        self.unread: deque[str] = deque()

    def forget(self) -> None:
        """Drop the tables of versions that nobody reads any more; their data leave the memory with them."""
        while self.unread:
            self.session.catalog.dropTempView(self.unread.popleft())


class _Names:
    """The tables of one version of the log."""

    def __init__(self, spark: _Spark) -> None:
        self.suffix = f"#{next(spark.opened)}"
        self.known: dict[str, ir.Table] = {}
        # Only noted here: this may run in the middle of another call to Spark.
        weakref.finalize(self, _leave, spark.unread, self.known, self.suffix).atexit = False


def _leave(unread: deque[str], known: Mapping[str, ir.Table], suffix: str) -> None:
    unread.extend(name + suffix for name in known)


def open_spark_reader(
    tables: Mapping[str, tuple[Sequence[str], pa.Schema]], master: str, options: Mapping[str, str]
) -> SparkReader:
    """A reader over named sets of Parquet files on this process's Spark.

    Raises
    ------
    ConfigError
        If pyspark or Java is missing, or Spark does not start.
    """
    spark = _Spark(spark_session(master, options))
    reader = SparkReader(spark, _Names(spark))
    for name, (files, schema) in tables.items():
        reader.add_files(name, files, schema)
    return reader


def _first_line(error: Exception) -> str:
    """What Spark said, without the Java stack below it."""
    java = getattr(error, "java_exception", None)
    if java is None:
        return str(error).strip().splitlines()[0]
    while java.getCause() is not None and "[" not in str(java.getMessage()):  # Spark's own messages begin with [A_NAME]
        java = java.getCause()
    return str(java.toString()).strip().splitlines()[0]


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _union_of(files: Sequence[str]) -> pa.Schema:
    """All columns that any of the files has: later loads may have added some."""
    return pa.unify_schemas([pq.read_schema(file) for file in files], promote_options="permissive").remove_metadata()


def _typed(rows: pa.Table, schema: ibis.Schema) -> pa.Table:
    """Whole numbers as wide as the expression says; Spark counts rows in 32 bits."""
    for index, column in enumerate(rows.schema):
        if schema[column.name].is_int64() and column.type != pa.int64():
            rows = rows.set_column(index, column.name, rows[column.name].cast(pa.int64()))
    return rows
