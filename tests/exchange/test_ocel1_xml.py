"""OCEL 1.0 as XML says what the same log says as JSON; a file that brings nothing is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from o2c_mining.bootstrap import version_of
from o2c_mining.errors import LogError
from tests.exchange.hostile import EVENT, XES, read, refused
from tests.exchange.logs import load, tables, workspace

EVENTS: dict[str, Any] = {
    "e1": ("Create <Order>", "2026-01-05T09:00:00+01:00", ["o1", "i1", "i1"], {"cost": 0.25, "note": "a\n\"b\" & 'c'"}),
    "e2": ("Ship", "2026-01-06T09:00:00Z", ["o1", ""], {"weight": 3, "urgent": True}),
    "e3": ("Ship", "", ["o1"], {}),
}
OBJECTS: dict[str, Any] = {
    "o1": ("order", {"price": 10.5, "number": "007", "vip": False}),
    "i1": ("item", {}),
}
_TAGS = {str: "string", float: "float", int: "int", bool: "boolean"}


def as_json(path: Path) -> Path:
    events = {
        e: {"ocel:activity": activity, "ocel:timestamp": time, "ocel:omap": members, "ocel:vmap": values}
        for e, (activity, time, members, values) in EVENTS.items()
    }
    objects = {o: {"ocel:type": kind, "ocel:ovmap": values} for o, (kind, values) in OBJECTS.items()}
    path.write_text(json.dumps({"ocel:events": events, "ocel:objects": objects}), encoding="utf-8")
    return path


def element(key: str, value: Any, tag: str | None = None) -> str:
    tag = tag or _TAGS[type(value)]
    written = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{tag} key={quoteattr(key)} value={quoteattr(written, {chr(10): '&#10;'})}/>"


def values_of(key: str, values: dict[str, Any]) -> str:
    return f'<list key="{key}">{"".join(element(name, value) for name, value in values.items())}</list>'


def as_xml(path: Path) -> Path:
    parts = ['<?xml version="1.0"?><log><global scope="object"><string key="ocel:type" value="x"/></global><events>']
    for e, (activity, time, members, values) in EVENTS.items():
        named = "".join(element("object-id", member) for member in members)
        facts = element("id", e) + element("timestamp", time, "date") + element("activity", activity)
        parts.append(f'<event>{facts}<list key="omap">{named}</list>{values_of("vmap", values)}</event>')
    parts.append("</events><objects>")
    for o, (kind, values) in OBJECTS.items():
        parts.append(f"<object>{element('id', o)}{element('type', kind)}{values_of('ovmap', values)}</object>")
    path.write_text("".join([*parts, "</objects></log>"]), encoding="utf-8")
    return path


def test_xml_brings_the_rows_of_json(tmp_path: Path) -> None:
    found = {}
    for name, write in (("xml", as_xml), ("json", as_json)):
        (tmp_path / name).mkdir()  # the name of a file is the system of its events
        path, where = write(tmp_path / name / "log"), workspace(tmp_path / name / "w")
        batches = load(where, path).batches
        found[name] = (tables(where), [(b.stream, b.read, b.accepted, b.quarantined, b.duplicate) for b in batches])
    assert found["xml"] == found["json"]
    assert found["xml"][1] == [("events", 3, 2, 1, 0), ("objects", 2, 2, 0, 0), ("e2o", 6, 3, 2, 1)]
    assert found["xml"][0]["objects"][1]["price"] == 10.5


def test_an_object_that_is_no_reference_is_none(tmp_path: Path) -> None:
    path = as_xml(tmp_path / "log.xml")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('key="cost"', 'key="object-id"'), encoding="utf-8")
    event = read(path).tables["events"].to_pylist()[0]
    assert dict(event["attributes"])["object-id"] == "0.25"
    path.write_text(text.replace("</log>", '<!-- key="object-id" --></log>'), encoding="utf-8")
    refused(path, "finds 7 references of events, 6 were read")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.xes", "<log></log>", "holds no event and no object"),
        ("b.xes", "<log>" + '<list key="a">' * 50 + "</list>" * 50 + "</log>", "holds no event and no object"),
        ("c.xes", f"<log>{EVENT.replace('2026', 'MMXX')}</log>", "all of its 1 rows were refused, the first of them"),
        ("d.json", '{"objects": [], "events": []}', "holds no events"),
        ("e.xml", "<log><object-types/><event-types/><objects/><events/></log>", "holds no event and no object"),
    ],
)
def test_a_file_that_brings_nothing_is_refused(tmp_path: Path, name: str, content: str, words: str) -> None:
    path, where = tmp_path / name, workspace(tmp_path / "w")
    path.write_text(content, encoding="utf-8")
    refused(path, words)
    with pytest.raises(LogError, match=words):
        load(where, path)
    assert version_of(where) == 0


def test_an_object_without_events_is_something(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    path.write_text(XES.format("1", ""), encoding="utf-8")
    assert read(path).tables["objects"].num_rows == 1
