"""Every rule finds what was planted for it, with the right count; a clean log has no finding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from o2c_mining.calendar.working import Window, WorkCalendar
from o2c_mining.config import Company, Config
from o2c_mining.log.event_log import EVERYTHING, EventLog, Settings
from o2c_mining.log.findings.finding import Finding
from o2c_mining.log.reader import open_reader
from o2c_mining.log.schema import KEYS, TABLES
from o2c_mining.log.snapshot import Snapshot
from o2c_mining.log.validate import validate
from tests.micro import at

Row = dict[str, Any]
START = at("2026-01-05 08:00")  # a Monday
OFFICE = (Window(8 * 60, 17 * 60),)


@dataclass
class Rows:
    """A log in the making; the clean one has ten orders, each delivered, invoiced and paid, one step an hour."""

    events: dict[str, Row] = field(default_factory=dict)
    objects: dict[str, Row] = field(default_factory=dict)
    e2o: list[Row] = field(default_factory=list)
    o2o: list[Row] = field(default_factory=list)

    def event(self, name: str, activity: str, time: datetime | None, *objects: str, **more: Any) -> None:
        self.events[name] = {
            "event_id": name, "activity": activity, "time": time, "precision": "second", "system": "erp",
            "source_seq": len(self.events), "resource": "ann", "resource_kind": "human", "attributes": {}, **more,
        }  # fmt: skip
        self.e2o += [{"event_id": name, "object_id": o, "qualifier": ""} for o in objects]

    def object(self, name: str, kind: str, **more: Any) -> None:
        self.objects[name] = {
            "object_id": name, "object_type": kind, "system": "erp", "amount_minor": 100, "currency": "EUR", **more,
        }  # fmt: skip

    def relation(self, source: str, target: str, **more: Any) -> None:
        self.o2o.append({"source_id": source, "target_id": target, "qualifier": "", **more})

    def order(self, number: int, start: datetime, *, systems: Sequence[str] = ("erp",) * 4) -> None:
        chain = [("o", "order"), ("d", "delivery"), ("i", "invoice"), ("p", "payment")]
        for step, (letter, kind) in enumerate(chain):
            name = f"{letter}{number}"
            self.object(name, kind)
            when = start + timedelta(hours=step)
            self.event(f"e-{name}", f"Create {kind}", when, name, system=systems[step])
            if step:
                self.relation(f"{chain[step - 1][0]}{number}", name)
        self.relation(f"o{number}", f"i{number}")

    def findings(self, settings: Settings | None = None) -> list[Finding]:
        """What the rules say of these rows, loaded an hour ago."""
        reader = open_reader({})
        for name in KEYS:
            rows: list[Row] = list({"events": self.events, "objects": self.objects}.get(name, {}).values())
            rows = rows or {"e2o": self.e2o, "o2o": self.o2o}.get(name, [])
            rows = [{**row, "ingest_seq": number} for number, row in enumerate(rows)]
            reader.register(f"{name}_current", pa.Table.from_pylist(rows, schema=TABLES[name]))
        tables = {name: reader.table(f"{name}_current") for name in KEYS}
        loaded = datetime.now(UTC)
        newest = max(e["time"] for e in self.events.values() if e["time"] and e["time"] <= loaded + timedelta(days=1))
        log = EventLog(
            **tables,
            reader=reader,
            snapshot=Snapshot(Path(), 1, loaded, {}, 0, 0, ""),
            as_of=newest,
            newest=newest,
            scope=EVERYTHING,
            settings=settings or Settings(),
        )
        return list(validate(log))


def clean() -> Rows:
    rows = Rows()
    for number in range(10):
        rows.order(number, START + timedelta(days=number, minutes=number))
    return rows


def one(found: Sequence[Finding]) -> Finding:
    assert len(found) == 1, [(f.rule, f.count, f.example) for f in found]
    assert found[0].why and found[0].mend
    return found[0]


def test_a_clean_log_has_no_finding() -> None:
    assert clean().findings() == []


def no_time(rows: Rows) -> None:
    rows.event("x", "Change Order", None, "o1")


def future(rows: Rows) -> None:
    rows.event("x1", "Change Order", datetime.now(UTC) + timedelta(days=2), "o1")
    rows.event("x2", "Change Order", datetime.now(UTC) + timedelta(hours=20), "o1")  # clocks and zones may differ


def long_ago(rows: Rows) -> None:
    rows.event("x1", "Change Order", at("1989-12-31 23:59"), "o1")
    rows.event("x2", "Change Order", at("1970-01-01 00:00"), "o1")
    for name in "di":  # what follows from it was there before: only the times are wrong
        rows.o2o = [row for row in rows.o2o if row["target_id"] != f"{name}1"]


def backwards(rows: Rows) -> None:
    rows.events["e-o1"]["start_time"] = rows.events["e-o1"]["time"] + timedelta(minutes=1)
    rows.events["e-o2"]["start_time"] = rows.events["e-o2"]["time"]


def precision(rows: Rows) -> None:
    rows.events["e-o1"]["precision"] = "week"


def empty_ids(rows: Rows) -> None:
    rows.events["e-p1"]["event_id"] = " "
    next(row for row in rows.e2o if row["event_id"] == "e-p1")["event_id"] = " "


def empty_activity(rows: Rows) -> None:
    rows.events["e-o1"]["activity"] = ""
    rows.events["e-o2"]["activity"] = None


def empty_object(rows: Rows) -> None:
    rows.object("", "order")


def object_of_unknown_type(rows: Rows) -> None:
    rows.object("x", "unknown")


def untyped_object(rows: Rows) -> None:
    rows.object("x", "")


def dangling_reference(rows: Rows) -> None:
    rows.event("x", "Change Order", START, "nowhere", "o1")
    rows.event("y", "Change Order", START + timedelta(hours=1), "nowhere", "elsewhere")


def no_event(rows: Rows) -> None:
    rows.e2o.append({"event_id": "lost", "object_id": "o1", "qualifier": ""})


def dangling_relation(rows: Rows) -> None:
    rows.relation("o1", "nowhere")
    rows.relation("nowhere", "o2")


def no_object(rows: Rows) -> None:
    rows.event("x1", "Check Credit", START)
    rows.event("x2", "Check Credit", START)


def itself(rows: Rows) -> None:
    rows.relation("o1", "o1")


def empty_end(rows: Rows) -> None:
    rows.object("", "order")
    rows.relation("o1", "")


def currency(rows: Rows) -> None:
    rows.objects["o1"]["currency"] = None
    rows.objects["o2"]["currency"] = "Euro"


def relation_currency(rows: Rows) -> None:
    rows.o2o[0] |= {"amount_minor": 5, "currency": "EURO"}
    rows.o2o[1] |= {"amount_minor": 5, "currency": "CHF"}


def no_rate(rows: Rows) -> None:
    rows.objects["o1"]["currency"] = "CHF"


def no_amount(rows: Rows) -> None:
    rows.objects["o3"]["amount_minor"] = None
    rows.object("c1", "customer", amount_minor=None)  # no customer has one
    rows.object("c2", "customer", amount_minor=None)


def twice(rows: Rows) -> None:
    for name, event, objects in (("x1", "e-o1", ["o1"]), ("x2", "e-o1", ["o1"]), ("x3", "e-p2", ["p2"])):
        rows.event(name, "", None, *objects)
        rows.events[name] = {**rows.events[event], "event_id": name, "source_seq": 0}
    for number, (more, objects) in enumerate(  # none of these is a duplicate: one thing differs each time
        [
            ({"activity": "Change Order"}, ["o3"]),
            ({"time": START + timedelta(days=3, minutes=4)}, ["o3"]),
            ({"resource": "bob"}, ["o3"]),
            ({"resource": None}, ["o3"]),
            ({"new_value": "5"}, ["o3"]),
            ({"attributes": {"lifecycle:transition": "start"}}, ["o3"]),
            ({}, ["o3", "i3"]),
            ({}, ["o4"]),
        ]
    ):
        rows.event(f"z{number}", "", None, *objects)
        rows.events[f"z{number}"] = {**rows.events["e-o3"], "event_id": f"z{number}", "source_seq": 99, **more}


def days(rows: Rows) -> None:
    for number in range(3):
        event = rows.events[f"e-p{number}"]
        event |= {"precision": "day", "time": event["time"].replace(hour=0, minute=0), "system": "bank"}


def equal(rows: Rows) -> None:
    for name in ("x1", "x2"):
        rows.event(name, f"Change Order {name}", rows.events["e-o1"]["time"], "o1")
    rows.event("x3", "Post Invoice", rows.events["e-i2"]["time"], "i2")
    rows.event("x4", "Post Invoice", rows.events["e-i3"]["time"], "i2")
    rows.e2o.append({"event_id": "e-o5", "object_id": "o5", "qualifier": "once more"})  # is still one event


def early_payment(rows: Rows) -> None:
    rows.events["e-p1"]["time"] = rows.events["e-o1"]["time"] - timedelta(minutes=1)


def early_delivery(rows: Rows) -> None:
    rows.events["e-d1"]["time"] = rows.events["e-o1"]["time"] - timedelta(minutes=1)
    # a delivery of two orders comes after the first of them: nothing is wrong
    rows.relation("o5", "d2")


def early_invoice(rows: Rows) -> None:
    rows.events["e-i1"]["time"] = rows.events["e-d1"]["time"] - timedelta(minutes=1)
    # of these only the day is known, and it is the same
    event = rows.events["e-i2"]
    event |= {"precision": "day", "time": event["time"].replace(hour=0, minute=0)}


PLANTED: list[tuple[Callable[[Rows], None], dict[tuple[str, str, str], tuple[int, str]]]] = [
    (no_time, {("missing time", "error", "events"): (1, "x")}),
    (future, {("time in the future", "warning", "events"): (1, "x1")}),
    (long_ago, {("time before 1990", "warning", "events"): (2, "x1")}),
    (backwards, {("start after end", "warning", "events"): (1, "e-o1")}),
    (precision, {("unknown precision", "error", "events"): (1, "e-o1")}),
    (empty_ids, {("empty id", "error", "events"): (1, "Create payment")}),
    (empty_activity, {("empty activity", "error", "events"): (2, "e-o1")}),
    (empty_object, {("empty object id", "error", "objects"): (1, "order")}),
    (untyped_object, {("empty object type", "error", "objects"): (1, "x")}),
    (object_of_unknown_type, {("unknown object type", "warning", "objects"): (1, "x")}),
    (dangling_reference, {("dangling event reference", "error", "e2o"): (3, "elsewhere")}),
    (no_event, {("reference of no event", "error", "e2o"): (1, "lost")}),
    (dangling_relation, {("dangling relation", "warning", "o2o"): (1, "nowhere")}),
    (no_object, {("event without object", "warning", "events"): (2, "x1")}),
    (itself, {("relation to itself", "warning", "o2o"): (1, "o1")}),
    (
        empty_end,
        {
            ("empty object id", "error", "objects"): (1, "order"),
            ("empty end of a relation", "error", "o2o"): (1, "o1 -> "),
        },
    ),
    (currency, {("unknown currency", "warning", "objects"): (2, "o1")}),
    (relation_currency, {("unknown currency", "warning", "o2o"): (1, "o0")}),
    (no_rate, {("currency without a rate", "warning", "objects"): (1, "o1")}),
    (no_amount, {("missing amount", "warning", "objects"): (1, "o3")}),
    (days, {("day-only stamps", "note", "events"): (3, "e-p0")}),
    (equal, {("equal stamps", "note", "events"): (2, "i2")}),
    (early_delivery, {("delivery before order", "warning", "o2o"): (1, "d1")}),
    (early_invoice, {("invoice before delivery", "note", "o2o"): (1, "i1"),
                     ("day-only stamps", "note", "events"): (1, "e-i2")}),
    (early_payment, {("payment before order", "warning", "o2o"): (1, "p1"),
                     ("payment before invoice", "note", "o2o"): (1, "p1")}),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "expected"), PLANTED, ids=[plant.__name__ for plant, _ in PLANTED])
def test_what_was_planted_is_found(
    plant: Callable[[Rows], None], expected: dict[tuple[str, str, str], tuple[int, str]]
) -> None:
    rows = clean()
    plant(rows)
    found = rows.findings()
    assert {(f.rule, f.severity, f.table): (f.count, f.example) for f in found} == expected
    assert all(f.why and f.mend for f in found)


def test_exact_duplicates_are_the_events_beyond_the_first() -> None:
    rows = clean()
    twice(rows)
    found = {f.rule: f for f in rows.findings()}
    duplicate = found.pop("exact duplicate")
    assert (duplicate.count, duplicate.example) == (3, "x1")
    assert [(part.name, part.count) for part in duplicate.parts] == [("Create order", 2), ("Create payment", 1)]


def test_day_only_stamps_say_which_share_of_which_stream() -> None:
    rows = clean()
    days(rows)
    rows.event("x", "Create payment", START + timedelta(days=30), "p1", system="bank")
    (part,) = one(rows.findings()).parts
    assert (part.name, part.count, part.of) == ("bank: Create payment", 3, 4)


def linked(shift: Callable[[int], timedelta], *, documents: int = 40) -> Rows:
    """Orders of one system, and invoices of another that follow a minute later by that system's clock."""
    rows = Rows()
    for number in range(documents):
        start = START + timedelta(hours=number)
        rows.object(f"o{number}", "order")
        rows.object(f"i{number}", "invoice")
        rows.relation(f"o{number}", f"i{number}")
        rows.event(f"e-o{number}", "Create Order", start, f"o{number}")
        rows.event(f"e-i{number}", "Create Invoice", start + shift(number), f"i{number}", system="billing")
    return rows


