"""The ledger splits what the customer took from what we took, and open cases run to ``as_of``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from o2c_mining.analysis.durations import durations
from o2c_mining.analysis.handoffs import STILL_OPEN, handoffs
from o2c_mining.analysis.variants import variants
from o2c_mining.calendar.file import default_calendar_text
from o2c_mining.calendar.working import work_clock
from o2c_mining.config import Company, Config, Rates
from o2c_mining.errors import AnalysisError
from o2c_mining.log.event_log import Settings
from o2c_mining.trace.select import ObjectFilter, lens_named, refuse_silent_lens, select
from tests.micro import LANES, at, load, one_order, open_micro

PAID_LATE = [
    ("e1", "Create Order", "2026-01-01 00:00", ["o1"]),
    ("e2", "Post Invoice", "2026-01-03 00:00", ["i1"]),
    ("e3", "Receive Payment", "2026-01-23 00:00", ["i1"]),
    ("e4", "Clear Invoice", "2026-01-24 00:00", ["i1"]),
]


def test_waiting_for_the_customer_is_split_at_the_due_date(tmp_path: Path) -> None:
    store = load(
        tmp_path,
        events=PAID_LATE,
        objects=[("o1", "order", 1000_00), ("i1", "invoice", 1000_00)],
        relations=[("o1", "i1")],
        due={"i1": at("2026-01-17 00:00")},
    )
    ledger = handoffs(select(open_micro(store)))
    by_target = {row.to_activity: row for row in ledger.rows}
    paid = by_target["Receive Payment"]
    assert paid.value_days == pytest.approx(20_000)
    assert (paid.ours_value_days, paid.terms_value_days, paid.late_value_days) == pytest.approx((0, 14_000, 6_000))
    assert by_target["Post Invoice"].ours_value_days == pytest.approx(2_000)
    assert by_target["Clear Invoice"].ours_value_days == pytest.approx(1_000)
    assert ledger.total_value_days == pytest.approx(23_000)
    assert paid.cost == "4.38"  # 20,000 EUR-days * 8 % / 365
    assert (paid.from_team, paid.to_team, paid.handoff) == ("Billing", "Customer", True)


def test_an_unpaid_invoice_waits_for_the_customer_until_now(tmp_path: Path) -> None:
    store = load(
        tmp_path,
        events=[*PAID_LATE[:2], ("x", "Create Order", "2026-01-13 00:00", ["o2"])],
        objects=[("o1", "order", 100_00), ("i1", "invoice", 100_00), ("o2", "order", 0)],
        relations=[("o1", "i1")],
        due={"i1": at("2026-01-11 00:00")},
    )
    rows = [row for row in handoffs(select(open_micro(store))).rows if row.to_activity == STILL_OPEN]
    waiting = next(row for row in rows if row.from_activity == "Post Invoice")
    assert (waiting.terms_value_days, waiting.late_value_days) == pytest.approx((800, 200))


def test_working_time_follows_the_calendar(tmp_path: Path) -> None:
    (tmp_path / "company.yaml").write_text(default_calendar_text(), encoding="utf-8")
    from o2c_mining.calendar.file import load_calendar

    calendar = load_calendar(tmp_path / "company.yaml")
    settings = Settings(Config(company=Company(timezone="Europe/Berlin", calendar="company")), calendar, LANES)
    store = one_order(tmp_path, with_settings=settings)
    log = open_micro(store, with_settings=settings)
    ledger = handoffs(select(log), working=True)
    start, end = at("2026-01-05 09:00"), at("2026-01-14 09:00")
    assert ledger.total_seconds == pytest.approx(work_clock(calendar, end) - work_clock(calendar, start))
    assert sum(row.sum_seconds for row in ledger.rows) == pytest.approx(ledger.total_seconds)
    # Tue 2026-01-06 11:00 local to Fri 16:00: 6 h + 9 h + 9 h + 8 h
    found = durations(select(log), "Post Goods Issue", "Post Invoice", working=True)
    assert found.median_seconds == pytest.approx(32 * 3600)
    then = open_micro(store, as_of=at("2026-01-07 10:00"), with_settings=settings)
    open_part = next(r for r in handoffs(select(then), working=True).rows if r.to_activity == STILL_OPEN)
    assert open_part.sum_seconds == pytest.approx((6 + 3) * 3600)


def test_working_time_without_a_calendar_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="no calendar is configured"):
        handoffs(select(open_micro(one_order(tmp_path))), working=True)


def test_two_currencies_need_a_rate(tmp_path: Path) -> None:
    store = load(
        tmp_path,
        events=PAID_LATE[:2],
        objects=[("o1", "order", 100_00), ("i1", "invoice", 100_00)],
        relations=[("o1", "i1")],
        attributes={"o1": {"currency": "USD"}},
    )
    with pytest.raises(AnalysisError, match="there is no rate for USD"):
        handoffs(select(open_micro(store)))
    rates = Rates(date=datetime(2026, 1, 1).date(), per_unit={"USD": "0.5"})  # type: ignore[dict-item]  # noqa: DTZ001
    settings = Settings(Config(rates=rates), None, LANES)
    ledger = handoffs(select(open_micro(store, with_settings=settings)))
    assert ledger.total_value_days == pytest.approx(50 * 2)


def test_an_unknown_lens_names_what_there_is(tmp_path: Path) -> None:
    log = open_micro(one_order(tmp_path))
    with pytest.raises(AnalysisError, match="unknown object type 'invoce'; the log has: delivery, invoice, order"):
        select(log, ObjectFilter(lens="invoce"))


def test_an_order_invoiced_before_shipment_does_not_wait_for_its_invoice(tmp_path: Path) -> None:
    store = load(
        tmp_path,
        events=[
            ("a1", "Create Order", "2026-01-01 00:00", ["o1"]),
            ("a2", "Post Invoice", "2026-01-02 00:00", ["i1"]),
            ("a3", "Post Goods Issue", "2026-01-05 00:00", ["d1"]),
            ("a4", "Clear Invoice", "2026-02-20 00:00", ["i1"]),
            ("b1", "Create Order", "2026-01-01 00:00", ["o2"]),
            ("b2", "Post Goods Issue", "2026-01-05 00:00", ["d2"]),
            ("b3", "Post Invoice", "2026-01-06 00:00", ["i2"]),
        ],
        objects=[(f"{k}{n}", t, 1) for n in (1, 2) for k, t in (("o", "order"), ("d", "delivery"), ("i", "invoice"))],
        relations=[("o1", "d1"), ("o1", "i1"), ("o2", "d2"), ("o2", "i2")],
    )
    found = durations(select(open_micro(store)), "Post Goods Issue", "Post Invoice")
    assert (found.completed, found.open, found.already_done) == (1, 0, 1)
    assert found.median_seconds == 86400


def test_a_lens_without_amounts_or_events_says_so(tmp_path: Path) -> None:
    store = load(
        tmp_path,
        events=[("a1", "Open Dispute", "2026-01-01 00:00", ["x1"])],
        objects=[("x1", "dispute", None), ("c1", "customer", None)],
    )
    log = open_micro(store)
    (variant,) = variants(select(log, ObjectFilter(lens="dispute"))).variants
    assert variant.value == "0.00"
    with pytest.raises(AnalysisError, match="no customer of this log has an event"):
        refuse_silent_lens(log, lens_named(log, "customer"))


def test_items_of_orders_to_come_are_not_there_yet(tmp_path: Path) -> None:
    store = load(
        tmp_path,
        events=[
            ("a1", "Create Order", "2026-01-01 00:00", ["o1"]),
            ("b1", "Create Order", "2026-02-01 00:00", ["o2"]),
        ],
        objects=[
            *[("o1", "order", 1), ("o2", "order", 1), ("l1", "order_item", 1), ("l2", "order_item", 1)],
            *[("c1", "customer", None), ("c2", "customer", None)],
        ],
        relations=[("o1", "l1"), ("o2", "l2"), ("o1", "c1"), ("o2", "c1"), ("o2", "c2")],
    )
    log = open_micro(store, as_of=at("2026-01-15 00:00"))
    assert {row["object_id"] for row in log.reader.rows(log.objects.select("object_id"))} == {"o1", "l1", "c1"}
