"""Calendars for tests."""

from __future__ import annotations

from datetime import date

from o2c_mining.calendar import Window, WorkCalendar

OFFICE = (Window(8 * 60, 17 * 60),)
WEEK = (OFFICE,) * 5 + ((), ())


def calendar(zone: str, week: tuple[tuple[Window, ...], ...] = WEEK, **exceptions: tuple[Window, ...]) -> WorkCalendar:
    dated = tuple(sorted((date.fromisoformat(key[1:].replace("_", "-")), value) for key, value in exceptions.items()))
    return WorkCalendar("test", zone, week, dated)
