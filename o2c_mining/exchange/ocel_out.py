"""A log as OCEL 2.0 sees it: typed attributes per event and object type, values with times, qualified relations."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa

from o2c_mining.exchange.attributes import Value, text, value_of
from o2c_mining.exchange.content import Content, attribute_columns, rows
from o2c_mining.exchange.moments import text_of
from o2c_mining.exchange.ocel import CHANGE, EPOCH, MARK, PLAIN, RELATION_FIELDS, RELATIONS
from o2c_mining.exchange.systems import said_as

Types = Mapping[str, Mapping[str, str]]
_INFINITE, _NO_NUMBER = ("inf", "-inf"), "nan"
_KINDS = {bool: "boolean", int: "integer", float: "float", datetime: "time", str: "string"}


class OutEvent(NamedTuple):
    """An event as it is written."""

    event_id: str
    activity: str
    time: datetime
    written: str
    attributes: dict[str, Value]
    references: list[tuple[str, str]]


class OutObject(NamedTuple):
    """An object as it is written: values with their times, the first ones at the epoch."""

    object_id: str
    object_type: str
    values: list[tuple[str, datetime, Value]]
    relations: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class OcelOut:
    """A log ready to be written."""

    event_types: Types
    object_types: Types
    _content: Content
    _references: Mapping[str, list[tuple[str, str]]]
    _relations: Mapping[str, list[dict[str, Any]]]
    _changes: Mapping[str, list[dict[str, Any]]]
    _plain_changes: frozenset[tuple[str, str]]
    _files: frozenset[str]

    def events(self) -> Iterator[OutEvent]:
        """Events in their total order."""
        for row in rows(self._content.events):
            kinds = self.event_types[row["activity"]]
            attributes: dict[str, Value] = {
                name: value_of(value) if kinds[name] != "string" else value
                for name, value in _event_attributes(row, self._files).items()
            }
            written = text_of(row["time"], row["offset_minutes"])
            known = self._references.get(row["event_id"], [])
            yield OutEvent(row["event_id"], row["activity"], row["time"], written, attributes, known)

    def objects(self) -> Iterator[OutObject]:
        """Objects by type and id."""
        columns = attribute_columns(self._content.objects)
        for row in rows(self._content.objects):
            identity, kind = row["object_id"], row["object_type"]
            changes = self._changes.get(identity, [])
            values: list[tuple[str, datetime, Value]] = []
            changed = {c["field"] for c in changes if (kind, c["field"]) in self._plain_changes}
            values += [
                (said_as(name, row[name], self._files), EPOCH, row[name])
                for name in columns
                if row[name] is not None and name not in changed
            ]
            first: set[str] = set()
            for change in changes:
                field = change["field"]
                if (kind, field) not in self._plain_changes:
                    names = {"old": "old_value", "new": "new_value", "precision": "precision", "resource": "resource"}
                    said = {key: change[name] for key, name in names.items() if change[name] is not None}
                    values.append((CHANGE + field, change["time"], json.dumps(said, ensure_ascii=False)))
                    continue
                declared = self.object_types[kind][field]
                if field not in first and change["old_value"] is not None:
                    values.append((field, EPOCH, _typed(change["old_value"], declared)))
                first.add(field)
                values.append((field, change["time"], _typed(change["new_value"], declared)))
            related = self._relations.get(identity, [])
            details = [
                {"target": r["target_id"], "qualifier": r["qualifier"], **extra}
                for r in related
                if (extra := {name: r[name] for name in RELATION_FIELDS if r[name] is not None})
            ]
            if details:
                values.append((RELATIONS, EPOCH, json.dumps(details, ensure_ascii=False)))
            yield OutObject(identity, kind, values, [(r["target_id"], r["qualifier"] or "") for r in related])


def ocel_out(content: Content) -> OcelOut:
    """Decide types and gather what belongs to each event and object."""
    references: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows(content.e2o):
        references[row["event_id"]].append((row["object_id"], row["qualifier"] or ""))
    relations = _grouped(content.o2o, "source_id")
    changes = _grouped(content.object_changes, "object_id")
    plain = _plain_changes(content, changes)
    files = content.files
    return OcelOut(
        _event_types(content.events, files),
        _object_types(content, relations, changes, plain, files),
        content,
        references,
        relations,
        changes,
        plain,
        files,
    )


def _grouped(table: pa.Table, key: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows(table):
        found[row[key]].append(row)
    return found


def _event_attributes(row: dict[str, Any], files: frozenset[str]) -> dict[str, str]:
    """An event's attributes as text, with the columns that travel as attributes."""
    found = dict(row["attributes"] or ())
    for name in PLAIN:
        value = row[name]
        if value is not None and not (name == "resource_kind" and value == "unknown"):
            found[said_as(name, value, files)] = value
    marked = {
        "start_time": None if row["start_time"] is None else text(row["start_time"]),
        "precision": None if row["precision"] in (None, "second") else row["precision"],
        "source_seq": None if row["source_seq"] is None else str(row["source_seq"]),
        "source_table": row["source_table"],
        "source_key": row["source_key"],
        "old_value": row["old_value"],
        "new_value": row["new_value"],
    }
    found.update({MARK + name: value for name, value in marked.items() if value is not None})
    return found


