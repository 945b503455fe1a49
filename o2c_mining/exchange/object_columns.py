"""Objects as columns while a file is read; which type a column has is known when every value is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import EXACT, INT64, MAX_ATTRIBUTES, Value, text
from o2c_mining.exchange.rows import Rows
from o2c_mining.exchange.systems import SYSTEM
from o2c_mining.log.schema import CASES, LOADED, OBJECTS, TIME

Places: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int32]]"
_CHUNK = 20_000
# Columns of the object table that an attribute of that name and type fills.
_OWN: dict[str, type] = {"number": str, "system": str, "amount_minor": int, "currency": str, "due_at": datetime}
_TAKEN = ({*OBJECTS.names, *CASES.names, *LOADED} - set(_OWN)) | {"case_id_right"}
_KEPT_AS = {
    str: pa.string(),
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    datetime: TIME,
    date: pa.date32(),
}


@dataclass(frozen=True, slots=True)
class Part:
    """Values of one attribute and one kind, and the rows of their chunk that have them."""

    kind: type
    rows: Places
    values: pa.Array  # an integer beyond 64 bits makes all of its part text


@dataclass(frozen=True, slots=True)
class _Chunk:
    ids: pa.Array
    types: pa.Array
    parts: Mapping[str, list[Part]]


class ObjectColumns:
    """Takes objects one by one or as columns, gives back one table."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._held: list[tuple[str, str, Mapping[str, Value]]] = []
        self._chunks: list[_Chunk] = []
        self._names: dict[str, None] = {}

    def add(self, object_id: str, object_type: str, attributes: Mapping[str, Value]) -> None:
        """Keep an object."""
        self._held.append((object_id, object_type, attributes))
        if len(self._held) >= _CHUNK:
            self._settle()

    def add_columns(self, ids: pa.Array, object_type: str, parts: Mapping[str, list[Part]]) -> None:
        """Keep objects of one type that are columns already; names in the order in which they first occur."""
        self._settle()
        self._keep(_Chunk(ids, pa.repeat(object_type, len(ids)), parts), parts)

    def kinds(self) -> dict[str, set[type]]:
        """Which kinds of values each attribute has."""
        self._settle()
        found: dict[str, set[type]] = {name: set() for name in self._names}
        for chunk in self._chunks:
            for name, parts in chunk.parts.items():
                found[name].update(part.kind for part in parts)
        return {name: kinds for name, kinds in found.items() if kinds}

    def files(self) -> list[str]:
        """Names of files that are called the system of objects, because these named none."""
        self._settle()
        values = [part.values for chunk in self._chunks for part in chunk.parts.get(SYSTEM, ()) if part.kind is str]
        return [name for name in pa.chunked_array(values, pa.string()).unique().to_pylist() if name]

    def table(self, file: Path | None = None) -> tuple[pa.Table, dict[str, str]]:
        """One row per object, a typed column per attribute; second, the attributes that had to be renamed.

        Where a file is given, the rows are kept in it.
        """
        self._settle()
        kinds: dict[str, pa.DataType] = {"object_id": pa.string(), "object_type": pa.string()}
        renamed: dict[str, str] = {}
        given: dict[str, str] = {}
        used = {name.lower() for name in (*kinds, *_OWN)}
        for name in self._names:
            parts = [part for chunk in self._chunks for part in chunk.parts.get(name, ())]
            if not parts or name == SYSTEM:
                continue
            found = {part.kind for part in parts}
            whole = not any(part.kind is int and pa.types.is_string(part.values.type) for part in parts)
            own = _OWN.get(name)
            if own is str and found <= {str, int}:
                kinds[name], given[name] = pa.string(), name
                continue
            if own is not None and found == {own} and whole:
                kinds[name], given[name] = _KEPT_AS[own], name
                continue
            free = _free(name, used)
            if free != name:
                renamed[name] = free
            used.add(free.lower())
            kinds[free], given[free] = _type_of(found, parts, whole), name
        kinds.setdefault("system", pa.string())
        rows = Rows(pa.schema(list(kinds.items())), file)
        for chunk in self._chunks:
            size = len(chunk.ids)
            columns = {name: _column(chunk.parts.get(said, ()), size, kinds[name]) for name, said in given.items()}
            first_file = _column(chunk.parts.get(SYSTEM, ()), size, pa.string())
            system = pc.coalesce(columns.get("system", first_file), first_file, self._source)
            all_of = {"object_id": chunk.ids, "object_type": chunk.types, **columns, "system": system}
            rows.add(pa.table([all_of[name] for name in kinds], schema=pa.schema(list(kinds.items()))))
        return rows.table(), renamed

    def _settle(self) -> None:
        """Make columns of the objects that came one by one."""
        held, self._held = self._held, []
        if not held:
            return
        values: dict[str, tuple[list[int], list[Value]]] = {}
        for row, (_, _, attributes) in enumerate(held):
            for name, value in attributes.items():
                rows, said = values.setdefault(name, ([], []))
                if value is not None:
                    rows.append(row)
                    said.append(value)
        ids = pa.array([row[0] for row in held], pa.string())
        types = pa.array([row[1] for row in held], pa.string())
        parts = {name: parts_of(np.array(rows, np.int32), said) for name, (rows, said) in values.items()}
        self._keep(_Chunk(ids, types, parts), values)

    def _keep(self, chunk: _Chunk, names: Mapping[str, object]) -> None:
        self._chunks.append(chunk)
        self._names.update(dict.fromkeys(names))
        if len(self._names) > MAX_ATTRIBUTES:
            raise LogError(
                f"{self._source} has {len(self._names):,} different object attributes; expected at most "
                f"{MAX_ATTRIBUTES:,}; an attribute's name must not hold a value: export it differently"
            )


