"""A key figure with everything needed to defend it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from o2c_mining.calendar.local_day import start_of_day
from o2c_mining.log.event_log import EventLog
from o2c_mining.trace.select import ObjectFilter

_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Excluded:
    """Rows a figure leaves out, and why."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Kpi:
    """``value`` is ``None`` where it cannot be computed; ``low`` and ``high`` bound it at 95 % where it is estimated.

    Money in ``numerator`` and ``denominator`` is a decimal string in the reporting currency, counts are numbers.
    """

    id: str
    title: str
    value: float | None
    unit: str
    numerator: str | int | None
    denominator: str | int | None
    low: float | None
    high: float | None
    excluded: tuple[Excluded, ...]
    formula: str
    source: str


@dataclass(frozen=True, slots=True)
class Period:
    """``[start, end)`` as instants, and its length in days."""

    start: datetime
    end: datetime

    @property
    def days(self) -> float:
        """Length in days of 24 hours."""
        return (self.end - self.start).total_seconds() / 86400


def period_of(log: EventLog, chosen: ObjectFilter, first_event: datetime) -> Period:
    """The period of the filter; by default the 365 days up to ``as_of``, or since the first event if that is later.

    An ``end`` after ``as_of`` is cut there: nothing later is known.
    """
    zone = log.settings.config.company.timezone
    end = min(start_of_day(chosen.end, zone), log.as_of) if chosen.end is not None else log.as_of
    start = first_event if end - first_event < _YEAR else end - _YEAR
    if chosen.start is not None:
        start = start_of_day(chosen.start, zone)
    return Period(start, max(end, start))


def not_empty(*excluded: Excluded) -> tuple[Excluded, ...]:
    """Only the reasons that left something out."""
    return tuple(item for item in excluded if item.count)
