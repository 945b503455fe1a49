"""Dates in tables: in which order their parts stand is decided by every value of a column, never by the first ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from o2c_mining.exchange.moments import Moment

ORDERS = ("year-first", "day-first", "month-first")
UNDECIDED = "undecided"
_LONGEST = 80
NOTHING = frozenset({"", "-", "n/a", "na", "nan", "null", "none", "nat", "#n/a"})
SPREADSHEET = "spreadsheet-days"
_NUMBER = re.compile(r"^\d{1,17}(?:[.,]\d{1,12})?$")
# Between which numbers (2001 to 2096; 1954 to 2064) a count is taken for a time, and microseconds in each.
_COUNTED = {
    "epoch-seconds": (1e9, 4e9),
    "epoch-milliseconds": (1e12, 4e12),
    "epoch-microseconds": (1e15, 4e15),
    SPREADSHEET: (20_000, 60_000),
}
_UNITS = {
    "epoch-seconds": 1_000_000,
    "epoch-milliseconds": 1_000,
    "epoch-microseconds": 1,
    SPREADSHEET: 86_400_000_000,
}
_CLOCK = (
    r"(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp])?(?:\.?[Mm]\.?)?"
    r"\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?"
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
    fails = dict.fromkeys(ORDERS, 0)
    forms = Counter({"year-first": plain})  # values whose form leaves no question, by the order of their parts
    for value in values:
        found = _taken_apart(value)
        if found is None:
            misfits += 1
            if misfits > total * tolerated:
                return None
            continue
        zoned += found.clock[5] is not None
        dotted += "." in value[:6]
        meridiem += found.clock[4] is not None
        if found.order is not None:
            if _built(found, found.order) is None:
                misfits += 1
            else:
                forms[found.order] += 1
            continue
        fits = [order for order in ORDERS if _built(found, order) is not None]
        if not fits:
            misfits += 1
            continue
        symmetric += found.parts[0] == found.parts[1]
        for order in ORDERS:
            fails[order] += order not in fits
    if total == 0 or misfits > total * tolerated:
        return None
    every_zoned = zoned == total - misfits
    asking = total - misfits - forms.total()
    if not asking:
        order = max(ORDERS, key=lambda order: forms[order])
        return DateColumn(order, order, every_zoned, misfits)
    candidates = [order for order in ORDERS if not fails[order]]
    like = "month-first" if meridiem and not dotted else "day-first"
    best = min(ORDERS, key=lambda order: (fails[order], order != like))
    if len(candidates) == 1 or (len(candidates) > 1 and symmetric == asking):
        return DateColumn(candidates[0] if len(candidates) == 1 else best, best, every_zoned, misfits)
    return DateColumn(UNDECIDED, best, every_zoned, misfits, contradicting=not candidates)


def counted_column(values: Collection[str]) -> DateColumn | None:
    """Decide a column of numbers that its name calls a time: seconds, thousandths or millionths since 1970, or the
    days that spreadsheets count; ``None`` where they are none of these.

    Days could as well be amounts, so they are asked about.

    Examples
    --------
    >>> counted_column(["1767225600", "1767229200"]).order, counted_column(["46023,5", "46024"]).guess
    ('epoch-seconds', 'spreadsheet-days')
    """
    for order, (first, last) in _COUNTED.items():
        if values and all(_NUMBER.match(value.strip()) and first <= _number(value) < last for value in values):
            days = order == SPREADSHEET
            return DateColumn(UNDECIDED if days else order, order, not days, 0)
    return None


def _number(value: str) -> float:
    return float(value.strip().replace(",", "."))


def _counted(value: str, order: str, zone: tzinfo | None) -> Moment | None:
    if not _NUMBER.match(value.strip()):
        return None
    whole, _, rest = value.strip().replace(",", ".").partition(".")
    unit = _UNITS[order]
    try:
        micros = int(whole) * unit + round(float(f"0.{rest or 0}") * unit)
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
        placed = built.replace(tzinfo=_zone(written) if written else zone or UTC)
        offset = placed.utcoffset() or timedelta()
        utc = placed.astimezone(UTC)
    except OverflowError:
        return None
    minutes = None if written in ("Z", "z", "UTC", "GMT") or (not written and zone is None) else offset
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
    hour, minute, seconds, fraction, half, _ = found.clock
    hours = int(hour or 0)
    if half is not None:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half in "pP" else 0)
    micros = int((fraction or "0").ljust(6, "0")[:6])
    try:
        return datetime(full, int(month), int(day), hours, int(minute or 0), int(seconds or 0), micros)  # noqa: DTZ001
    except ValueError:
        return None


def _zone(written: str) -> tzinfo:
    if written in ("Z", "z", "UTC", "GMT"):
        return UTC
    digits = written[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=min(minutes, 1439) * (-1 if written[0] == "-" else 1)))
