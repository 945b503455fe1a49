"""When does a day of the company begin and end, and which of its days is a moment in?

Moments outside the years 1 to 9999 UTC do not exist; the first and the last one stand for them.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MICROSECOND = timedelta(microseconds=1)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def start_of_day(day: date, timezone: str) -> datetime:
    """The first moment of a day, in UTC; where its midnight does not exist, the moment the clocks are put forward."""
    midnight = datetime.combine(day, time(), tzinfo=ZoneInfo(timezone))
    try:
        return midnight.astimezone(UTC)
    except OverflowError:
        return _FIRST if day.year == 1 else _LAST


def end_of_day(day: date, timezone: str) -> datetime:
    """The last moment of a day, in UTC: a microsecond before the next day begins."""
    return _LAST if day == date.max else start_of_day(day + timedelta(days=1), timezone) - _MICROSECOND


def day_of(moment: datetime, timezone: str) -> date:
    """The day that a moment lies in."""
    try:
        return moment.astimezone(ZoneInfo(timezone)).date()
    except OverflowError:
        return moment.date()