def _event_types(events: pa.Table, files: frozenset[str]) -> Types:
    found: dict[str, dict[str, set[str]]] = defaultdict(dict)
    for row in rows(events):
        known = found[row["activity"]]
        for name, value in _event_attributes(row, files).items():
            known.setdefault(name, set()).add(_kind(value))
    return {
        activity: {name: _common(kinds) for name, kinds in attributes.items()} for activity, attributes in found.items()
    }


def _kind(written: str) -> str:
    """What a value is; ``inf`` and ``nan`` may be floats or words, which the others of their name tell."""
    if written in _INFINITE or written == _NO_NUMBER:
        return written.lstrip("-")
    return _KINDS[type(value_of(written))]


def _common(kinds: set[str]) -> str:
    if kinds <= {"float", "inf", _NO_NUMBER} and kinds != {_NO_NUMBER}:
        return "float"
    return next(iter(kinds)) if len(kinds) == 1 and kinds <= set(_KINDS.values()) else "string"


def _object_types(
    content: Content,
    relations: Mapping[str, list[dict[str, Any]]],
    changes: Mapping[str, list[dict[str, Any]]],
    plain: frozenset[tuple[str, str]],
    files: frozenset[str],
) -> Types:
    columns = attribute_columns(content.objects)
    declared = {name: _declared(content.objects.schema.field(name).type) for name in columns}
    kinds: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows(content.objects):
        known = kinds[row["object_type"]]
        for name in columns:
            if row[name] is not None:
                known.setdefault(said_as(name, row[name], files), declared[name])
        for change in changes.get(row["object_id"], ()):
            field = change["field"]
            if (row["object_type"], field) in plain:
                known.setdefault(field, declared[field])
            else:
                known.setdefault(CHANGE + field, "string")
        if any(r[name] is not None for r in relations.get(row["object_id"], ()) for name in RELATION_FIELDS):
            known.setdefault(RELATIONS, "string")
    return kinds


def _declared(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "float"
    return "time" if pa.types.is_timestamp(kind) or pa.types.is_date(kind) else "string"


def _plain_changes(content: Content, changes: Mapping[str, list[dict[str, Any]]]) -> frozenset[tuple[str, str]]:
    """Types and fields whose changes are nothing but new values of an attribute, which OCEL can say itself."""
    columns = set(attribute_columns(content.objects))
    seen: set[tuple[str, str]] = set()
    other: set[tuple[str, str]] = set()
    for row in rows(content.objects):
        last: dict[str, Any] = {}
        for change in changes.get(row["object_id"], ()):
            field = change["field"]
            key = (row["object_type"], field)
            seen.add(key)
            chained = field not in last or last[field] == change["old_value"]
            simple = change["precision"] == "second" and change["resource"] is None and change["new_value"] is not None
            if field not in columns or not chained or not simple or change["time"] <= EPOCH:
                other.add(key)
            last[field] = change["new_value"]
        for field, value in last.items():
            if field in columns and (row[field] is None or text(row[field]) != value):
                other.add((row["object_type"], field))
    return frozenset(seen - other)


def _typed(written: str | None, kind: str) -> Value:
    if written is None or kind == "string":
        return written
    found = value_of(written)
    return float(found) if kind == "float" and isinstance(found, int) and not isinstance(found, bool) else found
