"""Rows of a table of text as columns of events: each text is read once, however many rows hold it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from o2c_mining.exchange.dates import NAMED_ZONES, NOTHING, read_date
from o2c_mining.log.schema import TIME

# 2026-01-05 10:00:00, up to six decimals, and what may name a zone: read all at once. Others are read one by one.
_NEAR = r"[+-](?:0[0-9]|1[0-3]):[0-5][0-9]"
_USUAL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|" + _NEAR + r")?$"
_ZONED = r"(?:Z|" + _NEAR + r")$"
_OWN_ZONE = (
    r"\d:?\d{1,2}(?:[.,]\d+)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*"
    rf"(?:Z|z|{'|'.join(NAMED_ZONES)}|[+-]\d{{2}}(?::?\d{{2}})?)$"
)
_MIDNIGHT = re.compile(r"[ T]00:00(?::00(?:\.0+)?)?Z?$")
_DIGITS = re.compile(r"^\d{5,6}$")
# Offsets of zones change at quarters of an hour since then.
_FIRST, _LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000 for year in (1980, 9998))
_QUARTER = timedelta(minutes=15) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Moments:
    """What a column of dates says: null where it says none; ``zoned`` is false where no zone was known."""

    time: pa.Array
    offset_minutes: pa.Array
    precision: pa.Array
    zoned: pa.Array


def by_value(column: pa.Array, read: Callable[[str], object], kind: pa.DataType) -> pa.Array:
    """What a function of the text says, asked once for each different text."""
    coded = column.dictionary_encode()
    return pa.array([read(text) for text in coded.dictionary.to_pylist()], kind).take(coded.indices)


def stripped(column: pa.Array) -> pa.Array:
    """Texts without the space around them."""
    return by_value(column, str.strip, pa.string())


def filled(column: pa.Array) -> pa.Array:
    """Texts without the space around them; nothing where nothing is left."""
    return by_value(column, lambda text: text.strip() or None, pa.string())


def moments(column: pa.Array, order: str, zone: tzinfo | None) -> Moments:
    """As ``read_date`` reads each text."""
    usual = usual_moments(column, zone)
    if usual is None:
        return _one_by_one(column, order, zone)
    if usual.time.null_count == 0:
        return usual
    others = pc.is_null(usual.time)
    found = _one_by_one(column.filter(others), order, zone)
    return Moments(
        *(
            pc.replace_with_mask(getattr(usual, name), others, getattr(found, name))
            for name in ("time", "offset_minutes", "precision", "zoned")
        )
    )


def _one_by_one(column: pa.Array, order: str, zone: tzinfo | None) -> Moments:
    coded = column.dictionary_encode()
    found = [read_date(text, order, zone) for text in coded.dictionary.to_pylist()]

    def each(values: Sequence[object], kind: pa.DataType) -> pa.Array:
        return pa.array(values, kind).take(coded.indices)

    return Moments(
        each([one and one.time for one in found], TIME),
        each([one and one.offset_minutes for one in found], pa.int32()),
        each([one and one.precision for one in found], pa.string()),
        each([one is None or one.zoned for one in found], pa.bool_()),
    )


def usual_moments(column: pa.Array, zone: tzinfo | None) -> Moments | None:
    """Moments written from a year of four digits down to seconds, null for others.

    ``None`` where one of them is no moment after all, or lies far away.
    """
    nothing = pa.scalar(None, pa.string())
    usual = pc.match_substring_regex(column, _USUAL)
    zoned = pc.and_(usual, pc.match_substring_regex(column, _ZONED))
    try:
        known = pc.if_else(zoned, column, nothing).cast(TIME)
        local = pc.if_else(pc.and_not(usual, zoned), column, nothing).cast(pa.timestamp("us"))
        for times in (known.cast(pa.timestamp("us")), local):
            ends = pc.min_max(times.cast(pa.int64())).as_py()
            if ends["min"] is not None and not _FIRST <= ends["min"] <= ends["max"] <= _LAST:
                return None
    except pa.ArrowInvalid:
        return None
    ending = pc.if_else(zoned, pc.utf8_slice_codeunits(column, -6, None), nothing)
    offset = by_value(ending, _minutes, pa.int32())
    if zone is not None and local.null_count < len(local):
        shift = _offsets(local, zone)
        local = pc.subtract(local, shift.cast(pa.duration("us")))
        offset = pc.coalesce(offset, pc.floor(pc.divide(shift.cast(pa.float64()), 60e6)).cast(pa.int32()))
    return Moments(
        pc.coalesce(known, local.cast(pa.int64()).cast(TIME)),
        offset,
        pc.if_else(usual, "second", nothing),
        pa.array(np.ones(len(column), bool)) if zone is not None else pc.or_(zoned, pc.invert(usual)),
    )


def _minutes(ending: str | None) -> int | None:
    if ending is None or ending.endswith("Z"):
        return None
    return (int(ending[1:3]) * 60 + int(ending[4:6])) * (-1 if ending[0] == "-" else 1)


def _offsets(local: pa.Array, zone: tzinfo) -> pa.Array:
    """Microseconds by which a zone is ahead of UTC at local times; asked once for each quarter of an hour."""
    coded = _quarters(local.cast(pa.int64())).dictionary_encode()
    epoch = datetime(1970, 1, 1, tzinfo=zone)
    shifts = []
    for quarter in coded.dictionary.to_pylist():
        offset = (epoch + timedelta(microseconds=quarter * _QUARTER)).utcoffset() or timedelta()
        shifts.append(offset // timedelta(microseconds=1))
    return pa.array(shifts, pa.int64()).take(coded.indices)


def _quarters(moments: pa.Array) -> pa.Array:
    """The quarter of an hour, since 1970, that each moment in microseconds lies in."""
    towards_zero = pc.divide(moments, _QUARTER)
    return pc.subtract(towards_zero, pc.less(moments, pc.multiply(towards_zero, _QUARTER)).cast(pa.int64()))


def with_clocks(days: pa.Array, clocks: pa.Array) -> pa.Array:
    """Dates with the time of day from another column; alone where there is none."""
    clock = by_value(clocks, _clock, pa.string())
    day = by_value(days, lambda text: _MIDNIGHT.sub("", text.strip()), pa.string())
    return pc.coalesce(pc.binary_join_element_wise(day, clock, " "), days)


def _clock(text: str) -> str | None:
    text = text.strip()
    if text.lower() in NOTHING:
        return None
    text = f"{text[:-4]}:{text[-4:-2]}:{text[-2:]}" if _DIGITS.match(text) else text
    return f"0{text}" if text[1:2] == ":" else text


def odd_hours(written: pa.Array, time: pa.Array, offset_minutes: pa.Array, zone: tzinfo) -> dict[str, int]:
    """How many times without a zone of their own the clocks of ``zone`` show twice, or never.

    Both are taken with the offset from before the change. Null offsets are not looked at.
    """
    own = pc.match_substring_regex(written, _OWN_ZONE)
    shift = pc.multiply(pc.if_else(own, pa.scalar(None, pa.int32()), offset_minutes).cast(pa.int64()), 60_000_000)
    local = pc.add(time.cast(pa.int64()), shift).drop_null()
    epoch = datetime(1970, 1, 1, tzinfo=zone)
    found = {"come twice and are taken as the first": 0, "do not exist and are taken as an hour later": 0}
    for pair in pc.value_counts(_quarters(local)).to_pylist():
        try:
            shown = epoch + timedelta(microseconds=pair["values"] * _QUARTER)
        except OverflowError:  # the first and the last hours of the calendar, told from another zone
            continue
        first, second = shown.utcoffset() or timedelta(), shown.replace(fold=1).utcoffset() or timedelta()
        if first != second:
            found[list(found)[first < second]] += pair["counts"]
    return {what: count for what, count in found.items() if count}


def maps(columns: dict[str, pa.Array]) -> pa.Array:
    """A map per row of the values that are there, by name; null where none is."""
    names = sorted(columns)
    held = np.column_stack([np.asarray(pc.is_valid(columns[name])) for name in names])
    size = len(held)
    rows, which = np.nonzero(held)
    counts = held.sum(axis=1)
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    values = pa.concat_arrays([columns[name] for name in names])
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32(), mask=np.append(counts == 0, False)),
        pa.array(names, pa.string()).take(pa.array(which)),
        values.take(pa.array(which * size + rows)),
    )


def digests(case: pa.Array, activity: pa.Array, time: pa.Array) -> tuple[pa.Array, npt.NDArray[np.uint64]]:
    """What tells an event by case, activity and time: as text, and its first 64 bits as a number."""
    iso = pc.replace_substring(time.cast(pa.timestamp("us")).cast(pa.string()), " ", "T")
    iso = pc.binary_join_element_wise(pc.replace_substring(iso, ".000000", ""), "+00:00", "")
    whole = pc.binary_join_element_wise(case, activity, iso, "\x1f").cast(pa.binary()).to_pylist()
    joined = b"".join([blake2b(text, digest_size=10).digest() for text in whole])
    bits = np.frombuffer(joined, np.uint8).reshape(len(whole), 10)[:, :8]
    hexed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(20), len(whole), [None, pa.py_buffer(joined.hex().encode("ascii"))]
    )
    return hexed.cast(pa.binary()).cast(pa.string()), np.ascontiguousarray(bits).view(np.uint64).ravel()
