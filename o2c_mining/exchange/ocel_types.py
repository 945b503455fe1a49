"""Under which names and kinds a log says its attributes in OCEL: as files said them, else as the values are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from o2c_mining.exchange.attributes import EXACT, KIND_OF, Value, midnight, of_kind, text, value_of
from o2c_mining.exchange.content import Content, attribute_columns, rows
from o2c_mining.exchange.ocel import EPOCH, MARK, PLAIN
from o2c_mining.exchange.systems import SYSTEM, said_as
from o2c_mining.log.kinds import KINDS, united
from o2c_mining.log.schema import EVENT, OBJECT

Types = Mapping[str, Mapping[str, str]]
_INFINITE, _NO_NUMBER = ("inf", "-inf"), "nan"
_LONG = "long"  # an integer that no float holds exactly
_NO_COLUMN = "\0"  # before the name of an attribute that a file declares and no object has


@dataclass(frozen=True, slots=True)
class Said:
    """How OCEL says a column of an object type."""

    name: str
    kind: str


def event_attributes(row: dict[str, Any], files: frozenset[str]) -> dict[str, str]:
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


def event_kinds(said: pa.Table) -> Types:
    """The kind that files say of attributes per activity; under no activity, of attributes of any."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for told in _said(said, EVENT):
        known = found[told["type"]]
        if told["name"]:
            known.setdefault(told["name"], told["kind"])
    return found


def event_types(content: Content) -> Types:
    """Kinds of attributes per activity: what a file says where every value is of that kind, else what all are.

    Of a whole log also what files declare and no event has.
    """
    declared = dict(event_kinds(content.attribute_types))
    of_any = declared.pop("", {})
    seen: dict[str, dict[str, set[str]]] = defaultdict(dict)
    broken: dict[tuple[str, str], set[str]] = defaultdict(set)
    told: dict[str, dict[str, str]] = {activity: dict(kinds) for activity, kinds in declared.items()}
    for row in rows(content.events):
        activity = row["activity"]
        kinds, known = told.setdefault(activity, {}), seen[activity]
        for name, value in event_attributes(row, content.files).items():
            kind = kinds.get(name)
            if kind is None and name in of_any:
                kind = kinds[name] = of_any[name]
            if kind is None:
                known.setdefault(name, set()).add(_kind(value))
            elif kind != "string" and of_kind(value, kind) is None:
                broken[activity, name].add(_kind(value))
    found: dict[str, dict[str, str]] = {}
    for activity in dict.fromkeys((*seen, *declared) if content.is_whole else seen):
        own = {name: _with_others(kind, broken.get((activity, name))) for name, kind in told[activity].items()}
        found[activity] = own | {name: _common(kinds) for name, kinds in seen[activity].items()}
    return found


def object_types(
    objects: pa.Table, attribute_types: pa.Table, files: frozenset[str], *, unused_too: bool
) -> Mapping[str, Mapping[str, Said]]:
    """Per object type how each of its columns is said: a file's name and kind where every value is of that kind.

    Columns of which no file told anything keep their name and kind. With ``unused_too`` also what files declare and no
    object has.
    """
    columns = attribute_columns(objects)
    stored = {name: _kind_of_column(objects.schema.field(name).type) for name in columns}
    declared: dict[str, dict[str, Said]] = defaultdict(dict)
    unused: dict[str, dict[str, str]] = defaultdict(dict)
    for told in _said(attribute_types, OBJECT):
        if told["attribute"] in stored:
            declared[told["type"]].setdefault(told["attribute"], Said(told["name"], told["kind"]))
        else:
            unused[told["type"]].setdefault(told["name"], told["kind"])
    used: dict[str, dict[str, None]] = defaultdict(dict)
    broken: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows(objects):
        kind = row["object_type"]
        known, own = used[kind], declared.get(kind, {})
        for name in columns:
            said = own.get(name)
            if row[name] is None or said_as(name, row[name], files) == SYSTEM:
                continue
            if said is None:
                known.setdefault(name)
            elif _of_kind(row[name], said.kind) is None:
                broken[kind, name].add(_kind(text(row[name])))
    found: dict[str, dict[str, Said]] = {}
    for kind in dict.fromkeys((*used, *declared, *unused) if unused_too else used):
        own = {
            name: Said(said.name, _with_others(said.kind, broken.get((kind, name))))
            for name, said in declared[kind].items()
        }
        own |= {name: Said(name, stored[name]) for name in used[kind]}
        found[kind] = _told_apart(own)
        names = {said.name for said in found[kind].values()}
        left = {name: of for name, of in unused[kind].items() if unused_too and name and name not in names}
        found[kind] |= {f"{_NO_COLUMN}{name}": Said(name, of) for name, of in left.items()}
    return found


