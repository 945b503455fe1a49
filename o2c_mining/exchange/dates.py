"""Dates in tables: in which order their parts stand is decided by every value of a column, never by the first ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from o2c_mining.exchange.moments import FARTHEST, Moment

ORDERS = ("year-first", "day-first", "month-first")
UNDECIDED = "undecided"
_LONGEST = 80
NOTHING = frozenset({"", "-", "n/a", "na", "nan", "null", "none", "nat", "#n/a"})
SPREADSHEET = "spreadsheet-days"
NANOSECONDS = "epoch-nanoseconds"
_NUMBER = re.compile(r"^\d{1,19}(?:[.,]\d{1,12})?$")
# Between which numbers (2001 to 2096; 1954 to 2064) a count is taken for a time, and microseconds in each.
_COUNTED = {
    "epoch-seconds": (1e9, 4e9),
    "epoch-milliseconds": (1e12, 4e12),
    "epoch-microseconds": (1e15, 4e15),
    NANOSECONDS: (1e18, 4e18),
    SPREADSHEET: (20_000, 60_000),
}
_UNITS = {
    "epoch-seconds": 1_000_000,
    "epoch-milliseconds": 1_000,
    "epoch-microseconds": 1,
    NANOSECONDS: 0,  # a thousandth
    SPREADSHEET: 86_400_000_000,
}
# Hours ahead of UTC; only abbreviations that mean one offset all over the world.
NAMED_ZONES = {"UTC": 0, "GMT": 0, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "WEST": 1, "WET": 0, "EEST": 3, "EET": 2}
_UTC = ("Z", "z", "UTC", "GMT")
_CLOCK = (
    r"(?:[T ,]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?\s*([AaPp])?(?:\.?[Mm]\.?)?"
    rf"\s*(Z|z|{'|'.join(NAMED_ZONES)}|[+-]\d{{2}}(?::?\d{{2}})?)?)?"
)
_PARTS = re.compile(r"^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})" + _CLOCK + "$")
_COMPACT = re.compile(r"^((?:19|20)\d{2})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2}):?(\d{2})?)?(Z)?$")
_NAMED = re.compile(r"^(\d{1,2})[-. ]+([A-Za-zà-ÿ]{3,10})\.?[-, ]+(\d{4}|\d{2})" + _CLOCK + "$")
_NAMED_FIRST = re.compile(r"^([A-Za-zà-ÿ]{3,10})\.? +(\d{1,2}),? +(\d{4})" + _CLOCK + "$")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan gen ene",
            "feb fev fév",
            "mar mär mrz",
            "apr avr abr",
            "may mai mag",
            "jun juin giu",
            "jul juil lug",
            "aug aou aoû ago",
            "sep set",
            "oct okt ott out",
            "nov",
            "dec dez déc dic",
        ),
        start=1,
    )
    for name in names.split()
}


class _Parts(NamedTuple):
    """A date taken apart; ``order`` is set where its form leaves no question."""

    parts: tuple[str, str, str]
    order: str | None
    clock: tuple[str | None, ...]  # hour, minute, second, fraction, a or p, zone
    year_may_lead: bool = True  # 26-01-05 may be a year, 26.01.05 and 26/01/05 are not


@dataclass(frozen=True, slots=True)
class DateColumn:
    """What the values of a column say: orders that fit all of them, the best guess, whether they name a zone."""

    order: str
    guess: str
    zoned: bool
    misfits: int
    contradicting: bool = False  # no order fits every value
    fitting: int = 0  # values that are dates, and how many of them name no zone
    unzoned: int = 0
    example: str = ""  # of what is no date

    @property
    def undecided(self) -> bool:
        """Whether the values leave open what they mean."""
        return self.order == UNDECIDED


def date_column(
    values: Collection[str], *, tolerated: float = 0.1, plain: int = 0, plain_zoned: int = 0
) -> DateColumn | None:
    """Decide a column from its (distinct, non-empty) values; ``None`` where they are no dates.

    A column that no value contradicts day-first and some contradict month-first is day-first. One that fits both is
    undecided, unless day and month are the same in every value. Of ``plain`` further values it is known that they are
    moments that begin with a year of four digits, and of ``plain_zoned`` of them that they name a zone.

    Examples
    --------
    >>> date_column(["13/01/2026", "02/01/2026"]).order
    'day-first'
    >>> date_column(["03/01/2026", "02/01/2026"]).order
    'undecided'
    """
    total, misfits, zoned, symmetric, dotted, meridiem = len(values) + plain, 0, plain_zoned, 0, 0, 0
    example = ""
    fails = dict.fromkeys(ORDERS, 0)
    forms = Counter({"year-first": plain})  # values whose form leaves no question, by the order of their parts
    for value in values:
        found = _taken_apart(value)
        fits = [] if found is None else [order for order in ORDERS if _built(found, found.order or order) is not None]
        if found is None or not fits:
            misfits += 1
            example = example or value
            if misfits > total * tolerated:
                return None
            continue
        zoned += found.clock[5] is not None
        dotted += "." in value[:6]
        meridiem += found.clock[4] is not None
        if found.order is not None:
            forms[found.order] += 1
            continue
        symmetric += found.parts[0] == found.parts[1]
        for order in ORDERS:
            fails[order] += order not in fits
    if total == 0:
        return None
    fitting = total - misfits
    asking = fitting - forms.total()
    candidates = [order for order in ORDERS if not fails[order]]
    like = "month-first" if meridiem and not dotted else "day-first"
    best = min(ORDERS, key=lambda order: (fails[order], order != like))
    if not asking:
        decided = best = max(ORDERS, key=lambda order: forms[order])
    elif len(candidates) == 1 or (len(candidates) > 1 and symmetric == asking):
        decided = candidates[0] if len(candidates) == 1 else best
    else:
        decided = UNDECIDED
    return DateColumn(
        decided,
        best,
        zoned == fitting,
        misfits,
        contradicting=bool(asking) and not candidates,
        fitting=fitting,
        unzoned=fitting - zoned,
        example=example,
    )


def counted_column(values: Collection[str], *, tolerated: float = 0.1) -> DateColumn | None:
    """Decide a column of numbers that its name calls a time: seconds or thousandths, millionths, billionths of them
    since 1970, or the days that spreadsheets count; ``None`` where they are none of these.

    Days could as well be amounts, so they are asked about. A tolerated number of another size (0 for no date) is
    counted as the others are.

    Examples
    --------
    >>> counted_column(["1767225600", "1767229200"]).order, counted_column(["46023,5", "46024"]).guess
    ('epoch-seconds', 'spreadsheet-days')
    """
    for order in _COUNTED:
        strange = [value for value in values if not _counts(value, order)]
        if values and len(strange) <= len(values) * tolerated:
            strange = [value for value in strange if _counted(value, order, None) is None]
            days = order == SPREADSHEET
            return DateColumn(
                UNDECIDED if days else order,
                order,
                not days,
                len(strange),
                fitting=len(values) - len(strange),
                unzoned=len(values) - len(strange) if days else 0,
                example=strange[0] if strange else "",
            )
    return None


def no_date(value: str) -> str:
    """What is wrong with a text that should be a date.

    Examples
    --------
    >>> no_date("2026-02-30"), no_date("soon")
    ("'2026-02-30' is no day of the calendar", "'soon' is no date")
    """
    shown = repr(value.strip()[:_LONGEST])
    found = _taken_apart(value)
    if found is not None:
        if _offset(found.clock[5]) is None:
            return f"{shown} has an offset of more than 14 hours"
        at_midnight = found._replace(clock=(None,) * len(found.clock))
        if any(_built(at_midnight, found.order or order) for order in ORDERS):
            return f"{shown} is no time of day"
        return f"{shown} is no day of the calendar"
    if _NUMBER.match(value.strip()):
        units = [order.removeprefix("epoch-") for order in _COUNTED if _counts(value, order)]
        what = f"may count {units[0]} since 1970" if units else "counts nothing known since 1970"
        return f"the number {shown} {'may be a day of spreadsheets' if units == [SPREADSHEET] else what}"
    return f"{shown} is no date"


def _counts(value: str, order: str) -> bool:
    first, last = _COUNTED[order]
    return _NUMBER.match(value.strip()) is not None and first <= _number(value) < last


def _number(value: str) -> float:
    return float(value.strip().replace(",", "."))


def _counted(value: str, order: str, zone: tzinfo | None) -> Moment | None:
    if not _NUMBER.match(value.strip()):
        return None
    whole, _, rest = value.strip().replace(",", ".").partition(".")
    unit = _UNITS[order]
    try:
        micros = int(whole) * unit + round(float(f"0.{rest or 0}") * unit)
        if order == NANOSECONDS:
            micros = int(whole) // 1000
        if order != SPREADSHEET:
            return Moment(datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros), None, "second", True)
        # a day has no more digits than tell seconds
        local = datetime(1899, 12, 30) + timedelta(seconds=round(micros / 1_000_000))  # noqa: DTZ001
    except OverflowError:
        return None
    return read_date(local.isoformat(" ") if rest.strip("0") else local.date().isoformat(), "year-first", zone)


def read_date(value: str, order: str, zone: tzinfo | None) -> Moment | None:
    """The moment a value means under an order; without a zone of its own it is in ``zone``.

    Examples
    --------
    >>> read_date("5.1.2026 10:30", "day-first", None).time.isoformat()
    '2026-01-05T10:30:00+00:00'
    """
    if order in _UNITS:
        return _counted(value, order, zone)
    found = _taken_apart(value)
    if found is None:
        return None
    built = _built(found, found.order or order)
    if built is None:
        return None
    hour, _, second, _, _, written = found.clock
    precision = "day" if hour is None else "minute" if second is None else "second"
    try:
        placed = built.replace(tzinfo=timezone(_offset(written) or timedelta()) if written else zone or UTC)
        offset = placed.utcoffset() or timedelta()
        utc = placed.astimezone(UTC)
    except OverflowError:
        return None
    minutes = None if written in _UTC or (not written and zone is None) else offset
    shown = None if minutes is None else int(minutes.total_seconds() // 60)
    return Moment(utc, shown, precision, bool(written) or zone is not None)


def _taken_apart(value: str) -> _Parts | None:
    value = value.strip()
    if len(value) > _LONGEST:
        return None
    found = _PARTS.match(value)
    if found is not None:
        first, mark, second, third, *clock = found.groups()
        order = "year-first" if len(first) == 4 else None
        if len(first) == 3 or len(third) == 3 or (len(first) == 4 and len(third) > 2):
            return None
        return _Parts((first, second, third), order, tuple(clock), mark == "-" or order is not None)
    found = _COMPACT.match(value)
    if found is not None:
        year, month, day, hour, minute, second, zone = found.groups()
        return _Parts((year, month, day), "year-first", (hour, minute, second, None, None, zone))
    found = _NAMED.match(value)
    if found is not None:
        day, name, year, *clock = found.groups()
        month = str(_month(name))
        return _Parts((day, month, year), "day-first", tuple(clock))
    found = _NAMED_FIRST.match(value)
    if found is not None:
        name, day, year, *clock = found.groups()
        return _Parts((str(_month(name)), day, year), "month-first", tuple(clock))
    return None


def _month(name: str) -> int:
    """The number of a month by the beginning of its name, 0 where there is none."""
    name = name.lower()
    return _MONTHS.get(name[:4], _MONTHS.get(name[:3], 0))


def _built(found: _Parts, order: str) -> datetime | None:
    """The date under an order, without zone; ``None`` where there is no such day or time."""
    first, second, third = found.parts
    if order == "year-first":
        if not found.year_may_lead:
            return None
        year, month, day = first, second, third
    elif order == "day-first":
        day, month, year = first, second, third
    else:
        month, day, year = first, second, third
    if len(year) not in (2, 4) or len(day) > 2 or len(month) > 2:
        return None
    full = int(year) if len(year) == 4 else int(year) + (2000 if int(year) < 70 else 1900)
    hour, minute, seconds, fraction, half, zone = found.clock
    if _offset(zone) is None:
        return None
    hours = int(hour or 0)
    if half is not None:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half in "pP" else 0)
    micros = int((fraction or "0").ljust(6, "0")[:6])
    clock = (hours, int(minute or 0), int(seconds or 0), micros)
    next_day = clock == (24, 0, 0, 0)  # ISO 8601 calls the end of a day so
    try:
        midnight = datetime(full, int(month), int(day), *((0,) if next_day else clock))  # noqa: DTZ001
        return midnight + timedelta(days=next_day)
    except (ValueError, OverflowError):
        return None


def _offset(written: str | None) -> timedelta | None:
    """How far ahead of UTC a written zone is; ``None`` where no place is so far."""
    if not written or written in ("Z", "z"):
        return timedelta()
    if written in NAMED_ZONES:
        return timedelta(hours=NAMED_ZONES[written])
    digits = written[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > FARTHEST:
        return None
    return -offset if written[0] == "-" else offset
