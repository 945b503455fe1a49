"""Cells that no spreadsheet takes for a formula."""

from __future__ import annotations

from o2c_mining.exchange.attributes import value_of

_STARTS = frozenset("=+-@\t\r\0＝＋－＠")
_IGNORED = " \ufeff\u00a0"


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would run; plain numbers stay numbers.

    Examples
    --------
    >>> [safe_cell(t) for t in ("=1+1", " @SUM(A1)", "-5", "-2.5", "＝1", "tea")]
    ["'=1+1", "' @SUM(A1)", '-5', '-2.5', "'＝1", 'tea']
    """
    first = text.lstrip(_IGNORED)[:1]
    if first not in _STARTS or not first:
        return text
    return text if isinstance(value_of(text), int | float) else f"'{text}"
