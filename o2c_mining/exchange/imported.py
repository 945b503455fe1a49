"""What a file holds, as the tables of the event log, before it is compared with what the log holds already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from o2c_mining.errors import LogError
from o2c_mining.log.engine import literal

TABLES = ("events", "objects", "e2o", "o2o", "object_changes")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that cannot be part of a log; ``key`` says where it stands in the file."""

    table: str
    key: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileRows:
    """Rows of one table that stay in their Parquet file until they are loaded.

    ``columns`` is the SQL that makes them columns of the table; ``num_rows`` is what the file itself says.
    """

    file: Path
    columns: str
    num_rows: int

    def sql(self, position: str) -> str:
        """A query for the rows, each with its place in the file in a column of that name."""
        return (
            f"SELECT {self.columns}, file_row_number AS {position} "
            f"FROM read_parquet({literal(str(self.file))}, file_row_number = true, hive_partitioning = false)"
        )


@dataclass(frozen=True, slots=True)
class ImportedLog:
    """One file: its rows per table, how many it held, which were refused, and what its reader should know.

    ``read`` counts rows of the file; ``read = rows + refused + merged``, where a start that was merged into its
    completion is no row of its own.
    """

    source: str
    tables: Mapping[str, pa.Table | FileRows]
    read: Mapping[str, int]
    refused: tuple[RefusedRow, ...] = ()
    merged: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def account_for(log: ImportedLog, counted: Mapping[str, int], *, by: str) -> None:
    """Refuse the file when an independent count of what it holds differs from what was read.

    Raises
    ------
    LogError
        With both counts: rows must never be lost in silence.
    """
    for what, expected in counted.items():
        found = sum(log.read.get(table, 0) for table in what.split("+"))
        if found != expected:
            raise LogError(
                f"{log.source}: {by} finds {expected:,} {_words(what)}, {found:,} were read; expected equal counts; "
                "nothing was loaded: check the file for damage, or export it anew from where it came from"
            )


def _words(what: str) -> str:
    names = {"e2o": "references of events", "o2o": "relations of objects", "object_changes": "attribute values"}
    return " and ".join(names.get(part, part) for part in what.split("+"))
