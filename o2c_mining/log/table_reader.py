"""What analyses may ask of an engine: tables by name, expressions in, Arrow out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import ibis.expr.types as ir
import pyarrow as pa

if TYPE_CHECKING:
    from o2c_mining.log.store import Writer


class TableReader(Protocol):
    """Runs ibis expressions over the files of one version of the log; the same answers from every engine.

    One reader serves one thread. Whole numbers come as 64-bit integers where the expression says so, times in UTC with
    microseconds.
    """

    def cursor(self) -> TableReader:
        """A reader on the same tables for another thread."""
        ...

    def fork(self) -> TableReader:
        """A reader without tables in the same engine; its names are its own."""
        ...

    def known(self, name: str) -> ir.Table | None:
        """The table of that name where it was asked for before."""
        ...

    def table(self, name: str) -> ir.Table:
        """The ibis table of a registered name."""
        ...

    def add_files(self, name: str, files: Sequence[str], schema: pa.Schema) -> ir.Table:
        """A table over Parquet files, columns by name; with no files an empty table of ``schema``."""
        ...

    def register(self, name: str, rows: pa.Table) -> ir.Table:
        """Arrow rows as a table of that name, replacing an earlier one."""
        ...

    def materialize(self, name: str, expression: ir.Table) -> ir.Table:
        """Compute an expression once into a table of that name (kept when it is there already)."""
        ...

    def gather(self, name: str, parts: Sequence[ir.Table]) -> ir.Table:
        """Compute expressions one after the other into one table of that name (kept when it is there already).

        Of several parts no more than one is in memory as it is computed; the table itself is kept small.
        """
        ...

    def view(self, name: str, expression: ir.Table) -> ir.Table:
        """Give an expression a name; it is computed whenever it is read."""
        ...

    def drop(self, *names: str) -> None:
        """Forget tables and views, where there are any of these names."""
        ...

    def size(self, name: str) -> int:
        """Number of rows of a table of that name."""
        ...

    def execute(self, expression: ir.Table) -> pa.Table:
        """Rows of an expression as Arrow, times in UTC."""
        ...

    def rows(self, expression: ir.Table) -> list[dict[str, Any]]:
        """Rows of an expression as dictionaries (for bounded results)."""
        ...

    def count(self, table: ir.Table) -> int:
        """Number of rows of an expression."""
        ...

    def write(self, writer: Writer, table: str, expression: ir.Table, **constants: str | int) -> int:
        """Append the rows of an expression, with constant columns beside, to a table of the store; returns how many."""
        ...
