"""Tie a source's objects to those of other sources: a bank's booking to the ERP's invoice.

SQL files see one source only. A linker is handed a read-only view of what the log knows now and answers with relations
and event references. It is asked again whenever the log changed, always for everything, so an invoice that arrives
after its payment is linked then, and the answer never depends on the order of loads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import duckdb
import pyarrow as pa

from o2c_mining.connect.engine import arrow, literal, quoted, scan
from o2c_mining.log.schema import E2O, EVENTS, KEYS, O2O, OBJECTS, STAMPS
from o2c_mining.log.store import Writer
from o2c_mining.log.versions import Difference, append_difference

LINK = "link"
_RELATION = pa.schema([field for field in O2O if field.name not in STAMPS])
_REFERENCE = pa.schema([field for field in E2O if field.name not in STAMPS])


@dataclass(frozen=True, slots=True)
class KnownObjects:
    """Current rows of the log: objects with all their attributes, relations, and the first time each activity touched
    an object (``object_id, activity, time``). Relations this linker made before are left out."""

    objects: pa.Table
    o2o: pa.Table
    first_times: pa.Table


@dataclass(frozen=True, slots=True)
class Links:
    """Relations (``source_id, target_id, qualifier, amount_minor, currency, method, confidence``) and event references
    (``event_id, object_id, qualifier``), with the ids of the log."""

    o2o: pa.Table
    e2o: pa.Table


class Linker(Protocol):
    """What a connector gives when its objects belong to documents of other systems."""

    @property
    def object_types(self) -> tuple[str, ...]:
        """Types of objects it wants to know; relations are those among them."""
        ...

    @property
    def version(self) -> str:
        """Changes when its rules change, so that everything is linked again."""
        ...

    def link(self, source: str, known: KnownObjects) -> Links:
        """All links of this source's objects, the same whenever the same is known."""
        ...


def load_known(
    connection: duckdb.DuckDBPyConnection, writer: Writer, source: str, object_types: tuple[str, ...]
) -> KnownObjects:
    """What the log knows, with what this writer appended and without the source's own links."""
    others = f"NOT starts_with(entity_key, {literal(link_prefix(source))})"
    wanted = f"object_type IN ({', '.join(literal(name) for name in object_types)})"
    among = "(SELECT object_id FROM known_objects)"
    _load_current(connection, writer, "objects", OBJECTS, wanted)
    _load_current(connection, writer, "o2o", O2O, f"{others} AND source_id IN {among} AND target_id IN {among}")
    _load_current(connection, writer, "e2o", E2O, f"{others} AND object_id IN {among}")
    _load_current(connection, writer, "events", EVENTS, "event_id IN (SELECT event_id FROM known_e2o)")
    return KnownObjects(
        arrow(connection, "SELECT * FROM known_objects ORDER BY object_id"),
        arrow(connection, "SELECT * FROM known_o2o ORDER BY source_id, target_id, qualifier"),
        arrow(
            connection,
            "SELECT r.object_id, e.activity, min(e.time) AS time FROM known_e2o r JOIN known_events e USING (event_id) "
            "GROUP BY ALL ORDER BY ALL",
        ),
    )


def append_links(
    connection: duckdb.DuckDBPyConnection, writer: Writer, source: str, links: Links
) -> list[tuple[str, Difference]]:
    """Append how the links differ from the stored ones; returns what was appended per table."""
    differences = []
    for table, rows, schema, of in (
        ("o2o", links.o2o, _RELATION, "target_id"),
        ("e2o", links.e2o, _REFERENCE, "event_id"),
    ):
        _register(connection, f"new_{table}", rows, schema, link_prefix(source), of)
        difference = append_difference(
            connection,
            writer,
            table,
            speaker=f"{LINK}/{source}",
            owned=f"starts_with(entity_key, {literal(link_prefix(source))})",
        )
        differences.append((table, difference))
    return differences


def link_prefix(source: str) -> str:
    """How the entity keys of a source's links begin; no transform owns them."""
    return f"{LINK}/{source}:"


def _load_current(
    connection: duckdb.DuckDBPyConnection, writer: Writer, table: str, schema: pa.Schema, condition: str
) -> None:
    files = writer.files(table)
    if not files:
        connection.register("shape", schema.empty_table())
        connection.execute(f"CREATE OR REPLACE TEMP TABLE known_{table} AS SELECT * FROM shape")
        connection.unregister("shape")
        return
    key = ", ".join(quoted(name) for name in KEYS[table])
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE known_{table} AS SELECT * FROM (SELECT * FROM {scan(files)} "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY ingest_seq DESC) = 1) "
        f"WHERE op <> 'D' AND {condition}"
    )


def _register(
    connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table, schema: pa.Schema, prefix: str, of: str
) -> None:
    """Links as a table of full rows; each belongs to the entity of its booking or event."""
    columns = {
        field.name: rows[field.name].cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in schema
    }
    connection.register("given", pa.table(columns, schema=schema))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * REPLACE ({literal(prefix)} || {of} AS entity_key) FROM given"
    )
    connection.unregister("given")
