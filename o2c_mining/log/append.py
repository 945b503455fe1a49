"""The rows of a query as Parquet files of a Delta table, without passing through Python.

The engine writes the files into a temporary folder; they are moved into the table's folder and named in one entry of
its log. Until then nobody sees them.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema
from deltalake.transaction import AddAction, create_table_with_add_actions

from o2c_mining.errors import LogError
from o2c_mining.log.engine import described, literal, quoted
from o2c_mining.log.failpoints import failpoint

# History is what `--known-at` reads: nothing of it expires by itself.
TABLE_CONFIGURATION = {"delta.logRetentionDuration": "interval 36500 days", "delta.enableExpiredLogCleanup": "false"}
# Checkpoints are written by us, after the commit, so that a power cut leaves none half done.
NO_CHECKPOINT = PostCommitHookProperties(create_checkpoint=False)
# Quick to read (docs/decisions/0019-how-tables-are-packed.md). DuckDB 2.0 writes differences of more than 31 bits
# between numbers of 32 in a way that Arrow cannot read: such rows are written in the first version's encodings.
_VERSIONS = ("v2", "v1")
_MOST_APART = 2**31 - 1
_WHOLE = re.compile(r"-?\d+")
_ROW_GROUP = 122_880
_FILE_BYTES = "128MB"
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_EMPTY = '"NULL"'
# What a column of the engine is kept as where no type is prescribed; other types have no place in a table.
_KEPT_AS = {
    **{kind: kind for kind in ("VARCHAR", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "BOOLEAN")},
    **{kind: kind for kind in ("DATE", "BLOB", "TIMESTAMP WITH TIME ZONE")},
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "BIGINT",
    "HUGEINT": "BIGINT",
}
_SCALAR = re.compile(r"(?<![\"\w])(?:TIMESTAMP WITH TIME ZONE|[A-Z]\w*)")


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that the engine wrote: where it lies and how many rows it holds."""

    path: Path
    rows: int


def conforming(
    connection: duckdb.DuckDBPyConnection, table: str, sql: str, base: pa.Schema | None, stored: pa.Schema | None
) -> tuple[str, pa.Schema]:
    """The query with the columns a table has to have, in its types; missing ones are null, new ones come last.

    Raises
    ------
    LogError
        If a column has another type than the table prescribes or has held so far, or a type that no table holds.
    """
    asked = {name.lower(): (quoted(name), kind) for name, kind in described(connection, sql).items()}
    kinds = {**_kinds(connection, stored), **_kinds(connection, base)}
    columns = []
    for name, kind in kinds.items():
        value, given = asked.pop(name.lower(), ("NULL", _EMPTY))
        if not _fits(given, kind):
            raise LogError(
                f"column {name} of table {table} is {given}; expected {kind}, as the table holds it; keep the type of "
                "a column or give it another name"
            )
        columns.append(f"CAST({value} AS {kind}) AS {quoted(name)}")
    for value, given in asked.values():
        if given != _EMPTY:
            name = value[1:-1].replace('""', '"')
            kinds[name] = _kept_as(table, name, given)
            columns.append(f"CAST({value} AS {kinds[name]}) AS {value}")
    query = f"SELECT {', '.join(columns)} FROM ({sql})"
    shown = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in kinds.items())
    schema = connection.sql(f"SELECT {shown} LIMIT 0").to_arrow_table().schema
    return query, pa.schema([pa.field(field.name, _utc(field.type)) for field in schema])


def write_files(connection: duckdb.DuckDBPyConnection, sql: str, folder: Path) -> list[WrittenFile]:
    """Write the rows of a query as Parquet files of bounded size into an empty folder."""
    small = [quoted(name) for name, kind in described(connection, sql).items() if "INTEGER" in kind]
    for version in _VERSIONS:
        options = (
            f"FORMAT parquet, COMPRESSION lz4_raw, PARQUET_VERSION {version}, ROW_GROUP_SIZE {_ROW_GROUP}, "
            f"FILE_SIZE_BYTES '{_FILE_BYTES}', FILENAME_PATTERN 'part-{{uuid}}', APPEND true, RETURN_STATS true"
        )
        written = connection.execute(f"COPY ({sql}) TO {literal(str(folder))} ({options})").fetchall()
        if version == _VERSIONS[-1] or not any(_is_far_apart(row[4], small) for row in written):
            break
        for row in written:
            Path(str(row[0])).unlink()
    return [WrittenFile(Path(str(row[0])), int(row[1])) for row in written if row[1]]


