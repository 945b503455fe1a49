"""Bring an imported file into the log: what is there already adds nothing, what changed is a new version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from o2c_mining.errors import LogError
from o2c_mining.exchange.as_stored import as_stored
from o2c_mining.exchange.file_rows import FileRows
from o2c_mining.exchange.imported import ImportedLog
from o2c_mining.log.attribute_types import append_attribute_types
from o2c_mining.log.claims import claims_of
from o2c_mining.log.engine import Connection, arrow, described, literal, number, quoted, refusing, scan
from o2c_mining.log.failpoints import failpoint
from o2c_mining.log.same import FILE
from o2c_mining.log.schema import KEYS
from o2c_mining.log.store import Batch, Writer
from o2c_mining.log.versions import POSITION, Difference, append_difference, note_objects

_ORDER = ("events", "objects", "e2o", "o2o", "object_changes")
# Where a row stood in its file is no difference between two rows.
_PLACE = ("source_seq", "source_key", POSITION)
_LABEL = ("source_key",)  # says where an event stands in its file


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file added: one batch per table, how many versions, and one row per object (``object_id``) whose traces
    must be refreshed; ``touched`` is ``None`` when the log was empty: everything must be. ``refused`` as in the file.
    """

    source: str
    owner: str
    batches: tuple[Batch, ...]
    touched: pa.Table | None
    changed: int
    refused: pa.Table
    notes: tuple[str, ...]


def owner_of(path: Path, workspace: Path) -> str:
    """Names the rows a file speaks for: two files of one name in two folders do not replace each other.

    A file that lies in the workspace may move with it.
    """
    found = path.resolve()
    place = found.relative_to(workspace.resolve()) if found.is_relative_to(workspace.resolve()) else found
    return f"{FILE}{path.name}@{hashlib.sha256(str(place).encode()).hexdigest()[:12]}"


def load(writer: Writer, imported: ImportedLog, path: Path) -> Loaded:
    """Append how the file differs from what the log holds of it; the caller commits the batches.

    Raises
    ------
    LogError
        If the file says two different things about one id, or gives an id of the log another object type.
    """
    owner = owner_of(path, writer.root.parent)
    batches, changed, notes = [], 0, list(imported.notes)
    kept_as: dict[str, str] = {}
    first = not any(writer.files(table) for table in _ORDER)
    damaged = f"{imported.source} cannot be read", "expected a whole file; export it again, nothing was loaded"
    with writer.engine() as connection, refusing(*damaged):
        connection.execute("CREATE TEMP TABLE touched_objects (object_id VARCHAR)")
        for table in _ORDER:
            _open(connection, table, imported.tables[table], owner)
        if imported.placed:
            _place(connection)
        for table in _ORDER:
            rows = imported.tables[table]
            if table == "objects" and writer.files(table):
                kept_as = as_stored(connection, described(connection, f"SELECT * FROM {scan(writer.files(table))}"))
                notes += [
                    f"attribute {old!r} has another type in the log and is kept as {new!r}"
                    for old, new in kept_as.items()
                    if old.lower() != new.lower()
                ]
                _refuse_other_types(connection, writer, imported.source, owner)
            repeated = _once(connection, table, imported.source)
            difference = append_difference(
                connection,
                writer,
                table,
                speaker=owner,
                owned=f"entity_key = {literal(owner)}",
                uncompared=("entity_key", *_LABEL) if imported.placed else ("entity_key",),
                positions=rows.num_rows,
            )
            if not first:
                note_objects(connection, writer, table, difference)
            failpoint("load.table_appended")
            refused = int(pc.sum(pc.equal(imported.refused["table"], table)).as_py() or 0)
            changed += difference.changed + difference.claimed
            if imported.read.get(table) or difference.changed or difference.claimed:
                batches.append(_batch(imported, owner, table, refused, repeated + difference.unchanged, difference))
            if table == "events" and difference.deleted:
                notes.append(_lost(difference, rows.num_rows))
        changed += append_attribute_types(connection, writer, imported.attribute_types, owner, kept_as)
        touched = None if first else arrow(connection, "SELECT DISTINCT object_id FROM touched_objects")
    return Loaded(imported.source, owner, tuple(batches), touched, changed, imported.refused, tuple(notes))


def _open(connection: Connection, table: str, rows: pa.Table | FileRows, owner: str) -> None:
    """The rows as view ``incoming_<table>``, with their owner and their position in the file."""
    if isinstance(rows, FileRows):
        given = f"({rows.sql(POSITION)})"
    else:
        given = f"given_{table}"
        connection.register(given, rows.append_column(POSITION, pa.array(np.arange(rows.num_rows))))
    connection.execute(f"CREATE TEMP VIEW incoming_{table} AS SELECT *, {literal(owner)} AS entity_key FROM {given}")


