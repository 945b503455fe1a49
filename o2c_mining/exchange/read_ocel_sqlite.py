"""OCEL 2.0 as an SQLite database, read without trusting its schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import Value, declared
from o2c_mining.exchange.collect import RelationRow, Report
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.limits import MEGABYTE, check_file
from o2c_mining.exchange.ocel import OcelCollector
from o2c_mining.log.schema import EVENT, OBJECT

Tables = dict[str, list[tuple[str, str]]]  # per table its columns with their declared types
_NEEDED = ("event", "object", "event_object", "event_map_type", "object_map_type")
_KNOWN = ("ocel_id", "ocel_time", "ocel_changed_field")
_LONGEST_VALUE = 16 * MEGABYTE


def read_ocel_sqlite(
    path: Path, limits: Limits, *, report: Report | None = None, spill: Path | None = None
) -> ImportedLog:
    """The log of an OCEL 2.0 database.

    Raises
    ------
    LogError
        If a table is missing, is a view or virtual, or SQL counts other numbers of rows than were read.
    """
    check_file(path, limits)
    log = OcelCollector(path.name, limits, report, spill)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            _harden(database)
            _check_pages(path, database)
            tables = _tables(path, database)
            for name in _NEEDED:
                if name not in tables:
                    raise LogError(
                        f"{path.name} has no table {name}; expected the tables of OCEL 2.0; check what made the file"
                    )
            counted = _counts(database, tables)
            for of in (OBJECT, EVENT):
                for type_, mapped in _maps(database, of).items():
                    columns = tables.get(f"{of}_{mapped}", [])
                    log.declare(of, type_, {name: _kind(kind) for name, kind in columns if name not in _KNOWN})
            _objects(database, tables, log)
            _events(path, database, tables, log)
            for event_id, object_id, qualifier in database.execute(
                "SELECT ocel_event_id, ocel_object_id, ocel_qualifier FROM event_object"
            ):
                log.reference(_text(event_id) or "", _text(object_id) or "", _text(qualifier))
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise LogError(
            f"{path.name} is no readable OCEL database ({error}); expected SQLite with OCEL 2.0 tables; export it again"
        ) from error
    imported = log.finish()
    account_for(imported, counted, by="SQL")
    return imported


def _harden(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    database.execute("PRAGMA query_only = ON")
    database.execute("PRAGMA ignore_check_constraints = ON")  # they could compute anything
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)


def _check_pages(path: Path, database: sqlite3.Connection) -> None:
    """Refuse pages that are part of two tables or of themselves: a few of them would make rows without end."""
    try:
        (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except MemoryError:  # what SQLite says of a page that claims to hold more than it may have
        said = "it claims to hold more than there is memory for"
    if said != "ok":
        raise LogError(f"{path.name} is a damaged database ({str(said)[:200]}); expected a whole one; copy it again")


def _tables(path: Path, database: sqlite3.Connection) -> Tables:
    """Columns with their declared types of every table; views and virtual tables could compute anything."""
    tables = {}
    for row in database.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
        kind, name, sql = (_text(value) or "" for value in row)
        if kind != "table" or sql.lstrip().upper().startswith("CREATE VIRTUAL"):
            if kind in ("table", "view") and name.startswith(("event", "object")):
                raise LogError(f"{path.name}: {name} is a view or virtual table; expected plain tables; copy them")
            continue
        columns = database.execute(f"PRAGMA table_xinfo({_quoted(name)})").fetchall()
        if any(hidden for *_, hidden in columns):
            raise LogError(f"{path.name}: table {name} computes columns; expected plain columns; copy the table")
        tables[name] = [(str(column), str(kind).upper()) for _, column, kind, *_ in columns]
    return tables


def _counts(database: sqlite3.Connection, tables: Tables) -> dict[str, int]:
    def count(sql: str) -> int:
        return int(database.execute(sql).fetchone()[0])

    counted = {
        "events": count("SELECT count(*) FROM event"),
        "objects": count("SELECT count(*) FROM object"),
        "e2o": count("SELECT count(*) FROM event_object"),
    }
    if "object_object" in tables:
        counted["o2o"] = count("SELECT count(*) FROM object_object")
    return counted


def _events(path: Path, database: sqlite3.Connection, tables: Tables, log: OcelCollector) -> None:
    maps = _maps(database, "event")
    positions: dict[str, int] = {}
    of_kind: dict[str, set[str]] = {}
    for number, (written, kind) in enumerate(database.execute("SELECT ocel_id, ocel_type FROM event")):
        identity = _text(written) or ""
        positions[identity] = number
        of_kind.setdefault(_text(kind) or "", set()).add(identity)
    for kind, wanted in of_kind.items():
        table = f"event_{maps.get(kind, kind)}"
        columns = tables.get(table)
        for row in _rows(database, table, columns or []):
            identity = _text(row.pop("ocel_id", None)) or ""
            if identity not in wanted:
                raise LogError(
                    f"{path.name}: table {table} holds event {identity!r}, table event has none of that id and type; "
                    "expected the same events in both; mend the database"
                )
            written = _text(row.pop("ocel_time", None)) or ""
            log.event(identity, kind, written, row, (), position=positions[identity])
            wanted.discard(identity)
        for identity in sorted(wanted):
            log.event(identity, kind, "", {}, (), position=positions[identity])
    known = {"event_object", "event_map_type", *(f"event_{kind}" for kind in (*maps.values(), *of_kind))}
    for table in tables:
        if table.startswith("event_") and table not in known:
            rows = database.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0]
            if rows:
                log.note(f"table {table} belongs to no event type; its {rows:,} rows were left out")


def _objects(database: sqlite3.Connection, tables: Tables, log: OcelCollector) -> None:
    maps = _maps(database, "object")
    values: dict[str, list[tuple[str, str | None, Value]]] = {}
    objects = [
        (_text(i) or "", _text(kind) or "") for i, kind in database.execute("SELECT ocel_id, ocel_type FROM object")
    ]
    for table in dict.fromkeys(f"object_{maps.get(kind, kind)}" for _, kind in objects):
        for row in _rows(database, table, tables.get(table, [])):
            identity = _text(row.pop("ocel_id", None)) or ""
            written = _text(row.pop("ocel_time", None))
            changed = _text(row.pop("ocel_changed_field", None))
            known = values.setdefault(identity, [])
            if changed is None:
                known.extend((name, None, value) for name, value in row.items() if value is not None)
            else:
                known.append((changed, written, row.get(changed)))
    relations: dict[str, list[tuple[str | None, str | None]]] = {}
    if "object_object" in tables:
        for source, target, qualifier in database.execute(
            "SELECT ocel_source_id, ocel_target_id, ocel_qualifier FROM object_object"
        ):
            relations.setdefault(_text(source) or "", []).append((_text(target), _text(qualifier)))
    for identity, kind in objects:
        log.object(identity, kind, values.get(identity, ()), relations.pop(identity, ()))
    for source, related in relations.items():  # of objects the file does not declare
        for target, qualifier in related:
            if source.strip() and target is not None and target.strip():
                log.add_relation(RelationRow(source, target, qualifier or ""))
            else:
                log.refuse_relation(source)


def _maps(database: sqlite3.Connection, what: str) -> dict[str, str]:
    """How the table of each type is called after ``event_`` or ``object_``."""
    rows = database.execute(f"SELECT ocel_type, ocel_type_map FROM {what}_map_type").fetchall()
    return {_text(kind) or "": _text(name) or "" for kind, name in rows}


def _rows(database: sqlite3.Connection, table: str, columns: Sequence[tuple[str, str]]) -> Iterator[dict[str, Value]]:
    if not columns:
        return
    names = ", ".join(_quoted(name) for name, _ in columns)
    kinds = [_kind(kind) if name not in _KNOWN else "" for name, kind in columns]
    for row in database.execute(f"SELECT {names} FROM {_quoted(table)}"):
        yield {
            name: declared(_plain(value), kind) if kind else _plain(value)
            for (name, _), kind, value in zip(columns, kinds, row, strict=True)
        }


def _kind(declaration: str) -> str:
    for mark, kind in (
        ("INT", "integer"),
        ("REAL", "float"),
        ("FLOA", "float"),
        ("DOUB", "float"),
        ("BOOL", "boolean"),
    ):
        if mark in declaration:
            return kind
    return "time" if "TIME" in declaration or "DATE" in declaration else "string"


def _plain(value: Value | bytes) -> Value:
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _text(value: object) -> str | None:
    """An id as text, whatever type the database gave it: 7, 7.0 and '7' are the same id."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