def test_a_clock_that_is_behind_is_measured() -> None:
    wait = [1, 2, 2, 3, 120]  # minutes in truth; the clock is 17 behind
    rows = linked(lambda number: timedelta(minutes=wait[number % 5] - 17))
    found = {f.rule: f for f in rows.findings()}
    assert set(found) == {"clock skew", "invoice before order"}
    skew = found["clock skew"]
    assert (skew.count, skew.example) == (32, "i0")
    assert "billing seems 15.0 minutes behind erp" in skew.why
    assert "between 14.8 and 15.2" in skew.why or "between 15.0 and 15.0" in skew.why or "between 14" in skew.why
    assert [(part.name, part.count, part.of) for part in skew.parts] == [("erp -> billing", 32, 40)]


def test_a_wrong_time_zone_is_named() -> None:
    rows = linked(lambda number: timedelta(hours=-2, seconds=number % 7))
    skew = next(f for f in rows.findings() if f.rule == "clock skew")
    assert "close to 2 hours" in skew.mend


@pytest.mark.parametrize(
    "shift",
    [
        lambda number: timedelta(minutes=1),  # right
        lambda number: timedelta(minutes=-5 if number < 9 else 5),  # too few
        lambda number: timedelta(minutes=-((number + 1) ** 2)),  # early by any time: a process, no clock
        lambda number: timedelta(days=-3),  # no clock is three days wrong
    ],
    ids=["right", "few", "spread", "days"],
)
def test_no_skew_where_no_clock_is_wrong(shift: Callable[[int], timedelta]) -> None:
    assert "clock skew" not in {f.rule for f in linked(shift).findings()}


