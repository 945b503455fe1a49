"""When the simulated company works: Monday to Friday 08:00 to 17:00 in Berlin, without German national holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TIMEZONE = "Europe/Berlin"
FIRST_DAY, LAST_DAY = date(2025, 11, 3), date(2026, 10, 29)
LAST_BOOKING = date(2026, 10, 28)
"""The bank's last day: its statement of the day after comes in the evening, when the period is over."""
OPENS, CLOSES = time(8), time(17)
HOLIDAYS = (
    date(2025, 12, 25), date(2025, 12, 26), date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1),
    date(2026, 5, 14), date(2026, 5, 25), date(2026, 10, 3), date(2026, 12, 25), date(2026, 12, 26),
)  # fmt: skip
_ZONE = ZoneInfo(TIMEZONE)


def is_workday(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS


def workday(day: date, steps: int = 0) -> date:
    """The first working day on or after ``day``, then ``steps`` working days further (negative: back)."""
    direction = timedelta(days=-1 if steps < 0 else 1)
    while not is_workday(day):
        day += direction
    for _ in range(abs(steps)):
        day += direction
        while not is_workday(day):
            day += direction
    return day


def at(day: date, clock_time: time) -> datetime:
    """UTC (naive, as the ERP stores it) of a Berlin wall-clock time."""
    return datetime.combine(day, clock_time, _ZONE).astimezone(UTC).replace(tzinfo=None)


def local(moment: datetime) -> datetime:
    """Berlin wall-clock time (naive) of a naive UTC moment."""
    return moment.replace(tzinfo=UTC).astimezone(_ZONE).replace(tzinfo=None)


def office_hours(moment: datetime) -> datetime:
    """The moment itself if somebody is in the office, else shortly after the next opening."""
    here = local(moment)
    if not is_workday(here.date()) or here.time() >= time(16, 45):
        following = workday(here.date() + timedelta(days=1))
        return at(following, time(8, 5)) + timedelta(minutes=here.minute / 2, seconds=here.second)
    if here.time() < time(8, 5):
        return at(here.date(), time(8, 5)) + timedelta(minutes=here.minute / 2, seconds=here.second)
    return moment


def invoice_due(goods_issue: datetime) -> datetime:
    """17:00 Berlin on the first working day after the local date of the goods issue."""
    return at(workday(local(goods_issue).date() + timedelta(days=1)), CLOSES)