def _place(connection: Connection) -> None:
    """Number events by where they stand in the file, among those of the same moment and object.

    So a row that comes to it changes no event of another order. Where an event of a moment refers to several objects,
    all of that moment are numbered together.
    """
    connection.execute("ALTER VIEW incoming_events RENAME TO events_as_given")
    connection.execute(
        f"CREATE TEMP TABLE ties AS SELECT event_id, {POSITION}, time, source_seq FROM events_as_given "
        "WHERE time IN (SELECT time FROM events_as_given GROUP BY time HAVING count(*) > 1)"
    )
    connection.execute(
        "CREATE TEMP TABLE tied AS SELECT event_id, min(object_id) AS object_id, count(DISTINCT object_id) AS objects "
        "FROM incoming_e2o SEMI JOIN ties USING (event_id) GROUP BY event_id"
    )
    connection.execute(
        f"CREATE TEMP TABLE places AS SELECT {POSITION}, row_number() OVER (PARTITION BY time, object ORDER BY "
        f"source_seq, {POSITION}) - 1 AS place FROM (SELECT t.*, "
        "if(max(objects) OVER (PARTITION BY time) > 1, NULL, object_id) AS object "
        "FROM ties t LEFT JOIN tied USING (event_id))"
    )
    connection.execute(
        "CREATE TEMP VIEW incoming_events AS SELECT * EXCLUDE (place) REPLACE (coalesce(place, 0) AS source_seq) "
        f"FROM events_as_given LEFT JOIN places USING ({POSITION})"
    )


def _once(connection: Connection, table: str, source: str) -> int:
    """Each key's first row as view ``new_<table>``; returns how many more rows said the same.

    Only keys whose hash occurs twice are looked at again, so the check holds one number per row in memory.
    """
    key = ", ".join(quoted(name) for name in KEYS[table])
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE twice AS SELECT hash FROM (SELECT hash({key}) AS hash FROM incoming_{table}) "
        "GROUP BY hash HAVING count(*) > 1"
    )
    if not number(connection, "SELECT count(*) FROM twice"):
        connection.execute(f"CREATE TEMP VIEW new_{table} AS SELECT * FROM incoming_{table}")
        return 0
    columns = [name for name in described(connection, f"SELECT * FROM incoming_{table}") if name not in _PLACE]
    said = ", ".join(quoted(name) for name in columns)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE copies AS SELECT {key}, {POSITION}, hash({said}) AS said FROM incoming_{table} "
        f"WHERE hash({key}) IN (SELECT hash FROM twice)"
    )
    differing = connection.execute(
        f"SELECT {quoted(KEYS[table][0])} FROM copies GROUP BY {key} HAVING count(DISTINCT said) > 1 "
        f"ORDER BY min({POSITION}) LIMIT 1"
    ).fetchone()
    if differing is not None:
        raise LogError(
            f"{source} says two different things about {differing[0]!r} in {table}; expected one row per "
            f"{' and '.join(KEYS[table])}; mend the file"
        )
    connection.execute(
        f"CREATE TEMP TABLE repeated_{table} AS SELECT {POSITION} FROM copies "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {POSITION}) > 1"
    )
    connection.execute(
        f"CREATE TEMP VIEW new_{table} AS SELECT * FROM incoming_{table} ANTI JOIN repeated_{table} USING ({POSITION})"
    )
    return number(connection, f"SELECT count(*) FROM repeated_{table}")


def _batch(imported: ImportedLog, owner: str, table: str, refused: int, known: int, difference: Difference) -> Batch:
    """Every row that was read is accepted, refused or known; a start that was merged goes with its completion."""
    read = imported.read.get(table, 0)
    duplicate = known if difference.changed else read - refused
    return Batch(
        imported.source,
        table,
        cursor=owner,
        read=read,
        accepted=read - refused - duplicate,
        quarantined=refused,
        duplicate=duplicate,
        deleted=difference.deleted,
    )


def _lost(difference: Difference, left: int) -> str:
    """What to tell when events are in a file no more."""
    return (
        f"{difference.deleted:,} events are in the file no more and were deleted, it holds {left:,}; if that is not "
        "the whole file, import the whole one; `o2c store versions` lists what the log was before, for --known-at"
    )


def _refuse_other_types(connection: Connection, writer: Writer, source: str, owner: str) -> None:
    """Refuse an object to which others give another type; what only this file said of it may change."""
    key, of = KEYS["objects"][0], "object_id, object_type, op, entity_key, ingest_seq"
    said = [
        f"SELECT {of} FROM {scan(files)} SEMI JOIN incoming_objects USING ({key}) "
        f"QUALIFY row_number() OVER (PARTITION BY {per} ORDER BY ingest_seq DESC) = 1"
        for files, per in ((writer.files("objects"), key), (writer.files(claims_of("objects")), f"{key}, entity_key"))
        if files
    ]
    found = connection.execute(
        f"SELECT i.object_id, s.object_type, i.object_type FROM incoming_objects i JOIN ({' UNION ALL '.join(said)}) s "
        f"USING ({key}) WHERE s.op <> 'D' AND s.entity_key <> {literal(owner)} AND s.object_type <> i.object_type "
        "ORDER BY 1 LIMIT 1"
    ).fetchone()
    if found is not None:
        raise LogError(
            f"{source} calls {found[0]!r} a {found[2]}, the log a {found[1]}; expected one type per object id; "
            "import the file into a workspace of its own, or make its ids distinct"
        )
