"""Working time against an oracle that walks through every minute and knows nothing of intervals or time arithmetic."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_mining.calendar import Window, WorkCalendar, add_working, day_table, work_clock
from o2c_mining.errors import ConfigError
from tests.calendar.calendars import calendar

ZONES = ["Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"]
CHANGES = {
    "Europe/Berlin": [date(2025, 3, 30), date(2025, 10, 26), date(2026, 3, 29), date(2026, 10, 25)],
    "America/Sao_Paulo": [date(2018, 2, 18), date(2018, 11, 4), date(2019, 2, 17)],
    "Asia/Kolkata": [date(2026, 1, 26)],
    "Australia/Lord_Howe": [date(2025, 4, 6), date(2025, 10, 5), date(2026, 4, 5)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
}


@lru_cache(maxsize=64)
def walls(zone: str, first: date, days: int) -> list[tuple[datetime, datetime]]:
    """Each UTC minute with what a clock on the wall shows."""
    begin = datetime.combine(first, time(), tzinfo=UTC)
    minutes = (begin + timedelta(minutes=n) for n in range(days * 1440))
    return [(utc, utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for utc in minutes]


@lru_cache(maxsize=512)
def working_minutes(cal: WorkCalendar, first: date, last: date) -> frozenset[datetime]:
    """Every working UTC minute of the local dates, found by looking at each minute's wall clock."""
    days = (last - first).days
    seen = walls(cal.timezone, first - timedelta(days=1), days + 4)
    found: set[datetime] = set()
    exceptions = dict(cal.exceptions)
    for offset in range(days + 1):
        day = first + timedelta(days=offset)
        near = seen[offset * 1440 : (offset + 4) * 1440]
        for window in exceptions.get(day, cal.week[day.weekday()]):
            opens = datetime.combine(day, time()) + timedelta(minutes=window.start)
            closes = datetime.combine(day, time()) + timedelta(minutes=window.end)
            start = min(utc for utc, wall in near if wall >= opens)
            end = max(utc for utc, wall in near if wall < closes) + timedelta(minutes=1)
            found.update(utc for utc, _ in near if start <= utc < end)
    return frozenset(found)


@st.composite
def situations(draw: st.DrawFn) -> tuple[WorkCalendar, date]:
    zone = draw(st.sampled_from(ZONES))
    half_hours = st.integers(0, 48) | st.integers(0, 8)
    edges = st.lists(half_hours, min_size=2, max_size=4, unique=True).map(sorted)

    def windows(points: list[int]) -> tuple[Window, ...]:
        pairs = zip(points[::2], points[1::2], strict=False)
        return tuple(Window(start * 30, end * 30) for start, end in pairs)

    day = draw(st.sampled_from(CHANGES[zone])) + timedelta(days=draw(st.sampled_from([0, 0, -1, 1])))
    week = [windows(draw(edges)) if draw(st.booleans()) else () for _ in range(7)]
    week[day.weekday()] = windows(draw(edges))
    exceptions = draw(
        st.dictionaries(
            st.integers(-2, 3).map(lambda n: day + timedelta(days=n)), st.just(()) | edges.map(windows), max_size=2
        )
    )
    return WorkCalendar("drawn", zone, tuple(week), tuple(sorted(exceptions.items()))), day


@settings(max_examples=100, deadline=None)
@given(situations(), st.integers(0, 2 * 1440), st.integers(0, 2 * 1440))
def test_work_clock_counts_the_minutes_the_oracle_counts(
    situation: tuple[WorkCalendar, date], after: int, length: int
) -> None:
    cal, day = situation
    minutes = working_minutes(cal, day - timedelta(days=2), day + timedelta(days=6))
    a = datetime.combine(day, time(), tzinfo=UTC) + timedelta(minutes=after)
    b = a + timedelta(minutes=length)
    expected = sum(60 for minute in minutes if a <= minute < b)
    assert work_clock(cal, b) - work_clock(cal, a) == expected


@settings(max_examples=60, deadline=None)
@given(situations(), st.integers(0, 1440), st.integers(1, 30))
def test_add_working_is_the_earliest_instant_with_that_much_work(
    situation: tuple[WorkCalendar, date], after: int, wanted: int
) -> None:
    cal, day = situation
    start = datetime.combine(day, time(), tzinfo=UTC) + timedelta(minutes=after)
    end = add_working(cal, start, wanted * 60)
    assert work_clock(cal, end) - work_clock(cal, start) == wanted * 60
    assert work_clock(cal, end - timedelta(microseconds=1)) < work_clock(cal, end)


@settings(max_examples=60, deadline=None)
@given(situations(), st.lists(st.integers(0, 10**12), min_size=3, max_size=3))
def test_work_clock_is_monotone_and_additive(situation: tuple[WorkCalendar, date], offsets: list[int]) -> None:
    cal, day = situation
    a, b, c = (datetime.combine(day, time(), tzinfo=UTC) + timedelta(microseconds=n) for n in sorted(offsets))
    clock = [work_clock(cal, t) for t in (a, b, c)]
    assert clock[0] <= clock[1] <= clock[2]
    assert (clock[1] - clock[0]) + (clock[2] - clock[1]) == pytest.approx(clock[2] - clock[0], abs=1e-6)
    assert clock[2] - clock[0] <= (c - a).total_seconds() + 1e-6


