"""The in-memory DuckDB in which connector SQL runs, and the names its rows get."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from o2c_mining.log import engine as log_engine
from o2c_mining.log.engine import arrow, content_hash, is_interrupt, literal, number, quoted, scan
from o2c_mining.log.store import Writer

__all__ = [
    "arrow",
    "content_hash",
    "engine",
    "event_id",
    "event_id_sql",
    "is_interrupt",
    "key_text",
    "literal",
    "number",
    "quoted",
    "scan",
]


@contextmanager
def engine(writer: Writer | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one load, within the writer's limits; Ctrl-C in a query is ``KeyboardInterrupt`` as anywhere."""
    try:
        with log_engine.engine() if writer is None else writer.engine() as connection:
            yield connection
    except (duckdb.Error, RuntimeError) as error:
        if not is_interrupt(error):
            raise
        raise KeyboardInterrupt from error


def event_id(source: str, table: str, key: str, activity: str) -> str:
    """The id of an event: always the same for the same row and activity of a source."""
    return f"{source}/{table}/{key}/{activity}"


def event_id_sql(source: str) -> str:
    """``event_id`` as SQL over the columns ``source_table, source_key, activity``."""
    return f"{literal(source)} || '/' || source_table || '/' || source_key || '/' || activity"


def key_text(columns: Sequence[str]) -> str:
    """SQL for a primary key as text: the value itself, or the parts joined by ``|``."""
    if len(columns) == 1:
        return f"CAST({quoted(columns[0])} AS VARCHAR)"
    parts = ", ".join(f"replace(CAST({quoted(name)} AS VARCHAR), '|', '\\|')" for name in columns)
    missing = " OR ".join(f"{quoted(name)} IS NULL" for name in columns)
    return f"CASE WHEN {missing} THEN NULL ELSE concat_ws('|', {parts}) END"
