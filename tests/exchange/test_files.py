"""Files that change, filters of an export, formulas, OCEL 1.0, the command line."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from o2c_mining.bootstrap import Workspace, export_log, open_log, open_store
from o2c_mining.cli.main import main
from o2c_mining.config import Limits
from o2c_mining.errors import ConfigError, LogError
from o2c_mining.exchange.cells import given_cell, safe_cell
from o2c_mining.exchange.read import Asked, read_log
from o2c_mining.exchange.write import format_of
from o2c_mining.trace.select import ObjectFilter
from tests.exchange.logs import at, load, rich, tables, workspace


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return rich(tmp_path_factory.mktemp("rich"))


def versions(where: Workspace, table: str) -> list[tuple[str, str, int]]:
    """Key, operation and order of every stored version."""
    files = open_store(where).snapshot().files(table)
    key = "event_id" if table == "events" else "object_id"
    rows = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
    return sorted(((row[key], row["op"], row["ingest_seq"]) for row in rows), key=lambda row: row[2])


def test_a_changed_file_appends_versions(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("event_id,case,activity,time\na,1,A,2026-01-05T10:00Z\nb,1,B,2026-01-06T10:00Z\n", encoding="utf-8")
    where = workspace(tmp_path / "w")
    load(where, path)
    path.write_text("event_id,case,activity,time\na,1,A,2026-01-05T11:00Z\nc,2,C,2026-01-07T10:00Z\n", encoding="utf-8")
    result = load(where, path)
    assert result.version == 2
    assert [(b.stream, b.read, b.accepted, b.duplicate) for b in result.batches] == [
        ("events", 2, 2, 0),
        ("objects", 2, 1, 1),
        ("e2o", 2, 1, 1),
    ]
    assert [(key, op) for key, op, _ in versions(where, "events")] == [
        ("a", "I"), ("b", "I"), ("a", "U"), ("b", "D"), ("c", "I"),
    ]  # fmt: skip
    assert [row["event_id"] for row in tables(where)["events"]] == ["a", "c"]
    before = open_log(where, known_at=1)
    assert sorted(row["event_id"] for row in before.reader.rows(before.events.select("event_id"))) == ["a", "b"]


def test_a_flat_export_says_what_it_leaves_out_for_a_time_in_the_future(tmp_path: Path) -> None:
    rows = "1,A,2026-01-05T10:00Z\n1,B,2926-01-05T10:00Z\n2,A,2026-01-06T10:00Z\n2,B,2926-01-05T10:00Z\n"
    (tmp_path / "log.csv").write_text(f"order,activity,time\n{rows}", encoding="utf-8")
    where = workspace(tmp_path / "w")
    load(where, tmp_path / "log.csv")
    for kind in ("csv", "xes", "parquet"):
        out = export_log(where, tmp_path / f"out.{kind}", kind)
        assert out.rows["events"] == 2
        assert out.notes == ("2 events are left out: a time in the future is in no case; an OCEL format keeps all",)
    one = export_log(where, tmp_path / "one.csv", "csv", chosen=ObjectFilter(end=date(2026, 1, 6)))
    assert one.notes == ("1 event is left out: a time in the future is in no case; an OCEL format keeps all",)
    assert export_log(where, tmp_path / "out.json", "ocel-json").rows["events"] == 4
    assert export_log(where, tmp_path / "then.csv", "csv", as_of=at("2026-01-05 12:00")).notes == ()
    late = export_log(where, tmp_path / "late.csv", "csv", as_of=at("2999-01-01 00:00"))
    assert late.notes == ("2 events are left out: a time in the future is in no case",)


def test_files_of_one_name_do_not_replace_each_other(tmp_path: Path) -> None:
    where = workspace(tmp_path / "w")
    for month, rows in (("jan", "1,A,2026-01-05T10:00Z\n"), ("feb", "1,A,2026-01-05T10:00Z\n1,B,2026-02-05T10:00Z\n")):
        (tmp_path / month).mkdir()
        (tmp_path / month / "log.csv").write_text(f"case,activity,time\n{rows}", encoding="utf-8")
        load(where, tmp_path / month / "log.csv")
    assert [row["activity"] for row in tables(where)["events"]] in (["A", "B"], ["B", "A"])


def test_an_attribute_of_another_type_keeps_both(tmp_path: Path) -> None:
    where = workspace(tmp_path / "w")
    for name, value in (("a", 2.5), ("b", "heavy"), ("c", 7)):
        document = {
            "objectTypes": [],
            "objects": [
                {"id": name, "type": "t",
                 "attributes": [{"name": "Weight", "value": value}, {"name": "op", "value": "x"}]}
            ],
            "events": [
                {"id": f"e{name}", "type": "A", "time": "2026-01-05T10:00:00Z",
                 "relationships": [{"objectId": name, "qualifier": ""}]}
            ],
        }  # fmt: skip
        (tmp_path / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
        result = load(where, tmp_path / f"{name}.json")
    found = {row["object_id"]: row for row in tables(where)["objects"]}
    assert (found["a"]["Weight"], found["b"]["Weight_text"], found["c"]["Weight"]) == (2.5, "heavy", 7.0)
    assert found["a"]["op_value"] == "x"
    assert any("'op' is kept as 'op_value'" in note for note in result.notes)


def test_values_over_time_become_changes_and_the_latest_value(tmp_path: Path) -> None:
    document = {
        "objectTypes": [{"name": "order", "attributes": [{"name": "price", "type": "float"}]}],
        "eventTypes": [],
        "objects": [
            {
                "id": "o",
                "type": "order",
                "attributes": [
                    {"name": "price", "time": "2026-01-07T00:00:00Z", "value": 12},
                    {"name": "price", "time": "1970-01-01T00:00:00Z", "value": 10},
                    {"name": "price", "time": "2026-01-06T00:00:00Z", "value": "11.5"},
                ],
            }
        ],
        "events": [{"id": "e", "type": "A", "time": "2026-01-05T10:00:00+01:00"}],
    }
    (tmp_path / "log.json").write_text(json.dumps(document), encoding="utf-8")
    found = read_log(tmp_path / "log.json", Limits(), Asked()).tables
    assert found["objects"]["price"].to_pylist() == [12.0]
    assert [(r["field"], r["time"], r["old_value"], r["new_value"]) for r in found["object_changes"].to_pylist()] == [
        ("price", at("2026-01-06"), "10.0", "11.5"),
        ("price", at("2026-01-07"), "11.5", "12.0"),
    ]
    assert found["events"]["offset_minutes"].to_pylist() == [60]


def test_ocel_1_json(tmp_path: Path) -> None:
    document = {
        "ocel:global-event": {"ocel:activity": "__INVALID__"},
        "ocel:events": {
            "e1": {"ocel:activity": "A", "ocel:timestamp": "2026-01-05T10:00:00", "ocel:omap": ["o1", "", "i1"],
                   "ocel:vmap": {"price": 1.5}},
            "e2": {"ocel:activity": "B", "ocel:timestamp": "2026-01-06 10:00:00+02:00", "ocel:omap": ["o1"],
                   "ocel:vmap": {}},
        },
        "ocel:objects": {
            "o1": {"ocel:type": "order", "ocel:ovmap": {"region": "DACH"}},
            "i1": {"ocel:type": "item", "ocel:ovmap": {}},
            "": {"ocel:type": "package", "ocel:ovmap": {}},
        },
    }  # fmt: skip
    (tmp_path / "log.jsonocel").write_text(json.dumps(document), encoding="utf-8")
    log = read_log(tmp_path / "log.jsonocel", Limits(), Asked())
    assert [(r["event_id"], r["time"], dict(r["attributes"] or ())) for r in log.tables["events"].to_pylist()] == [
        ("e1", at("2026-01-05 10:00"), {"price": "1.5"}),
        ("e2", at("2026-01-06 08:00"), {}),
    ]
    assert [tuple(r.values())[:2] for r in log.tables["e2o"].to_pylist()] == [("e1", "o1"), ("e1", "i1"), ("e2", "o1")]
    assert log.tables["objects"]["object_id"].to_pylist() == ["o1", "i1"]
    assert any("1 times have no time zone" in note for note in log.notes)


def test_an_export_of_chosen_cases_holds_whole_cases(log: Workspace, tmp_path: Path) -> None:
    chosen = ObjectFilter(lens="order", where=(("region", ("DACH",)),))
    written = export_log(log, tmp_path / "log.json", "ocel-json", chosen=chosen)
    after = workspace(tmp_path / "w")
    load(after, tmp_path / "log.json")
    found, everything = tables(after), tables(log)
    assert [row["object_id"] for row in found["objects"]] == ["c1", "d1", "i1", "o:1"]  # o:2 is another case
    assert found["events"] == everything["events"]
    assert found["o2o"] == everything["o2o"]
    assert written.rows["objects"] == 4
    late = export_log(log, tmp_path / "late.json", "ocel-json", as_of=at("2026-01-05 12:00"))
    assert late.rows["events"] == 2
    none = export_log(log, tmp_path / "none.csv", "csv", chosen=ObjectFilter(lens="order", without=("Create Order",)))
    assert none.rows == {"cases": 0, "events": 0}  # o:2 has no event, so it is no case


def test_no_cell_of_a_csv_starts_a_formula(log: Workspace, tmp_path: Path) -> None:
    export_log(log, tmp_path / "log.csv", "csv")
    with (tmp_path / "log.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["activity"] for row in rows] == [
        "Change Order", "Create Order", "Post Goods Issue", "Post Invoice", "post invoice",
    ]  # fmt: skip
    assert (rows[1]["time"], rows[1]["case:weight"], rows[2]["start_time"]) == (
        "2026-01-05T10:00:00.123456+01:00",
        "2.5",
        "2026-01-06T03:00:00-05:30",
    )


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "\ufeff=1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "\0x",
        "'=1",
    ],
)
def test_formulas_are_disarmed(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"
    assert given_cell(safe_cell(cell)) == cell


@pytest.mark.parametrize("cell", ["", "-5", "-2.5", "1e-07", "tea", "a=b", "'-5", "'s", "2026-01-05"])
def test_other_cells_stay(cell: str) -> None:
    assert safe_cell(cell) == cell
    assert given_cell(cell) == cell


def test_what_an_export_disarmed_comes_back_as_it_was(tmp_path: Path) -> None:
    names = ["-> Ship", "+1 day", "@2", "=A1", "'=A1", "'s-Gravenhage", "'-5", "-5", "Ship"]
    path, where, after = tmp_path / "log.csv", workspace(tmp_path / "a"), workspace(tmp_path / "b")
    with path.open("w", encoding="utf-8", newline="") as file:
        times = [f"2026-01-0{day}T10:00Z" for day in range(1, 10)]
        csv.writer(file).writerows(
            [("case", "activity", "time", "=note"), *zip(names, names, times, names, strict=True)]
        )
    read = {
        row["source_seq"]: row["activity"] for row in read_log(path, Limits(), Asked()).tables["events"].to_pylist()
    }
    assert [read[row] for row in range(9)] == ["=A1" if name == "'=A1" else name for name in names], (
        "it looks like ours"
    )
    document = {
        "objectTypes": [], "eventTypes": [],
        "objects": [{"id": name, "type": "case"} for name in names],
        "events": [{"id": f"e{n}", "type": name, "time": f"2026-01-0{n + 1}T10:00:00Z",
                    "attributes": [{"name": "=note", "value": name}],
                    "relationships": [{"objectId": name, "qualifier": ""}]} for n, name in enumerate(names)],
    }  # fmt: skip
    (tmp_path / "log.json").write_text(json.dumps(document), encoding="utf-8")
    load(where, tmp_path / "log.json")
    export_log(where, tmp_path / "out.csv", "csv")
    load(after, tmp_path / "out.csv", timezone="UTC")
    found = tables(after)
    assert sorted(row["activity"] for row in found["events"]) == sorted(names)
    assert sorted(row["object_id"] for row in found["objects"]) == sorted(names)
    assert sorted(row["=note"] for row in found["objects"]) == sorted(names), "one value per case: it is of the case"


@pytest.mark.parametrize(
    ("name", "asked", "found"),
    [
        ("a.json", None, "ocel-json"),
        ("a.xmlocel", None, "ocel-xml"),
        ("a.xes.gz", None, "xes"),
        ("a.parquet", None, "parquet"),
        ("folder", None, "tables"),
        ("folder", "parquet", "tables"),
        ("a.db", "ocel-sqlite", "ocel-sqlite"),
    ],
)
def test_the_name_tells_the_format(name: str, asked: str | None, found: str) -> None:
    assert format_of(Path(name), asked) == found


def test_unknown_formats_are_refused(log: Workspace, tmp_path: Path) -> None:
    for name, asked in (("a.doc", None), ("a.json", "docx")):
        with pytest.raises(ConfigError, match="expected one of ocel-json"):
            format_of(Path(name), asked)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds other files"):
        export_log(log, tmp_path / "full", "tables")
    export_log(log, tmp_path / "a.json", "ocel-json")
    with pytest.raises(LogError, match="is ocel-json; expected xes"):
        read_log(tmp_path / "a.json", Limits(), Asked(format="xes"))


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace(tmp_path / "w", '[company]\ntimezone = "Europe/Berlin"\n')
    path = tmp_path / "orders.csv"
    path.write_text("case,activity,time\n1,A,13.01.2026\n1,B,14.01.2026\n", encoding="utf-8")
    assert main(["import", str(path), "--case-type", "order", "-w", str(tmp_path / "w"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["batches"][0] == {
        "source": "orders.csv", "stream": "events", "read": 2, "accepted": 2, "quarantined": 0, "duplicate": 0,
        "deleted": 0,
    }  # fmt: skip
    out = tmp_path / "log.jsonocel"
    assert main(["export", str(out), "--lens", "order", "--json", "-w", str(tmp_path / "w")]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == {
        "events": 2, "objects": 1, "e2o": 2, "o2o": 0, "object_changes": 0,
    }  # fmt: skip
    path.write_text("case,activity,time\n1,A,03.01.2026\n1,B,04.01.2026\n", encoding="utf-8")
    other = path.rename(tmp_path / "other.csv")
    again = ["import", str(other), "--case-type", "order", "-w", str(tmp_path / "w"), "--json"]
    assert main(again) == 4
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: other.csv leaves open: dates.time")
    assert main([*again, "--accept"]) == 0
    capsys.readouterr()
    assert main(["import", str(tmp_path / "none.xes"), "-w", str(tmp_path / "w")]) == 4


def test_columns_of_a_flat_export_have_distinct_names(tmp_path: Path) -> None:
    event = {
        "id": "e1",
        "type": "A",
        "time": "2026-01-05T10:00:00Z",
        "relationships": [{"objectId": "o", "qualifier": ""}],
    }
    event["attributes"] = [{"name": name, "value": name} for name in ("event_id", "event_id_value", "case:x")]
    objects = [
        {"id": "o", "type": "order", "attributes": [{"name": "x", "value": "y", "time": "1970-01-01T00:00:00Z"}]}
    ]
    source = tmp_path / "log.json"
    source.write_text(json.dumps({"objects": objects, "events": [event]}), encoding="utf-8")
    where = workspace(tmp_path / "w")
    load(where, source)
    for kind in ("csv", "parquet"):
        path = tmp_path / f"flat.{kind}"
        export_log(where, path, kind)
        assert load(workspace(tmp_path / kind), path, accept=True).batches[0].accepted == 1
