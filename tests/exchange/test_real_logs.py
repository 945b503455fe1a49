"""Public logs, counted here without our readers. They are no part of the project and may be absent."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from o2c_mining.bootstrap import export_log, open_log
from tests.exchange.logs import load, tables, workspace

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RECEIPT = DATA / "xes_receipt" / "receipt.xes"
ORDERS = DATA / "ocel1_order_management" / "mdl-running-example.mdl"
COLUMNS = ("customers", "orders", "items", "packages", "products")


@pytest.mark.skipif(not RECEIPT.exists(), reason="the public log receipt.xes is not beside the project")
def test_receipt(tmp_path: Path) -> None:
    text = RECEIPT.read_text(encoding="utf-8")
    traces = re.findall(r"<trace>(.*?)</trace>", text, re.DOTALL)
    events = [event for trace in traces for event in re.findall(r"<event>(.*?)</event>", trace, re.DOTALL)]
    activities = Counter(re.findall(r'"concept:name" value="([^"]*)"', " ".join(events)))
    assert (len(traces), len(events)) == (1434, 8577)

    where = workspace(tmp_path / "a")
    result = load(where, RECEIPT)
    assert {batch.stream: batch.accepted for batch in result.batches} == {"events": 8577, "objects": 1434, "e2o": 8577}
    found = tables(where)
    assert Counter(row["activity"] for row in found["events"]) == activities
    assert {row["object_type"] for row in found["objects"]} == {"case"}
    per_case = Counter(row["object_id"] for row in found["e2o"])
    assert sorted(per_case.values()) == sorted(trace.count("<event>") for trace in traces)
    stamps = [re.findall(r'"time:timestamp" value="([^"]*)"', event)[0] for event in events]
    winter = sum(stamp.endswith("+01:00") for stamp in stamps)
    assert Counter(row["offset_minutes"] for row in found["events"]) == {60: winter, 120: len(stamps) - winter}
    first = next(row for row in found["events"] if row["source_seq"] == 0)
    assert (first["activity"], first["resource"], first["team"]) == (
        "Confirmation of receipt",
        "Resource21",
        "Group 1",
    )

    export_log(where, tmp_path / "again.xes.gz", "xes")
    after = workspace(tmp_path / "b")
    load(after, tmp_path / "again.xes.gz")
    facts = ("event_id", "activity", "time", "offset_minutes", "resource", "team", "system")
    again = tables(after)
    assert [[row.get(f) for f in facts] for row in again["events"]] == [
        [row.get(f) for f in facts] for row in found["events"]
    ]
    assert again["e2o"] == found["e2o"]
    assert again["objects"] == found["objects"]


@pytest.mark.skipif(not ORDERS.exists(), reason="the public log of order management is not beside the project")
def test_order_management(tmp_path: Path) -> None:
    objects: dict[str, set[str]] = {name: set() for name in COLUMNS}
    references = listed = 0
    with ORDERS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name in COLUMNS:
            ids = [a or b for a, b in re.findall(r"'([^']*)'|\"([^\"]*)\"", row[name])]
            filled = {identity for identity in ids if identity}
            references += len(filled)
            listed += sum(bool(identity) for identity in ids)
            objects[name] |= filled
    empty = sum(row["packages"] == "['']" for row in rows)
    assert empty > 10_000  # packages that do not exist yet: no objects

    where = workspace(tmp_path)
    result = load(where, ORDERS)
    assert {batch.stream: (batch.read, batch.accepted) for batch in result.batches} == {
        "events": (len(rows), len(rows)),
        "objects": (sum(map(len, objects.values())),) * 2,
        "e2o": (listed, references),
    }
    assert {batch.stream: batch.duplicate for batch in result.batches}["e2o"] == listed - references > 0
    log = open_log(where)
    held = log.objects.group_by("object_type").aggregate(n=log.objects.count())
    assert {row["object_type"]: row["n"] for row in log.reader.rows(held)} == {k: len(v) for k, v in objects.items()}
    assert any("empty id is no object" in note for note in result.notes)
    first = log.reader.rows(log.events.filter(log.events.event_id == "1"))[0]
    assert (first["activity"], dict(first["attributes"])["price"]) == ("place order", "524.96")
