"""Worked examples of a connector: given these source rows, expect these events, objects and relations.

A case is YAML under ``cases/``. A list under ``expect`` is complete: no row more, no row less; a row names the columns
it cares for. Events stand in the order of the log, ``(time, source_seq, event_id)``. Ids are local to the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import Field

from o2c_mining.connect.catalog import Catalog, SourceTable, load_catalog
from o2c_mining.connect.derive import create_empty, derive
from o2c_mining.connect.engine import arrow, engine, quoted
from o2c_mining.connect.registry import AnyConnector, parse_options
from o2c_mining.documents import Document, read_document
from o2c_mining.errors import ConfigError

Row = dict[str, Any]

SOURCE = "case"
_QUERIES = {
    "events": "SELECT e.*, (SELECT list(object_id ORDER BY object_id) FROM new_e2o r WHERE r.event_id = e.event_id) "
    "AS objects FROM new_events e ORDER BY time, source_seq, event_id",
    "objects": "SELECT * FROM new_objects ORDER BY object_id",
    "relations": "SELECT * FROM new_o2o ORDER BY source_id, target_id, qualifier",
}


class Expected(Document):
    """What must follow; a list that is left out is not looked at."""

    events: list[Row] | None = None
    objects: list[Row] | None = None
    relations: list[Row] | None = None


class Case(Document):
    """One worked example."""

    name: str
    options: Row = Field(default_factory=dict)
    given: dict[str, list[Row]]
    expect: Expected


def load_cases(folder: Path) -> list[Case]:
    """Every case of a connector, in file order."""
    return [read_document(path, Case) for path in sorted((folder / "cases").glob("*.yml"))]


def problems(connector: AnyConnector, case: Case, *, required_options: Mapping[str, object]) -> list[str]:
    """How what follows from the given rows differs from what is expected; empty when it does not."""
    options = parse_options(connector, {**required_options, **case.options}, source=SOURCE)
    catalog = load_catalog(connector.folder)
    with engine() as connection:
        load_rows(connection, catalog, case.given)
        refused = derive(connection, catalog, SOURCE, connector.reference_tables(options), restricted=False)
        found = [f"refused {row.source_key}: {row.rule}" for row in refused]
        for part, query in _QUERIES.items():
            wanted: list[Row] | None = getattr(case.expect, part)
            if wanted is not None:
                found += _differences(part, wanted, arrow(connection, query).to_pylist())
    return found


def load_rows(connection: duckdb.DuckDBPyConnection, catalog: Catalog, given: Mapping[str, Sequence[Row]]) -> None:
    """Source tables with the given rows; columns that a row leaves out are empty."""
    unknown = sorted(set(given) - {table.name for table in catalog.tables})
    if unknown:
        known = ", ".join(table.name for table in catalog.tables)
        raise ConfigError(f"a case gives rows of {unknown[0]}; expected one of {known}; correct the table's name")
    for table in catalog.tables:
        create_empty(connection, table)
        if given.get(table.name):
            connection.register("given_rows", rows_of(table, given[table.name]))
            connection.execute(f"INSERT INTO {quoted(table.name)} SELECT * FROM given_rows")
            connection.unregister("given_rows")


def rows_of(table: SourceTable, rows: Sequence[Row]) -> pa.Table:
    """Rows as people write them, in the table's types."""
    for row in rows:
        unknown = sorted(set(row) - set(table.schema.names))
        if unknown:
            raise ConfigError(
                f"a case gives {table.name}.{unknown[0]}; expected one of {', '.join(table.schema.names)}; correct it"
            )
    return pa.table(
        {
            column.name: pa.array([_typed(column.type, row.get(column.name)) for row in rows], field.type)
            for column, field in zip(table.columns, table.schema, strict=True)
        }
    )


def _typed(kind: str, value: object) -> object:
    if value is None:
        return None
    if kind == "timestamp":
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if kind == "date":
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    if kind == "decimal":
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-10))
    return str(value) if kind == "text" else value


def _differences(part: str, wanted: list[Row], actual: list[Row]) -> list[str]:
    """Events are compared in order, objects and relations by their ids."""
    local = [{name: _local(value) for name, value in row.items()} for row in actual]
    if part != "events":
        keys = ("object_id",) if part == "objects" else ("source_id", "target_id", "qualifier")
        wanted = sorted(wanted, key=lambda row: [str(row.get(key)) for key in keys])
    found = [] if len(wanted) == len(local) else [f"{len(local)} {part} instead of {len(wanted)}"]
    for position, (want, have) in enumerate(zip(wanted, local, strict=False), 1):
        found += [
            f"{part} {position}: {name} is {have.get(name)!r} instead of {value!r}"
            for name, value in want.items()
            if not _equal(value, have.get(name))
        ]
    return found + [f"unexpected {part}: {row}" for row in local[len(wanted) :]]


def _local(value: object) -> object:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [str(item).removeprefix(f"{SOURCE}:") for item in value]
    return value.removeprefix(f"{SOURCE}:") if isinstance(value, str) else value


def _equal(wanted: object, actual: object) -> bool:
    if isinstance(actual, datetime):
        return _typed("timestamp", wanted) == actual
    if isinstance(wanted, list) and isinstance(actual, list):
        return sorted(map(str, wanted)) == sorted(map(str, actual))
    return wanted == actual