def parts_of(rows: Places, values: Sequence[Value]) -> list[Part]:
    """Values of one attribute, none of them null, told apart by kind."""
    kinds = list(dict.fromkeys(type(value) for value in values))
    if len(kinds) == 1:
        return [_part(kinds[0], rows, values)]
    parts = []
    for kind in kinds:
        places = [place for place, value in enumerate(values) if type(value) is kind]
        parts.append(_part(kind, rows[places], [values[place] for place in places]))
    return parts


def _part(kind: type, rows: Places, values: Sequence[Value]) -> Part:
    if kind is int and not all(-INT64 <= value < INT64 for value in values):  # type: ignore[operator]
        return Part(kind, rows, pa.array([text(value) for value in values], pa.string()))
    return Part(kind, rows, pa.array(values, _KEPT_AS[kind]))


def _type_of(kinds: set[type], parts: Sequence[Part], whole: bool) -> pa.DataType:
    """The type that holds every value as it is, else text."""
    if len(kinds) == 1 and whole:
        return _KEPT_AS[next(iter(kinds))]
    if kinds == {date, datetime}:
        return TIME
    if kinds == {int, float} and whole and all(_is_exact(part.values) for part in parts if part.kind is int):
        return pa.float64()
    return pa.string()


def _is_exact(values: pa.Array) -> bool:
    ends: dict[str, int] = pc.min_max(values).as_py()
    return -EXACT < ends["min"] <= ends["max"] < EXACT


def _column(parts: Sequence[Part], size: int, kind: pa.DataType) -> pa.Array:
    """A value per object of a chunk, null where it has none."""
    if not parts:
        return pa.nulls(size, kind)
    values = pa.concat_arrays([_as(part, kind) for part in parts])
    if len(parts) == 1 and len(values) == size:
        return values
    place = np.full(size, -1, np.int64)
    place[np.concatenate([part.rows for part in parts])] = np.arange(len(values))
    return values.take(pa.array(place, mask=place < 0))


def _as(part: Part, kind: pa.DataType) -> pa.Array:
    if part.values.type == kind:
        return part.values
    if pa.types.is_string(kind):
        return pa.array([text(value) for value in part.values.to_pylist()], pa.string())
    return part.values.cast(kind)  # a day to its midnight, an integer to the float that is the same


def _free(name: str, used: set[str]) -> str:
    """A column name nobody uses, told apart without regard to case, as the store and its engines do."""
    wanted = name if name.strip() and name not in _TAKEN else f"{name}_value"
    found, number = wanted, 2
    while found.lower() in used:
        found, number = f"{wanted}_{number}", number + 1
    return found
