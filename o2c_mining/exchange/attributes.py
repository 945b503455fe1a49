"""Attribute values: typed in the object table, text in the map of an event, the same whatever file they came from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import TypeAlias

from o2c_mining.exchange.moments import moment
from o2c_mining.log.kinds import united

Value: TypeAlias = str | int | float | bool | datetime | date | None
# OCEL knows no days: a day is written as its midnight with a numeric offset, a moment with Z.
_MIDNIGHT = "T00:00:00+00:00"
MAX_ATTRIBUTES = 2_000
# What files call the kinds of values, and the kinds by the types of Python.
SAID_AS = {
    word: kind
    for kind, words in (
        ("string", ("string",)),
        ("integer", ("integer", "int")),
        ("float", ("float", "real", "double")),
        ("boolean", ("boolean", "bool")),
        ("time", ("time", "timestamp", "date", "datetime")),
    )
    for word in words
}
KIND_OF = {str: "string", int: "integer", float: "float", bool: "boolean", datetime: "time", date: "time"}
INT64 = 2**63
EXACT = 2**53  # up to here a float holds every integer


def text(value: Value) -> str:
    """A value as text; equal values give equal texts.

    Examples
    --------
    >>> [text(v) for v in (True, 3, 2.50, "as it is")]
    ['true', '3', '2.5', 'as it is']
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else repr(value)


def as_time(value: date) -> str:
    """A day or moment as the time it is in OCEL."""
    return text(value) if isinstance(value, datetime) else value.isoformat() + _MIDNIGHT


def midnight(value: date) -> datetime:
    """The moment a day begins, in UTC; a moment stays what it is."""
    return value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)


def value_of(written: str) -> Value:
    """The value whose text is exactly this one; anything else stays text.

    Examples
    --------
    >>> [value_of(t) for t in ("3", "2.5", "true", "007", "1e400")]
    [3, 2.5, True, '007', '1e400']
    """
    if written in ("true", "false"):
        return written == "true"
    first = written[:1]
    if first and first in "-0123456789":
        for kind in (int, float):
            try:
                number = kind(written)
            except ValueError:
                continue
            if repr(number) == written and (-INT64 <= number < INT64 if kind is int else not math.isinf(number)):
                return number
        if written.endswith("Z"):
            found = moment(written)
            if found is not None and text(found.time) == written:
                return found.time
    return written


def nested(raw: object) -> str:
    """Lists and objects as JSON, so that others can read them again."""
    return json.dumps(raw, ensure_ascii=False) if isinstance(raw, list | dict) else str(raw)


def declared(raw: object, kind: str) -> Value:
    """A value under the type its file declares for it; what does not fit the type stays text."""
    kind = SAID_AS.get(kind, "string")
    if raw is None or (isinstance(raw, str) and kind == "string"):
        return raw
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float):
        if kind == "boolean" and raw in (0, 1):
            return bool(raw)
        return float(raw) if kind == "float" and abs(raw) < EXACT else raw
    if not isinstance(raw, str):
        return nested(raw)
    stripped = raw.strip()
    if "_" in stripped:  # which Python takes as a number
        return raw
    try:
        if kind == "integer":
            return int(stripped)
        if kind == "float":
            return float(stripped)
    except ValueError:
        return raw
    if kind == "boolean" and stripped.lower() in ("true", "false", "1", "0"):
        return stripped.lower() in ("true", "1")
    if kind == "time":
        return _time(stripped, raw)
    return raw


def kind_of(types: Iterable[type]) -> str:
    """The kind (string, integer, float, boolean, time) that holds values of all these types."""
    return united({KIND_OF[type_] for type_ in types})


def of_kind(value: Value, kind: str) -> Value:
    """The same value as one of that kind (string, integer, float, boolean, time); ``None`` where it is none.

    Examples
    --------
    >>> [of_kind("3", kind) for kind in ("string", "integer", "float", "boolean")], of_kind(3.0, "integer")
    (['3', 3, 3.0, None], 3)
    """
    if kind == "string":
        return text(value)
    if kind == "integer" and isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return int(value)
    written = text(value)
    found = declared(written, kind)
    if isinstance(found, float) and found.is_integer() and written == str(int(found)) and abs(found) < EXACT:
        return found
    if isinstance(found, str) or text(found) != written:
        return None
    return None if isinstance(found, int) and not -INT64 <= found < INT64 else found


def _time(stripped: str, raw: str) -> Value:
    found = moment(stripped)
    if found is None:
        return raw
    if found.precision == "day" or stripped.endswith(_MIDNIGHT):
        return found.time.date()
    return found.time
