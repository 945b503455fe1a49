"""Attribute values: typed in the object table, text in the map of an event, the same whatever file they came from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import TypeAlias

import pyarrow as pa

from o2c_mining.errors import LogError
from o2c_mining.exchange.moments import moment
from o2c_mining.log.schema import CASES, OBJECTS, TIME

Value: TypeAlias = str | int | float | bool | datetime | date | None
# OCEL knows no days: a day is written as its midnight with a numeric offset, a moment with Z.
_MIDNIGHT = "T00:00:00+00:00"
MAX_ATTRIBUTES = 2_000
_INT64 = 2**63
_EXACT = 2**53  # up to here a float holds every integer
# Columns of the object table that an attribute of that name and type fills.
_OWN = {"number": str, "system": str, "amount_minor": int, "currency": str, "due_at": datetime}
_TAKEN = ({*OBJECTS.names, *CASES.names} - set(_OWN)) | {"case_id_right"}


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
            if repr(number) == written and (-_INT64 <= number < _INT64 if kind is int else not math.isinf(number)):
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
    if raw is None or (isinstance(raw, str) and kind == "string"):
        return raw
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float):
        if kind in ("boolean", "bool") and raw in (0, 1):
            return bool(raw)
        return float(raw) if kind in ("float", "real", "double") and abs(raw) < _EXACT else raw
    if not isinstance(raw, str):
        return nested(raw)
    stripped = raw.strip()
    try:
        if kind in ("integer", "int"):
            return int(stripped)
        if kind in ("float", "real", "double"):
            return float(stripped)
    except ValueError:
        return raw
    if kind in ("boolean", "bool") and stripped.lower() in ("true", "false", "1", "0"):
        return stripped.lower() in ("true", "1")
    if kind in ("time", "timestamp", "date", "datetime"):
        return _time(stripped, raw)
    return raw


def _time(stripped: str, raw: str) -> Value:
    found = moment(stripped)
    if found is None:
        return raw
    if found.precision == "day" or stripped.endswith(_MIDNIGHT):
        return found.time.date()
    return found.time


def typed_columns(
    source: str, objects: Sequence[tuple[str, str, Mapping[str, Value]]]
) -> tuple[pa.Table, dict[str, str]]:
    """Objects as a table with one typed column per attribute; second, the attributes that had to be renamed."""
    columns: dict[str, pa.Array] = {
        "object_id": pa.array([row[0] for row in objects], pa.string()),
        "object_type": pa.array([row[1] for row in objects], pa.string()),
    }
    names: dict[str, None] = {}
    for _, _, attributes in objects:
        for name in attributes:
            names.setdefault(name)
    if len(names) > MAX_ATTRIBUTES:
        raise LogError(
            f"{source} has {len(names):,} different object attributes; expected at most {MAX_ATTRIBUTES:,}; "
            "an attribute's name must not hold a value: export it differently"
        )
    renamed: dict[str, str] = {}
    used = {name.lower() for name in (*columns, *_OWN)}
    for name in names:
        values = [attributes.get(name) for _, _, attributes in objects]
        kinds = {type(value) for value in values if value is not None}
        if not kinds:
            continue
        own = _OWN.get(name)
        if own is str and kinds <= {str, int}:
            columns[name] = pa.array([None if value is None else text(value) for value in values], pa.string())
            continue
        if own is not None and kinds == {own} and _fits(values):
            columns[name] = _typed(values, kinds)
            continue
        free = _free(name, used)
        if free != name:
            renamed[name] = free
        used.add(free.lower())
        columns[free] = _typed(values, kinds)
    if "system" not in columns:
        columns["system"] = pa.array([source] * len(objects), pa.string())
    elif columns["system"].null_count:
        columns["system"] = columns["system"].fill_null(source)
    return pa.table(columns), renamed


def _typed(values: Sequence[Value], kinds: Iterable[type]) -> pa.Array:
    kinds = set(kinds)
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {datetime}:
        return pa.array(values, TIME)
    if kinds == {date}:
        return pa.array(values, pa.date32())
    if kinds == {date, datetime}:
        return pa.array([midnight(v) if isinstance(v, date) else None for v in values], TIME)
    if kinds == {int} and _fits(values):
        return pa.array(values, pa.int64())
    if kinds in ({float}, {int, float}) and all(abs(v) < _EXACT for v in values if isinstance(v, int)):
        numbers = [float(v) if isinstance(v, int | float) else None for v in values]
        return pa.array(numbers, pa.float64())
    return pa.array([None if value is None else text(value) for value in values], pa.string())


def _fits(values: Sequence[Value]) -> bool:
    return all(-_INT64 <= value < _INT64 for value in values if isinstance(value, int))


def _free(name: str, used: set[str]) -> str:
    """A column name nobody uses, told apart without regard to case, as the store and its engines do."""
    wanted = name if name.strip() and name not in _TAKEN else f"{name}_value"
    found, number = wanted, 2
    while found.lower() in used:
        found, number = f"{wanted}_{number}", number + 1
    return found
