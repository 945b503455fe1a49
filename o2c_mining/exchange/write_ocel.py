"""OCEL 2.0 out: as JSON, as XML, as an SQLite database."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import Value, as_time, text
from o2c_mining.exchange.ocel import EPOCH
from o2c_mining.exchange.ocel_out import OcelOut, OutEvent, OutObject
from o2c_mining.exchange.ocel_types import Types

_INFINITE = (float("inf"), float("-inf"))
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_COLUMNS = {"string": "TEXT", "integer": "INTEGER", "float": "REAL", "boolean": "BOOLEAN", "time": "TIMESTAMP"}


def write_ocel_json(path: Path, log: OcelOut) -> None:
    """The OCEL 2.0 JSON document, one event or object a line."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"objectTypes": ')
        file.write(json.dumps(_declarations(log.object_types), ensure_ascii=False))
        file.write(',\n"eventTypes": ')
        file.write(json.dumps(_declarations(log.event_types), ensure_ascii=False))
        for name, lines in (
            ("objects", (_json_object(item) for item in log.objects())),
            ("events", (_json_event(item) for item in log.events())),
        ):
            file.write(f',\n"{name}": [')
            for number, line in enumerate(lines):
                file.write(("," if number else "") + "\n" + json.dumps(line, ensure_ascii=False, allow_nan=False))
            file.write("\n]")
        file.write("}\n")


def _declarations(types: Types) -> list[dict[str, object]]:
    return [
        {"name": name, "attributes": [{"name": n, "type": kind} for n, kind in attributes.items()]}
        for name, attributes in sorted(types.items())
    ]


def _json_event(event: OutEvent) -> dict[str, object]:
    return {
        "id": event.event_id,
        "type": event.activity,
        "time": event.written,
        "attributes": [{"name": name, "value": _json(value)} for name, value in event.attributes.items()],
        "relationships": [{"objectId": o, "qualifier": qualifier} for o, qualifier in event.references],
    }


def _json_object(item: OutObject) -> dict[str, object]:
    return {
        "id": item.object_id,
        "type": item.object_type,
        "attributes": [{"name": n, "time": text(time), "value": _json(value)} for n, time, value in item.values],
        "relationships": [{"objectId": target, "qualifier": qualifier} for target, qualifier in item.relations],
    }


def _json(value: Value) -> object:
    if isinstance(value, float) and (value != value or value in _INFINITE):
        return repr(value)
    return as_time(value) if isinstance(value, date) else value


