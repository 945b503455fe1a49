"""An in-memory DuckDB for one load: UTC, no extension is fetched, files are named one by one, memory has a limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb.func import PythonUDFType

from o2c_mining.errors import LogError

Connection = duckdb.DuckDBPyConnection
MEMORY_MB = 2500

# Left out of DuckDB 2.0's optimizer, on every connection (docs/decisions/0016-what-duckdb-leaves-out.md).
# With statistics, a join on dense whole numbers yields columns as dictionaries, and a join built on it keeps their
# codes. An expression between the two may give a dictionary for one chunk and none for the next: the query then ends
# with "dict-surviving join" (duckdb#24807), depending on the rows.
LEFT_OUT = "statistics_propagation"
NEVER = "1TB"  # nothing is written ahead of a database in memory, so there is nothing to put in its place
_PATTERN = re.compile(r"[*?\[]")


def connect() -> duckdb.DuckDBPyConnection:
    """An in-memory database: times in UTC, no extension is fetched, no optimizer that is known to fail."""
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "disabled_optimizers": LEFT_OUT,
            "checkpoint_threshold": NEVER,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


@contextmanager
def engine(*, memory_mb: int = MEMORY_MB, spill: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own for one load; what does not fit into its memory goes to files in ``spill``."""
    connection = connect()
    try:
        connection.execute("SET preserve_insertion_order = true")
        limit_memory(connection, memory_mb, spill)
        with within_memory(connection):
            yield connection
    finally:
        connection.close()


def limit_memory(connection: duckdb.DuckDBPyConnection, memory_mb: int, spill: Path | None) -> None:
    """Let a connection hold at most this much; the rest goes to a folder, without one the query fails."""
    connection.execute(f"SET memory_limit = '{int(memory_mb)}MiB'")
    connection.execute(f"SET temp_directory = {literal('' if spill is None else str(spill))}")


@contextmanager
def within_memory(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Turn a query that does not get along with the memory it may have into an error for the user."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        ((limit,),) = connection.cursor().execute("SELECT current_setting('memory_limit')").fetchall()
        raise LogError(
            f"the database engine ran out of memory: {str(error).splitlines()[0]}; expected to need at most {limit}; "
            "raise memory_mb under [limits] in o2c.toml, and see that the disk of the workspace has room"
        ) from error


def is_interrupt(error: BaseException) -> bool:
    """Whether an error of DuckDB is Ctrl-C: it takes the signal itself and tells of it in one of three ways."""
    if isinstance(error, duckdb.InterruptException):
        return True
    if isinstance(error, duckdb.Error):
        return "failed: KeyboardInterrupt" in str(error)
    return isinstance(error, RuntimeError) and str(error) == "Query interrupted"


@contextmanager
def refusing(wrong: str, rest: str) -> Iterator[None]:
    """Turn what the engine says about data it cannot read into an error for the user."""
    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        raise LogError(f"{wrong} ({' '.join(str(error).split())[:200]}); {rest}") from error


def quoted(name: str) -> str:
    """An identifier as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string as SQL."""
    return "'" + text.replace("'", "''") + "'"


def scan(files: Sequence[str]) -> str:
    """A table function over exactly these Parquet files; never a glob, for a Delta folder holds dead files too."""
    listed = ", ".join(exactly(file) for file in files)
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"


def exactly(file: str) -> str:
    """The name of a file as SQL; what the engine would take for a pattern stands for itself."""
    return literal(_PATTERN.sub(r"[\g<0>]", file))


def content_hash(columns: Sequence[str]) -> str:
    """SQL for the hash of a row; nulls are left out, so a column added later changes no hash."""
    parts = ", ".join(f"{literal(name + '=')} || CAST({quoted(name)} AS VARCHAR)" for name in columns)
    return f"md5(concat_ws(chr(31), {parts}))"


def described(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, str]:
    """Columns of a query and their types, as the engine names them."""
    return {str(name): str(kind) for name, kind, *_ in connection.execute(f"DESCRIBE {sql}").fetchall()}


def register_function(
    connection: duckdb.DuckDBPyConnection, name: str, kind: str, function: Callable[[pa.ChunkedArray], pa.Array]
) -> None:
    """Make a Python function over Arrow columns of one type known to SQL; it yields text, and null for null."""
    connection.create_function(name, function, [kind], "VARCHAR", type=PythonUDFType.ARROW)


def arrow(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """All rows of a query."""
    return connection.sql(sql).to_arrow_table()


def number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The one number a query yields."""
    ((value,),) = connection.execute(sql).fetchall()
    return int(value)
