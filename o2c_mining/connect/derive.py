"""Run a connector's SQL files over source tables: events with their objects, objects, relations, changes.

The SQL speaks in ids local to its source (``order:12``); the source's name is put before them here, so one connector
can serve two installations. Results lie in the connection as ``new_events, new_e2o, new_objects, new_o2o,
new_object_changes``, restricted to the entities named in table ``touched`` (all of them when it is absent).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from o2c_mining.connect.catalog import Catalog, SourceTable, SqlFile
from o2c_mining.connect.engine import event_id_sql, is_interrupt, literal, quoted, scan
from o2c_mining.connect.protocol import Refused
from o2c_mining.errors import ConnectorError
from o2c_mining.log.schema import EVENTS, O2O, OBJECT_CHANGES, OBJECTS, STAMPS

_REQUIRED = {
    "events": ("activity", "time", "source_table", "source_key", "entity_key", "objects"),
    "objects": ("object_id", "object_type", "entity_key"),
    "relations": ("source_id", "target_id", "qualifier", "entity_key"),
    "changes": ("object_id", "field", "time", "new_value", "entity_key"),
}
_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float64(): "DOUBLE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
    pa.map_(pa.string(), pa.string()): "MAP(VARCHAR, VARCHAR)",
}
_DEFAULTS = {"offset_minutes": "0", "precision": "'second'", "source_seq": "0", "resource_kind": "'unknown'"}
_EARLIEST = "TIMESTAMPTZ '1990-01-01 00:00:00+00'"


def create_source_tables(
    connection: duckdb.DuckDBPyConnection, catalog: Catalog, files: Mapping[str, Sequence[str]]
) -> None:
    """The newest staged version of every row that is not deleted, under the source table's own name."""
    for table in catalog.tables:
        create_empty(connection, table)
        staged = files.get(table.name)
        if staged:
            names = ", ".join(quoted(name) for name in table.schema.names)
            connection.execute(
                f"INSERT INTO {quoted(table.name)} SELECT {names} FROM (SELECT * FROM {scan(staged)} "
                "QUALIFY row_number() OVER (PARTITION BY _key ORDER BY _seq DESC) = 1) WHERE _op <> 'D'"
            )


def create_empty(connection: duckdb.DuckDBPyConnection, table: SourceTable) -> None:
    """A source table without rows, with the columns of ``sources.yml``."""
    connection.register("shape", table.schema.empty_table())
    connection.execute(f"CREATE OR REPLACE TABLE {quoted(table.name)} AS SELECT * FROM shape")
    connection.unregister("shape")


def derive(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    source: str,
    reference_tables: Mapping[str, pa.Table],
    *,
    restricted: bool,
) -> list[Refused]:
    """Fill the ``new_*`` tables; returns the events that cannot enter the log.

    Raises
    ------
    ConnectorError
        Permanent: if an SQL file cannot run or lacks a column it must yield, or an id comes twice.
    """
    for name, table in reference_tables.items():
        connection.register("shape", table)
        connection.execute(f"CREATE OR REPLACE TABLE {quoted(name)} AS SELECT * FROM shape")
        connection.unregister("shape")
    for file in catalog.of_kind("staging"):
        _run(connection, file, f"CREATE OR REPLACE TABLE {quoted(file.name)} AS {file.sql}")
    refused = _events(connection, catalog, source, restricted)
    _objects(connection, catalog, source, restricted)
    _fixed(connection, catalog, source, restricted, "relations", "new_o2o", O2O, ("source_id", "target_id"))
    _fixed(connection, catalog, source, restricted, "changes", "new_object_changes", OBJECT_CHANGES, ("object_id",))
    _unique(connection, "new_events", ("event_id",))
    _unique(connection, "new_objects", ("object_id",))
    _unique(connection, "new_o2o", ("source_id", "target_id", "qualifier"))
    return refused


