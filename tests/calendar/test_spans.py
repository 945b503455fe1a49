"""Durations as the command line writes them."""

from __future__ import annotations

import pytest

from o2c_mining.calendar.working import Window, WorkCalendar
from o2c_mining.cli.common import span

HOUR = 3600
DAY = WorkCalendar("office", "UTC", ((Window(480, 1020),),) * 4 + ((Window(480, 840),), (), ())).day_seconds


@pytest.mark.parametrize(
    ("seconds", "in_calendar_time", "in_working_time"),
    [
        (None, "not yet known", "not yet known"),
        (59 * 60, "59 min", "59 min"),
        (8 * HOUR, "8.0 h", "8.0 h"),
        (9 * HOUR, "9.0 h", "1.0 wd"),
        (27 * HOUR, "1.1 d", "3.0 wd"),
    ],
)
def test_days_of_working_time_are_working_days(
    seconds: float | None, in_calendar_time: str, in_working_time: str
) -> None:
    """A working day is the longest of the week: nine hours here."""
    assert (span(seconds), span(seconds, DAY)) == (in_calendar_time, in_working_time)
