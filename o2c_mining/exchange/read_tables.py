"""A folder of Parquet files as ``o2c export`` writes it: the tables of the log, one file each."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.imported import TABLES, ImportedLog
from o2c_mining.exchange.limits import check_file, check_size
from o2c_mining.log.schema import KEYS, OBJECTS
from o2c_mining.log.schema import TABLES as SCHEMAS

_LOADED = ("entity_key", "op", "ingest_seq", "batch_id", "row_hash")


def read_tables(folder: Path, limits: Limits) -> ImportedLog:
    """The log in a folder with ``events.parquet`` and, where there are any, objects, e2o, o2o, object_changes.

    Raises
    ------
    LogError
        If a file is damaged or too large, lacks its key columns, or holds an empty key.
    """
    tables = {}
    for name in TABLES:
        path = folder / f"{name}.parquet"
        if path.exists():
            tables[name] = _table(path, name, limits)
        else:
            tables[name] = pa.schema([f for f in SCHEMAS[name] if f.name not in _LOADED]).empty_table()
    return ImportedLog(folder.name, tables, {name: table.num_rows for name, table in tables.items()})


def _table(path: Path, name: str, limits: Limits) -> pa.Table:
    check_file(path, limits)
    try:
        with pq.ParquetFile(path) as file:
            rows, groups = file.metadata.num_rows, range(file.metadata.num_row_groups)
            check_size(
                path, path.stat().st_size, sum(file.metadata.row_group(n).total_byte_size for n in groups), limits
            )
            if rows > limits.events * (1 if name in ("events", "objects") else 10):
                raise LogError(
                    f"{path.name} holds {rows:,} rows; expected at most {limits.events:,} events; split it, or raise "
                    "events under [limits]"
                )
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise LogError(
            f"{path.name} is no readable Parquet ({error}); expected a whole file; export it again"
        ) from error
    schema = SCHEMAS[name]
    needed = [*KEYS[name], *(("activity", "time") if name == "events" else ())]
    for column in needed:
        if column not in table.column_names:
            raise LogError(f"{path.name} has no column {column}; expected the columns of `o2c export`; export it again")
        if table[column].null_count:
            raise LogError(f"{path.name}: {column} is empty in some rows; expected a value in each; mend the file")
    columns = {}
    for column in table.column_names:
        if column in _LOADED:
            continue
        index = schema.get_field_index(column)
        values = table[column]
        if index >= 0:
            try:
                values = values.cast(schema.field(index).type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise LogError(
                    f"{path.name}: {column} is {values.type}; expected {schema.field(index).type} ({error}); "
                    "export it again"
                ) from error
        elif schema is not OBJECTS:
            continue
        columns[column] = values
    if table.num_rows != rows:
        raise LogError(f"{path.name} says it holds {rows:,} rows, {table.num_rows:,} were read; export it again")
    return pa.table(columns)
