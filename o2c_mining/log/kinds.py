"""The kinds of values that attributes have, and which one holds values of several."""

from __future__ import annotations

from collections.abc import Collection

KINDS = ("string", "integer", "float", "boolean", "time")


def united(kinds: Collection[str]) -> str:
    """The kind that holds values of all these: float of whole and other numbers, else string.

    Examples
    --------
    >>> united({"time"}), united({"integer", "float"}), united({"integer", "boolean"})
    ('time', 'float', 'string')
    """
    if set(kinds) == {"integer", "float"}:
        return "float"
    return next(iter(kinds)) if len(set(kinds)) == 1 else "string"
