"""Days of a company, by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from o2c_mining.calendar.local_day import day_of, end_of_day, start_of_day

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        ("UTC", "2026-03-31", "2026-03-31T00:00:00", "2026-03-31T23:59:59.999999"),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00", "2026-03-29T21:59:59.999999"),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00", "2026-10-25T22:59:59.999999"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00", "2018-11-05T01:59:59.999999"),  # no midnight
    ],
)
def test_a_day_begins_and_ends(zone: str, day: str, start: str, end: str) -> None:
    found = start_of_day(date.fromisoformat(day), zone), end_of_day(date.fromisoformat(day), zone)
    assert [moment.replace(tzinfo=None).isoformat() for moment in found] == [start, end]
    assert {day_of(moment, zone).isoformat() for moment in found} == {day}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Kiritimati"])
def test_the_first_and_the_last_day_of_all_end_with_time_itself(zone: str) -> None:
    assert FIRST <= start_of_day(date.min, zone) <= end_of_day(date.min, zone)
    assert start_of_day(date.max, zone) <= end_of_day(date.max, zone) == LAST
    assert day_of(FIRST, zone) == date.min
    assert day_of(LAST, zone) == date.max
