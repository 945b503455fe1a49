"""Compare the rows that should be true now with what the log holds, and append the difference as versions.

Unchanged rows cost nothing, a changed row is a new version, a row that no longer follows from any source is a deletion.
Rows are compared by what they hold, in the types of the table; nothing about that is stored. Of the stored rows only
keys are read, and the content of those that the load speaks of. What several sources say of one row is kept in
``log.claims``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import duckdb

from o2c_mining.errors import LogError
from o2c_mining.log.append import conforming
from o2c_mining.log.claims import append_claims, claims_of, load_claims
from o2c_mining.log.engine import described, literal, number, quoted, scan
from o2c_mining.log.same import row_hash
from o2c_mining.log.schema import FORMER, KEYS, STAMPS, TABLES
from o2c_mining.log.store import Writer

POSITION = "_position"
_OBJECT_COLUMNS = {
    "e2o": ("object_id",),
    "objects": ("object_id",),
    "o2o": ("source_id", "target_id"),
    "object_changes": ("object_id",),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Versions appended to one table: new, changed, deleted; and rows that stayed as they were.

    ``claimed`` counts what was appended to the claims on the table: it changes no row of the log.
    """

    inserted: int
    updated: int
    deleted: int
    unchanged: int
    claimed: int = 0

    @property
    def changed(self) -> int:
        """How many versions were appended."""
        return self.inserted + self.updated + self.deleted


def append_difference(
    connection: duckdb.DuckDBPyConnection,
    writer: Writer,
    table: str,
    *,
    speaker: str,
    owned: str,
    uncompared: Collection[str] = (),
    positions: int | None = None,
) -> Difference:
    """Append to ``table`` how ``new_<table>`` differs from the stored rows that ``owned`` selects.

    Where others say the row too, the newest statement is what the log holds; a statement that did not change is none.
    A row goes when nobody says it any more. The keys of the appended versions are the rows of ``appended_<table>``
    afterwards.

    Parameters
    ----------
    connection
        Holds ``new_<table>``: one row per key.
    writer
        Takes the versions.
    table
        One of the tables that have a key.
    speaker
        Who says the new rows: a file or a source, see ``log.claims.speaker_of``.
    owned
        SQL condition on ``entity_key``: the rows this load speaks for, all of them the speaker's.
    uncompared
        Columns in which two rows may differ and still be the same.
    positions
        Where given, ``new_<table>`` has a column ``_position``, different in each row and below this number: new rows
        are numbered by it, which spares sorting them by key.

    Raises
    ------
    LogError
        If a column has another type than the table.
    """
    rows = number(connection, f"SELECT count(*) FROM new_{table}")
    files = writer.files(table)
    if not files:
        _insert(connection, writer, table, rows, positions)
        return Difference(rows, 0, 0, 0)
    new, _ = conforming(connection, table, f"SELECT * FROM new_{table}", TABLES[table], writer.schema(table))
    ignored = (*KEYS[table], *STAMPS, *FORMER, POSITION, *uncompared)
    content = {name: kind for name, kind in sorted(described(connection, new).items()) if name not in ignored}
    claims = writer.files(claims_of(table))
    if not _load_newest(connection, table, files, claims, owned, content):
        _insert(connection, writer, table, rows, positions)
        return Difference(rows, 0, 0, 0)
    shared = load_claims(connection, table, files, claims, new, content, speaker=speaker)
    _judge(connection, table, new, owned, content, shared=shared)
    counts = dict(connection.execute(f"SELECT op, count(*) FROM verdict_{table} GROUP BY op").fetchall())
    inserted, updated, deleted = (int(counts.get(op, 0)) for op in "IUD")
    repeated = number(connection, f"SELECT count(*) FROM verdict_{table} WHERE taken IS NOT NULL")
    changed = inserted + updated + deleted
    if changed:
        _append_versions(connection, writer, table, files, claims, changed)
    claimed = append_claims(connection, writer, table, files, claims, owned) if shared else 0
    connection.execute("DROP TABLE newest")
    return Difference(inserted, updated, deleted, rows - inserted - (updated - repeated), claimed)


def _key(table: str) -> str:
    return ", ".join(quoted(name) for name in KEYS[table])


def _load_newest(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    files: list[str],
    claims: list[str],
    owned: str,
    content: Mapping[str, str],
) -> bool:
    """Newest stored version of every key this load speaks of, as table ``newest``; whether there is any."""
    key = _key(table)
    said = " UNION ALL ".join(f"SELECT {key} FROM {scan(stored)} WHERE {owned}" for stored in (files, claims) if stored)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE mine AS SELECT DISTINCT * FROM ({said})")
    wanted = f"new_{table}"
    if number(connection, "SELECT count(*) FROM mine"):
        connection.execute(f"INSERT INTO mine SELECT {key} FROM new_{table} ANTI JOIN mine USING ({key})")
        wanted = "mine"
    held = {name.lower() for name in described(connection, f"SELECT * FROM {scan(files)}")}
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE newest AS SELECT {key}, max(ingest_seq) AS ingest_seq, "
        f"arg_max(entity_key, ingest_seq) AS entity_key, arg_max({row_hash(content, held)}, ingest_seq) AS content "
        f"FROM {scan(files)} SEMI JOIN {wanted} USING ({key}) GROUP BY {key} HAVING arg_max(op, ingest_seq) <> 'D'"
    )
    connection.execute("DROP TABLE mine")
    return number(connection, "SELECT count(*) FROM newest") > 0


