"""Steps of a computation, each computed once into a table of the reader."""

from __future__ import annotations

import ibis.expr.types as ir
import pyarrow as pa

from o2c_mining.log.table_reader import TableReader


class Steps:
    """Tables of a reader whose names begin alike."""

    def __init__(self, reader: TableReader, prefix: str) -> None:
        self._reader = reader
        self._prefix = prefix

    def keep(self, step: str, expression: ir.Table) -> ir.Table:
        """Compute a step."""
        return self._reader.materialize(f"{self._prefix}:{step}", expression)

    def register(self, step: str, rows: pa.Table) -> ir.Table:
        """Keep rows as a step."""
        return self._reader.register(f"{self._prefix}:{step}", rows)

    def is_empty(self, step: str) -> bool:
        """Whether a computed step has no row."""
        return self._reader.size(f"{self._prefix}:{step}") == 0

    def count(self, rows: ir.Table) -> int:
        """Number of rows of an expression."""
        return self._reader.count(rows)

    def forget(self, *steps: str) -> None:
        """Free the memory of steps that are no longer needed."""
        self._reader.drop(*(f"{self._prefix}:{step}" for step in steps))
