"""A log as OCEL 2.0 sees it: typed attributes per event and object type, values with times, qualified relations."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa

from o2c_mining.exchange.attributes import Value, of_kind
from o2c_mining.exchange.content import Content, rows
from o2c_mining.exchange.moments import text_of
from o2c_mining.exchange.ocel import CHANGE, EPOCH, RELATION_FIELDS, RELATIONS
from o2c_mining.exchange.ocel_types import (
    Said,
    Types,
    as_said,
    event_attributes,
    event_types,
    object_types,
    plain_changes,
)
from o2c_mining.exchange.systems import SYSTEM, said_as


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
    _plain_changes: Mapping[tuple[str, str], str]
    _said: Mapping[str, Mapping[str, Said]]

    def events(self) -> Iterator[OutEvent]:
        """Events in their total order."""
        for row in rows(self._content.events):
            kinds = self.event_types[row["activity"]]
            attributes = {
                name: of_kind(value, kinds[name]) for name, value in event_attributes(row, self._content.files).items()
            }
            written = text_of(row["time"], row["offset_minutes"])
            known = self._references.get(row["event_id"], [])
            yield OutEvent(row["event_id"], row["activity"], row["time"], written, attributes, known)

    def objects(self) -> Iterator[OutObject]:
        """Objects by type and id."""
        for row in rows(self._content.objects):
            identity, kind = row["object_id"], row["object_type"]
            changes = self._changes.get(identity, [])
            changed = {self._plain_changes.get((identity, change["field"])) for change in changes}
            values: list[tuple[str, datetime, Value]] = []
            if row.get("system") is not None and said_as("system", row["system"], self._content.files) == SYSTEM:
                values.append((SYSTEM, EPOCH, row["system"]))
                changed.add("system")
            values += [
                (said.name, EPOCH, as_said(row[column], said))
                for column, said in self._said[kind].items()
                if row.get(column) is not None and column not in changed
            ]
            first: set[str] = set()
            for change in changes:
                field = change["field"]
                column = self._plain_changes.get((identity, field))
                if column is None:
                    names = {"old": "old_value", "new": "new_value", "precision": "precision", "resource": "resource"}
                    told = {key: change[name] for key, name in names.items() if change[name] is not None}
                    values.append((CHANGE + field, change["time"], json.dumps(told, ensure_ascii=False)))
                    continue
                said = self._said[kind][column]
                if field not in first and change["old_value"] is not None:
                    values.append((field, EPOCH, as_said(change["old_value"], said)))
                first.add(field)
                values.append((field, change["time"], as_said(change["new_value"], said)))
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
    said = object_types(content.objects, content.attribute_types, content.files, unused_too=content.is_whole)
    plain = plain_changes(content, changes, said)
    return OcelOut(
        event_types(content),
        _with_ours(content, relations, changes, plain, said),
        content,
        references,
        relations,
        changes,
        plain,
        said,
    )


def _grouped(table: pa.Table, key: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows(table):
        found[row[key]].append(row)
    return found


def _with_ours(
    content: Content,
    relations: Mapping[str, list[dict[str, Any]]],
    changes: Mapping[str, list[dict[str, Any]]],
    plain: Mapping[tuple[str, str], str],
    said: Mapping[str, Mapping[str, Said]],
) -> Types:
    """Attributes per object type with their kinds, and those in which travels what OCEL has no place for."""
    kinds = {kind: {of.name: of.kind for of in own.values()} for kind, own in said.items()}
    for row in rows(content.objects):
        known = kinds[row["object_type"]]
        if row.get("system") is not None and said_as("system", row["system"], content.files) == SYSTEM:
            known.setdefault(SYSTEM, "string")
        for change in changes.get(row["object_id"], ()):
            if (row["object_id"], change["field"]) not in plain:
                known.setdefault(CHANGE + change["field"], "string")
        if any(r[name] is not None for r in relations.get(row["object_id"], ()) for name in RELATION_FIELDS):
            known.setdefault(RELATIONS, "string")
    return kinds
