"""Working time as a clock that runs only inside the working windows of a calendar.

Windows are half-open ``[start, end)`` and belong to a local date. They become instants so: a local time that does not
exist (spring) moves forward to the first instant after the gap; of a local time that exists twice (autumn) the first
one starts a window and the second one ends it. Windows that overlap as instants count once.

The clock runs from 1990 to 2200. Times outside are mostly empty dates read as numbers: before and after the clock
stands still, so that working time between an instant of 1980 and one of 2020 is that since 1990.

Everything here is pure: the same calendar and instant give the same answer on every machine.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from o2c_mining.errors import ConfigError

EPOCH_YEAR = 2000
LAST_YEAR = 2200
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
MINUTES_A_DAY = 1440
WINDOWS_A_ROW = 3
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Window(NamedTuple):
    """``[start, end)`` in minutes after local midnight, ``0 <= start < end <= 1440``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """When a company works: windows for each weekday (Monday first), other windows on single dates.

    A holiday is a date without windows. ``version`` changes with the content and is stored with what was computed.
    """

    name: str
    timezone: str
    week: tuple[tuple[Window, ...], ...]
    exceptions: tuple[tuple[date, tuple[Window, ...]], ...] = ()
    version: str = "1"

    def __post_init__(self) -> None:
        if len(self.week) != 7 or not any(self.week):
            raise ConfigError(
                f"calendar '{self.name}' has no working window; expected seven weekdays, one with a window; add one"
            )

    @property
    def day_seconds(self) -> float:
        """What people call a working day: the longest of the week, in seconds."""
        return 60.0 * max(sum(window.end - window.start for window in day) for day in self.week)


class DayRow(NamedTuple):
    """Working windows of one UTC date, in seconds after its midnight; ``0, 0`` where there is none.

    ``work_clock(t) = clock_before + sum(clamp(seconds_of_day(t) - w_start, 0, w_end - w_start))``.
    """

    utc_date: date
    clock_before: float
    w1_start: int
    w1_end: int
    w2_start: int
    w2_end: int
    w3_start: int
    w3_end: int


def windows_on(calendar: WorkCalendar, day: date) -> tuple[Window, ...]:
    """The working windows of a local date, in order; none on a holiday."""
    exception = _exceptions(calendar).get(day)
    return calendar.week[day.weekday()] if exception is None else exception


def instant(calendar: WorkCalendar, day: date, minute: int, *, end: bool) -> datetime:
    """The UTC instant of a local minute; ``end`` picks the second of two equal local times."""
    zone = ZoneInfo(calendar.timezone)
    local = datetime.combine(day, time()) + timedelta(minutes=minute)
    found = local.replace(tzinfo=zone, fold=int(end)).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local:
        return found
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).replace(tzinfo=None) >= local:
            after = middle
        else:
            before = middle
    return after


def work_clock(calendar: WorkCalendar, t: datetime) -> float:
    """Working seconds from the start of 2000 (local time) to ``t``; negative before.

    Before ``EARLIEST`` it is what it is then, after ``LATEST`` likewise.
    The working seconds between ``a`` and ``b`` are ``work_clock(b) - work_clock(a)``.
    """
    t = _on_the_clock(t)
    table = _year(calendar, t.astimezone(ZoneInfo(calendar.timezone)).year)
    at = _microseconds(t)
    i = bisect_right(table.starts, at) - 1
    if i < 0:
        return table.clocks[0] / 1e6
    return (table.clocks[i] + min(at, table.ends[i]) - table.starts[i]) / 1e6


def add_working(calendar: WorkCalendar, t: datetime, seconds: float) -> datetime:
    """The earliest instant at which ``seconds`` of working time have passed since ``t``.

    Friday 17:00, not Monday 08:00, when Friday's window ends there. ``seconds = 0`` gives ``t`` itself.
    """
    if seconds < 0:
        raise ConfigError(f"{seconds} working seconds were asked for; expected zero or more; give a positive target")
    if seconds == 0:
        return t
    goal = round(work_clock(calendar, t) * 1e6) + round(seconds * 1e6)
    for year in range(_on_the_clock(t).astimezone(ZoneInfo(calendar.timezone)).year, LAST_YEAR + 1):
        table = _year(calendar, year)
        if table.starts and goal <= table.clocks[-1]:
            i = bisect_left(table.clocks, goal) - 1
            return _UNIX + timedelta(microseconds=table.starts[i] + goal - table.clocks[i])
    raise ConfigError(f"{seconds} working seconds end after {LAST_YEAR}; expected a shorter target; correct it")