def as_said(value: Value, said: Said) -> Value:
    """A value of a column as OCEL says it."""
    found = _of_kind(value, said.kind)
    return value if found is None else found


def plain_changes(
    content: Content,
    changes: Mapping[str, list[dict[str, Any]]],
    types: Mapping[str, Mapping[str, Said]],
) -> Mapping[tuple[str, str], str]:
    """Objects and fields whose changes are nothing but new values of an attribute, which OCEL can say itself.

    With the column that has the attribute's latest value.
    """
    columns = set(attribute_columns(content.objects))
    by_name = {kind: {said.name: column for column, said in own.items()} for kind, own in types.items()}
    found: dict[tuple[str, str], str] = {}
    for row in rows(content.objects):
        identity, kind = row["object_id"], row["object_type"]
        last: dict[str, Any] = {}
        other: set[str] = set()
        for change in changes.get(identity, ()):
            field = change["field"]
            column = by_name[kind].get(field)
            if column is None or column not in columns:
                other.add(field)
                continue
            chained = field not in last or last[field] == change["old_value"]
            simple = change["precision"] == "second" and change["resource"] is None and change["new_value"] is not None
            told = (value for value in (change["old_value"], change["new_value"]) if value is not None)
            fits = all(of_kind(value, types[kind][column].kind) is not None for value in told)
            if not (chained and simple and fits) or change["time"] == EPOCH:
                other.add(field)
            last[field] = change["new_value"]
        for field, value in last.items():
            column = by_name[kind][field]
            said = types[kind][column]
            if field not in other and row[column] is not None and _alike(as_said(row[column], said), value, said):
                found[identity, field] = column
    return found


def _alike(value: Value, written: str, said: Said) -> bool:
    """Whether a value is what a change says; a day is its midnight."""
    other = of_kind(written, said.kind)
    if isinstance(value, date) and isinstance(other, date):
        return midnight(value) == midnight(other)
    return text(value) == text(other)


def _said(said: pa.Table, of: str) -> Iterable[dict[str, Any]]:
    """What files say of types of events or objects."""
    return (row for row in said.to_pylist() if row["of"] == of)


def _told_apart(own: Mapping[str, Said]) -> dict[str, Said]:
    """Another name for each of two columns that are said alike: the one that bears the name keeps it."""
    taken: set[str] = set()
    found: dict[str, Said] = {}
    for column, said in sorted(own.items(), key=lambda item: item[0] != item[1].name):
        name = said.name if said.name not in taken else column
        while name in taken:
            name += "_"
        taken.add(name)
        found[column] = Said(name, said.kind)
    return {column: found[column] for column in own}


def _of_kind(value: Value, kind: str) -> Value:
    return value if KIND_OF.get(type(value)) == kind else of_kind(value, kind)


def _kind(written: str) -> str:
    """What a value is; ``inf`` and ``nan`` may be floats or words, which the others of their name tell."""
    if written in _INFINITE or written == _NO_NUMBER:
        return written.lstrip("-")
    found = value_of(written)
    is_long = isinstance(found, int) and abs(found) >= EXACT
    return _LONG if is_long else KIND_OF[type(found)]


def _common(kinds: set[str]) -> str:
    """The kind that holds values of all these."""
    if kinds <= {"integer", _LONG}:
        return "integer"
    if kinds <= {"integer", "float", "inf", _NO_NUMBER} and kinds & {"float", "inf"} and kinds != {"integer", "inf"}:
        return "float"
    return united(kinds) if kinds <= set(KINDS) else "string"


def _with_others(kind: str, others: set[str] | None) -> str:
    """A kind that files say, with those of values that are not of it."""
    return kind if others is None else _common({kind, *others})


def _kind_of_column(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "float"
    return "time" if pa.types.is_timestamp(kind) or pa.types.is_date(kind) else "string"
