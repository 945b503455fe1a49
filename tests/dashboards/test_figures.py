"""Figures only the screens ask for, against hand-computed values and slow references."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from o2c_mining.analysis.filter_choices import Choice, filter_choices
from o2c_mining.analysis.kpi_series import Month, kpi_series, series_of
from o2c_mining.analysis.kpis import kpis
from o2c_mining.analysis.log_span import log_span
from o2c_mining.analysis.member_ids import member_ids
from o2c_mining.analysis.step_times import bin_width, step_times
from o2c_mining.bootstrap import open_log, open_workspace
from o2c_mining.log.event_log import EventLog
from o2c_mining.trace.select import ObjectFilter, select
from tests.dashboards.company import ORDERS, REGIONS
from tests.micro import at, load, one_order, open_micro


@pytest.fixture(scope="module")
def log(workspace: Path) -> EventLog:
    """The company's log."""
    return open_log(open_workspace(workspace))


def test_the_time_between_two_steps_by_hand(tmp_path: Path) -> None:
    """Posted Friday 15:00, cleared Wednesday 09:00: 4 days and 18 hours with 100.00 EUR."""
    found = step_times(select(open_micro(one_order(tmp_path))), "Post Invoice", "Clear Invoice")
    assert (found.count, found.cases, found.waiting_now) == (1, 1, 0)
    assert found.median_seconds == found.p90_seconds == 4.75 * 86_400
    assert found.value_days == 475.0
    assert sum(one.count for one in found.bins) == 1


def test_what_stands_still_after_a_step_is_counted_with_its_money(tmp_path: Path) -> None:
    store = one_order(tmp_path)
    found = step_times(select(open_micro(store, as_of=at("2026-01-10 00:00"))), "Post Invoice", "Clear Invoice")
    assert (found.count, found.waiting_now, found.waiting_value) == (0, 1, "100.00")
    assert found.bins == ()
    assert found.median_seconds is None


@pytest.mark.parametrize("working", [True, False])
def test_bins_hold_every_segment_once(log: EventLog, working: bool) -> None:
    traces = select(log)
    pairs = traces.pairs
    steps = log.reader.rows(pairs.filter(pairs.activity == "Post Invoice", pairs.next_activity == "Receive Payment"))
    name = "working_seconds" if working else "elapsed_seconds"
    found = step_times(traces, "Post Invoice", "Receive Payment", working=working)
    assert found.count == len(steps) == sum(one.count for one in found.bins)
    for one in found.bins:
        inside = [row for row in steps if one.low <= row[name] < (one.high or float("inf"))]
        assert one.count == len(inside)
    widths = {one.high - one.low for one in found.bins if one.high is not None}
    assert len(widths) == 1


def test_bins_have_readable_widths() -> None:
    assert bin_width(60.0) == 60.0
    assert bin_width(36 * 3600.0) == 3600.0
    assert bin_width(20 * 86_400.0) == 86_400.0
    assert bin_width(20 * 8 * 3600.0, day_seconds=8 * 3600.0) == 8 * 3600.0
    assert bin_width(1e12) == 60 * 86_400.0


@pytest.mark.parametrize(
    ("as_of", "share", "owed"),
    [("2026-01-09 16:00", 0.0, "100.00"), ("2026-01-12 00:00", 100.0, "100.00"), ("2026-01-14 10:00", None, "0.00")],
)
def test_receivables_past_their_due_date(tmp_path: Path, as_of: str, share: float | None, owed: str) -> None:
    store = one_order(tmp_path, due={"i1": at("2026-01-11 00:00")})
    figure = kpis(open_micro(store, as_of=at(as_of)), ids=("overdue_share",)).kpis[0]
    assert (figure.value, figure.denominator) == (share, owed)


def test_filters_offered_are_attributes_with_a_few_values(log: EventLog) -> None:
    assert filter_choices(log, "order") == (Choice("customer.region", REGIONS),)


def test_an_attribute_of_the_case_itself_comes_first_and_once(tmp_path: Path) -> None:
    store = load(
        tmp_path,
        events=[(f"e{n}", "Create Order", "2026-01-05 09:00", [f"o{n}"]) for n in range(30)],
        objects=[(f"o{n}", "order", 1) for n in range(30)],
        attributes={f"o{n}": {"region": "AB"[n % 2], "colour": str(n), "one": "x"} for n in range(30)},
    )
    assert filter_choices(open_micro(store), "order") == (Choice("region", ("A", "B")),)


def test_the_documents_of_chosen_cases(log: EventLog) -> None:
    chosen = select(log, ObjectFilter(where=(("number", ("O5",)),)))
    assert member_ids(chosen) == {"o5", "d5", "i5", "p5"}


def test_the_span_of_a_log(tmp_path: Path) -> None:
    assert log_span(open_micro(one_order(tmp_path))) == (at("2026-01-05 09:00"), at("2026-01-14 09:00"))


def test_a_month_of_a_series_is_the_figure_of_that_month(log: EventLog) -> None:
    ids = ("order_to_cash", "dso_period_end")
    series = kpi_series(log, ObjectFilter(), ids, 2)
    assert [month.first for month in series[0].months] == [date(2026, 7, 1), date(2026, 8, 1)]
    august = kpis(log, ObjectFilter(start=date(2026, 8, 1), end=date(2026, 9, 1)), ids).kpis
    assert [one.months[-1].value for one in series] == [figure.value for figure in august]


def _months(*values: float | None, spread: float | None = None) -> list[Month]:
    return [
        Month(
            date(2026, number, 1),
            value,
            None if spread is None or value is None else value - spread,
            None if spread is None or value is None else value + spread,
        )
        for number, value in enumerate(values, start=1)
    ]


def test_a_change_within_overlapping_intervals_is_noise() -> None:
    assert series_of("x", _months(10.0, 10.1, spread=1.0)).is_noise
    assert not series_of("x", _months(10.0, 13.0, spread=1.0)).is_noise


def test_a_change_no_larger_than_usual_is_noise() -> None:
    assert series_of("x", _months(10.0, 12.0, 10.0, 11.0)).is_noise
    assert not series_of("x", _months(10.0, 12.0, 10.0, 19.0)).is_noise
    assert series_of("x", _months(10.0, 99.0)).is_noise


def test_a_month_without_a_figure_is_passed_over() -> None:
    found = series_of("x", _months(10.0, None, 14.0))
    assert (found.newest, found.before, found.change) == (date(2026, 3, 1), date(2026, 1, 1), 4.0)


def test_every_order_is_a_case(log: EventLog) -> None:
    cases = select(log).cases
    assert log.reader.rows(cases.aggregate(n=cases.count()))[0]["n"] == ORDERS
