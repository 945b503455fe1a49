"""When is something due that started at an instant and may take a target.

Targets: ``8h`` hours of elapsed time; ``8wh`` working hours; ``3wd`` the end of the third working day after the day of
the start; ``30d`` the end of the thirtieth calendar day after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from o2c_mining.calendar.working import LAST_YEAR, WorkCalendar, add_working, instant, windows_on
from o2c_mining.errors import ConfigError

Unit = Literal["h", "wh", "wd", "d"]
_FIRST = datetime(1, 1, 3, tzinfo=UTC)
_TARGET = re.compile(r"(\d+(?:\.\d+)?)\s*(h|wh|wd|d)")


@dataclass(frozen=True, slots=True)
class Target:
    """How long something may take; days are whole, hours may have decimals."""

    amount: float
    unit: Unit

    @property
    def by_day(self) -> bool:
        """Whether stamps that only know the day are enough to judge it."""
        return self.unit in ("wd", "d")

    def __str__(self) -> str:
        return f"{self.amount:g}{self.unit}"


def parse_target(text: str) -> Target:
    """``"3wd"`` as a target.

    Raises
    ------
    ConfigError
        If the text is not a number with one of the units, or a number of days is not whole.
    """
    found = _TARGET.fullmatch(text.strip())
    if found is None or float(found[1]) == 0 or (found[2] in ("wd", "d") and "." in found[1]):
        raise ConfigError(
            f"the target '{text}' is not understood; expected a number above zero with h (hours), wh (working hours), "
            "wd (working days) or d (calendar days), such as 8wh or 3wd; correct it"
        )
    unit: Unit = found[2]  # type: ignore[assignment]
    return Target(float(found[1]), unit)


def due_at(calendar: WorkCalendar, start: datetime, target: Target, *, cutoff: time | None = None) -> datetime:
    """The instant at which ``target`` is used up; a stop at that very instant still meets it.

    A working day ends with its last window, or at ``cutoff`` where that is earlier. A start on a working day after the
    cutoff counts as the next day. A start on a day without work counts from that day, so Saturday plus ``1wd`` is
    Monday's end, as is Friday plus ``1wd``. The first two days of the year 1, which no zone to the west has, count as
    the third.
    """
    start = max(start, _FIRST)
    if target.unit == "h":
        return start.astimezone(UTC) + timedelta(seconds=target.amount * 3600)
    if target.unit == "wh":
        return add_working(calendar, start, target.amount * 3600).astimezone(UTC)
    local = start.astimezone(ZoneInfo(calendar.timezone))
    day = local.date()
    if target.unit == "d":
        return instant(calendar, day + timedelta(days=int(target.amount) + 1), 0, end=False)
    if cutoff is not None and windows_on(calendar, day) and local.time() > cutoff:
        day += timedelta(days=1)
    day = _working_day_after(calendar, day, int(target.amount))
    minute = windows_on(calendar, day)[-1].end
    if cutoff is not None:
        minute = min(minute, cutoff.hour * 60 + cutoff.minute)
    return instant(calendar, day, minute, end=True)


def _working_day_after(calendar: WorkCalendar, day: date, count: int) -> date:
    while count > 0:
        day += timedelta(days=1)
        if day.year > LAST_YEAR:
            raise ConfigError(f"a due day lies after {LAST_YEAR}; expected a shorter target; correct it")
        if windows_on(calendar, day):
            count -= 1
    return day
