"""Bring an imported file into the log: what is there already adds nothing, what changed is a new version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import text
from o2c_mining.exchange.imported import ImportedLog, RefusedRow
from o2c_mining.log.engine import Connection, arrow, content_hash, engine, literal, number, quoted, scan
from o2c_mining.log.schema import BASE_OBJECT_COLUMNS, KEYS, QUARANTINE
from o2c_mining.log.store import Batch, Writer
from o2c_mining.log.versions import append_difference, note_objects

_ORDER = ("events", "objects", "e2o", "o2o", "object_changes")
# Where a row stood in its file is no difference between two rows.
_PLACE = ("source_seq", "source_key")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file added: one batch per table, the objects whose traces must be refreshed, how many versions."""

    batches: tuple[Batch, ...]
    touched: frozenset[str]
    changed: int
    notes: tuple[str, ...]


def owner_of(path: Path) -> str:
    """Names the rows a file speaks for: two files of one name in two folders do not replace each other."""
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    return f"import:{path.name}@{place}"


def load(writer: Writer, imported: ImportedLog, path: Path) -> Loaded:
    """Append how the file differs from what the log holds of it; the caller commits the batches.

    Raises
    ------
    LogError
        If the file says two different things about one id, or gives an id of the log another object type.
    """
    owner = owner_of(path)
    batches, changed, notes = [], 0, list(imported.notes)
    with engine() as connection:
        connection.execute("CREATE OR REPLACE TEMP TABLE touched_objects (object_id VARCHAR)")
        for table in _ORDER:
            rows = imported.tables[table]
            stored = writer.files(table)
            if table == "objects":
                types: dict[str, str] = {}
                if stored:
                    described = connection.execute(f"DESCRIBE SELECT * FROM {scan(stored)}").fetchall()
                    types = {str(name): str(kind) for name, kind, *_ in described}
                rows, renamed = _as_stored(rows, types)
                notes += [
                    f"attribute {old!r} has another type in the log and is kept as {new!r}" for old, new in renamed
                ]
            rows = rows.append_column("entity_key", pa.array([owner] * rows.num_rows, pa.string()))
            connection.register("incoming", rows)
            if table == "objects" and stored:
                _refuse_other_types(connection, imported.source, stored)
            key = ", ".join(quoted(name) for name in KEYS[table])
            said = [name for name in rows.column_names if name not in _PLACE]
            twice = connection.execute(
                f"SELECT {quoted(KEYS[table][0])} FROM incoming GROUP BY {key} "
                f"HAVING count(DISTINCT {content_hash(said)}) > 1 LIMIT 1"
            ).fetchone()
            if twice is not None:
                raise LogError(
                    f"{imported.source} says two different things about {twice[0]!r} in {table}; expected one row per "
                    f"{' and '.join(KEYS[table])}; mend the file"
                )
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE new_{table} AS SELECT * FROM incoming QUALIFY row_number() OVER "
                f"(PARTITION BY {key}) = 1"
            )
            connection.unregister("incoming")
            difference, versions = append_difference(
                connection, writer, table, owned=f"entity_key = {literal(owner)}", unhashed=("entity_key",)
            )
            note_objects(connection, writer, table, versions)
            repeated = rows.num_rows - number(connection, f"SELECT count(*) FROM new_{table}")
            refused = [row for row in imported.refused if row.table == table]
            _quarantine(writer, imported.source, table, refused)
            changed += difference.changed
            batches.append(_batch(imported, table, len(refused), repeated + difference.unchanged, difference.changed))
        touched = arrow(connection, "SELECT DISTINCT object_id FROM touched_objects")["object_id"].to_pylist()
    return Loaded(tuple(batch for batch in batches if batch.read), frozenset(touched), changed, tuple(notes))


def _batch(imported: ImportedLog, table: str, refused: int, known: int, changed: int) -> Batch:
    """Every row that was read is accepted, refused or known; a start that was merged goes with its completion."""
    read = imported.read.get(table, 0)
    duplicate = known if changed else read - refused
    return Batch(
        imported.source,
        table,
        read=read,
        accepted=read - refused - duplicate,
        quarantined=refused,
        duplicate=duplicate,
    )


def _as_stored(rows: pa.Table, stored: Mapping[str, str]) -> tuple[pa.Table, list[tuple[str, str]]]:
    """Attributes under the spelling and type the log has for them; another type gets another name."""
    spelled = {name.lower(): name for name in stored}
    renamed = []
    columns: dict[str, pa.ChunkedArray] = {}
    for name in rows.column_names:
        column = rows[name]
        known = spelled.get(name.lower())
        if known is None or name in BASE_OBJECT_COLUMNS:
            columns[name] = column
            continue
        kind = stored[known]
        found = _cast(column, kind)
        if found is not None:
            columns[known] = found
            continue
        other = f"{known}_text"
        while other.lower() in spelled and stored[spelled[other.lower()]] != "VARCHAR":
            other += "_"
        renamed.append((name, other))
        columns[spelled.get(other.lower(), other)] = _texts(column)
    return pa.table(columns), renamed


def _cast(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray | None:
    """The column as the stored type where nothing is lost by it."""
    own = column.type
    if kind == "VARCHAR":
        return column if pa.types.is_string(own) else _texts(column)
    same = {
        "BIGINT": pa.types.is_int64(own),
        "DOUBLE": pa.types.is_float64(own),
        "DATE": pa.types.is_date(own),
        "BOOLEAN": pa.types.is_boolean(own),
        "TIMESTAMP WITH TIME ZONE": pa.types.is_timestamp(own),
    }
    if same.get(kind, False):
        return column
    if kind == "DOUBLE" and pa.types.is_int64(own):
        try:
            return column.cast(pa.float64())
        except pa.ArrowInvalid:
            return None
    return None


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    values = [None if value is None else text(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(values, pa.string())])


def _refuse_other_types(connection: Connection, source: str, stored: list[str]) -> None:
    found = connection.execute(
        "SELECT i.object_id, s.object_type, i.object_type FROM incoming i JOIN (SELECT object_id, "
        f"arg_max(object_type, ingest_seq) AS object_type, arg_max(op, ingest_seq) AS op FROM {scan(stored)} "
        "GROUP BY object_id) s USING (object_id) WHERE s.op <> 'D' AND s.object_type <> i.object_type LIMIT 1"
    ).fetchone()
    if found is not None:
        raise LogError(
            f"{source} calls {found[0]!r} a {found[2]}, the log a {found[1]}; expected one type per object id; "
            "import the file into a workspace of its own, or make its ids distinct"
        )


def _quarantine(writer: Writer, source: str, table: str, refused: list[RefusedRow]) -> None:
    """Keep once which rows were refused and why; no value of theirs."""
    known: set[tuple[str, str]] = set()
    files = writer.files("quarantine")
    if files and refused:
        with engine() as connection:
            sql = f"SELECT source_key, rule FROM {scan(files)} WHERE source = $source AND stream = $stream"
            found = connection.execute(sql, {"source": source, "stream": table}).fetchall()
            known = {(str(key), str(rule)) for key, rule in found}
    now = datetime.now(UTC)
    rows = [
        {
            "source": source,
            "stream": table,
            "source_key": row.key,
            "reason": row.reason,
            "rule": row.rule,
            "raw": "",
            "first_seen": now,
            "last_seen": now,
            "batch_id": writer.number,
        }
        for row in refused
        if (row.key, row.rule) not in known
    ]
    writer.append("quarantine", pa.Table.from_pylist(rows, schema=QUARANTINE))
