"""XES: what a trace, an event and a life cycle become."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from o2c_mining.bootstrap import export_log
from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.imported import ImportedLog
from o2c_mining.exchange.read_xes import read_xes
from tests.exchange.logs import load, refused_rows, tables, workspace

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<log xmlns="http://www.xes-standard.org/">\n'


def event(name: str, time: str, transition: str | None = None, **more: str) -> str:
    parts = [f'<string key="concept:name" value="{name}"/>', f'<date key="time:timestamp" value="{time}"/>']
    if transition is not None:
        parts.append(f'<string key="lifecycle:transition" value="{transition}"/>')
    parts += [f'<string key="{key.replace("_", ":")}" value="{value}"/>' for key, value in more.items()]
    return f"<event>{''.join(parts)}</event>"


def read(tmp_path: Path, body: str, **options: Any) -> ImportedLog:
    path = tmp_path / "log.xes"
    path.write_text(f"{HEAD}{body}</log>", encoding="utf-8")
    return read_xes(path, Limits(), **options)


def trace(*events: str, name: str = "c1", more: str = "") -> str:
    return f'<trace><string key="concept:name" value="{name}"/>{more}{"".join(events)}</trace>'


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_start_and_complete_are_one_event(tmp_path: Path) -> None:
    log = read(
        tmp_path,
        trace(
            event("Pick", "2026-01-05T09:00:00Z", "start"),
            event("Pick", "2026-01-05T09:10:00Z", "start"),
            event("Pick", "2026-01-05T10:00:00Z", "complete"),
            event("Pack", "2026-01-05T11:00:00Z", "complete"),
            event("Pick", "2026-01-05T12:00:00Z", "COMPLETE"),
            event("Ship", "2026-01-05T13:00:00Z", "start"),
        ),
    )
    rows = sorted(log.tables["events"].to_pylist(), key=lambda row: row["time"])
    assert [(row["activity"], row["start_time"], row["time"]) for row in rows] == [
        ("Pick", at("2026-01-05 09:00"), at("2026-01-05 10:00")),
        ("Pack", None, at("2026-01-05 11:00")),
        ("Pick", at("2026-01-05 09:10"), at("2026-01-05 12:00")),
        ("Ship", None, at("2026-01-05 13:00")),  # begun, never completed: kept
    ]
    assert dict(rows[3]["attributes"]) == {"lifecycle:transition": "start"}
    assert (log.read["events"], log.merged["events"]) == (6, 2)
    assert any(note.startswith("2 start events went into the events that complete them") for note in log.notes)


def test_instances_are_told_apart(tmp_path: Path) -> None:
    log = read(
        tmp_path,
        trace(
            event("Pick", "2026-01-05T09:00:00Z", "start", concept_instance="a"),
            event("Pick", "2026-01-05T09:30:00Z", "start", concept_instance="b"),
            event("Pick", "2026-01-05T10:00:00Z", "complete", concept_instance="b"),
        ),
    )
    ended = next(row for row in log.tables["events"].to_pylist() if row["time"] == at("2026-01-05 10:00"))
    assert ended["start_time"] == at("2026-01-05 09:30")


def test_attributes_zones_and_nesting(tmp_path: Path) -> None:
    more = (
        '<float key="amount" value="12.5"/><int key="lines" value="3"/><boolean key="vip" value="true"/>'
        '<date key="due" value="2026-02-01T00:00:00+01:00"/>'
        '<list key="tags"><values><string key="tag" value="x"/></values></list>'
        '<string key="region" value="DACH"><string key="country" value="AT"/></string>'
    )
    log = read(
        tmp_path,
        trace(event("A", "2026-01-05T09:00:00.500+05:30", org_resource="ann", org_role="clerk", cost="5"), more=more),
        case_type="order",
    )
    row = log.tables["events"].to_pylist()[0]
    assert (row["time"], row["offset_minutes"]) == (at("2026-01-05 03:30:00.500"), 330)
    assert (row["resource"], row["team"], dict(row["attributes"])) == ("ann", "clerk", {"cost": "5"})
    found = log.tables["objects"].to_pylist()[0]
    assert found == {
        "object_id": "c1", "object_type": "order", "number": "c1", "system": "log.xes", "amount": 12.5, "lines": 3,
        "vip": True, "due": at("2026-01-31 23:00"), "tags.tag": "x", "region": "DACH", "region.country": "AT",
    }  # fmt: skip


def test_nothing_is_lost_where_names_are_missing_or_double(tmp_path: Path) -> None:
    late = f'<trace>{event("A", "2026-01-05T09:00:00Z")}<string key="concept:name" value="late"/></trace>'
    nameless = f"<trace>{event('A', '2026-01-05T09:00:00Z')}</trace>"
    twice = event("A", "2026-01-05T09:00:00Z") * 2
    body = (
        late + nameless + trace(twice) + trace(event("B", "2026-01-06T09:00:00Z")) + event("C", "2026-01-07T09:00:00Z")
    )
    log = read(tmp_path, f"<!-- <trace><event> --><!-- a -->{body}")
    assert log.tables["objects"]["object_id"].to_pylist() == ["late", "trace 2", "c1", "c1#2"]
    assert log.tables["events"].num_rows == len(set(log.tables["events"]["event_id"].to_pylist())) == 6
    assert log.tables["e2o"].num_rows == 5  # the event outside every trace is in no case
    assert any("called alike" in note for note in log.notes)


def test_events_without_time_or_activity_are_quarantined(tmp_path: Path) -> None:
    log = read(tmp_path, trace(event("A", "yesterday"), event("", "2026-01-05T09:00:00Z"), event("B", "2026-01-05")))
    assert [row.key for row in refused_rows(log)] == ["event 1", "event 2"]
    assert [(r["activity"], r["precision"]) for r in log.tables["events"].to_pylist()] == [("B", "day")]
    assert log.read["events"] == 3


def test_ids_do_not_depend_on_how_the_file_is_written(tmp_path: Path) -> None:
    first = read(tmp_path, trace(event("A", "2026-01-05T09:00:00Z")))
    path = tmp_path / "other.xes.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        body = (
            trace(event("A", "2026-01-05T10:00:00.000+01:00"))
            .replace("<event", "<x:event")
            .replace("</event", "</x:event")
        )
        file.write(HEAD.replace("<log", '<log xmlns:x="http://www.xes-standard.org/"') + body + "</log>")
    second = read_xes(path, Limits())
    assert first.tables["events"]["event_id"].to_pylist() == second.tables["events"]["event_id"].to_pylist()


def test_a_million_lists_are_no_junk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("o2c_mining.exchange.xml._IDLE", 20)
    nested = '<list key="tags"><values><string key="tag" value="x"/></values></list>'
    log = read(tmp_path, trace(*[event("A", f"2026-01-05T09:00:{n:02d}Z") for n in range(40)], more=nested))
    assert log.tables["events"].num_rows == 40
    with pytest.raises(LogError, match="outside of events and objects"):
        read(tmp_path, '<string key="a" value="b"/>' * 30)


def test_nobody_becomes_no_team(tmp_path: Path) -> None:
    given = (None, "Sales", "unknown")
    events = [
        event(name, f"2026-01-0{day}T10:00:00Z", **({} if team is None else {"org_group": team}))
        for day, (name, team) in enumerate(zip("ABC", given, strict=True), start=1)
    ]
    read(tmp_path, trace(*events))
    where = workspace(tmp_path / "w")
    load(where, tmp_path / "log.xes")
    export_log(where, tmp_path / "again.xes", "xes")
    again = read_xes(tmp_path / "again.xes", Limits())
    assert tuple(row["team"] for row in again.tables["events"].to_pylist()) == given


@pytest.mark.parametrize("transition", ["complete", "start"])  # the one is read by columns, the other by the parser
def test_the_name_of_a_file_is_no_system_of_others(tmp_path: Path, transition: str) -> None:
    bare = trace(event("A", "2026-01-01T10:00:00Z", transition), event("B", "2026-01-02T10:00:00Z"))
    own = trace(event("A", "2026-01-03T10:00:00Z", system="SAP"), name="c2", more='<string key="system" value="SAP"/>')
    read(tmp_path, bare + own)
    where, after = workspace(tmp_path / "a"), workspace(tmp_path / "b")
    load(where, tmp_path / "log.xes")
    export_log(where, tmp_path / "again.xes", "xes")
    written = (tmp_path / "again.xes").read_text(encoding="utf-8")
    assert (written.count('key="system" value="SAP"'), written.count('key="system"')) == (2, 2)
    load(after, tmp_path / "again.xes")
    for table, key in (("events", "event_id"), ("objects", "object_id")):
        assert [(r[key], r["system"]) for r in tables(after)[table]] == [
            (r[key], r["system"]) for r in tables(where)[table]
        ]
    assert "o2c:system" not in dict(tables(after)["events"][0].get("attributes", ()))
    export_log(after, tmp_path / "third.xes", "xes")
    assert (tmp_path / "third.xes").read_text(encoding="utf-8") == written
