"""Rows that stay where they are until they are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from o2c_mining.log.engine import literal


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
