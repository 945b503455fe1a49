"""Cells that no spreadsheet takes for a formula, and what they were before."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from o2c_mining.exchange.attributes import value_of

_STARTS = frozenset("=+-@\t\r\0＝＋－＠")
_IGNORED = " \ufeff\u00a0"


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would run; plain numbers stay numbers.

    A text that looks as if it had its apostrophe already gets one more, so ``given_cell`` can tell the two apart.

    Examples
    --------
    >>> [safe_cell(t) for t in ("=1+1", " @SUM(A1)", "-5", "-2.5", "＝1", "'=1", "tea")]
    ["'=1+1", "' @SUM(A1)", '-5', '-2.5', "'＝1", "''=1", 'tea']
    """
    return f"'{text}" if _runs(text.lstrip("'")) else text


def given_cell(cell: str) -> str:
    """The text of which ``safe_cell`` makes this cell; any other apostrophe stays.

    Examples
    --------
    >>> [given_cell(t) for t in ("'=1+1", "'-> Ship", "''=1", "'-5", "'s-Gravenhage", "tea")]
    ['=1+1', '-> Ship', "'=1", "'-5", "'s-Gravenhage", 'tea']
    """
    return cell[1:] if cell.startswith("'") and _runs(cell.lstrip("'")) else cell


def given_cells(table: pa.Table) -> pa.Table:
    """A table of text with every cell, and every name of a column, as it was before ``safe_cell``."""
    for place, name in enumerate(table.column_names):
        column = table.column(place)
        if pa.types.is_string(column.type) and pc.any(pc.starts_with(column, "'")).as_py():
            coded = column.combine_chunks().dictionary_encode()
            words = pa.array([None if word is None else given_cell(word) for word in coded.dictionary.to_pylist()])
            table = table.set_column(place, name, words.cast(pa.string()).take(coded.indices))
    names = [given_cell(name) for name in table.column_names]
    return table.rename_columns(names) if len(set(names)) == len(names) else table


def _runs(text: str) -> bool:
    first = text.lstrip(_IGNORED)[:1]
    return bool(first) and first in _STARTS and not isinstance(value_of(text), int | float)
