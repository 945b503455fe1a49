"""Times as files write them: the moment in UTC, the offset it was written with, and how exact it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

# What JavaScript prints for a date, found in published object-centric logs.
_JAVASCRIPT = re.compile(r"^[A-Z][a-z]{2} ([A-Z][a-z]{2} \d{2} \d{4} \d{2}:\d{2}:\d{2}) GMT([+-]\d{4})")
_DATE, _MINUTE = 10, 16
_MIDNIGHT = re.compile(r"^(\d{4}-\d{2}-\d{2}[T ])24(:00(?::00(?:\.0+)?)?(?:Z|z|[+-]\d{2}:?\d{2})?)$")
# No place on earth is further from UTC.
FARTHEST = timedelta(hours=14)
_FRACTION = re.compile(r"(\.\d{6})\d+")


class Moment(NamedTuple):
    """A time with what was written about it; ``offset_minutes`` is empty where UTC was written as ``Z`` or nothing."""

    time: datetime
    offset_minutes: int | None
    precision: str
    zoned: bool


def moment(text: str) -> Moment | None:
    """The time a text says; without a zone it is taken as UTC, which ``zoned`` tells.

    Examples
    --------
    >>> moment("2026-01-05T10:00:00+01:00").time.isoformat(), moment("2026-01-05").precision
    ('2026-01-05T09:00:00+00:00', 'day')
    """
    text = text.strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        other = _other(text)
        if other is None:
            return None
        found = other
    size = len(text)
    zone = found.tzinfo
    if size <= _DATE:
        precision = "day" if ":" not in text else "second"
    elif size >= _MINUTE and text[13:14] == ":" and text[16:17] != ":":
        precision = "minute"
    else:
        precision = "second"
    if zone is None:
        return Moment(found.replace(tzinfo=UTC), None, precision, False)
    offset = found.utcoffset()
    assert offset is not None
    if abs(offset) > FARTHEST:
        return None
    try:
        moved = found.astimezone(UTC)
    except OverflowError:
        return None
    written = None if text[-1] in "Zz" else int(offset.total_seconds() // 60)
    return Moment(moved, written, precision, True)


def _other(text: str) -> datetime | None:
    """Nine decimals of a second, the end of a day as 24:00, and the form JavaScript prints."""
    try:
        midnight = _MIDNIGHT.match(text)
        if midnight is not None:
            return datetime.fromisoformat(f"{midnight.group(1)}00{midnight.group(2)}") + timedelta(days=1)
        script = _JAVASCRIPT.match(text)
        if script is not None:
            return datetime.strptime(script.group(1) + script.group(2), "%b %d %Y %H:%M:%S%z")
        return datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    except (ValueError, OverflowError):
        return None


def text_of(time: datetime, offset_minutes: int | None) -> str:
    """A moment in ISO 8601, in the offset it was once written with."""
    if offset_minutes is None:
        return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    from datetime import timezone

    return time.astimezone(timezone(timedelta(minutes=offset_minutes))).isoformat()
