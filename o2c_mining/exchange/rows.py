"""Rows of one table while a file is read: in memory, or in an Arrow file, so that memory does not grow with them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa


class Rows:
    """Takes tables of one schema, gives back all of them as one; ``file`` is where they are kept, if not in memory."""

    def __init__(self, schema: pa.Schema, file: Path | None = None) -> None:
        self._schema = schema
        self._file = file
        self._held: list[pa.Table] = []
        self._sink: pa.OSFile | None = None
        self._writer: pa.RecordBatchFileWriter | None = None

    def add(self, rows: pa.Table) -> None:
        """Keep rows behind those that are kept already."""
        if self._file is None:
            self._held.append(rows)
            return
        self._opened(self._file).write_table(rows)

    def table(self) -> pa.Table:
        """All rows; mapped, not copied, where they are in a file. Nothing can be added any more."""
        if self._file is None:
            return pa.concat_tables(self._held) if self._held else self._schema.empty_table()
        self._opened(self._file).close()
        assert self._sink is not None
        self._sink.close()
        return mapped(self._file)

    def _opened(self, file: Path) -> pa.RecordBatchFileWriter:
        if self._writer is None:
            self._sink = pa.OSFile(str(file), "wb")
            self._writer = pa.ipc.new_file(self._sink, self._schema)
        return self._writer


def file_of(folder: Path, table: str) -> Path:
    """The Arrow file of a table."""
    return folder / f"{table}.arrow"


def mapped(file: Path) -> pa.Table:
    """The rows of an Arrow file; they stay in it."""
    with pa.memory_map(str(file)) as source, pa.ipc.open_file(source) as rows:
        return rows.read_all()
