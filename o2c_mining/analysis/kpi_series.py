"""How did a key figure develop month by month, and is its last change more than noise?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

from o2c_mining.analysis.kpis import Kpi, kpis
from o2c_mining.calendar.local_day import day_of
from o2c_mining.log.event_log import EventLog
from o2c_mining.trace.select import ObjectFilter


@dataclass(frozen=True, slots=True)
class Month:
    """A key figure of one calendar month of the company's time zone; ``first`` is its first day."""

    first: date
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """A key figure by month. ``change`` is the newest known month less the one before it.

    ``is_noise`` is true where the change says nothing: the 95 % intervals of the two months overlap or, for figures
    without an interval, the change is not larger than the usual one from month to month (the median of the earlier
    absolute changes; with fewer than two of these nothing can be said, so it is noise too).
    """

    id: str
    months: tuple[Month, ...]
    newest: date | None
    before: date | None
    change: float | None
    is_noise: bool


def kpi_series(log: EventLog, chosen: ObjectFilter, ids: Sequence[str], months: int = 12) -> tuple[Series, ...]:
    """The figures ``ids`` for each of the last complete months up to the filter's end, or up to ``as_of``.

    A month's figure follows the same rule as the figure of a period. Months before the first event, or before the
    filter's start, are left out.
    """
    zone = log.settings.config.company.timezone
    first_event = day_of(log.reader.rows(log.events.aggregate(first=log.events.time.min()))[0]["first"], zone)
    last_day = day_of(log.as_of, zone)
    until = min(chosen.end or last_day, last_day)
    begin = max(chosen.start or first_event, first_event)
    starts = [first for first in _month_starts(until, months) if first >= begin.replace(day=1)]
    found: dict[str, list[Month]] = {name: [] for name in ids}
    for first in starts:
        figures = kpis(log, replace(chosen, start=first, end=_next_month(first)), ids).kpis
        for figure in figures:
            found[figure.id].append(_month(first, figure))
    return tuple(series_of(name, found[name]) for name in ids)


def series_of(name: str, months: Sequence[Month]) -> Series:
    """Judge the last change of a series of months."""
    known = [month for month in months if month.value is not None]
    if len(known) < 2:
        return Series(name, tuple(months), known[-1].first if known else None, None, None, True)
    before, newest = known[-2:]
    values = [month.value for month in known if month.value is not None]
    changes = [after - earlier for earlier, after in pairwise(values)]
    return Series(name, tuple(months), newest.first, before.first, changes[-1], _is_noise(before, newest, changes))


def _is_noise(before: Month, newest: Month, changes: Sequence[float]) -> bool:
    if before.low is not None and before.high is not None and newest.low is not None and newest.high is not None:
        return before.low <= newest.high and newest.low <= before.high
    earlier = [abs(change) for change in changes[:-1]]
    return len(earlier) < 2 or abs(changes[-1]) <= median(earlier)


def _month(first: date, figure: Kpi) -> Month:
    return Month(first, figure.value, figure.low, figure.high)


def _month_starts(until: date, months: int) -> list[date]:
    """First days of the last complete months before ``until``, oldest first."""
    first = until.replace(day=1)
    found: list[date] = []
    for _ in range(months):
        if first == date.min:
            break
        first = (first - timedelta(days=1)).replace(day=1)
        found.append(first)
    return found[::-1]


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)
