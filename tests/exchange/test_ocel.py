"""What an OCEL 2.0 file says, down to its corners, and that it stays through every format."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from o2c_mining.bootstrap import export_log, open_log
from o2c_mining.config import Limits
from o2c_mining.exchange.imported import ImportedLog
from o2c_mining.exchange.read import Asked, read_log
from o2c_mining.log.validate import validate
from tests.exchange.logs import load, refused_rows, tables, workspace

FORMATS = [("ocel-json", "log.json"), ("ocel-xml", "log.xml"), ("ocel-sqlite", "log.sqlite")]

CORNERS: dict[str, Any] = {
    "objectTypes": [
        {"name": "order", "attributes": [{"name": "price", "type": "float"}, {"name": "state", "type": "string"},
                                         {"name": "urgent", "type": "boolean"}, {"name": "lines", "type": "integer"},
                                         {"name": "promised", "type": "time"}]},
        {"name": "item", "attributes": []},
        {"name": "nobody", "attributes": [{"name": "x", "type": "string"}]},
    ],
    "eventTypes": [{"name": "Create", "attributes": [{"name": "note", "type": "string"}]},
                   {"name": "Never", "attributes": []}],
    "objects": [
        {"id": "o1", "type": "order",
         "attributes": [
             {"name": "price", "time": "1970-01-01T00:00:00Z", "value": 10.5},
             {"name": "price", "time": "2026-01-05T09:00:00.000001+02:00", "value": 11.25},
             {"name": "price", "time": "2026-01-05T09:00:00.000002+02:00", "value": 10.5},
             {"name": "state", "time": "2026-01-05T09:00:00Z", "value": "open"},
             {"name": "state", "time": "2026-01-07T09:00:00Z", "value": ""},
             {"name": "urgent", "time": "1970-01-01T00:00:00Z", "value": False},
             {"name": "lines", "time": "1970-01-01T00:00:00Z", "value": 0},
             {"name": "promised", "time": "1970-01-01T00:00:00Z", "value": "2026-02-01T12:30:00.250000+01:00"},
         ],
         "relationships": [{"objectId": "i1", "qualifier": "has"}, {"objectId": "i1", "qualifier": "owns"},
                           {"objectId": "i2", "qualifier": ""}]},
        {"id": "i1", "type": "item"},
        {"id": "i2", "type": "item", "attributes": [], "relationships": []},  # no event refers to it
    ],
    "events": [
        {"id": "e1", "type": "Create", "time": "2026-01-05T09:00:00.123456-03:30",
         "attributes": [{"name": "note", "value": ""}],
         "relationships": [{"objectId": "o1", "qualifier": "creates"}, {"objectId": "o1", "qualifier": "checks"},
                           {"objectId": "i1", "qualifier": ""}]},
        {"id": "e2", "type": "Create", "time": "2026-01-05T12:30:00.123Z", "attributes": [], "relationships": []},
    ],
}  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def written(folder: Path, document: Any) -> Path:
    path = folder / "corners.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def read(path: Path) -> ImportedLog:
    return read_log(path, Limits(), Asked())


def test_what_the_corners_mean(tmp_path: Path) -> None:
    log = read(written(tmp_path, CORNERS))
    found = {name: table.to_pylist() for name, table in log.tables.items()}
    assert [(e["event_id"], e["time"], e["offset_minutes"], e["precision"]) for e in found["events"]] == [
        ("e1", at("2026-01-05T12:30:00.123456+00:00"), -210, "second"),
        ("e2", at("2026-01-05T12:30:00.123+00:00"), None, "second"),
    ]
    assert [tuple(row.values()) for row in found["e2o"]] == [
        ("e1", "o1", "creates"), ("e1", "o1", "checks"), ("e1", "i1", ""),
    ]  # fmt: skip
    assert {(r["source_id"], r["target_id"], r["qualifier"]) for r in found["o2o"]} == {
        ("o1", "i1", "has"), ("o1", "i1", "owns"), ("o1", "i2", ""),
    }  # fmt: skip
    assert [(c["field"], c["time"], c["old_value"], c["new_value"]) for c in found["object_changes"]] == [
        ("price", at("2026-01-05T07:00:00.000001+00:00"), "10.5", "11.25"),
        ("price", at("2026-01-05T07:00:00.000002+00:00"), "11.25", "10.5"),
        ("state", at("2026-01-05T09:00:00+00:00"), None, "open"),
        ("state", at("2026-01-07T09:00:00+00:00"), "open", ""),
    ]
    order = found["objects"][0]
    assert (order["price"], order["state"], order["urgent"], order["lines"], order["promised"]) == (
        10.5, "", False, 0, at("2026-02-01T11:30:00.250000+00:00"),
    )  # fmt: skip
    assert [row["object_id"] for row in found["objects"]] == ["o1", "i1", "i2"]
    assert log.notes == ()


@pytest.mark.parametrize(("kind", "name"), FORMATS)
def test_the_corners_stay_through_every_format(tmp_path: Path, kind: str, name: str) -> None:
    before, after = workspace(tmp_path / "a"), workspace(tmp_path / "b")
    load(before, written(tmp_path, CORNERS))
    export_log(before, tmp_path / name, kind)
    load(after, tmp_path / name)
    assert tables(after) == tables(before)
    assert {row["event_id"] for row in tables(after)["events"]} == {"e1", "e2"}


@pytest.mark.parametrize(("kind", "name"), FORMATS)
def test_others_get_back_what_they_gave(tmp_path: Path, kind: str, name: str) -> None:
    """Nothing outside our own names is added, and an attribute keeps its type, whatever file lies between."""
    floats = [float("inf"), 2.5, float("-inf"), float("nan")]
    document = CORNERS | {
        "eventTypes": [{"name": "Create", "attributes": [{"name": "note", "type": "string"},
                                                         {"name": "x", "type": "float"},
                                                         {"name": "system", "type": "string"}]}],
        "events": [*CORNERS["events"], CORNERS["events"][0] | {"id": "e3", "attributes": [
                       {"name": "system", "value": "SAP"}]},
                   *(CORNERS["events"][1] | {"id": f"x{n}", "attributes": [{"name": "x", "value": value}]}
                     for n, value in enumerate(floats))],
    }  # fmt: skip
    before, after = workspace(tmp_path / "a"), workspace(tmp_path / "b")
    load(before, written(tmp_path, document))
    export_log(before, tmp_path / name, kind)
    load(after, tmp_path / name)
    assert tables(after) == tables(before)
    export_log(after, tmp_path / "again.json", "ocel-json")
    again = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))
    for key in ("events", "objects"):
        given = {item["id"]: {a["name"] for a in item.get("attributes", ())} for item in document[key]}
        found = {item["id"]: {a["name"] for a in item["attributes"]} for item in again[key]}
        assert {i: {n for n in names if not n.startswith("o2c:")} for i, names in found.items()} == given
    types = {a["name"]: a["type"] for a in again["eventTypes"][0]["attributes"] if not a["name"].startswith("o2c:")}
    assert types == {"note": "string", "x": "float", "system": "string"}


def test_an_attribute_said_twice_is_reported(tmp_path: Path) -> None:
    twice = [{"name": "note", "value": "a"}, {"name": "note", "value": "b"}]
    late = [{"name": "price", "time": "1970-01-01T00:00:00Z", "value": value} for value in (1.0, 2.0, 3.0)]
    document = CORNERS | {
        "events": [CORNERS["events"][1] | {"attributes": twice}],
        "objects": [CORNERS["objects"][0] | {"attributes": late}, *CORNERS["objects"][1:]],
    }
    log = read(written(tmp_path, document))
    assert dict(log.tables["events"].to_pylist()[0]["attributes"]) == {"note": "b"}
    assert log.tables["objects"].to_pylist()[0]["price"] == 3.0
    assert log.notes == ("3 attributes are said again in one event or object: the last value is kept",)
    xml = tmp_path / "twice.xml"
    xml.write_text(
        '<log><object-types/><event-types/><objects/><events><event id="e" type="A" time="2026-01-05T10:00:00Z">'
        '<attributes><attribute name="n">1</attribute><attribute name="n">2</attribute></attributes></event></events>'
        "</log>",
        encoding="utf-8",
    )
    assert read(xml).notes == ("1 attributes are said again in one event or object: the last value is kept",)


def test_version_1_with_an_object_listed_twice_and_nested_values(tmp_path: Path) -> None:
    """The object listed twice is a duplicate like any other; a list as a value is JSON, not Python."""
    log = {
        "ocel:events": {
            "1": {
                "ocel:activity": "Ship",
                "ocel:timestamp": "2026-01-05T09:00:00Z",
                "ocel:omap": ["o1", "o1", "i1", ""],
                "ocel:vmap": {"tags": ["ä", None], "ok": True},
            }
        },
        "ocel:objects": {
            "o1": {"ocel:type": "order", "ocel:ovmap": {"address": {"zip": "01234"}}},
            "i1": {"ocel:type": "item", "ocel:ovmap": {}},
        },
    }
    path = tmp_path / "log.jsonocel"
    path.write_text(json.dumps(log), encoding="utf-8")
    loaded = workspace(tmp_path / "w")
    batches = {batch.stream: batch for batch in load(loaded, path).batches}
    e2o = batches["e2o"]
    assert (e2o.read, e2o.accepted, e2o.quarantined, e2o.duplicate) == (4, 2, 1, 1)
    event = read_log(path, Limits(), Asked()).tables["events"].to_pylist()[0]
    assert dict(event["attributes"]) == {"ok": "true", "tags": '["ä", null]'}
    assert read_log(path, Limits(), Asked()).tables["objects"]["address"].to_pylist() == ['{"zip": "01234"}', None]


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_an_object_with_an_empty_id_is_left_out_with_its_relations(tmp_path: Path, kind: str) -> None:
    """Each is a row of the file that is refused, so that nothing that was read goes unaccounted for."""
    path = tmp_path / f"log.{kind}"
    if kind == "json":
        log = {
            "objectTypes": [{"name": "order", "attributes": []}],
            "eventTypes": [{"name": "Create", "attributes": []}],
            "objects": [
                {"id": "o1", "type": "order"},
                {"id": "", "type": "order", "relationships": [{"objectId": "o1", "qualifier": "has"}]},
            ],
            "events": [
                {"id": "e1", "type": "Create", "time": "2026-01-05T09:00:00Z",
                 "relationships": [{"objectId": "o1", "qualifier": ""}, {"objectId": "", "qualifier": ""}]},
            ],
        }  # fmt: skip
        path.write_text(json.dumps(log), encoding="utf-8")
    else:
        path.write_text(
            '<log><object-types><object-type name="order"/></object-types>'
            '<event-types><event-type name="Create"/></event-types>'
            '<objects><object id="o1" type="order"/><object id="" type="order"><objects>'
            '<relationship object-id="o1" qualifier="has"/></objects></object></objects>'
            '<events><event id="e1" type="Create" time="2026-01-05T09:00:00Z"><objects>'
            '<relationship object-id="o1" qualifier=""/><relationship object-id="" qualifier=""/>'
            "</objects></event></events></log>",
            encoding="utf-8",
        )
    found = read_log(path, Limits(), Asked())
    assert found.tables["objects"]["object_id"].to_pylist() == ["o1"]
    assert found.tables["e2o"]["object_id"].to_pylist() == ["o1"]
    assert found.tables["o2o"].num_rows == 0
    assert any("objects with an empty id were left out" in note for note in found.notes)
    assert any(note.startswith("2 references to an empty id") for note in found.notes)
    assert sorted((row.table, row.key, row.rule) for row in refused_rows(found)) == [
        ("e2o", "e1, reference 2", "empty id"),
        ("o2o", "an object without an id, relation 1", "empty id"),
        ("objects", "object 2", "empty id"),
    ]
    where = workspace(tmp_path / "w")
    counts = {b.stream: (b.read, b.accepted, b.quarantined, b.duplicate) for b in load(where, path).batches}
    assert counts == {"events": (1, 1, 0, 0), "objects": (2, 1, 1, 0), "e2o": (2, 1, 1, 0), "o2o": (1, 0, 1, 0)}
    waiting = [finding for finding in validate(open_log(where)) if finding.rule == "refused row"]
    assert [(finding.table, finding.count) for finding in waiting] == [("e2o", 1), ("o2o", 1), ("objects", 1)]


def test_an_object_without_a_type_is_told(tmp_path: Path) -> None:
    document = CORNERS | {"objects": [*CORNERS["objects"], {"id": "x", "type": ""}, {"id": "y", "type": " "}]}
    where = workspace(tmp_path / "w")
    result = load(where, written(tmp_path, document))
    assert result.notes == ("corners.json: 2 objects have no type and are kept as type 'unknown'",)
    told = [(f.rule, f.count, f.example) for f in validate(open_log(where)) if f.severity == "warning"]
    assert ("unknown object type", 2, "x") in told


def test_version_1_keeps_every_qualifier_of_an_object(tmp_path: Path) -> None:
    typed = [("o1", "checks"), ("o1", "creates"), ("i1", "")]
    event = {
        "ocel:activity": "Ship",
        "ocel:timestamp": "2026-01-05T09:00:00Z",
        "ocel:omap": ["o1", "o1", "i1", "i1"],
        "ocel:typedOmap": [{"ocel:oid": identity, "ocel:qualifier": qualifier} for identity, qualifier in typed],
    }
    objects = {identity: {"ocel:type": "order", "ocel:ovmap": {}} for identity in ("o1", "i1")}
    path = tmp_path / "log.jsonocel"
    path.write_text(json.dumps({"ocel:events": {"1": event}, "ocel:objects": objects}), encoding="utf-8")
    assert [tuple(row.values())[1:] for row in read(path).tables["e2o"].to_pylist()] == [*typed, ("i1", "")]


def test_version_1_as_csv_counts_what_an_event_repeats(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "ocel:eid,ocel:activity,ocel:timestamp,ocel:type:order,ocel:type:item\n"
        "1,Ship,2026-01-05T09:00:00Z,\"['o1', 'o1', '']\",['']\n",
        encoding="utf-8",
    )
    batches = {batch.stream: batch for batch in load(workspace(tmp_path / "w"), path).batches}
    e2o = batches["e2o"]
    assert (e2o.read, e2o.accepted, e2o.quarantined, e2o.duplicate) == (3, 1, 1, 1)