def stream(volume: Callable[[date], int], *, days: int = 120) -> Rows:
    """An activity that happens so many times a day; and one event a day that shows how far the log reaches."""
    rows = Rows()
    rows.object("o1", "order")
    for number in range(days):
        when = START + timedelta(days=number)
        rows.event(f"d{number}", "Run Batch", when + timedelta(minutes=30), "o1", system="jobs")
        for place in range(volume(when.date())):
            rows.event(f"e{number}-{place}", "Create Order", when + timedelta(minutes=place, seconds=1), "o1")
    return rows


OUTAGE = {date(2026, 3, 2) + timedelta(days=n) for n in range(5)}  # Monday to Friday


def calendar(*holidays: date) -> Settings:
    return Settings(
        Config(company=Company(timezone="Europe/Berlin")),
        WorkCalendar("c", "Europe/Berlin", (OFFICE,) * 5 + ((),) * 2, tuple((day, ()) for day in holidays)),
    )


def office(volume: int) -> Callable[[date], int]:
    return lambda day: volume if day.weekday() < 5 else 0


def test_a_gap_is_found_with_what_is_missing() -> None:
    rows = stream(lambda day: 0 if day in OUTAGE else office(7)(day))
    gap = one(rows.findings(calendar()))
    assert (gap.rule, gap.count) == ("gap in a stream", 1)
    assert gap.example == "erp: Create Order, 2026-03-02 to 2026-03-06: 5 working days"
    assert [part.count for part in gap.parts] == [35]


