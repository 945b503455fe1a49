"""Due instants, computed by hand."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_mining.calendar import Window, WorkCalendar, due_at, parse_target, work_clock
from o2c_mining.errors import ConfigError
from tests.calendar.calendars import calendar

INSTANTS = st.integers(0, 4 * 365 * 86_400).map(lambda n: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=n))
BERLIN = calendar("Europe/Berlin", d2026_05_01=(), d2026_12_24=(Window(480, 720),))


def berlin(text: str) -> datetime:
    """A Berlin wall-clock time of summer 2026 (UTC+2)."""
    return datetime.fromisoformat(f"2026-{text}+02:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "target", "cutoff", "due"),
    [
        ("06-03T10:00", "8h", None, "06-03T18:00"),
        ("06-03T10:00", "8wh", None, "06-04T09:00"),
        ("06-05T16:00", "1wh", None, "06-05T17:00"),
        ("06-03T10:00", "1wd", None, "06-04T17:00"),
        ("06-05T10:00", "1wd", None, "06-08T17:00"),
        ("06-05T22:00", "1wd", None, "06-08T17:00"),
        ("06-06T10:00", "1wd", None, "06-08T17:00"),
        ("04-30T10:00", "1wd", None, "05-04T17:00"),
        ("06-03T10:00", "3wd", None, "06-08T17:00"),
        ("06-03T10:00", "1wd", "15:00", "06-04T15:00"),
        ("06-03T15:00", "1wd", "15:00", "06-04T15:00"),
        ("06-03T15:01", "1wd", "15:00", "06-05T15:00"),
        ("06-05T16:00", "1wd", "15:00", "06-08T15:00"),
        ("06-07T16:00", "1wd", "15:00", "06-08T15:00"),
        ("06-03T10:00", "30d", None, "07-04T00:00"),
        ("06-03T23:59", "1d", None, "06-05T00:00"),
    ],
)
def test_due(start: str, target: str, cutoff: str | None, due: str) -> None:
    limit = time.fromisoformat(cutoff) if cutoff else None
    assert due_at(BERLIN, berlin(start), parse_target(target), cutoff=limit) == berlin(due)


def test_a_half_day_ends_before_the_cutoff() -> None:
    due = due_at(BERLIN, datetime(2026, 12, 23, 9, tzinfo=UTC), parse_target("1wd"), cutoff=time(15))
    assert due == datetime(2026, 12, 24, 11, tzinfo=UTC)


def test_calendar_days_end_at_local_midnight_across_the_clock_change() -> None:
    assert due_at(BERLIN, datetime(2026, 3, 28, 12, tzinfo=UTC), parse_target("1d")) == datetime(
        2026, 3, 29, 22, tzinfo=UTC
    )


@settings(max_examples=200, deadline=None)
@given(
    INSTANTS,
    INSTANTS,
    st.sampled_from(["8h", "8wh", "1wd", "3wd", "30d"]),
    st.sampled_from([None, time(15)]),
    st.sampled_from([BERLIN, calendar("Australia/Lord_Howe"), calendar("America/Sao_Paulo"), calendar("Asia/Kolkata")]),
)
def test_a_later_start_is_never_due_earlier(
    a: datetime, b: datetime, target: str, cutoff: time | None, cal: WorkCalendar
) -> None:
    first, second = sorted([a, b])
    due = [due_at(cal, t, parse_target(target), cutoff=cutoff) for t in (first, second)]
    assert due[0] <= due[1]
    assert due[0] > first


@settings(max_examples=100, deadline=None)
@given(INSTANTS, st.integers(1, 200))
def test_the_working_time_until_due_is_the_target(start: datetime, hours: int) -> None:
    due = due_at(BERLIN, start, parse_target(f"{hours}wh"))
    assert work_clock(BERLIN, due) - work_clock(BERLIN, start) == pytest.approx(hours * 3600, abs=1e-5)


@pytest.mark.parametrize("target", ["8h", "8wh", "1wd", "3d"])
def test_the_first_moment_of_all_is_due_some_time(target: str) -> None:
    for zone in ("Europe/Berlin", "America/New_York", "Asia/Tokyo"):
        assert due_at(calendar(zone), datetime.min.replace(tzinfo=UTC), parse_target(target)) > datetime.min.replace(
            tzinfo=UTC
        )


@pytest.mark.parametrize("text", ["", "8", "h", "0wd", "1.5wd", "-3d", "3 weeks"])
def test_other_targets_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not understood; expected"):
        parse_target(text)