def _insert(
    connection: duckdb.DuckDBPyConnection, writer: Writer, table: str, rows: int, positions: int | None
) -> None:
    """Append all new rows as first versions."""
    connection.execute(f"CREATE OR REPLACE TEMP VIEW appended_{table} AS SELECT {_key(table)} FROM new_{table}")
    if positions is None:
        first = writer.next_seq(rows)
        place, columns = f"row_number() OVER (ORDER BY {_key(table)}) - 1", "*"
    else:
        first = writer.next_seq(positions)
        place, columns = POSITION, f"* EXCLUDE ({POSITION})"
    sql = f"SELECT {columns}, 'I' AS op, {first} + {place} AS ingest_seq, {writer.number} AS batch_id FROM new_{table}"
    _all_written(table, writer.append_query(table, connection, sql), rows)


def _judge(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    new: str,
    owned: str,
    content: Mapping[str, str],
    *,
    shared: bool,
) -> None:
    """What becomes of each key, as table ``verdict_<table>``: its ``op``, its rank in the order of keys, and the
    ``ingest_seq`` of the row that is deleted, or of the claim that takes its place."""
    key = _key(table)
    told = f"SELECT {key}, {row_hash(content)} AS content FROM ({new})"
    differs = f"SELECT {key}, if(s.content IS NULL, 'I', 'U') AS op FROM ({told}) n LEFT JOIN newest s USING ({key}) "
    missing = f"FROM newest s ANTI JOIN new_{table} USING ({key})"
    if shared:
        differs += (
            f"LEFT JOIN statements t USING ({key}) WHERE s.content IS NULL "
            "OR if(t.is_mine, s.content <> n.content, t.is_told AND t.is_other)"
        )
        lost = f"SELECT {key}, s.ingest_seq, heir {missing} LEFT JOIN statements USING ({key}) WHERE {owned}"
    else:
        differs += "WHERE s.content IS DISTINCT FROM n.content"
        lost = f"SELECT {key}, ingest_seq, NULL::BIGINT AS heir {missing} WHERE {owned}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE verdict_{table} AS SELECT *, row_number() OVER (ORDER BY {key}, op) - 1 AS rank "
        f"FROM (SELECT *, NULL::BIGINT AS gone, NULL::BIGINT AS taken FROM ({differs}) UNION ALL "
        f"SELECT {key}, if(heir IS NULL, 'D', 'U'), if(heir IS NULL, ingest_seq, NULL), heir FROM ({lost}))"
    )


def _append_versions(
    connection: duckdb.DuckDBPyConnection,
    writer: Writer,
    table: str,
    files: list[str],
    claims: list[str],
    changed: int,
) -> None:
    """Append a version for every verdict."""
    key = _key(table)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW appended_{table} AS SELECT {key} FROM verdict_{table}")
    first = writer.next_seq(changed)
    stamps = f"{first} + v.rank AS ingest_seq, {writer.number} AS batch_id"
    new = [quoted(name) for name in described(connection, f"SELECT * FROM new_{table}") if name != POSITION]
    sql = (
        f"SELECT {', '.join('n.' + name for name in new)}, v.op, {stamps} FROM new_{table} n "
        f"JOIN verdict_{table} v USING ({key}) WHERE v.op <> 'D' AND v.taken IS NULL"
    )
    for stored, seq in ((files, "gone"), (claims, "taken")):
        if stored and number(connection, f"SELECT count({seq}) FROM verdict_{table}"):
            held = described(connection, f"SELECT * FROM {scan(stored)}")
            old = ", ".join(f"s.{quoted(name)}" for name in held if name not in (*STAMPS, *FORMER))
            sql += (
                f" UNION ALL BY NAME SELECT {old}, v.op, {stamps} "
                f"FROM {scan(stored)} s JOIN verdict_{table} v ON s.ingest_seq = v.{seq}"
            )
    _all_written(table, writer.append_query(table, connection, sql), changed)


def _all_written(table: str, written: int, expected: int) -> None:
    if written != expected:
        raise LogError(
            f"{expected:,} versions of {table} were to be appended, {written:,} were; expected equal counts; nothing "
            "was loaded: check what was loaded for damage, and report this if there is none"
        )


def owned_by(source: str, *, restricted: bool) -> str:
    """Condition for the stored rows of a source: those of touched entities, or all of them."""
    if restricted:
        return f"entity_key IN (SELECT {literal(source + ':')} || entity_key FROM touched)"
    return f"starts_with(entity_key, {literal(source + ':')})"


def note_objects(connection: duckdb.DuckDBPyConnection, writer: Writer, table: str, difference: Difference) -> None:
    """Remember the objects that the versions just appended speak of in table ``touched_objects``."""
    if not difference.changed:
        return
    for column in _OBJECT_COLUMNS.get(table, ()):
        connection.execute(f"INSERT INTO touched_objects SELECT DISTINCT {column} FROM appended_{table}")
    held = writer.files("e2o") if table == "events" else []
    if held:
        connection.execute(
            f"INSERT INTO touched_objects SELECT DISTINCT object_id FROM {scan(held)} "
            "SEMI JOIN appended_events USING (event_id)"
        )