def write_ocel_xml(path: Path, log: OcelOut) -> None:
    """The OCEL 2.0 XML document."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<log>\n')
        for element, types in (("object-type", log.object_types), ("event-type", log.event_types)):
            file.write(f"<{element}s>\n")
            for name, attributes in sorted(types.items()):
                file.write(f"<{element} name={_quoted(name)}><attributes>")
                file.writelines(
                    f"<attribute name={_quoted(n)} type={_quoted(kind)}/>" for n, kind in attributes.items()
                )
                file.write(f"</attributes></{element}>\n")
            file.write(f"</{element}s>\n")
        file.write("<objects>\n")
        for item in log.objects():
            file.write(f"<object id={_quoted(item.object_id)} type={_quoted(item.object_type)}><attributes>")
            file.writelines(
                f"<attribute name={_quoted(name)} time={_quoted(text(time))}>{_content(value)}</attribute>"
                for name, time, value in item.values
            )
            file.write(f"</attributes>{_relationships(item.relations)}</object>\n")
        file.write("</objects>\n<events>\n")
        for event in log.events():
            file.write(
                f"<event id={_quoted(event.event_id)} type={_quoted(event.activity)} time={_quoted(event.written)}>"
                f"{_relationships(event.references)}<attributes>"
            )
            file.writelines(
                f"<attribute name={_quoted(name)}>{_content(value)}</attribute>"
                for name, value in event.attributes.items()
            )
            file.write("</attributes></event>\n")
        file.write("</events>\n</log>\n")


def _relationships(related: Iterable[tuple[str, str]]) -> str:
    parts = [f"<relationship object-id={_quoted(o)} qualifier={_quoted(qualifier)}/>" for o, qualifier in related]
    return f"<objects>{''.join(parts)}</objects>" if parts else ""


def _quoted(value: str) -> str:
    return quoteattr(sayable(value), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _content(value: Value) -> str:
    written = as_time(value) if isinstance(value, date) else text(value)
    return escape(sayable(written), {"\r": "&#13;"})


def sayable(value: str) -> str:
    """The text, or a refusal where XML has no way to write it."""
    if _FORBIDDEN.search(value):
        raise LogError(
            f"{value[:60]!r} holds a character that XML cannot say; expected printable text; export as ocel-json or "
            "ocel-sqlite"
        )
    return value


def write_ocel_sqlite(path: Path, log: OcelOut) -> None:
    """The OCEL 2.0 database."""
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA synchronous = OFF")  # the file is moved into place when it is whole
            database.executescript(
                "CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);"
                "CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);"
                "CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);"
                "CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);"
                "CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);"
                "CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT);"
            )
            event_tables = _type_tables(
                database, "event", log.event_types, ("ocel_id TEXT PRIMARY KEY", "ocel_time TIMESTAMP")
            )
            object_tables = _type_tables(
                database, "object", log.object_types, ("ocel_id TEXT", "ocel_time TIMESTAMP", "ocel_changed_field TEXT")
            )
            for item in log.objects():
                _insert_object(database, object_tables[item.object_type], log.object_types[item.object_type], item)
            for event in log.events():
                names = log.event_types[event.activity]
                row = [event.event_id, event.written, *(_stored(event.attributes.get(name)) for name in names)]
                database.execute("INSERT INTO event VALUES (?, ?)", (event.event_id, event.activity))
                database.execute(f"INSERT INTO {event_tables[event.activity]} VALUES ({_marks(row)})", row)
                database.executemany(
                    "INSERT INTO event_object VALUES (?, ?, ?)",
                    [(event.event_id, *known) for known in event.references],
                )
            database.commit()
    except sqlite3.Error as error:
        raise LogError(
            f"the log cannot be written as SQLite ({error}); expected attribute names that differ by more than case, "
            "at most 2,000 per type; export as ocel-json"
        ) from error


def _type_tables(database: sqlite3.Connection, kind: str, types: Types, columns: tuple[str, ...]) -> dict[str, str]:
    tables: dict[str, str] = {}
    used = {"object", "map_type"}
    for name, attributes in sorted(types.items()):
        base = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9_]+", name)) or "Type"
        free, number = base, 2
        while free.lower() in used:
            free, number = f"{base}_{number}", number + 1
        used.add(free.lower())
        database.execute(f"INSERT INTO {kind}_map_type VALUES (?, ?)", (name, free))
        tables[name] = f'"{kind}_{free}"'
        typed = [f"{_identifier(n)} {_COLUMNS[k]}" for n, k in attributes.items()]
        database.execute(f"CREATE TABLE {tables[name]} ({', '.join([*columns, *typed])})")
    return tables


def _insert_object(database: sqlite3.Connection, table: str, names: Iterable[str], item: OutObject) -> None:
    first = {name: value for name, time, value in item.values if time == EPOCH}
    row = [item.object_id, "1970-01-01T00:00:00Z", None, *(_stored(first.get(name)) for name in names)]
    database.execute("INSERT INTO object VALUES (?, ?)", (item.object_id, item.object_type))
    database.execute(f"INSERT INTO {table} VALUES ({_marks(row)})", row)
    for field, time, value in item.values:
        if time != EPOCH:
            row = [item.object_id, text(time), field, *(_stored(value) if name == field else None for name in names)]
            database.execute(f"INSERT INTO {table} VALUES ({_marks(row)})", row)
    database.executemany(
        "INSERT INTO object_object VALUES (?, ?, ?)", [(item.object_id, *related) for related in item.relations]
    )


def _stored(value: Value) -> str | int | float | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, date):
        return as_time(value)
    if isinstance(value, float) and value != value:
        return "nan"
    return value


def _marks(row: Sequence[object]) -> str:
    return ", ".join("?" * len(row))


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
