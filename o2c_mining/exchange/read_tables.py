"""A folder of Parquet files as ``o2c export`` writes it: the tables of the log, one file each.

Only what the files say about themselves is read here; their rows go from the file into the log when they are loaded.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.file_rows import FileRows
from o2c_mining.exchange.imported import ATTRIBUTE_TYPES, TABLES, ImportedLog
from o2c_mining.exchange.limits import check_file, check_size
from o2c_mining.log.engine import Connection, arrow, described, engine, exactly, literal, number, quoted, refusing
from o2c_mining.log.kinds import KINDS
from o2c_mining.log.schema import KEYS, LOADED, OBJECTS, SAID
from o2c_mining.log.schema import TABLES as SCHEMAS

_MOMENT = "TIMESTAMP WITH TIME ZONE"


def read_tables(folder: Path, limits: Limits) -> ImportedLog:
    """The log in a folder with ``events.parquet`` and, where there are any, objects, e2o, o2o, object_changes.

    Raises
    ------
    LogError
        If a file is damaged or too large, lacks its key columns, or holds an empty key.
    """
    tables: dict[str, pa.Table | FileRows] = {}
    with engine(memory_mb=limits.memory_mb) as connection:
        for name in TABLES:
            path = folder / f"{name}.parquet"
            kept = pa.schema([field for field in SCHEMAS[name] if field.name not in LOADED])
            tables[name] = _rows(connection, path, name, kept, limits) if path.exists() else kept.empty_table()
        path = folder / f"{ATTRIBUTE_TYPES}.parquet"
        types = _attribute_types(connection, path, limits) if path.exists() else SAID.empty_table()
    read = {name: table.num_rows for name, table in tables.items()}
    return ImportedLog(folder.name, tables, read, attribute_types=types)


def _rows(connection: Connection, path: Path, name: str, schema: pa.Schema, limits: Limits) -> FileRows:
    rows = _said_rows(path, name, limits)
    scanned = f"read_parquet({exactly(str(path))}, hive_partitioning = false)"
    connection.register("shape", schema.empty_table())
    kinds = described(connection, "SELECT * FROM shape")
    with refusing(f"{path.name} is no readable Parquet", "expected a whole file; export it again"):
        given = described(connection, f"SELECT * FROM {scanned}")
        _check_keys(connection, path, name, scanned, given)
        columns = []
        for column, kind in given.items():
            wanted = kinds.get(column, _MOMENT if kind.startswith("TIMESTAMP") else kind)
            if column in LOADED or (column not in kinds and SCHEMAS[name] is not OBJECTS):
                continue
            value = _as(quoted(column), kind, wanted)
            if value is None or (wanted != kind and not _lossless(connection, scanned, column, kind, value)):
                raise LogError(f"{path.name}: {column} is {kind}; expected {wanted}; export it again")
            columns.append(f"{value} AS {quoted(column)}")
    return FileRows(path, ", ".join(columns), rows)


def _attribute_types(connection: Connection, path: Path, limits: Limits) -> pa.Table:
    """How an exported log says its attributes."""
    _said_rows(path, ATTRIBUTE_TYPES, limits)
    scanned = f"read_parquet({exactly(str(path))}, hive_partitioning = false)"
    with refusing(f"{path.name} is no readable Parquet", "expected a whole file; export it again"):
        given = described(connection, f"SELECT * FROM {scanned}")
        missing = [name for name in SAID.names[:-1] if given.get(name) != "VARCHAR"]
        if missing or given.get("is_used") != "BOOLEAN":
            raise LogError(
                f"{path.name} lacks {(*missing, 'is_used')[0]}; expected what `o2c export` wrote; export it again"
            )
        kinds = ", ".join(literal(kind) for kind in KINDS)
        known = (
            "of = 'file' OR of IN ('event', 'object') AND attribute <> '' "
            f"AND kind IN ({kinds}) AND NOT starts_with(name, 'o2c:')"
        )
        other = f"SELECT count(*) FROM {scanned} WHERE name <> '' AND ({known}) IS NOT TRUE"
        if number(connection, other):
            raise LogError(
                f"{path.name} holds attributes of no known kind; expected {', '.join(KINDS)} of a type of events or "
                "objects; export it again"
            )
        columns = ", ".join(quoted(name) for name in SAID.names[:-1])
        rows = f"SELECT DISTINCT ON (of, type, name, attribute) {columns}, is_used IS TRUE AS is_used FROM {scanned}"
        known = "of IN ('event', 'object', 'file') AND type IS NOT NULL AND name IS NOT NULL AND attribute IS NOT NULL"
        return arrow(connection, f"{rows} WHERE {known} ORDER BY ALL").cast(SAID)


def _said_rows(path: Path, name: str, limits: Limits) -> int:
    """How many rows the file says it holds, unless that or its size is beyond the limits."""
    check_file(path, limits)
    try:
        with pq.ParquetFile(path) as file:
            said = file.metadata
            rows = int(said.num_rows)
            unpacked = sum(said.row_group(number).total_byte_size for number in range(said.num_row_groups))
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise LogError(
            f"{path.name} is no readable Parquet ({error}); expected a whole file; export it again"
        ) from error
    check_size(path, path.stat().st_size, unpacked, limits)
    if rows > limits.events * (1 if name in ("events", "objects") else 10):
        raise LogError(
            f"{path.name} holds {rows:,} rows; expected at most {limits.events:,} events; split it, or raise events "
            "under [limits]"
        )
    return rows


def _check_keys(connection: Connection, path: Path, name: str, scanned: str, given: dict[str, str]) -> None:
    for column in (*KEYS[name], *(("activity", "time") if name == "events" else ())):
        if column not in given:
            raise LogError(f"{path.name} has no column {column}; expected the columns of `o2c export`; export it again")
        if number(connection, f"SELECT count(*) FROM {scanned} WHERE {quoted(column)} IS NULL"):
            raise LogError(f"{path.name}: {column} is empty in some rows; expected a value in each; mend the file")


def _as(value: str, kind: str, wanted: str) -> str | None:
    """SQL for a column in another type; ``None`` where there is no meaning in it."""
    if kind == wanted:
        return value
    if wanted == "VARCHAR" and kind == "BLOB":
        return f"decode({value})"
    if wanted == _MOMENT and kind.startswith("TIMESTAMP"):
        return f"CAST({value} AS TIMESTAMP) AT TIME ZONE 'UTC'"
    nested = {part.endswith("[]") or part.startswith(("MAP(", "STRUCT(")) for part in (kind, wanted)}
    return None if nested != {False} else f"CAST({value} AS {wanted})"


def _lossless(connection: Connection, scanned: str, column: str, kind: str, value: str) -> bool:
    """Whether a column keeps every value when it is cast, seen by casting it back; text is what it is read as."""
    if kind in ("VARCHAR", "BLOB") or value.endswith("AS VARCHAR)"):
        back = f"{value} IS NULL"
    else:
        back = f"CAST({value} AS {kind}) IS DISTINCT FROM {quoted(column)}"
    try:
        with refusing(column, ""):
            lost = f"SELECT count(*) FROM {scanned} WHERE {quoted(column)} IS NOT NULL AND {back}"
            return number(connection, lost) == 0
    except LogError:
        return False
