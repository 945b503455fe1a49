"""OCEL 2.0 and OCEL 1.0 as JSON."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import Value, declared, nested
from o2c_mining.exchange.collect import ChangeRow, Report
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.json_stream import items
from o2c_mining.exchange.limits import blocks
from o2c_mining.exchange.moments import moment
from o2c_mining.exchange.ocel import OcelCollector
from o2c_mining.log.schema import EVENT, OBJECT

_FIRST = frozenset({"ocel:events", "ocel:objects"})
_MARGIN = 256
_KEYS = re.compile(rb'"(id|objectId|ocel:omap|ocel:ovmap)"\s*:')
_OMAP = re.compile(rb'"ocel:omap"\s*:\s*\[((?:\s*+"(?:[^"\\]|\\.)*+"\s*+,?+)*+)\s*+\]')
_MARKS = (b'"ocel:omap"', b'"id"', b'"objectId"')
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"')

Types = dict[tuple[str, str], dict[str, str]]
_OF = {"events": EVENT, "eventTypes": EVENT, "objects": OBJECT, "objectTypes": OBJECT}


def read_ocel_json(
    path: Path, limits: Limits, *, report: Report | None = None, spill: Path | None = None
) -> ImportedLog:
    """The log of an OCEL file in JSON, version 2.0 or 1.0.

    Raises
    ------
    LogError
        If the file is damaged, or its bytes hold other numbers of events, objects or references than were read.
    """
    log = OcelCollector(path.name, limits, report, spill)
    first = _walk(path, limits, log)
    imported = log.finish()
    counted = _counts(path, limits)
    if first:
        expected = {"events": counted["ocel:omap"], "objects": counted["ocel:ovmap"]}
        if not counted["typed"]:
            expected["e2o"] = counted["references"]
    else:
        expected = {"events+objects": counted["id"], "e2o+o2o": counted["objectId"]}
    account_for(imported, expected, by="a scan of the bytes")
    return imported


def _walk(path: Path, limits: Limits, log: OcelCollector) -> bool:
    """Collect everything; true for OCEL 1.0."""
    types: Types = {}
    seen_types = False
    first = None
    for key, item in items(path, limits, _FIRST):
        if key in ("objectTypes", "eventTypes"):
            seen_types = True
            types.update(_declaration(key, item))
        elif key in ("events", "objects"):
            first = False
            if not seen_types:  # they may stand behind what they declare
                types, seen_types = _declarations(path, limits), True
            _second(log, key, item, types)
        elif key in _FIRST:
            first = True
            if not isinstance(item, tuple):
                raise LogError(f"{path.name}: {key} is no object of objects; expected one per id; export it again")
            _first(log, key, *item)
        elif key == "ocel:objectChanges":
            _first_change(log, item)
    for (of, type_), attributes in types.items():
        log.declare(of, type_, attributes)
    if first is None:
        raise LogError(f"{path.name} holds no events; expected OCEL as JSON; check that it is an event log")
    return first


def _declarations(path: Path, limits: Limits) -> Types:
    types: Types = {}
    for key, item in items(path, limits):
        if key in ("objectTypes", "eventTypes"):
            types.update(_declaration(key, item))
    return types


def _declaration(key: str, item: Any) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
    if isinstance(item, dict) and isinstance(item.get("name"), str):
        attributes = {
            a["name"]: str(a.get("type"))
            for a in _list(item, "attributes")
            if isinstance(a, dict) and isinstance(a.get("name"), str)
        }
        yield (_OF[key], item["name"]), attributes


def _second(log: OcelCollector, key: str, item: Any, types: Types) -> None:
    if not isinstance(item, dict):
        raise LogError(
            f"{log.source}: {key} holds {str(item)[:40]!r}; expected an object with id and type; mend the file"
        )
    kind = str(item.get("type") or "")
    kinds = types.get((_OF[key], kind), {})
    attributes: list[tuple[str, str | None, Value]] = [
        (str(a.get("name")), _text(a.get("time")), declared(a.get("value"), kinds.get(str(a.get("name")), "string")))
        for a in _list(item, "attributes")
        if isinstance(a, dict)
    ]
    related = [
        (_text(r.get("objectId")), _text(r.get("qualifier")))
        for r in _list(item, "relationships")
        if isinstance(r, dict)
    ]
    identity = _text(item.get("id")) or ""
    if key == "events":
        values = log.single((name, value) for name, _, value in attributes)
        log.event(identity, kind, _text(item.get("time")) or "", values, related)
    else:
        log.object(identity, kind, attributes, related)


def _first(log: OcelCollector, key: str, identity: str, item: Any) -> None:
    if not isinstance(item, dict):
        raise LogError(f"{log.source}: {identity!r} is {str(item)[:40]!r}; expected an event or object; mend the file")
    if key == "ocel:events":
        references = _references(item)
        values = {str(name): _plain(value) for name, value in _object(item, "ocel:vmap").items()}
        written = _text(item.get("ocel:timestamp")) or ""
        log.event(identity, _text(item.get("ocel:activity")) or "", written, values, references)
    else:
        history = [(str(name), None, _plain(value)) for name, value in _object(item, "ocel:ovmap").items()]
        relations = [
            (_text(r.get("ocel:oid")), _text(r.get("ocel:qualifier")))
            for r in _list(item, "ocel:o2o")
            if isinstance(r, dict)
        ]
        log.object(identity, _text(item.get("ocel:type")) or "", history, relations)


def _references(item: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    """What an event refers to: an object a second time with its second qualifier, or as a duplicate of the last one."""
    qualifiers: dict[str | None, deque[str | None]] = {}
    for row in _list(item, "ocel:typedOmap"):
        if isinstance(row, dict):
            qualifiers.setdefault(_text(row.get("ocel:oid")), deque()).append(_text(row.get("ocel:qualifier")))
    found: list[tuple[str | None, str | None]] = []
    last: dict[str | None, str | None] = {}
    for member in (_text(member) for member in _list(item, "ocel:omap")):
        if more := qualifiers.get(member):
            last[member] = more.popleft()
        found.append((member, last.get(member, "")))
    return found + [(member, qualifier) for member, rest in qualifiers.items() for qualifier in rest]


def _first_change(log: OcelCollector, item: Any) -> None:
    """Changes as pm4py adds them to version 1.0."""
    if not isinstance(item, dict):
        return
    field = str(item.get("ocel:field"))
    found = moment(_text(item.get("ocel:timestamp")) or "")
    if found is None or not item.get("ocel:oid"):
        log.refuse("object_changes", f"{item.get('ocel:oid')} {field}", "missing time", "a change has no time")
        return
    log.add_change(ChangeRow(str(item["ocel:oid"]), field, found.time, found.precision, None, _text(item.get(field))))


def _list(item: dict[str, Any], key: str) -> list[Any]:
    value = item.get(key)
    if value is None or isinstance(value, list):
        return value or []
    raise LogError(
        f"{key} is {str(value)[:40]!r}; expected a list of what belongs to one event or object; mend the file"
    )


def _object(item: dict[str, Any], key: str) -> dict[str, Any]:
    value = item.get(key)
    if value is None or isinstance(value, dict):
        return value or {}
    raise LogError(f"{key} is {str(value)[:40]!r}; expected an object of names and values; mend the file")


def _plain(value: Any) -> Value:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return nested(value)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _counts(path: Path, limits: Limits) -> Counter[str]:
    """Keys and references by a scan of the bytes, which knows nothing of the JSON around them."""
    counts: Counter[str] = Counter()
    rest = b""
    pending = blocks(path, limits)
    block = next(pending, b"")
    while block:
        following = next(pending, b"")
        data = rest + block
        # Cut where no key and no list of references is cut in two.
        cut = (
            len(data)
            if not following
            else max(data.rfind(b'"ocel:omap"'), data.rfind(b'"id"'), data.rfind(b'"objectId"'))
        )
        if cut <= 0:
            cut = max(len(data) - _MARGIN, 0) if len(data) > 64 * 1024 * 1024 else 0
        head, rest = data[:cut], data[cut:]
        for found in _KEYS.finditer(head):
            counts[found.group(1).decode()] += 1
        counts["typed"] += head.count(b'"ocel:typedOmap"')
        for found in _OMAP.finditer(head):
            counts["references"] += len(_STRING.findall(found.group(1)))
        block = following
    return counts