@settings(max_examples=50, deadline=None)
@given(situations(), st.integers(0, 6 * 86_400_000_000))
def test_day_table_computes_the_same_clock(situation: tuple[WorkCalendar, date], microseconds: int) -> None:
    cal, day = situation
    t = datetime.combine(day, time(), tzinfo=UTC) + timedelta(microseconds=microseconds)
    try:
        row = day_table(cal, [t.date()])[0]
    except ConfigError as error:
        assert "windows on" in str(error)
        return
    second = (t - datetime.combine(t.date(), time(), tzinfo=UTC)).total_seconds()
    windows = [(row.w1_start, row.w1_end), (row.w2_start, row.w2_end), (row.w3_start, row.w3_end)]
    value = row.clock_before + sum(min(max(second - start, 0), end - start) for start, end in windows)
    assert value == pytest.approx(work_clock(cal, t), abs=1e-5)


def test_a_week_in_berlin_by_hand() -> None:
    cal = calendar("Europe/Berlin", d2026_05_01=())
    monday = datetime(2026, 4, 27, 0, 0, tzinfo=UTC)
    hours = [
        (work_clock(cal, monday + timedelta(days=n + 1)) - work_clock(cal, monday + timedelta(days=n))) / 3600
        for n in range(7)
    ]
    assert hours == [9, 9, 9, 9, 0, 0, 0]


def test_the_clock_starts_in_2000_and_runs_backwards_before() -> None:
    cal = calendar("Europe/Berlin")
    assert work_clock(cal, datetime(1999, 12, 31, 23, tzinfo=UTC)) == 0
    assert work_clock(cal, datetime(1999, 12, 31, 15, tzinfo=UTC)) == -3600


def test_target_used_up_on_friday_evening_is_due_then_not_on_monday() -> None:
    cal = calendar("Europe/Berlin")
    friday = datetime(2026, 6, 5, 13, 0, tzinfo=UTC)
    assert add_working(cal, friday, 2 * 3600) == datetime(2026, 6, 5, 15, 0, tzinfo=UTC)


def test_hours_that_do_not_exist_are_not_worked_and_repeated_hours_are_worked_twice() -> None:
    night = calendar("Europe/Berlin", (*((),) * 6, (Window(120, 180),)))
    spring, autumn = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)
    assert work_clock(night, spring + timedelta(days=1)) - work_clock(night, spring) == 0
    assert work_clock(night, autumn + timedelta(days=1)) - work_clock(night, autumn) == 2 * 3600


@pytest.mark.parametrize(
    ("zone", "day", "window", "hours"),
    [
        ("Europe/Berlin", date(2026, 10, 25), Window(90, 150), 2.0),
        ("Europe/Berlin", date(2026, 10, 25), Window(150, 240), 2.5),
        ("Europe/Berlin", date(2026, 10, 25), Window(130, 140), 1 + 10 / 60),
        ("Europe/Berlin", date(2026, 3, 29), Window(90, 150), 0.5),
        ("Europe/Berlin", date(2026, 3, 29), Window(150, 240), 1.0),
        ("Australia/Lord_Howe", date(2026, 4, 5), Window(60, 120), 1.5),
        ("Australia/Lord_Howe", date(2025, 10, 5), Window(60, 150), 1.0),
        ("America/Sao_Paulo", date(2018, 11, 4), Window(0, 60), 0.0),
        ("America/Sao_Paulo", date(2018, 2, 17), Window(1380, 1440), 2.0),
    ],
)
def test_days_on_which_the_clock_changes_by_hand(zone: str, day: date, window: Window, hours: float) -> None:
    week = tuple((window,) if n == day.weekday() else () for n in range(7))
    cal = calendar(zone, week)
    start = datetime.combine(day - timedelta(days=1), time(), tzinfo=UTC)
    worked = work_clock(cal, start + timedelta(days=3)) - work_clock(cal, start)
    assert worked == pytest.approx(hours * 3600)


@pytest.mark.parametrize("zone", ZONES)
def test_the_clock_stands_still_before_1990_and_after_2200(zone: str) -> None:
    cal = calendar(zone)
    start, end = datetime(1990, 1, 1, tzinfo=UTC), datetime(2201, 1, 1, tzinfo=UTC)
    for early in (datetime(1, 1, 1, tzinfo=UTC), datetime(2, 7, 1, tzinfo=UTC), datetime(1985, 6, 3, tzinfo=UTC)):
        assert work_clock(cal, early) == work_clock(cal, start)
    assert work_clock(cal, datetime.max.replace(tzinfo=UTC)) == work_clock(cal, end)
    assert work_clock(cal, datetime(1990, 1, 3, tzinfo=UTC)) > work_clock(cal, start)
    assert add_working(cal, datetime(1, 1, 1, tzinfo=UTC), 60) == add_working(cal, start, 60)


def test_a_time_without_zone_and_a_calendar_without_work_are_refused() -> None:
    with pytest.raises(ConfigError, match="no zone"):
        work_clock(calendar("Europe/Berlin"), datetime.fromisoformat("2026-01-01"))
    with pytest.raises(ConfigError, match="no working window"):
        calendar("Europe/Berlin", ((),) * 7)