def _events(connection: duckdb.DuckDBPyConnection, catalog: Catalog, source: str, restricted: bool) -> list[Refused]:
    prefix = literal(f"{source}:")
    columns = [field for field in EVENTS if field.name not in (*STAMPS, "event_id", "system", "entity_key")]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE raw_events ({_declare(EVENTS)}, "
        "objects STRUCT(object_id VARCHAR, qualifier VARCHAR)[])"
    )
    for file in catalog.of_kind("events"):
        given = _columns_of(
            connection, file, _REQUIRED["events"], {field.name for field in columns} | {"objects", "entity_key"}
        )
        values = [_value(field, given) for field in columns]
        names = ", ".join(quoted(field.name) for field in columns)
        _run(
            connection,
            file,
            f"INSERT INTO raw_events (event_id, system, entity_key, {names}, objects) "
            f"SELECT {event_id_sql(source)}, "
            f"{literal(source)}, {prefix} || entity_key, {', '.join(values)}, "
            "objects::STRUCT(object_id VARCHAR, qualifier VARCHAR)[] "
            f"FROM ({file.sql}\n) AS yielded{_restriction(restricted)}",
        )
    reason = (
        "CASE WHEN event_id IS NULL THEN 'event-without-key' WHEN time IS NULL THEN 'event-without-time' "
        f"WHEN time < {_EARLIEST} THEN 'event-before-1990' "
        "WHEN coalesce(len(objects), 0) = 0 THEN 'event-without-object' END"
    )
    bad = connection.execute(
        f"SELECT coalesce(source_table, '') || ' ' || coalesce(source_key, '') || ' ' || activity, {reason}, "
        f"coalesce(CAST(time AS VARCHAR), 'no time') FROM raw_events WHERE {reason} IS NOT NULL"
    ).fetchall()
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE new_events AS SELECT * EXCLUDE (objects, {', '.join(STAMPS)}) "
        f"FROM raw_events WHERE {reason} IS NULL"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE new_e2o AS SELECT DISTINCT event_id, "
        f"{prefix} || o.object_id AS object_id, coalesce(o.qualifier, '') AS qualifier, entity_key "
        f"FROM (SELECT event_id, entity_key, unnest(objects) AS o FROM raw_events WHERE {reason} IS NULL) "
        "WHERE o.object_id IS NOT NULL"
    )
    return [
        Refused(str(key), str(rule), f"the event's time or objects are impossible ({detail})")
        for key, rule, detail in bad
    ]


def _objects(connection: duckdb.DuckDBPyConnection, catalog: Catalog, source: str, restricted: bool) -> None:
    base = [field for field in OBJECTS if field.name not in (*STAMPS, "object_id", "system", "entity_key")]
    connection.execute(f"CREATE OR REPLACE TEMP TABLE new_objects ({_declare(OBJECTS)})")
    for stamp in STAMPS:
        connection.execute(f"ALTER TABLE new_objects DROP COLUMN {stamp}")
    for file in catalog.of_kind("objects"):
        given = _columns_of(connection, file, _REQUIRED["objects"], None)
        known = {field.name for field in base} | {"object_id", "entity_key"}
        values = [f"{_value(field, given)} AS {quoted(field.name)}" for field in base]
        values += [f"{_widened(name, type_)} AS {quoted(name)}" for name, type_ in given.items() if name not in known]
        _run(
            connection,
            file,
            f"CREATE OR REPLACE TEMP TABLE of_file AS SELECT {literal(source + ':')} || object_id AS object_id, "
            f"{literal(source)} AS system, {literal(source + ':')} || entity_key AS entity_key, {', '.join(values)} "
            f"FROM ({file.sql}\n) AS yielded{_restriction(restricted)}",
        )
        held = {str(row[0]) for row in connection.execute("DESCRIBE new_objects").fetchall()}
        for row in connection.execute("DESCRIBE of_file").fetchall():
            if row[0] not in held:
                connection.execute(f"ALTER TABLE new_objects ADD COLUMN {quoted(str(row[0]))} {row[1]}")
        _run(connection, file, "INSERT INTO new_objects BY NAME SELECT * FROM of_file")


