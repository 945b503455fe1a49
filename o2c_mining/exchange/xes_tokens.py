"""A piece of XES in its plain shape, taken apart column-wise: what a parser would say of it, in a tenth of the time.

Nearly every file writes every attribute as ``<string key="..." value="..."/>``, in traces and events without nesting.
Cut at its quotes, such a piece is a table of four columns: markup, key, markup, value. Few markups differ, so each is
looked at once. A piece that is not exactly of this shape is left to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from o2c_mining.exchange.attributes import MAX_ATTRIBUTES

Codes: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"
TAGS = ("string", "date", "int", "float", "boolean", "id")
_LOG, _TRACE, _EVENT, _SAME = 0, 1, 2, 3
_CLOSE = rb"(?:(/>)|>\s*</(string|date|int|float|boolean|id)>)?"
_BETWEEN = rb"\s*(</event>\s*)?(</trace>\s*)?(<trace>\s*)?(<event>\s*)?"
_BEFORE_KEY = re.compile(rb"^" + _CLOSE + _BETWEEN + rb"<(string|date|int|float|boolean|id)\s+key\s*=\s*$")
_LAST = re.compile(rb"^" + _CLOSE + rb"\s*(</event>\s*)?(</trace>\s*)$")
_BEFORE_VALUE = re.compile(rb"^\s+value\s*=\s*$")
_REFERENCE = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));|&")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_NO_CHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_QUOTE = ord('"')
_MOST_MARKUPS = 10_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole traces: one entry per attribute, with the number of its trace and, where it belongs to one, its event."""

    keys: tuple[str, ...]
    key: Codes
    tag: Codes
    value: pa.StringArray
    trace: Codes
    event: Codes  # -1: of the trace
    traces: int
    events: int
    trace_of_event: Codes


class _OtherShapeError(Exception):
    """The piece is written in another way."""


def piece_of(data: bytes) -> Piece | None:
    """Whole traces as columns, or nothing where they are not in the plain shape (or not well-formed)."""
    try:
        return _piece(data)
    except (_OtherShapeError, UnicodeDecodeError, pa.ArrowInvalid):
        return None


def _piece(data: bytes) -> Piece:
    tokens = _between_quotes(data)
    count, rest = divmod(len(tokens), 8)
    if rest != 1 or not count:
        raise _OtherShapeError
    places = np.arange(count, dtype=np.int64) * 8
    last = _LAST.match(tokens[-1].as_py())
    before_key = tokens.take(pa.array(places)).dictionary_encode()
    before_value = tokens.take(pa.array(places + 4)).dictionary_encode()
    markups, others = before_key.dictionary.to_pylist(), before_value.dictionary.to_pylist()
    if last is None or len(markups) > _MOST_MARKUPS or not all(_BEFORE_VALUE.match(other) for other in others):
        raise _OtherShapeError
    markup = _codes(before_key)
    outside = _outside(markups, markup, others, _codes(before_value), tokens[-1].as_py())
    _check_characters(data, outside)
    found = [_BEFORE_KEY.match(one) for one in markups]
    if not all(found):
        raise _OtherShapeError
    parts = [one.groups() for one in found if one is not None]
    tag = np.array([TAGS.index(part[6].decode()) for part in parts], np.int64)[markup]
    _check_closed(parts, markup, tag, last.groups())
    state = _states(parts, markup, last.groups())
    opens_trace = np.array([part[4] is not None for part in parts])[markup]
    opens_event = np.array([part[5] is not None for part in parts])[markup]
    event, trace = np.cumsum(opens_event) - 1, np.cumsum(opens_trace) - 1
    keys = tokens.take(pa.array(places + 2)).dictionary_encode()
    names = tuple(_unescaped(name.decode("utf-8")) for name in keys.dictionary.to_pylist())
    if len(names) > MAX_ATTRIBUTES or len(set(names)) < len(names):
        raise _OtherShapeError
    data.decode("utf-8")
    value = tokens.take(pa.array(places + 6)).cast(pa.string())
    if b"&" in data:
        value = _values_unescaped(value)
    return Piece(
        names,
        _codes(keys),
        tag,
        value,
        trace,
        np.where(state == _EVENT, event, -1),
        int(opens_trace.sum()),
        int(opens_event.sum()),
        trace[opens_event],
    )


