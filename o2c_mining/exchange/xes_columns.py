"""Events of a piece of XES as columns: activity, time, id and the rest, without a row in Python."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from o2c_mining.exchange.moments import moment
from o2c_mining.exchange.systems import SYSTEM
from o2c_mining.exchange.xes_tokens import TAGS, Codes, Piece
from o2c_mining.log.schema import TIME

NAME, TIMESTAMP, TRANSITION = "concept:name", "time:timestamp", "lifecycle:transition"
_RESOURCE, _GROUP, _ROLE, _SYSTEM = "org:resource", "org:group", "org:role", "system"
COLUMNS = (NAME, TIMESTAMP, _RESOURCE, _GROUP, _SYSTEM, SYSTEM)  # what always has a column of its own
_COUNTABLE = 20_000_000  # events times attributes that may be counted in one array
_SEPARATOR = "\x1f"
# Lengths of 2026-01-05T10:00:00 with 0, 3 or 6 decimals, and Z or +01:00 behind.
_ZULU, _OFFSET = (20, 24, 27), (25, 29, 32)
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999 in microseconds


@dataclass(frozen=True, slots=True)
class Rows:
    """Events of a piece as rows of ``events`` and ``e2o``, and what there is to say about them."""

    events: pa.Table
    e2o: pa.Table
    unzoned: int
    repeated: int
    said: frozenset[tuple[str, str]]  # keys of events with the tags they are written with
    refused: list[tuple[int, bool]]  # which event, and whether it has a time


@dataclass(frozen=True, slots=True)
class _Columns:
    """Events of a piece that can be part of a log, and the places of those that cannot."""

    rows: Codes
    event_id: pa.Array
    activity: pa.Array
    time: pa.Array
    offset_minutes: pa.Array
    precision: pa.Array
    resource: pa.Array
    team: pa.Array
    system: pa.Array
    file: pa.Array  # that brought the event first
    attributes: pa.Array
    unzoned: int
    refused: list[tuple[int, bool]]


@dataclass(frozen=True, slots=True)
class _Times:
    time: pa.Array
    offset_minutes: pa.Array
    precision: pa.Array
    zoned: pa.Array


def rows_of(piece: Piece, objects: pa.Array, source: str, position: int) -> Rows:
    """The events of a piece; ``objects`` has the object of each trace, ``position`` is that of the first event in its
    file."""
    columns = _columns_of(piece, objects, source)
    events, e2o = _tables_of(columns, piece, objects, position)
    return Rows(events, e2o, columns.unzoned, _repeated(piece), _said(piece), columns.refused)


def _columns_of(piece: Piece, objects: pa.Array, source: str) -> _Columns:
    activity, written = _column(piece, NAME), _column(piece, TIMESTAMP)
    times = _times(written)
    known = activity.dictionary_encode()
    named = pa.array([bool(text.strip()) for text in known.dictionary.to_pylist()], pa.bool_())
    has_name = pc.fill_null(named.take(known.indices), False)
    kept = pc.and_(has_name, pc.is_valid(times.time))
    rows = np.flatnonzero(np.asarray(kept))
    lost = np.flatnonzero(~np.asarray(kept))
    timed = pc.is_valid(times.time)
    refused = [(int(row), bool(timed[int(row)].as_py())) for row in lost]
    chosen = pa.array(rows)
    transition = pc.utf8_lower(pc.fill_null(_column(piece, TRANSITION), "complete")).take(chosen)
    activity, time = activity.take(chosen), times.time.take(chosen)
    of_trace = objects.take(pa.array(piece.trace_of_event[rows]))
    group, role = _column(piece, _GROUP), _column(piece, _ROLE)
    file = pc.coalesce(_filled(_column(piece, SYSTEM)), source)
    by_role = pc.fill_null(pc.equal(group, ""), True)
    return _Columns(
        rows,
        _ids(of_trace, activity, time, transition),
        activity,
        time,
        times.offset_minutes.take(chosen),
        times.precision.take(chosen),
        _column(piece, _RESOURCE).take(chosen),
        pc.if_else(by_role, role, group).take(chosen),
        pc.coalesce(_filled(_column(piece, _SYSTEM)), file).take(chosen),
        file.take(chosen),
        _attributes(piece, by_role, transition, rows),
        int(pc.sum(pc.invert(times.zoned.take(chosen))).as_py() or 0),
        refused,
    )


def _tables_of(columns: _Columns, piece: Piece, objects: pa.Array, position: int) -> tuple[pa.Table, pa.Table]:
    size = len(columns.rows)
    places = pa.array(columns.rows + position)
    numbers = pc.add(places, 1).cast(pa.string())
    nothing = pa.nulls(size, pa.string())
    events = {
        "event_id": columns.event_id,
        "activity": columns.activity,
        "time": columns.time,
        "start_time": pa.nulls(size, TIME),
        "offset_minutes": columns.offset_minutes,
        "precision": columns.precision,
        "source_seq": places,
        "resource": columns.resource,
        "resource_kind": pa.repeat("unknown", size),
        "team": columns.team,
        "system": columns.system,
        "source_table": columns.file,
        "source_key": pc.binary_join_element_wise("event", numbers, " "),
        "old_value": nothing,
        "new_value": nothing,
        "attributes": columns.attributes,
    }
    e2o = {
        "event_id": columns.event_id,
        "object_id": objects.take(pa.array(piece.trace_of_event[columns.rows])),
        "qualifier": pa.repeat("", size),
    }
    return pa.table(events), pa.table(e2o)


def _repeated(piece: Piece) -> int:
    """How many attributes of events are said again in the same event."""
    said = piece.event >= 0
    places = piece.event[said] * len(piece.keys) + piece.key[said]
    if piece.events * len(piece.keys) > _COUNTABLE:
        return len(places) - len(np.unique(places))
    return len(places) - int(np.count_nonzero(np.bincount(places)))


def _said(piece: Piece) -> frozenset[tuple[str, str]]:
    """Keys and tags of the events' attributes."""
    own = piece.event >= 0
    found = np.flatnonzero(np.bincount(piece.key[own] * len(TAGS) + piece.tag[own]))
    return frozenset((piece.keys[code // len(TAGS)], TAGS[code % len(TAGS)]) for code in found.tolist())


def has_starts(piece: Piece) -> bool:
    """Whether an event begins an activity that another one ends: then the two are one event."""
    if TRANSITION not in piece.keys:
        return False
    found = pc.unique(_column(piece, TRANSITION)).to_pylist()
    return any(text is not None and text.lower() == "start" for text in found)


def _column(piece: Piece, key: str) -> pa.Array:
    """A value per event, the last one where it says several; null where it says none."""
    if key not in piece.keys:
        return pa.nulls(piece.events, pa.string())
    said = np.flatnonzero((piece.key == piece.keys.index(key)) & (piece.event >= 0))
    place = np.full(piece.events, -1, np.int64)
    place[piece.event[said]] = said
    return piece.value.take(pa.array(place, mask=place < 0))


def _filled(values: pa.Array) -> pa.Array:
    """An empty text is nothing."""
    return pc.if_else(pc.fill_null(pc.equal(values, ""), False), pa.scalar(None, pa.string()), values)


def _times(written: pa.Array) -> _Times:
    """As ``moment`` reads them; the usual forms all at once."""
    length = pc.fill_null(pc.binary_length(written), 0)
    zulu = pc.is_in(length, pa.array(_ZULU, length.type))
    usual = pc.or_(zulu, pc.is_in(length, pa.array(_OFFSET, length.type)))
    ending = pc.utf8_slice_codeunits(written, -6, None).dictionary_encode()
    minutes = [_minutes(text) for text in ending.dictionary.to_pylist()]
    offset = pa.array(minutes, pa.int32()).take(ending.indices) if minutes else pa.nulls(len(written), pa.int32())
    usual = pc.and_(
        usual,
        pc.xor(
            pc.and_(zulu, pc.fill_null(pc.ends_with(written, "Z"), False)),
            pc.and_(pc.invert(zulu), pc.is_valid(offset)),
        ),
    )
    usual = pc.and_(usual, pc.fill_null(pc.match_substring_regex(written, _ISO), False))
    try:
        time = pc.if_else(usual, written, pa.scalar(None, pa.string())).cast(TIME)
        ends = pc.min_max(time.cast(pa.int64())).as_py()
        if ends["min"] is not None and not _FIRST <= ends["min"] <= ends["max"] <= _LAST:
            raise pa.ArrowInvalid("a year that Python does not know")
    except pa.ArrowInvalid:
        usual = pa.array(np.zeros(len(written), bool))
        time = pa.nulls(len(written), TIME)
    offset = pc.if_else(pc.and_(usual, pc.invert(zulu)), offset, pa.scalar(None, pa.int32()))
    precision = pc.if_else(usual, "second", pa.scalar(None, pa.string()))
    others = pc.and_(pc.invert(usual), pc.is_valid(written))
    if not pc.any(others).as_py():
        return _Times(time, offset, precision, pa.array(np.ones(len(written), bool)))
    texts = written.filter(others).dictionary_encode()
    found = [moment(text) for text in texts.dictionary.to_pylist()]

    def each(values: list[object], kind: pa.DataType) -> pa.Array:
        return pa.array(values, kind).take(texts.indices)

    return _Times(
        pc.replace_with_mask(time, others, each([m and m.time for m in found], TIME)),
        pc.replace_with_mask(offset, others, each([m and m.offset_minutes for m in found], pa.int32())),
        pc.replace_with_mask(precision, others, each([m and m.precision for m in found], pa.string())),
        pc.replace_with_mask(
            pa.array(np.ones(len(written), bool)), others, each([m is None or m.zoned for m in found], pa.bool_())
        ),
    )


_ISO = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}"


def _minutes(ending: str | None) -> int | None:
    """Minutes east of UTC of an ending such as ``+01:00``."""
    if ending is None or len(ending) != 6 or ending[0] not in "+-" or ending[3] != ":":
        return None
    hours, minutes = ending[1:3], ending[4:6]
    if not (hours.isdecimal() and minutes.isdecimal() and hours.isascii() and minutes.isascii()):
        return None
    if int(hours) > 13 or int(minutes) > 59:
        return None
    return (int(hours) * 60 + int(minutes)) * (-1 if ending[0] == "-" else 1)


def _ids(objects: pa.Array, activity: pa.Array, time: pa.Array, transition: pa.Array) -> pa.Array:
    """Object and a digest of activity, time, transition, and how often the trace had these before."""
    iso = pc.replace_substring(time.cast(pa.timestamp("us")).cast(pa.string()), " ", "T")
    iso = pc.binary_join_element_wise(pc.replace_substring(iso, ".000000", ""), "+00:00", "")
    identity = pc.binary_join_element_wise(objects, activity, iso, transition, _SEPARATOR)
    times_seen = _occurrence(identity).cast(pa.string())
    whole = pc.binary_join_element_wise(identity, times_seen, _SEPARATOR).cast(pa.binary()).to_pylist()
    digests = pa.array([blake2b(text, digest_size=10).hexdigest() for text in whole], pa.string())
    return pc.binary_join_element_wise(objects, digests, "/")


def _occurrence(texts: pa.Array) -> pa.Array:
    """For each text how many equal ones stand up to it, itself included."""
    encoded = texts.dictionary_encode()
    seen = np.ones(len(texts), np.int64)
    if len(encoded.dictionary) < len(texts):
        codes = np.asarray(encoded.indices)
        order = np.argsort(codes, kind="stable")
        begins = np.flatnonzero(np.concatenate(([True], np.diff(codes[order]) != 0)))
        lengths = np.diff(np.append(begins, len(codes)))
        seen[order] = np.arange(len(codes)) - np.repeat(begins, lengths) + 1
    return pa.array(seen)


def _attributes(piece: Piece, by_role: pa.Array, transition: pa.Array, rows: Codes) -> pa.Array:
    """What no column takes, as a map per event with its names in order; null where nothing is left."""
    ranks = np.argsort(np.argsort(np.array(piece.keys, object))).astype(np.int64)
    taken = {name for name in COLUMNS if name in piece.keys}
    row_of_event = np.full(piece.events + 1, -1, np.int64)  # the last one: of no event
    row_of_event[rows] = np.arange(len(rows))
    row = row_of_event[piece.event]
    keep = (row >= 0) & ~np.isin(piece.key, [piece.keys.index(name) for name in taken])
    if _ROLE in piece.keys:
        keep &= (piece.key != piece.keys.index(_ROLE)) | ~np.asarray(by_role)[np.maximum(piece.event, 0)]
    if TRANSITION in piece.keys and len(rows):
        complete = np.asarray(pc.equal(transition, "complete"))
        keep &= (piece.key != piece.keys.index(TRANSITION)) | ~complete[np.maximum(row, 0)]
    element = np.flatnonzero(keep)
    order = np.lexsort((element, ranks[piece.key[element]], row[element]))
    element = element[order]
    owner, name = row[element], piece.key[element]
    if len(element):  # said twice: the last one holds
        final = np.append((owner[1:] != owner[:-1]) | (name[1:] != name[:-1]), True)
        element, owner, name = element[final], owner[final], name[final]
    counts = np.bincount(owner, minlength=len(rows))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    empty = np.append(counts == 0, False)
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32(), mask=empty),
        pa.array(piece.keys, pa.string()).take(pa.array(name)),
        piece.value.take(pa.array(element)),
    )