def _fixed(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    source: str,
    restricted: bool,
    kind: str,
    target: str,
    schema: pa.Schema,
    ids: tuple[str, ...],
) -> None:
    """Relations and changes: the columns of the schema and no others, ids with the source's name before them."""
    kept = [field for field in schema if field.name not in STAMPS]
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {target} ({_declare(pa.schema(kept))})")
    for file in catalog.files:
        if file.kind != kind:
            continue
        given = _columns_of(connection, file, _REQUIRED[kind], {field.name for field in kept})
        prefixed = {*ids, "entity_key"}
        values = [
            f"{literal(source + ':')} || {quoted(field.name)}" if field.name in prefixed else _value(field, given)
            for field in kept
        ]
        _run(
            connection,
            file,
            f"INSERT INTO {target} SELECT {', '.join(values)} FROM ({file.sql}\n) AS yielded{_restriction(restricted)}",
        )


def _columns_of(
    connection: duckdb.DuckDBPyConnection, file: SqlFile, required: Sequence[str], allowed: set[str] | None
) -> dict[str, str]:
    """Column names and types an SQL file yields."""
    described = _run(connection, file, f"DESCRIBE {file.sql}").fetchall()
    given = {str(row[0]): str(row[1]) for row in described}
    missing = [name for name in required if name not in given]
    unknown = sorted(set(given) - allowed) if allowed is not None else []
    if missing or unknown:
        found = f"lacks {', '.join(missing)}" if missing else f"yields unknown {', '.join(unknown)}"
        raise ConnectorError(
            f"{file.kind}/{file.name}.sql {found}; expected at least {', '.join(required)}; mend the SELECT list",
            permanent=True,
        )
    return given


def _run(connection: duckdb.DuckDBPyConnection, file: SqlFile, sql: str) -> duckdb.DuckDBPyConnection:
    try:
        return connection.execute(sql)
    except duckdb.Error as error:
        if is_interrupt(error):
            raise
        detail = " ".join(str(error).split())[:300]
        raise ConnectorError(
            f"{file.kind}/{file.name}.sql cannot run ({detail}); expected tables and columns of sources.yml; "
            "mend the file or name the column there",
            permanent=True,
        ) from error


def _unique(connection: duckdb.DuckDBPyConnection, table: str, key: tuple[str, ...]) -> None:
    rows = connection.execute(
        f"SELECT concat_ws(' ', {', '.join(key)}), count(*) FROM {table} GROUP BY {', '.join(key)} "
        "HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    for row in rows:
        raise ConnectorError(
            f"{table.removeprefix('new_')}: '{row[0]}' comes {row[1]} times; expected each {', '.join(key)} once; "
            "make the SQL files' keys unique",
            permanent=True,
        )


def _restriction(restricted: bool) -> str:
    return " WHERE entity_key IN (SELECT entity_key FROM touched)" if restricted else ""


def _declare(schema: pa.Schema) -> str:
    return ", ".join(f"{quoted(field.name)} {_SQL_TYPES[field.type]}" for field in schema)


def _value(field: pa.Field, given: Mapping[str, str]) -> str:
    default = _DEFAULTS.get(field.name, "NULL")
    if field.name not in given:
        return f"CAST({default} AS {_SQL_TYPES[field.type]})"
    cast = f"CAST({quoted(field.name)} AS {_SQL_TYPES[field.type]})"
    return cast if default == "NULL" else f"coalesce({cast}, {default})"


def _widened(name: str, sql_type: str) -> str:
    """An attribute in one of the few types the store keeps, so that two files never disagree on a width."""
    if sql_type in {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "HUGEINT"}:
        return f"CAST({quoted(name)} AS BIGINT)"
    if sql_type.startswith("DECIMAL") or sql_type == "FLOAT":
        return f"CAST({quoted(name)} AS DOUBLE)"
    return f"CAST({quoted(name)} AS VARCHAR)" if sql_type == '"NULL"' else quoted(name)