def _is_far_apart(statistics: Mapping[str, Mapping[str, str]], columns: Sequence[str]) -> bool:
    """Whether numbers of a column, or of a list or map in it, lie farther apart than ``_MOST_APART``."""
    for name, said in statistics.items():
        of_it = any(name == column or name.startswith(f"{column}.") for column in columns)
        if of_it and _WHOLE.fullmatch(said.get("max", "")) and int(said["max"]) - int(said["min"]) > _MOST_APART:
            return True
    return False


def add_files(table: Path, files: list[WrittenFile], schema: pa.Schema, commit: int) -> list[int]:
    """Move files into a table and name them in its log; returns the versions this made, the newest last."""
    table.mkdir(parents=True, exist_ok=True)
    actions = [file_action(table, file) for file in files]
    failpoint("append.data_written")
    properties = CommitProperties(custom_metadata={"commit": str(commit)})
    wanted = Schema.from_arrow(schema)
    if not DeltaTable.is_deltatable(str(table)):
        create_table_with_add_actions(
            str(table),
            wanted,
            actions,
            configuration=dict(TABLE_CONFIGURATION),
            commit_properties=properties,
            post_commithook_properties=NO_CHECKPOINT,
        )
        return [0]
    opened = DeltaTable(table)
    first = opened.version() + 1
    held = {field.name for field in opened.schema().fields}
    fresh = [field for field in wanted.fields if field.name not in held]
    if fresh:
        opened.alter.add_columns(fresh, commit_properties=properties, post_commithook_properties=NO_CHECKPOINT)
        opened = DeltaTable(table)
    opened.create_write_transaction(
        [*actions],
        "append",
        opened.schema(),
        commit_properties=properties,
        post_commithook_properties=NO_CHECKPOINT,
    )
    return list(range(first, DeltaTable(table).version() + 1))


def file_action(table: Path, file: WrittenFile, *, data_change: bool = True) -> AddAction:
    """Move a written file into a table's folder; returns the action that names it in the log."""
    target = table / file.path.name
    file.path.rename(target)
    stats = json.dumps({"numRecords": file.rows})
    return AddAction(target.name, target.stat().st_size, {}, int(time.time() * 1000), data_change, stats)


def _kinds(connection: duckdb.DuckDBPyConnection, schema: pa.Schema | None) -> dict[str, str]:
    if schema is None:
        return {}
    connection.register("_shape", schema.empty_table())
    try:
        return described(connection, "SELECT * FROM _shape")
    finally:
        connection.unregister("_shape")


def _fits(given: str, kind: str) -> bool:
    """Whether every value of a type is one of the other, or is refused by the engine when it is not."""
    if given in (kind, _EMPTY) or (kind == "VARCHAR" and given.startswith("ENUM(")):
        return True
    if kind in _INTEGERS:
        return given in _INTEGERS
    return kind == "DOUBLE" and (given in (*_INTEGERS, "FLOAT") or given.startswith("DECIMAL("))


def _kept_as(table: str, name: str, given: str) -> str:
    if given.startswith("ENUM("):
        return "VARCHAR"
    if given in _KEPT_AS:
        return _KEPT_AS[given]
    nested = given.endswith("[]") or given.startswith(("MAP(", "STRUCT("))
    parts = {found for found in _SCALAR.findall(given) if found not in ("MAP", "STRUCT")}
    if given.startswith("DECIMAL(") or (nested and all(_KEPT_AS.get(part) == part for part in parts)):
        return given
    raise LogError(
        f"column {name} of table {table} is {given}; expected text, a number, a moment in UTC, a day or a list of "
        "these; cast it in the query"
    )


def _utc(kind: pa.DataType) -> pa.DataType:
    """The engine names its own zone in a moment's type; a table always says UTC."""
    return pa.timestamp("us", tz="UTC") if pa.types.is_timestamp(kind) else kind
