"""Compare the rows that should be true now with what the log holds, and append the difference as versions.

Unchanged rows cost nothing, a changed row is a new version, a row that no longer follows from the source is a deletion.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from o2c_mining.log.engine import arrow, content_hash, literal, number, quoted, scan
from o2c_mining.log.schema import KEYS
from o2c_mining.log.store import Writer

_OBJECT_COLUMNS = {
    "e2o": ("object_id",),
    "objects": ("object_id",),
    "o2o": ("source_id", "target_id"),
    "object_changes": ("object_id",),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Versions appended to one table: new, changed, deleted; and rows that stayed as they were."""

    inserted: int
    updated: int
    deleted: int
    unchanged: int

    @property
    def changed(self) -> int:
        """How many versions were appended."""
        return self.inserted + self.updated + self.deleted


def append_difference(
    connection: duckdb.DuckDBPyConnection, writer: Writer, table: str, *, owned: str, unhashed: Collection[str] = ()
) -> tuple[Difference, pa.Table]:
    """Append to ``table`` how ``new_<table>`` differs from the stored rows that ``owned`` selects.

    ``owned`` is an SQL condition on ``entity_key``: the rows this load speaks for. A stored row with a key of the new
    rows is compared wherever it belonged before. Returns the counts and the appended versions.
    """
    key = KEYS[table]
    columns = [str(row[0]) for row in connection.execute(f"DESCRIBE new_{table}").fetchall()]
    hashed = sorted(name for name in columns if name not in unhashed)  # the order of columns is no content
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE new_rows AS SELECT *, {content_hash(hashed)} AS row_hash FROM new_{table}"
    )
    _load_stored(connection, writer.files(table), key, owned)
    same_key = " AND ".join(f"n.{quoted(name)} = s.{quoted(name)}" for name in key)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE difference AS "
        "SELECT n.*, CASE WHEN s.row_hash IS NULL THEN 'I' ELSE 'U' END AS op FROM new_rows n "
        f"LEFT JOIN stored s ON {same_key} WHERE s.row_hash IS NULL OR s.row_hash <> n.row_hash "
        f"UNION ALL BY NAME SELECT s.*, 'D' AS op FROM stored s ANTI JOIN new_rows n ON {same_key} WHERE {owned}"
    )
    order = ", ".join(quoted(name) for name in key)
    rows = arrow(connection, f"SELECT * FROM difference ORDER BY {order}, op")
    counts = dict(connection.execute("SELECT op, count(*) FROM difference GROUP BY op").fetchall())
    total = number(connection, "SELECT count(*) FROM new_rows")
    inserted, updated, deleted = (int(counts.get(op, 0)) for op in "IUD")
    if rows.num_rows:
        first = writer.next_seq(rows.num_rows)
        rows = rows.append_column("ingest_seq", pa.array(range(first, first + rows.num_rows), pa.int64()))
        rows = rows.append_column("batch_id", pa.array([writer.number] * rows.num_rows, pa.int64()))
        writer.append(table, rows)
    return Difference(inserted, updated, deleted, total - inserted - updated), rows


def _load_stored(connection: duckdb.DuckDBPyConnection, files: list[str], key: tuple[str, ...], owned: str) -> None:
    """Newest version of every stored row this load speaks for, deleted ones left out, as table ``stored``."""
    names = ", ".join(quoted(name) for name in key)
    if not files:
        connection.execute("CREATE OR REPLACE TEMP TABLE stored AS SELECT * FROM new_rows LIMIT 0")
        return
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE candidates AS SELECT DISTINCT {names} FROM {scan(files)} WHERE {owned} "
        f"UNION SELECT {names} FROM new_rows"
    )
    same_key = " AND ".join(f"r.{quoted(name)} = c.{quoted(name)}" for name in key)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE stored AS SELECT * EXCLUDE (op, ingest_seq, batch_id) FROM ("
        f"SELECT r.* FROM {scan(files)} r SEMI JOIN candidates c ON {same_key} "
        f"QUALIFY row_number() OVER (PARTITION BY {', '.join('r.' + quoted(name) for name in key)} "
        "ORDER BY r.ingest_seq DESC) = 1) WHERE op <> 'D'"
    )


def owned_by(source: str, *, restricted: bool) -> str:
    """Condition for the stored rows of a source: those of touched entities, or all of them."""
    if restricted:
        return f"entity_key IN (SELECT {literal(source + ':')} || entity_key FROM touched)"
    return f"starts_with(entity_key, {literal(source + ':')})"


def note_objects(connection: duckdb.DuckDBPyConnection, writer: Writer, table: str, rows: pa.Table) -> None:
    """Remember the objects that appended versions speak of in table ``touched_objects``."""
    if rows.num_rows == 0:
        return
    connection.register("appended", rows)
    for column in _OBJECT_COLUMNS.get(table, ()):
        connection.execute(f"INSERT INTO touched_objects SELECT DISTINCT {column} FROM appended")
    if table == "events":
        held = writer.files("e2o")
        if held:
            connection.execute(
                f"INSERT INTO touched_objects SELECT DISTINCT object_id FROM {scan(held)} "
                "WHERE event_id IN (SELECT event_id FROM appended)"
            )
    connection.unregister("appended")
