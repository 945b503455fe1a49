"""Numbers in tables: whether a comma or a point divides them is decided by every value of a column."""

from __future__ import annotations

import re
from collections.abc import Iterable

from o2c_mining.exchange.attributes import Value

POINT, COMMA = ".", ","
_POINT = re.compile(r"^[+-]?(?:\d+|\d{1,3}(?:[,']\d{3})+)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$")
_COMMA = re.compile(r"^[+-]?(?:\d+|\d{1,3}(?:[. ']\d{3})+)(?:,\d+)?$")
_PADDED = re.compile(r"^[+-]?0\d")
_LONGEST = 18
# What divides thousands in French, Swiss and typeset numbers, as a blank or an apostrophe.
_MARKS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'", "\u2212": "-"})


def number_column(values: Iterable[str]) -> frozenset[str] | None:
    """Decimal marks that fit all (distinct, non-empty) values; ``None`` where they are no numbers.

    Codes with leading zeros are no numbers.

    Examples
    --------
    >>> sorted(number_column(["1,5", "12"])), sorted(number_column(["1.234"])), number_column(["007"])
    ([','], [',', '.'], None)
    """
    fits = {POINT, COMMA}
    found = False
    for value in values:
        text = _usual(value)
        found = True
        if _PADDED.match(text) or len(text) > _LONGEST + 8:
            return None
        if not _POINT.match(text):
            fits.discard(POINT)
        if not _COMMA.match(text):
            fits.discard(COMMA)
        if not fits:
            return None
    return frozenset(fits) if found else None


def _usual(value: str) -> str:
    """A number as it is written elsewhere: its sign in front (SAP puts it behind, bookkeepers use brackets)."""
    text = value.translate(_MARKS).strip()
    if text[-1:] == "-" and text[:1].isdigit():
        return f"-{text[:-1].rstrip()}"
    return f"-{text[1:-1]}" if text[:1] == "(" and text[-1:] == ")" and text[1:2].isdigit() else text


def is_plain(values: Iterable[str]) -> bool:
    """Whether no value has a mark at all, so that the question does not arise."""
    return all(value.strip().lstrip("+-").isdigit() for value in values)


def read_number(value: str, decimal: str) -> Value:
    """The number a value means; integers stay integers.

    Examples
    --------
    >>> read_number("1.234,50", ","), read_number("1,234", "."), read_number("12", ","), read_number("99,00-", ",")
    (1234.5, 1234, 12, -99.0)
    """
    text = _usual(value).replace(" ", "").replace("'", "")
    text = text.replace(",", "") if decimal == POINT else text.replace(".", "").replace(",", ".")
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        return value
