"""From staged rows to the log: only what the newly staged rows touch is computed again.

Each table's ``touches`` query in ``sources.yml`` says which entities a changed row belongs to, however the row looked
before or after. Everything of these entities is derived anew and compared with the log, so updates, deletions, late
rows and rows that move from one document to another all follow from one rule, and an increment equals a full load.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from o2c_mining.connect.catalog import Catalog, SourceTable
from o2c_mining.connect.derive import create_source_tables, derive
from o2c_mining.connect.engine import arrow, is_interrupt, number, quoted, scan
from o2c_mining.connect.quarantine import quarantine
from o2c_mining.connect.staging import staging_table
from o2c_mining.errors import ConnectorError
from o2c_mining.log.store import Batch, Writer
from o2c_mining.log.versions import Difference, append_difference, note_objects, owned_by

TRANSFORM = "transform"
EVERYTHING = "everything"
TABLES = ("events", "e2o", "objects", "o2o", "object_changes")


@dataclass(frozen=True, slots=True)
class Load:
    """What a transform appended: ``touched`` has one row per object (``object_id``) whose traces must be refreshed."""

    differences: Mapping[str, Difference]
    touched: pa.Table
    batch: Batch

    @property
    def changed(self) -> int:
        """Versions appended over all tables."""
        return sum(difference.changed for difference in self.differences.values())


def transform(
    connection: duckdb.DuckDBPyConnection,
    writer: Writer,
    source: str,
    catalog: Catalog,
    reference_tables: Mapping[str, pa.Table],
    *,
    full: bool,
    watermark: datetime | None,
) -> Load:
    """Append to the log what follows from rows staged since the last transform; the caller commits ``batch``.

    With ``full``, before the first transform, and after a change of SQL or options, everything is derived and compared.

    Raises
    ------
    ConnectorError
        Permanent: if an SQL file cannot run or its result breaks the contract.
    """
    fingerprint = _fingerprint(catalog, reference_tables)
    covered, known = _last(writer.base.cursor(source, TRANSFORM))
    restricted = not full and known == fingerprint
    files = {table.name: writer.files(staging_table(source, table.name)) for table in catalog.tables}
    changed = [table for table in catalog.tables if _has_changed(connection, files[table.name], covered)]
    if restricted and not changed:
        return _nothing(source, writer.base.cursor(source, TRANSFORM), watermark)
    create_source_tables(connection, catalog, files)
    if restricted:
        restricted = not _find_touched(connection, changed, files, covered)
    refused = derive(connection, catalog, source, reference_tables, restricted=restricted)
    quarantined = quarantine(connection, writer, source, TRANSFORM, refused)
    owned = owned_by(source, restricted=restricted)
    connection.execute("CREATE OR REPLACE TEMP TABLE touched_objects (object_id VARCHAR)")
    differences: dict[str, Difference] = {}
    for table in TABLES:
        differences[table] = append_difference(connection, writer, table, speaker=source, owned=owned)
        note_objects(connection, writer, table, differences[table])
    touched = arrow(connection, "SELECT DISTINCT object_id FROM touched_objects ORDER BY object_id")
    accepted = sum(difference.changed for difference in differences.values())
    duplicate = sum(difference.unchanged for difference in differences.values())
    batch = Batch(
        source,
        TRANSFORM,
        json.dumps({"seq": writer.next_seq(0) - 1, "fingerprint": fingerprint}),
        watermark,
        read=accepted + duplicate + quarantined,
        accepted=accepted,
        quarantined=quarantined,
        duplicate=duplicate,
    )
    return Load(differences, touched, batch)


def _nothing(source: str, cursor: str | None, watermark: datetime | None) -> Load:
    none = pa.table({"object_id": pa.array([], pa.string())})
    return Load({}, none, Batch(source, TRANSFORM, cursor, watermark))


def _has_changed(connection: duckdb.DuckDBPyConnection, files: list[str], covered: int) -> bool:
    if not files:
        return False
    return number(connection, f"SELECT count(*) FROM {scan(files)} WHERE _seq > {covered:d}") > 0


def _find_touched(
    connection: duckdb.DuckDBPyConnection, tables: list[SourceTable], files: Mapping[str, list[str]], covered: int
) -> bool:
    """Entities of every row staged after ``covered``, by all versions of that row, as table ``touched``.

    True when a table on which everything depends has changed.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE touched (entity_key VARCHAR PRIMARY KEY)")
    for table in tables:
        if table.touches is None:
            continue
        staged = scan(files[table.name])
        names = ", ".join(quoted(name) for name in table.schema.names)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE changed AS SELECT {names} FROM {staged} "
            f"WHERE _key IN (SELECT _key FROM {staged} WHERE _seq > {covered:d})"
        )
        if table.touches.strip() == EVERYTHING:
            return True
        try:
            connection.execute(
                f"INSERT OR IGNORE INTO touched SELECT DISTINCT entity_key FROM ({table.touches}\n) AS asked "
                "WHERE entity_key IS NOT NULL"
            )
        except duckdb.Error as error:
            if is_interrupt(error):
                raise
            raise ConnectorError(
                f"sources.yml: touches of {table.name} cannot run ({' '.join(str(error).split())[:300]}); expected a "
                "SELECT of entity_key from changed and source tables; mend it",
                permanent=True,
            ) from error
    return False


def _last(cursor: str | None) -> tuple[int, str]:
    if cursor is None:
        return 0, ""
    state = json.loads(cursor)
    return int(state["seq"]), str(state["fingerprint"])


def _fingerprint(catalog: Catalog, reference_tables: Mapping[str, pa.Table]) -> str:
    digest = hashlib.sha256(catalog.fingerprint.encode())
    for name in sorted(reference_tables):
        digest.update(f"\0{name}\0{json.dumps(reference_tables[name].to_pylist(), default=str)}".encode())
    return digest.hexdigest()[:32]
