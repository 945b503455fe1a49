"""Are two answers the same? Numbers with a fraction to nine digits, everything else exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import pyarrow as pa


def differences(left: Any, right: Any, where: str = "") -> list[str]:
    """Where two answers differ, field by field; empty where they are the same."""
    if is_dataclass(left) and type(left) is type(right):
        return [
            text
            for field in fields(left)
            for text in differences(getattr(left, field.name), getattr(right, field.name), f"{where}.{field.name}")
        ]
    if isinstance(left, pa.Table) and isinstance(right, pa.Table):
        types = differences(_types(left), _types(right), f"{where} types")
        return types + differences(left.to_pylist(), right.to_pylist(), where)
    if isinstance(left, float) and isinstance(right, float):
        same = math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-6)
        return [] if same else [f"{where}: {left!r} is not {right!r}"]
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        if set(left) != set(right):
            return [f"{where}: only one has {sorted(map(str, set(left) ^ set(right)))[:5]}"]
        return [text for key in left for text in differences(left[key], right[key], f"{where}[{key!r}]")]
    if isinstance(left, Sequence) and not isinstance(left, str) and isinstance(right, Sequence):
        if len(left) != len(right):
            return [f"{where}: {len(left)} and {len(right)} rows"]
        pairs = enumerate(zip(left, right, strict=True))
        return [text for index, (a, b) in pairs for text in differences(a, b, f"{where}[{index}]")]
    return [] if left == right and type(left) is type(right) else [f"{where}: {left!r} is not {right!r}"]


def sorted_rows(rows: pa.Table, *keys: str) -> pa.Table:
    """Rows in the order of their keys, columns in alphabetical order."""
    return rows.select(sorted(rows.column_names)).sort_by([(key, "ascending") for key in keys])


def _types(rows: pa.Table) -> dict[str, str]:
    """Type of each column, without what is no difference to a reader: how wide a whole number is kept."""
    return {
        field.name: "whole number" if pa.types.is_integer(field.type) else _named(field.type) for field in rows.schema
    }


def _named(kind: pa.DataType) -> str:
    """Type without the names that engines give to the elements of a list."""
    return f"list of {kind.value_type}" if pa.types.is_list(kind) else str(kind).replace(" not null", "")
