"""Key figures against hand calculation and published golden values."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from o2c_mining.analysis.kpis import kpis
from o2c_mining.analysis.kpis.dso_period_end import dso
from o2c_mining.errors import AnalysisError
from o2c_mining.log.event_log import EventLog
from o2c_mining.trace.select import ObjectFilter
from tests.micro import at, load, open_micro

JANUARY = ObjectFilter(start=date(2026, 1, 1), end=date(2026, 2, 1))


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    """Three invoices: an old one of 2024 still open, one paid in part, one paid; a delivery that waits for its bill."""
    store = load(
        tmp_path,
        events=[
            ("a1", "Create Order", "2024-01-01 00:00", ["o1"]),
            ("a2", "Post Invoice", "2024-01-02 00:00", ["i1"]),
            ("b1", "Create Order", "2026-01-05 00:00", ["o2"]),
            ("b2", "Post Goods Issue", "2026-01-07 00:00", ["d2"]),
            ("b3", "Post Invoice", "2026-01-10 00:00", ["i2"]),
            ("b4", "Apply Payment", "2026-01-20 00:00", ["p2", "i2"]),
            ("c1", "Create Order", "2026-01-06 00:00", ["o3"]),
            ("c2", "Post Invoice", "2026-01-11 00:00", ["i3"]),
            ("c3", "Apply Payment", "2026-01-16 00:00", ["p3", "i3"]),
            ("c4", "Clear Invoice", "2026-01-16 00:00", ["i3"]),
            ("d1", "Create Order", "2026-01-08 00:00", ["o4"]),
            ("d2", "Post Goods Issue", "2026-01-22 00:00", ["d4"]),
            ("z1", "Create Order", "2026-02-01 00:00", ["o5"]),
        ],
        objects=[(f"o{n}", "order", 0) for n in range(1, 6)]
        + [("i1", "invoice", 500_00), ("i2", "invoice", 300_00), ("i3", "invoice", 200_00)]
        + [("p2", "payment", 100_00), ("p3", "payment", 200_00), ("d2", "delivery", None), ("d4", "delivery", None)]
        + [("l2", "order_item", 250_00), ("l4", "order_item", 40_00)],
        relations=[
            ("o1", "i1"), ("o2", "i2"), ("o3", "i3"), ("i2", "p2"), ("i3", "p3"), ("o2", "d2"), ("d2", "i2"),
            ("o4", "d4"), ("o2", "l2"), ("l2", "d2"), ("o4", "l4"), ("l4", "d4"),
        ],
        amounts={("i2", "p2"): 100_00, ("i3", "p3"): 200_00, ("l2", "d2"): 250_00, ("l4", "d4"): 40_00},
    )  # fmt: skip
    return open_micro(store, as_of=at("2026-02-01 00:00"))


def test_golden_value_of_dso() -> None:
    assert dso(1.2e6, 10e6, 365) == pytest.approx(43.8)
    assert dso(1.0, 0.0, 365) is None


def test_an_old_open_invoice_and_a_part_payment_are_in_the_receivables(log: EventLog) -> None:
    (found,) = kpis(log, JANUARY, ["dso_period_end"]).kpis
    assert (found.numerator, found.denominator) == ("700.00", "500.00")
    assert found.value == pytest.approx(700 / 500 * 31)


def test_invoice_to_cash_counts_what_is_open(log: EventLog) -> None:
    (found,) = kpis(log, JANUARY, ["invoice_to_cash"]).kpis
    assert (found.numerator, found.denominator) == (1, 2)
    assert found.value == pytest.approx(5.0)
    assert found.high is None


def test_unbilled_value_days_end_with_the_invoice_or_the_period(log: EventLog) -> None:
    (found,) = kpis(log, JANUARY, ["unbilled_value_days"]).kpis
    assert found.numerator == "1150.00"  # 250 * 3 days + 40 * 10 days
    assert "unbilled at its end: 40.00 EUR" in found.formula


def test_touchless_needs_a_machine_all_the_way(log: EventLog) -> None:
    (found,) = kpis(log, JANUARY, ["touchless_orders"]).kpis
    assert (found.numerator, found.denominator) == (0, 2)
    assert [(e.reason, e.count) for e in found.excluded] == [("no invoice yet", 1)]


def test_an_unknown_figure_names_the_known(log: EventLog) -> None:
    with pytest.raises(AnalysisError, match="unknown KPI 'dos'; expected one of: order_to_cash"):
        kpis(log, ids=["dos"])
