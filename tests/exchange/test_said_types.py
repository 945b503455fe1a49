"""What a file says of its attributes stays: names, kinds and values, through every OCEL format and beside others."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from o2c_mining.bootstrap import Workspace, export_log, open_log, withdraw_files
from o2c_mining.errors import LogError
from o2c_mining.log.validate import validate
from tests.conftest import soak
from tests.exchange.logs import load, tables, workspace

DAYS = ("1970-01-01T00:00:00Z", "2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(
        ["a", "3", "-0", "2.5", "true", "007", "2026-01-05T10:00:00Z", "2026-01-05", "inf", "nan", "", "1e5", "=x",
         "99999999999999999999"]
    ),
    "integer": st.integers(-5, 5) | st.sampled_from([2**53 + 1, -(2**63), 2**63 - 1]),
    "float": st.sampled_from([0.0, 3.0, 2.5, 1e-7, 1e300, 1e16, 0.1]),  # SQLite knows no -0.0
    "boolean": st.booleans(),
    "time": st.sampled_from(["2026-01-05T10:00:00Z", "2026-01-05T10:00:00.123456Z", "1969-01-05T10:00:00Z"]),
}  # fmt: skip
# Also names that columns of the log have, and two that differ in nothing but their letters' case.
NAMES = st.sampled_from(
    ["lot", "Lot", "size", "number", "system", "amount_minor", "resource", "team", "currency", "due_at", "op", "time",
     "object_id", "activity", "start_time", "ocel_x", "a b"]
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """An OCEL 2.0 document whose values are of the kinds it declares."""

    def types(*names: str) -> list[dict[str, Any]]:
        own = [draw(st.lists(NAMES, unique_by=str.lower, max_size=4)) for _ in names]
        return [
            {"name": name, "attributes": [{"name": n, "type": draw(st.sampled_from(sorted(VALUES)))} for n in said]}
            for name, said in zip(names, own, strict=True)
        ]

    event_types, object_types = types("Create", "Ship"), types("order", "item")
    objects, events = [], []
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(object_types))
        values = [
            {"name": of["name"], "time": day, "value": draw(VALUES[of["type"]])}
            for of in kind["attributes"]
            for day in sorted(draw(st.sets(st.sampled_from(DAYS))))
        ]
        objects.append({"id": f"o{number}", "type": kind["name"], "attributes": values, "relationships": []})
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(event_types))
        said = [of for of in kind["attributes"] if draw(st.booleans())]
        events.append({
            "id": f"e{number}", "type": kind["name"], "time": f"2026-01-05T10:0{number}:00Z",
            "attributes": [{"name": of["name"], "value": draw(VALUES[of["type"]])} for of in said],
            "relationships": [{"objectId": "o0", "qualifier": "of"}],
        })  # fmt: skip
    return {"objectTypes": object_types, "eventTypes": event_types, "objects": objects, "events": events}


def said_by(document: dict[str, Any]) -> dict[str, Any]:
    """All that a document says, in one order, without our own attributes."""

    def values(item: dict[str, Any]) -> list[tuple[str, str, str]]:
        found = ((a["name"], a.get("time", ""), repr(a["value"])) for a in item["attributes"])
        return sorted(value for value in found if not value[0].startswith("o2c:"))

    def links(item: dict[str, Any]) -> list[tuple[str, str]]:
        return sorted((r["objectId"], r["qualifier"]) for r in item["relationships"])

    def kinds(type_: dict[str, Any]) -> dict[str, str]:
        return {a["name"]: a["type"] for a in type_["attributes"] if not a["name"].startswith("o2c:")}

    return {key: {t["name"]: kinds(t) for t in document[key]} for key in ("eventTypes", "objectTypes")} | {
        key: {item["id"]: (item["type"], item.get("time"), values(item), links(item)) for item in document[key]}
        for key in ("events", "objects")
    }


def exported(where: Workspace, path: Path) -> dict[str, Any]:
    export_log(where, path, "ocel-json")
    return said_by(json.loads(path.read_text(encoding="utf-8")))


def document(activity: str = "Create", **values: Any) -> dict[str, Any]:
    """One order and one event that have these values, of the kinds that these have."""
    kinds = {str: "string", int: "integer", float: "float", bool: "boolean"}
    declared = [{"name": name, "type": kinds[type(value)]} for name, value in values.items()]
    said = [{"name": name, "value": value} for name, value in values.items()]
    return {
        "objectTypes": [{"name": "order", "attributes": declared}],
        "eventTypes": [{"name": activity, "attributes": declared}],
        "objects": [{"id": f"o{activity}", "type": "order", "attributes": [{**a, "time": DAYS[0]} for a in said],
                     "relationships": []}],
        "events": [{"id": f"e{activity}", "type": activity, "time": "2026-01-05T10:00:00Z", "attributes": said,
                    "relationships": [{"objectId": f"o{activity}", "qualifier": ""}]}],
    }  # fmt: skip


def written(path: Path, content: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.soak
@settings(max_examples=soak(5, 500), deadline=None, suppress_health_check=list(HealthCheck))
@given(documents())
def test_a_file_stays_what_it_is_through_every_format(content: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        file = written(root / "given.json", content)
        for name, kind in (
            ("a.json", "ocel-json"),
            ("b.xml", "ocel-xml"),
            ("c.sqlite", "ocel-sqlite"),
            ("d", "tables"),
        ):
            where = workspace(root / f"before {name}")
            load(where, file)
            file = root / name
            export_log(where, file, kind)
        last = workspace(root / "last")
        load(last, file)
        assert tables(last) == tables(where)
        assert exported(last, root / "last.json") == said_by(content)


def test_files_that_say_one_attribute_otherwise(tmp_path: Path) -> None:
    """Each keeps its own words while no other is loaded; together every value stays, and the export is valid."""
    labels, numbers = document("Create", lot="3", size="xl"), document("Ship", lot=3, size=7)
    where = workspace(tmp_path / "w")
    first, second = written(tmp_path / "a.json", labels), written(tmp_path / "b.json", numbers)
    load(where, second)
    assert exported(where, tmp_path / "one.json") == said_by(numbers)
    result = load(where, first)
    assert result.notes == tuple(
        f"a.json: attribute {name!r} has another type in the log and is kept as '{name}_text'"
        for name in ("lot", "size")
    )
    both = exported(where, tmp_path / "both.json")
    assert both["eventTypes"] == {
        "Create": {"lot": "string", "size": "string"}, "Ship": {"lot": "integer", "size": "integer"},
    }  # fmt: skip
    assert both["objects"]["oShip"][2] == [("lot", DAYS[0], "3"), ("size", DAYS[0], "7")]
    assert both["objects"]["oCreate"][2] == [("lot_text", DAYS[0], "'3'"), ("size_text", DAYS[0], "'xl'")]
    again = workspace(tmp_path / "again")
    load(again, tmp_path / "both.json")
    assert tables(again) == tables(where)
    withdraw_files(where, [second])
    assert exported(where, tmp_path / "left.json") == said_by(labels)


def test_a_kind_that_changes_is_a_version_of_the_log(tmp_path: Path) -> None:
    where = workspace(tmp_path / "w")
    file = written(tmp_path / "a.json", document(lot="3"))
    assert load(where, file).version == 1
    assert load(where, file).version == 1
    written(file, document(lot="3") | {"eventTypes": [{"name": "Create", "attributes": []}]} | {
        "events": document(lot=3)["events"]})  # fmt: skip
    assert load(where, file).version == 2
    assert exported(where, tmp_path / "now.json")["eventTypes"] == {"Create": {"lot": "integer"}}
    export_log(where, tmp_path / "then.json", "ocel-json", known_at=1)
    assert said_by(json.loads((tmp_path / "then.json").read_text(encoding="utf-8"))) == said_by(document(lot="3"))


def test_a_value_of_another_kind_makes_all_text(tmp_path: Path) -> None:
    where = workspace(tmp_path / "w")
    table = tmp_path / "more.csv"
    table.write_text(
        "case,activity,time,lot\no9,Create,2026-01-05T11:00:00Z,L7\no9,Create,2026-01-05T12:00:00Z,\n", encoding="utf-8"
    )
    load(where, written(tmp_path / "a.json", document(lot=3)))
    load(where, table, accept=True)
    found = exported(where, tmp_path / "out.json")
    assert found["eventTypes"] == {"Create": {"lot": "string"}}
    assert sorted(value for event in found["events"].values() for *_, value in event[2]) == ["'3'", "'L7'"]


def test_a_folder_with_unknown_kinds_is_refused(tmp_path: Path) -> None:
    where = workspace(tmp_path / "w")
    load(where, written(tmp_path / "a.json", document(lot=3)))
    export_log(where, tmp_path / "out", "tables")
    path = tmp_path / "out" / "attribute_types.parquet"
    rows = pq.read_table(path).to_pylist()
    types = pq.read_table(path)
    odd = types.set_column(types.column_names.index("kind"), "kind", [[row["kind"] and "complex" for row in rows]])
    pq.write_table(odd, path)
    with pytest.raises(LogError, match=r"attribute_types.parquet holds attributes of no known kind; expected string, "):
        load(workspace(tmp_path / "x"), tmp_path / "out")
    pq.write_table(types.drop_columns(["attribute"]), path)
    with pytest.raises(LogError, match=r"attribute_types.parquet lacks attribute; expected what"):
        load(workspace(tmp_path / "y"), tmp_path / "out")


@pytest.mark.parametrize("transition", ["complete", "start"])  # the one is read by columns, the other by the parser
def test_an_attribute_of_xes_keeps_its_tag(tmp_path: Path, transition: str) -> None:
    values = (
        '<string key="label" value="3"/><float key="weight" value="5"/><int key="lot" value="03"/>'
        '<date key="seen" value="2026-01-05T10:00:00.276+02:00"/><boolean key="urgent" value="true"/>'
        '<int key="mixed" value="1"/>'
    )
    of_case = (
        '<string key="zip" value="385"/><string key="due_at" value="soon"/><int key="lines" value="7"/>'
        '<date key="planned" value="2026-01-09T00:00:00Z"/><float key="weight" value="2.0"/>'
    )
    head = '<date key="time:timestamp" value="2026-01-05T10:00:00Z"/>'
    step = f'<string key="lifecycle:transition" value="{transition}"/>'
    (tmp_path / "a.xes").write_text(
        f'<?xml version="1.0"?><log><trace><string key="concept:name" value="c1"/>{of_case}'
        f'<event><string key="concept:name" value="A"/>{head}{step}{values}</event>'
        f'<event><string key="concept:name" value="B"/>{head}<string key="mixed" value="a"/></event></trace></log>',
        encoding="utf-8",
    )
    where, again = workspace(tmp_path / "w"), workspace(tmp_path / "again")
    load(where, tmp_path / "a.xes")
    export_log(where, tmp_path / "b.xes", "xes")
    written = (tmp_path / "b.xes").read_text(encoding="utf-8")
    for attribute in f"{values}{of_case}".split("/>")[:-1]:
        assert f"{attribute}/>" in written
    load(again, tmp_path / "b.xes")
    export_log(again, tmp_path / "c.xes", "xes")
    assert (tmp_path / "c.xes").read_text(encoding="utf-8") == written
    kinds = exported(where, tmp_path / "b.json")
    assert kinds["eventTypes"]["A"] == {
        "label": "string", "weight": "float", "lot": "string", "seen": "string", "urgent": "boolean",
        "mixed": "integer"} | ({} if transition == "complete" else {"lifecycle:transition": "string"})  # fmt: skip
    assert kinds["objectTypes"]["case"] == {
        "number": "string", "zip": "string", "due_at": "string", "lines": "integer", "planned": "time",
        "weight": "float"}  # fmt: skip


def of(
    *objects: list[tuple[str, str | None, Any]], events: tuple[dict[str, Any], ...] = ({},), **kinds: str
) -> dict[str, Any]:
    """Orders with histories (name, time, value) and one event each with attributes; ``kinds`` are declared of both."""
    declared = [{"name": name, "type": kind} for name, kind in kinds.items()]
    return {
        "objectTypes": [{"name": "order", "attributes": declared}],
        "eventTypes": [{"name": "Create", "attributes": declared}],
        "objects": [
            {"id": f"o{n}", "type": "order", "relationships": [],
             "attributes": [{"name": name, "time": time or DAYS[0], "value": value} for name, time, value in history]}
            for n, history in enumerate(objects)
        ],
        "events": [
            {"id": f"e{n}", "type": "Create", "time": f"2026-01-05T10:0{n}:00Z",
             "attributes": [{"name": name, "value": value} for name, value in values.items()],
             "relationships": [{"objectId": "o0", "qualifier": ""}]}
            for n, values in enumerate(events)
        ],
    }  # fmt: skip


def through(tmp_path: Path, content: dict[str, Any]) -> list[dict[str, Any]]:
    """What the document is after one way out, and after another one through each format."""
    where = workspace(tmp_path / "w")
    load(where, written(tmp_path / "given.json", content))
    found = [exported(where, tmp_path / "0.json")]
    for number, (name, kind) in enumerate([("a.xml", "ocel-xml"), ("b.sqlite", "ocel-sqlite"), ("c", "tables")], 1):
        export_log(where, tmp_path / name, kind)
        again = workspace(tmp_path / f"w{number}")
        load(again, tmp_path / name)
        found.append(exported(again, tmp_path / f"{number}.json"))
    return found


def test_whole_numbers_beside_others_are_numbers(tmp_path: Path) -> None:
    """Of one file that declares nothing, and of two of which each has its own kind."""
    content = of([("price", None, 2.5)], [("price", None, 4)], events=({"price": 2.5}, {"price": 4}))
    for found in through(tmp_path, content):
        assert (found["objectTypes"], found["eventTypes"]) == (
            {"order": {"price": "float"}},
            {"Create": {"price": "float"}},
        )
        assert [item[2][0][2] for key in ("objects", "events") for item in found[key].values()] == ["2.5", "4.0"] * 2
    where = workspace(tmp_path / "two")
    load(where, written(tmp_path / "jan.json", document("Create", price=4.5)))
    february = document("Ship", price=3)
    load(where, written(tmp_path / "feb.json", february))
    both = exported(where, tmp_path / "both.json")
    assert both["objectTypes"] == {"order": {"price": "float"}}
    assert {i: o[2][0][2] for i, o in both["objects"].items()} == {"oCreate": "4.5", "oShip": "3.0"}


def test_a_file_without_a_value_changes_no_kind(tmp_path: Path) -> None:
    values = document("Create", discount=2.5, label="3", urgent=True)
    where = workspace(tmp_path / "w")
    load(where, written(tmp_path / "jan.json", values))
    empty = of([], discount="string", label="integer", urgent="time")
    empty["objects"][0]["id"], empty["events"][0]["id"] = "oFeb", "eFeb"
    empty["events"][0]["relationships"][0]["objectId"] = "oFeb"
    load(where, written(tmp_path / "feb.json", empty))
    found = exported(where, tmp_path / "out.json")
    for key in ("eventTypes", "objectTypes", "events", "objects"):
        assert said_by(values)[key].items() <= found[key].items()
    load(where, written(tmp_path / "mar.json", of([("label", None, 4)], events=({"label": 4},), label="integer")))
    found = exported(where, tmp_path / "out.json")
    assert found["eventTypes"]["Create"] == {"discount": "float", "label": "string", "urgent": "boolean"}
    assert ("label", "", "'3'") in found["events"]["eCreate"][2]


def test_a_name_in_two_columns_stays_in_a_folder_of_tables(tmp_path: Path) -> None:
    where, again = workspace(tmp_path / "w"), workspace(tmp_path / "again")
    load(where, written(tmp_path / "a.json", document("Create", lot=True)))
    load(where, written(tmp_path / "b.json", document("Ship", lot=2.5)))
    before = exported(where, tmp_path / "before.json")
    assert before["objectTypes"] == {"order": {"lot": "boolean", "lot_text": "float"}}
    export_log(where, tmp_path / "out", "tables")
    load(again, tmp_path / "out")
    assert exported(again, tmp_path / "after.json") == before


def test_histories_stay_for_others_whatever_their_neighbours_are(tmp_path: Path) -> None:
    """Midnights, times before 1970, and an object whose history OCEL cannot say beside one whose it can."""
    midnight, old = "2026-01-07T00:00:00+00:00", "1950-03-01T08:00:00Z"
    content = of(
        [("due", None, "2026-01-05T12:00:00Z"), ("due", DAYS[1], midnight), ("state", old, "older"),
         ("state", "1960-01-01T00:00:00Z", "newer")],
        [("state", DAYS[1], "open"), ("state", DAYS[2], None)],
        [("state", DAYS[1], "open"), ("state", "2026-01-08T10:00Z", "shut")],
        due="time", state="string",
    )  # fmt: skip
    for found in through(tmp_path, content):
        assert found["objects"]["o0"] == said_by(content)["objects"]["o0"]
        assert found["objects"]["o1"][2] == []
        assert found["objects"]["o2"][2] == [("state", DAYS[0], "'shut'")]


def test_odd_names_and_values_stay_or_are_refused(tmp_path: Path) -> None:
    content = of(
        [("row_hash", None, "abc"), ("n", None, "1_000")],
        events=({"system": "", "resource_kind": "unknown", "n": "1_000"}, {"resource_kind": "", "n": "x"}),
        row_hash="string", n="integer", system="string", resource_kind="string",
    )  # fmt: skip
    expected = said_by(content)
    content["objectTypes"].append({"name": None, "attributes": []})
    content["eventTypes"][0]["attributes"].append({"name": None, "type": "string"})
    for types in (expected["objectTypes"]["order"], expected["eventTypes"]["Create"]):
        types["n"] = "string"  # as its values are
    assert through(tmp_path, content) == [expected] * 4
    many = of([], **{f"a{n}": "string" for n in range(2_001)})
    with pytest.raises(
        LogError, match=r"many.json declares 2,001 attributes of 'Create'|'order'; expected at most 2,000;"
    ):
        load(workspace(tmp_path / "x"), written(tmp_path / "many.json", many))


def test_two_values_of_one_moment_are_told_and_the_last_one_is_kept(tmp_path: Path) -> None:
    where = workspace(tmp_path / "w")
    content = of([("state", DAYS[1], "a"), ("state", DAYS[1], "b")], state="string")
    result = load(where, written(tmp_path / "a.json", content))
    assert result.notes == ("a.json: 1 attributes are said again in one event or object: the last value is kept",)
    assert exported(where, tmp_path / "b.json")["objects"]["o0"][2] == [("state", DAYS[1], "'b'")]


def test_a_log_of_nothing_but_objects_goes_out_and_is_checked(tmp_path: Path) -> None:
    content = {**document("Create", region="DACH"), "events": []}
    where = workspace(tmp_path / "w")
    load(where, written(tmp_path / "a.json", content))
    assert exported(where, tmp_path / "b.json") == said_by(content)
    export_log(where, tmp_path / "c.xml", "ocel-xml", as_of=datetime(2025, 1, 1, tzinfo=UTC))
    again = workspace(tmp_path / "again")
    load(again, tmp_path / "c.xml")
    assert exported(again, tmp_path / "d.json") == said_by(content)
    export_log(where, tmp_path / "folder", "tables")
    third = workspace(tmp_path / "third")
    load(third, tmp_path / "folder")
    assert exported(third, tmp_path / "f.json") == said_by(content)
    assert list(validate(open_log(where, may_lack_events=True))) == []
    with pytest.raises(LogError, match="version 1 of the log holds no event; expected at least one"):
        export_log(where, tmp_path / "e.csv", "csv")