def test_a_stream_that_stopped_is_a_gap() -> None:
    rows = stream(lambda day: 7 if day < date(2026, 4, 1) else 0)
    gap = one(rows.findings(calendar()))
    assert gap.example.startswith("erp: Create Order, 2026-04-01 to 2026-05-04: ")


@pytest.mark.parametrize(
    ("volume", "settings"),
    [
        (office(7), calendar()),  # weekends
        (lambda day: 0 if day in OUTAGE else office(7)(day), calendar(*OUTAGE)),  # holidays
        (lambda day: 0 if day in sorted(OUTAGE)[:4] else office(7)(day), Settings()),  # may be holidays
        (lambda day: 30 if day.weekday() == 4 else 0, calendar()),  # a weekly batch
        (lambda day: 1 if day.day == 5 else 0, calendar()),  # rare
        (lambda day: 0 if day in OUTAGE else office(2)(day), calendar()),  # too few to be sure
        (lambda day: 30 if day < date(2026, 2, 1) else max(0, 30 - (day - date(2026, 2, 1)).days), calendar()),
    ],
    ids=["weekends", "holidays", "no calendar", "weekly", "rare", "few", "thins out"],
)
def test_no_gap_where_silence_is_usual(volume: Callable[[date], int], settings: Settings) -> None:
    assert [f.example for f in stream(volume).findings(settings) if "gap" in f.rule or "drop" in f.rule] == []


