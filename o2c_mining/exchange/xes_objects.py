"""Traces of a piece of XES as columns: their names and their own attributes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from o2c_mining.exchange.attributes import Value, declared
from o2c_mining.exchange.object_columns import Part, parts_of
from o2c_mining.exchange.xes_columns import NAME
from o2c_mining.exchange.xes_tokens import TAGS, Codes, Piece

# What the tag of an attribute says its value is.
KINDS = {
    "string": "string",
    "date": "time",
    "int": "integer",
    "float": "float",
    "boolean": "boolean",
    "id": "string",
    "list": "string",
    "container": "string",
}
_NUMBER = "number"


@dataclass(frozen=True, slots=True)
class TracesOf:
    """Attributes of traces, each once per trace: its trace, its key, and where the piece says it (in order of
    traces)."""

    piece: Piece
    names: list[Value]  # what each trace is called, if it says so
    trace: Codes
    key: Codes
    said: Codes
    repeated: int

    def parts(self, ids: pa.Array) -> dict[str, list[Part]]:
        """The attributes as columns, in the order in which they first occur; a trace without a number gets its id."""
        keys = self.piece.keys
        name = keys.index(NAME) if NAME in keys else -1
        found = {keys[key]: self._parts(key) for key in dict.fromkeys(self.key.tolist()) if key != name}
        numbered = np.zeros(len(ids), bool)
        if _NUMBER in keys:
            numbered[self.trace[self.key == keys.index(_NUMBER)]] = True
        bare = np.flatnonzero(~numbered).astype(np.int32)
        if not len(bare):
            return found
        own = Part(str, bare, ids.take(pa.array(bare)))
        if numbered[0]:
            return {key: [*parts, own] if key == _NUMBER else parts for key, parts in found.items()}
        # the first trace has none: its number stands behind its own attributes
        first = {keys[key]: None for key in self.key[self.trace == 0].tolist() if key != name}
        return {
            **{key: found[key] for key in first},
            _NUMBER: [*found.get(_NUMBER, ()), own],
            **{key: parts for key, parts in found.items() if key not in first and key != _NUMBER},
        }

    def _parts(self, key: int) -> list[Part]:
        here = np.flatnonzero(self.key == key)
        rows, said = self.trace[here].astype(np.int32), self.said[here]
        tags = self.piece.tag[said]
        parts: list[Part] = []
        for tag in np.unique(tags).tolist():
            chosen = np.flatnonzero(tags == tag)
            values = self.piece.value.take(pa.array(said[chosen]))
            kind = KINDS[TAGS[tag]]
            if kind == "string":
                parts.append(Part(str, rows[chosen], values))
            else:
                parts += parts_of(rows[chosen], [declared(text, kind) for text in values.to_pylist()])
        return parts


def traces_of(piece: Piece) -> TracesOf:
    """The traces of a piece; where one says an attribute twice, the last value holds."""
    own = np.flatnonzero(piece.event < 0)
    place = piece.trace[own] * len(piece.keys) + piece.key[own]
    first = np.unique(place, return_index=True)[1]
    last = len(own) - 1 - np.unique(place[::-1], return_index=True)[1]
    order = np.argsort(first)
    chosen = own[last[order]]  # where an attribute first stands decides its order, where it last stands its value
    names: list[Value] = [None] * piece.traces
    if NAME in piece.keys:
        named = chosen[piece.key[chosen] == piece.keys.index(NAME)]
        for trace, tag, text in zip(
            piece.trace[named].tolist(),
            piece.tag[named].tolist(),
            piece.value.take(pa.array(named)).to_pylist(),
            strict=True,
        ):
            names[trace] = declared(text, KINDS[TAGS[tag]])
    return TracesOf(piece, names, piece.trace[chosen], piece.key[chosen], chosen, len(own) - len(chosen))