def day_table(calendar: WorkCalendar, days: Iterable[date]) -> list[DayRow]:
    """One row per UTC date of ``days`` (from 1990 to 2200, in their order), so that SQL can compute ``work_clock``.

    Raises
    ------
    ConfigError
        If a UTC date has more than three separate windows.
    """
    rows = []
    for day in days:
        midnight = datetime.combine(day, time(), tzinfo=UTC)
        pieces = _pieces(calendar, midnight)
        if len(pieces) > WINDOWS_A_ROW:
            raise ConfigError(
                f"calendar '{calendar.name}' has {len(pieces)} windows on {day} UTC; "
                f"expected at most {WINDOWS_A_ROW}; join neighbouring windows"
            )
        flat = [seconds for piece in pieces for seconds in piece] + [0] * (2 * (WINDOWS_A_ROW - len(pieces)))
        rows.append(DayRow(day, work_clock(calendar, midnight), *flat))
    return rows


class _Year(NamedTuple):
    """Working intervals of a local year in microseconds since 1970; ``clocks`` has one entry more: the year's end."""

    starts: list[int]
    ends: list[int]
    clocks: list[int]


@lru_cache(maxsize=64)
def _exceptions(calendar: WorkCalendar) -> dict[date, tuple[Window, ...]]:
    return dict(calendar.exceptions)


@lru_cache(maxsize=4096)
def _year(calendar: WorkCalendar, year: int) -> _Year:
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _intervals(calendar, date(year, 1, 1), date(year, 12, 31)):
        if starts and start <= ends[-1]:
            ends[-1] = end
        else:
            starts.append(start)
            ends.append(end)
    clocks = [_clock_at_new_year(calendar, year)]
    for start, end in zip(starts, ends, strict=True):
        clocks.append(clocks[-1] + end - start)
    return _Year(starts, ends, clocks)


@lru_cache(maxsize=4096)
def _clock_at_new_year(calendar: WorkCalendar, year: int) -> int:
    lengths = (_length(calendar, y) for y in range(min(year, EPOCH_YEAR), max(year, EPOCH_YEAR)))
    return sum(lengths) if year >= EPOCH_YEAR else -sum(lengths)


@lru_cache(maxsize=4096)
def _length(calendar: WorkCalendar, year: int) -> int:
    return sum(end - start for start, end in _intervals(calendar, date(year, 1, 1), date(year, 12, 31)))


def _intervals(calendar: WorkCalendar, first: date, last: date) -> Iterator[tuple[int, int]]:
    """Non-empty, non-overlapping ``(start, end)`` of the windows of the local dates, in microseconds, in order.

    It looks one day back, so that a window stretched by a repeated hour does not count twice at the seam.
    """
    reached = -(2**62)
    for offset in range(-1, (last - first).days + 1):
        day = first + timedelta(days=offset)
        for window in windows_on(calendar, day):
            start = max(_microseconds(instant(calendar, day, window.start, end=False)), reached)
            end = _microseconds(instant(calendar, day, window.end, end=True))
            if start < end:
                reached = end
                if offset >= 0:
                    yield start, end


def _pieces(calendar: WorkCalendar, midnight: datetime) -> list[tuple[int, int]]:
    """The working intervals inside one UTC day, in seconds after its midnight, neighbours joined."""
    low = _microseconds(midnight)
    high = low + MINUTES_A_DAY * 60_000_000
    pieces: list[tuple[int, int]] = []
    day = midnight.date()
    for start, end in _intervals(calendar, day - timedelta(days=1), day + timedelta(days=1)):
        if end <= low or start >= high:
            continue
        piece = ((max(start, low) - low) // 1_000_000, (min(end, high) - low) // 1_000_000)
        if pieces and pieces[-1][1] == piece[0]:
            piece = (pieces.pop()[0], piece[1])
        pieces.append(piece)
    return pieces


def _microseconds(t: datetime) -> int:
    return (t - _UNIX) // _MICROSECOND


def _on_the_clock(t: datetime) -> datetime:
    """The nearest instant at which the clock runs."""
    if t.tzinfo is None:
        raise ConfigError(f"the time {t.isoformat()} has no zone; expected an instant; attach its time zone")
    return min(max(t, EARLIEST), LATEST)
