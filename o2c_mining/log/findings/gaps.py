"""Does a stream of events fall silent or thin out where it never did before?"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

import ibis

from o2c_mining.calendar.working import EARLIEST, WorkCalendar, windows_on
from o2c_mining.log.findings.finding import Finding, Part
from o2c_mining.log.findings.tables import Tables, day_only

_SURE = 15.0  # events expected in a silence; by chance it happens once in e^15, three million
_WITH_CALENDAR, _WITHOUT = 2, 5  # least silent working days; without a calendar a week of holidays is no gap
_RECENT = 5  # working days before a stream stopped, in which it must have run as usual
_FACTOR = 2  # times the stream's usual silence
_USUAL = 0.95  # quantile of its silences
_STEADY = 10  # events on the median working day: below, low days tell nothing
_LOW, _LOW_DAYS, _NORMAL = 0.25, 3, 0.5  # parts of the median working day, and how many low ones in a row
_FEWEST_DAYS = 20
_MOST_PARTS = 10


@dataclass(frozen=True, slots=True)
class Hole:
    """Working days ``[first, last]`` of a stream with less than there should be."""

    stream: str
    first: date
    last: date
    days: int
    missing: int


def holes_in_streams(tables: Tables) -> list[Finding]:
    """Silences and drops of volume of every activity of every system, counted in working days.

    Silence: working days without an event between two events of a stream, or after its last one up to the newest event
    of the log. It is a gap when it lasts at least 2 working days (5 where no calendar tells holidays), more than twice
    the 95th percentile of the stream's silences plus one day, and 15 or more events were to be expected in it from the
    stream's average working day; a stream that faded out, with less than half of its average in its last 5 working
    days, has no gap at its end. Times before 1990 are no days of a stream: they have their own finding.
    Drop: at least 3 working days in a row with some events, each with at most a quarter of the stream's median working
    day, where that median is 10 or more and the working day before still had half of it: a stream that starts or ends
    slowly has no drop. A stream of fewer than 20 working days, the silence aside, is not judged.
    """
    per_day = _per_day(tables)
    if not per_day:
        return []
    calendar = tables.log.settings.calendar
    newest = tables.log.newest.date()
    days = _working_days(min(min(counts) for counts in per_day.values()), newest, calendar)
    silent, low = [], []
    for stream, counts in per_day.items():
        own = days[bisect_left(days, min(counts)) :]
        volumes = [counts.get(day, 0) for day in own]
        silent += _gaps(stream, own, volumes, _WITHOUT if calendar is None else _WITH_CALENDAR)
        low += _drops(stream, own, volumes)
    return [
        *_told(
            "gap in a stream",
            silent,
            "events are missing, or the work stood still: durations across the gap are too long, counts too low",
            "load that time again: a source with `o2c extract --full`, a file with `o2c import`; add holidays to the "
            "calendar if the company was closed",
        ),
        *_told(
            "drop in volume",
            low,
            "part of the events may be missing: a filter, a permission or an interface may have changed",
            "compare with the source's own totals for these days; load them again",
        ),
    ]


def _per_day(tables: Tables) -> dict[str, dict[date, int]]:
    events = tables.dated()
    events = events.filter(events.time >= ibis.literal(EARLIEST))
    day = tables.day(events.time, day_only(events))
    grouped = events.group_by("system", "activity", day=day).aggregate(n=events.count()).order_by("day")
    streams: dict[str, dict[date, int]] = {}
    for row in tables.log.reader.rows(grouped):
        streams.setdefault(f"{row['system'] or 'unknown'}: {row['activity']}", {})[row["day"]] = row["n"]
    return streams


def _working_days(first: date, last: date, calendar: WorkCalendar | None) -> list[date]:
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    if calendar is None:
        return [day for day in days if day.weekday() < 5]
    return [day for day in days if windows_on(calendar, day)]


def _gaps(stream: str, days: Sequence[date], volumes: Sequence[int], least: int) -> list[Hole]:
    active = [place for place, volume in enumerate(volumes) if volume]
    if len(active) < 2:
        return []
    silences = [after - before - 1 for before, after in pairwise(active)]
    ordered = sorted(silences)
    usual = ordered[min(int(len(ordered) * _USUAL), len(ordered) - 1)]
    spans = [*zip(active, silences, strict=False), (active[-1], len(days) - 1 - active[-1])]
    found = []
    for place, length in spans:
        rest = len(days) - length
        rate = sum(volumes) / rest
        long = length >= least and length > _FACTOR * usual + 1
        if long and rest >= _FEWEST_DAYS and rate * length >= _SURE and _sudden(volumes, place, rate):
            found.append(Hole(stream, days[place + 1], days[place + length], length, round(rate * length)))
    return found


def _sudden(volumes: Sequence[int], last: int, rate: float) -> bool:
    """Whether a stream that is silent to the end after this day had run as usual until then; else it faded out."""
    if any(volumes[last + 1 :]):
        return True
    recent = volumes[max(last + 1 - _RECENT, 0) : last + 1]
    return sum(recent) >= _NORMAL * rate * len(recent)


def _drops(stream: str, days: Sequence[date], volumes: Sequence[int]) -> list[Hole]:
    active = [volume for volume in volumes if volume]
    if len(active) < _FEWEST_DAYS or (usual := median(active)) < _STEADY:
        return []
    found, start = [], None
    for place, volume in enumerate([*volumes, 0]):
        low = 0 < volume <= usual * _LOW
        if low and start is None:
            start = place
        elif not low and start is not None:
            sudden = start > 0 and volumes[start - 1] >= usual * _NORMAL
            if sudden and place - start >= _LOW_DAYS:
                missing = round(usual * (place - start)) - sum(volumes[start:place])
                found.append(Hole(stream, days[start], days[place - 1], place - start, missing))
            start = None
    return found


def _told(rule: str, holes: Sequence[Hole], why: str, mend: str) -> list[Finding]:
    if not holes:
        return []
    worst = sorted(holes, key=lambda hole: (-hole.missing, hole.stream, hole.first))
    parts = tuple(
        Part(f"{hole.stream}, {hole.first} to {hole.last}: {hole.days} working days", hole.missing, hole.missing)
        for hole in worst[:_MOST_PARTS]
    )
    return [Finding(rule, "warning", "events", len(holes), parts[0].name, why, mend, parts)]