def _between_quotes(data: bytes) -> pa.BinaryArray:
    """The bytes cut at their quotes, without a copy: every second one is a quote."""
    quotes = np.flatnonzero(np.frombuffer(data, np.uint8) == _QUOTE)
    ends = np.empty(2 * len(quotes) + 2, np.int32)
    ends[0], ends[1:-1:2], ends[2:-1:2], ends[-1] = 0, quotes, quotes + 1, len(data)
    return pa.BinaryArray.from_buffers(pa.binary(), len(ends) - 1, [None, pa.py_buffer(ends), pa.py_buffer(data)])


def _codes(encoded: pa.DictionaryArray) -> Codes:
    return np.asarray(encoded.indices).astype(np.int64)


def _outside(
    markups: list[bytes], markup: Codes, others: list[bytes], other: Codes, last: bytes
) -> Callable[[bytes], int]:
    """How often a byte stands outside of quotes."""
    of_markup = np.bincount(markup, minlength=len(markups))
    of_other = np.bincount(other, minlength=len(others))

    def count(byte: bytes) -> int:
        inside = sum(text.count(byte) * int(n) for text, n in zip(markups, of_markup, strict=True))
        return (
            inside + sum(text.count(byte) * int(n) for text, n in zip(others, of_other, strict=True)) + last.count(byte)
        )

    return count


def _check_characters(data: bytes, outside: Callable[[bytes], int]) -> None:
    """What XML forbids, or changes, in a value: markup, control characters, line breaks."""
    controls = int(np.count_nonzero(np.frombuffer(data, np.uint8) < 32))
    plain = controls == sum(outside(space) for space in (b"\t", b"\n", b"\r")) and data.count(b"<") == outside(b"<")
    if not plain or (not data.isascii() and any(forbidden in data for forbidden in _NO_CHARACTERS)):
        raise _OtherShapeError


def _check_closed(parts: list[tuple[bytes, ...]], markup: Codes, tag: Codes, last: tuple[bytes, ...]) -> None:
    """Every element ends: by itself, or with its own name; the first markup ends none."""
    own, none = len(TAGS), len(TAGS) + 1

    def closes(part: tuple[bytes, ...]) -> int:
        return own if part[0] else TAGS.index(part[1].decode()) if part[1] else none

    ends = np.append(np.array([closes(part) for part in parts], np.int64)[markup], closes(last))
    if ends[0] != none or not np.all((ends[1:] == own) | (ends[1:] == tag)):
        raise _OtherShapeError


def _states(parts: list[tuple[bytes, ...]], markup: Codes, last: tuple[bytes, ...]) -> Codes:
    """Whether each attribute stands in a trace or an event; what stands before it must fit what was open."""
    goes_to = np.array([[_after(part[2:6], state) for state in (_LOG, _TRACE, _EVENT)] for part in parts], np.int64)
    moves = np.array([any(part[2:6]) for part in parts])[markup]
    fixed = np.array([max(row) for row in goes_to.tolist()], np.int64)[markup]
    if not moves[0]:
        raise _OtherShapeError
    known = np.maximum.accumulate(np.where(moves, np.arange(len(markup)), 0))
    state = fixed[known]
    before = np.concatenate(([_LOG], state[:-1]))
    if not np.all(goes_to[markup, before] == state) or _after((last[2], last[3], b"", b""), int(state[-1])) != _LOG:
        raise _OtherShapeError
    return state


def _after(between: tuple[bytes, ...], state: int) -> int:
    """What is open after ``</event> </trace> <trace> <event>``, each of which may lack; -1 where they do not fit."""
    event_ends, trace_ends, trace_begins, event_begins = (bool(one) for one in between)
    if event_ends:
        if state != _EVENT or not (trace_ends or event_begins):  # an attribute of a trace behind its events
            return -1
        state = _TRACE
    if trace_ends:
        if state != _TRACE:
            return -1
        state = _LOG
    if trace_begins:
        if state != _LOG:
            return -1
        state = _TRACE
    if event_begins:
        if state != _TRACE:
            return -1
        state = _EVENT
    return state


def _values_unescaped(values: pa.StringArray) -> pa.StringArray:
    escaped = pc.match_substring(values, "&")
    texts = pa.array([_unescaped(text) for text in values.filter(escaped).to_pylist()], pa.string())
    return pc.replace_with_mask(values, escaped, texts)


def _unescaped(text: str) -> str:
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    name, decimal, hexadecimal = found.groups()
    if name:
        return _NAMED[name]
    if not decimal and not hexadecimal:
        raise _OtherShapeError
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if code in (9, 10, 13) or 32 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF:
        return chr(code)
    raise _OtherShapeError
