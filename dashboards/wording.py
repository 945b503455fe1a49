"""How figures read on screen: one rule each for durations, money, counts and names.

Durations: below an hour minutes, below a day hours, else days. So 1.1 d never stands beside 25.9 h. A working day is as
long as the company's calendar says and is written ``wd``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "CHF": "CHF ", "JPY": "¥"}
MISSING = "–"
_SCALES = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Clock:
    """The unit durations are shown in: calendar days, or working days of ``day_seconds``."""

    day_seconds: float = 86_400.0
    day: str = "d"


CALENDAR = Clock()


def working_clock(day_seconds: float) -> Clock:
    """Working days of the company's calendar."""
    return Clock(day_seconds, "wd")


def duration(seconds: float | None, clock: Clock = CALENDAR) -> str:
    """``4.9 d``, ``5.2 h`` or ``12 min``."""
    if seconds is None:
        return MISSING
    size = abs(seconds)
    if size >= clock.day_seconds:
        days = seconds / clock.day_seconds
        return f"{days:,.0f} {clock.day}" if abs(days) >= 100 else f"{days:.1f} {clock.day}"
    if size >= 3600:
        return f"{seconds / 3600:.1f} h"
    return "< 1 min" if 0 < size < 30 else f"{seconds / 60:.0f} min"


def compact(value: float | None) -> str:
    """``48.3M``, ``3.6k``, ``912``."""
    if value is None:
        return MISSING
    for limit, suffix in _SCALES:
        if abs(value) >= limit * 0.9995:
            scaled = value / limit
            return f"{scaled:,.0f}{suffix}" if abs(scaled) >= 99.95 else f"{scaled:.1f}{suffix}"
    return f"{value:.0f}" if abs(value) >= 0.5 else "0"


def money(value: float | None, currency: str) -> str:
    """An amount in major units, shortened: ``€48.3M``."""
    if value is None:
        return MISSING
    sign = "−" if value < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency + ' ')}{compact(abs(value))}"


def money_days(currency: str) -> str:
    """What value-days are called: ``euro-days``."""
    return {"EUR": "euro-days", "USD": "dollar-days", "GBP": "pound-days"}.get(currency, f"{currency}-days")


def percent(share: float | None, digits: int = 1) -> str:
    """``22.1 %`` of a share between 0 and 1."""
    return MISSING if share is None else f"{100 * share:.{digits}f} %"


def count(value: int, noun: str | None = None) -> str:
    """``1,204 orders``."""
    return f"{value:,}" if noun is None else f"{value:,} {noun if value == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """``orders``, ``deliveries``."""
    spoken = noun.replace("_", " ")
    if spoken.endswith("y") and spoken[-2:-1] not in set("aeiou"):
        return f"{spoken[:-1]}ies"
    return f"{spoken}s"


def moment(value: datetime | None, zone: str) -> str:
    """A time in the company's zone: ``21 Nov 2026, 17:40``."""
    return MISSING if value is None else f"{value.astimezone(ZoneInfo(zone)):%-d %b %Y, %H:%M}"


def handoff_name(id_: str) -> str:
    """``A → B`` of an edge id ``A>B``."""
    return id_.replace(">", " → ", 1)


# What a spreadsheet runs, in wide letters too, and what it skips before that.
_RUN = frozenset("=+-@\0＝＋－＠")
_IGNORED = " \t\r\n\v\f\ufeff\u00a0\u3000"


def safe_cell(value: object) -> object:
    """A CSV cell that no spreadsheet takes for a formula."""
    if not isinstance(value, str):
        return value
    risky = value.lstrip(_IGNORED)[:1] in _RUN if value else False
    return f"'{value}" if risky or value[:1] in {"\t", "\r", "\n"} else value