@pytest.mark.parametrize("wrong", ["0001-01-01", "1985-06-03", "2924-01-01"])
@pytest.mark.parametrize("settings", [calendar(), Settings()], ids=["calendar", "none"])
def test_a_stamp_that_cannot_be_is_the_start_or_end_of_no_gap(wrong: str, settings: Settings) -> None:
    rows = stream(office(7))
    rows.event("wrong", "Create Order", datetime.fromisoformat(wrong).replace(tzinfo=UTC), "o1")
    assert [f.example for f in rows.findings(settings) if "gap" in f.rule or "drop" in f.rule] == []


def test_a_drop_in_volume_is_found() -> None:
    rows = stream(lambda day: 5 if day in OUTAGE else office(20)(day))
    drop = one(rows.findings(calendar()))
    assert (drop.rule, drop.count) == ("drop in volume", 1)
    assert drop.example == "erp: Create Order, 2026-03-02 to 2026-03-06: 5 working days"
    assert [part.count for part in drop.parts] == [75]


def test_days_are_those_of_the_company() -> None:
    """At 23:30 UTC on Sundays it is Monday in Sydney, and Monday's work is no work on a weekend."""
    rows = Rows()
    rows.object("o1", "order")
    for number in range(120):
        day = START.replace(hour=23, minute=0) + timedelta(days=number - 1)
        local = (day + timedelta(hours=11)).date()
        rows.event(f"d{number}", "Run Batch", day + timedelta(minutes=30), "o1", system="jobs")
        for place in range(0 if local in OUTAGE else office(7)(local)):
            rows.event(f"e{number}-{place}", "Create Order", day + timedelta(minutes=place, seconds=1), "o1")
    settings = Settings(
        Config(company=Company(timezone="Australia/Sydney")),
        WorkCalendar("c", "Australia/Sydney", (OFFICE,) * 5 + ((),) * 2),
    )
    assert one(rows.findings(settings)).example.endswith("2026-03-02 to 2026-03-06: 5 working days")
