"""One lens as a table or as XES: cases and their events in order."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pyarrow as pa
import pyarrow.parquet as pq

from o2c_mining.exchange.attributes import Value, declared, midnight, text, value_of
from o2c_mining.exchange.cells import safe_cell
from o2c_mining.exchange.content import Flat, attribute_columns, rows
from o2c_mining.exchange.moments import text_of
from o2c_mining.exchange.ocel_types import Said, Types, as_said, event_kinds, object_types
from o2c_mining.exchange.systems import SYSTEM, said_as
from o2c_mining.exchange.write_ocel import sayable

_COLUMNS = ("case_id", "activity", "time", "start_time", "resource", "team", "system", "event_id")
_EXTENSIONS = (
    ("Concept", "concept"),
    ("Time", "time"),
    ("Organizational", "org"),
    ("Lifecycle", "lifecycle"),
)
_TAGS = {bool: "boolean", int: "int", float: "float", date: "date", datetime: "date", str: "string"}


def write_csv(path: Path, flat: Flat) -> None:
    """One row per case and event; event attributes and ``case:`` attributes follow. No cell starts a formula."""
    names = _event_attributes(flat)
    own = attribute_columns(flat.cases)
    cases = {row["object_id"]: row for row in rows(flat.cases)}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        head = _headed((*_COLUMNS, *names, *(f"case:{name}" for name in own)))
        writer.writerow([safe_cell(name) for name in head])
        for row in rows(flat.events):
            extra = dict(row["attributes"] or ())
            case = cases.get(row["case_id"], {})
            started = row["start_time"]
            cells = [
                safe_cell(row["case_id"]),
                safe_cell(row["activity"]),
                text_of(row["time"], row["offset_minutes"]),
                "" if started is None else text_of(started, row["offset_minutes"]),
                *(safe_cell(row[name] or "") for name in _COLUMNS[4:]),
                *(safe_cell(extra.get(name, "")) for name in names),
                *(_cell(case.get(name)) for name in own),
            ]
            writer.writerow(cells)


def write_parquet(path: Path, flat: Flat) -> None:
    """The same rows as one Parquet file, attributes as columns of text, case attributes typed."""
    events = flat.events
    columns: dict[str, Any] = {name: events[name] for name in _COLUMNS}
    names, own = _event_attributes(flat), attribute_columns(flat.cases)
    heads = iter(_headed((*_COLUMNS, *names, *(f"case:{name}" for name in own)))[len(_COLUMNS) :])
    for name, head in zip(names, heads, strict=False):
        values = [dict(row["attributes"] or ()).get(name) for row in rows(events.select(["attributes"]))]
        columns[head] = pa.array(values, pa.string())
    place = {case: number for number, case in enumerate(flat.cases["object_id"].to_pylist())}
    indices = pa.array([place.get(case) for case in events["case_id"].to_pylist()], pa.int64())
    for name, head in zip(own, heads, strict=True):
        columns[head] = flat.cases[name].take(indices)
    pq.write_table(pa.table(columns), path)


def write_xes(path: Path, flat: Flat) -> None:
    """IEEE 1849 XES: a trace per case, a start and a complete event where a start is known."""
    cases = {row["object_id"]: row for row in rows(flat.cases)}
    own = attribute_columns(flat.cases)
    files = flat.files
    types = object_types(flat.cases, flat.attribute_types, files, unused_too=False)
    kinds = event_kinds(flat.attribute_types)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write('<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">\n')
        for name, prefix in _EXTENSIONS:
            uri = f"http://www.xes-standard.org/{prefix}.xesext"
            file.write(f"<extension name={quoteattr(name)} prefix={quoteattr(prefix)} uri={quoteattr(uri)}/>\n")
        file.write(
            '<global scope="trace"><string key="concept:name" value=""/></global>\n<global scope="event">'
            '<string key="concept:name" value=""/><date key="time:timestamp" value="1970-01-01T00:00:00Z"/></global>\n'
            '<classifier name="Activity" keys="concept:name"/>\n'
        )
        current = None
        for row in rows(flat.events):
            if row["case_id"] != current:
                file.write("</trace>\n" if current is not None else "")
                current = row["case_id"]
                case = cases.get(current, {})
                values = {name: case.get(name) for name in own if name != "number" or case.get(name) != current}
                said = types.get(case.get("object_type", ""), {})
                file.write(f"<trace>{_attribute('concept:name', current)}")
                file.writelines(_case_attribute(name, value, said, files) for name, value in values.items())
                file.write("\n")
            file.writelines(_xes_events(row, kinds, files))
        file.write(("</trace>\n" if current is not None else "") + "</log>\n")


def _case_attribute(column: str, value: Value, types: Mapping[str, Said], files: frozenset[str]) -> str:
    """An attribute of a case by the name and kind of the file that brought it."""
    if value is None:
        return ""
    if said_as(column, value, files) == SYSTEM:
        return _attribute(SYSTEM, value)
    said = types[column]
    return _attribute(said.name, as_said(value, said))


def _xes_events(row: dict[str, Any], kinds: Types, files: frozenset[str]) -> Iterator[str]:
    own, of_any = kinds.get(row["activity"], {}), kinds.get("", {})
    attributes = dict(row["attributes"] or ())
    transition = attributes.pop("lifecycle:transition", "complete")
    known = {name: _element(name, value, own.get(name) or of_any.get(name)) for name, value in attributes.items()}
    for name, column in (("org:resource", "resource"), ("org:group", "team"), ("system", "system")):
        if row[column] is not None:
            key = said_as(name, row[column], files)
            known[key] = _attribute(key, str(row[column]))
    steps = [(row["time"], transition)]
    if row["start_time"] is not None and transition == "complete":
        steps.insert(0, (row["start_time"], "start"))
    for time, step in steps:
        stamp = quoteattr(text_of(time, row["offset_minutes"]))
        yield f'<event>{_attribute("concept:name", row["activity"])}<date key="time:timestamp" value={stamp}/>'
        yield _attribute("lifecycle:transition", step)
        yield from known.values()
        yield "</event>\n"


def _element(name: str, written: str, kind: str | None) -> str:
    """An attribute of an event as it was written, under the tag of its kind; where nobody said it, of its value."""
    value = value_of(written) if kind is None else declared(written, kind)
    return _tagged(name, written, _TAGS[str if kind == "string" else type(value)])


def _attribute(name: str, value: Value) -> str:
    return _tagged(name, text(midnight(value) if isinstance(value, date) else value), _TAGS[type(value)])


def _tagged(name: str, written: str, tag: str) -> str:
    entities = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
    key, quoted = quoteattr(sayable(name), entities), quoteattr(sayable(written), entities)
    return f"<{tag} key={key} value={quoted}/>"


def _headed(names: Iterable[str]) -> list[str]:
    """Names of columns, each another one than those before it."""
    found: dict[str, None] = {}
    for name in names:
        head = name
        while head in found:
            head += "_value"
        found[head] = None
    return list(found)


def _event_attributes(flat: Flat) -> list[str]:
    """Names of event attributes in the order they appear."""
    names: dict[str, None] = {}
    for row in rows(flat.events.select(["attributes"])):
        for name, _ in row["attributes"] or ():
            names.setdefault(name)
    return list(names)


def _cell(value: Value) -> str:
    if value is None:
        return ""
    return safe_cell(value) if isinstance(value, str) else text(value)
