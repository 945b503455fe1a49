"""A small shop in SQLite and its connector, for tests of the door itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from o2c_mining.connect import SourceResult, SqlConnector, SqlOptions, extract_source
from o2c_mining.connect.catalog import load_catalog
from o2c_mining.connect.contract import ContractSource
from o2c_mining.connect.sql_guard import read_only_connection
from o2c_mining.connect.sql_source import SqlSource
from o2c_mining.log.schema import KEYS
from o2c_mining.log.store import Store

Row = dict[str, Any]


class ShopConnector(SqlConnector[SqlOptions]):
    name = "shop"
    title = "Shop"
    folder = Path(__file__).parent / "toy"
    options_model = SqlOptions

    def __init__(self, page_rows: int = 7) -> None:
        self.page_rows = page_rows

    @contextmanager
    def _open(self, options: SqlOptions, base: Path) -> Iterator[SqlSource]:
        with read_only_connection(options.url, base=base) as connection:
            yield SqlSource(connection, load_catalog(self.folder), page_rows=self.page_rows)


def create_shop(path: Path) -> sqlite3.Connection:
    """An empty shop."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE document (id INTEGER PRIMARY KEY, state, created_at, done_at, changed_at)")
    connection.execute("CREATE TABLE line (id INTEGER PRIMARY KEY, document, amount, changed_at)")
    connection.execute("CREATE TABLE unit (code, kind, factor)")
    connection.execute("INSERT INTO unit VALUES ('EUR', 'currency', 100)")
    return connection


def fill_shop(connection: sqlite3.Connection, documents: int) -> None:
    """Documents with two lines each, every other one done; several share a moment."""
    connection.execute("BEGIN")
    for number in range(1, documents + 1):
        moment = f"2026-01-01 {number // 60 % 24:02d}:{number // 4 % 60:02d}:00"
        done = moment if number % 2 else None
        connection.execute(
            "INSERT INTO document VALUES (?, ?, ?, ?, ?)", (number, "done" if done else "open", moment, done, moment)
        )
        for line in (1, 2):
            connection.execute("INSERT INTO line VALUES (?, ?, ?, ?)", (number * 10 + line, number, "1.10", moment))
    connection.execute("COMMIT")


def extract_shop(
    root: Path, database: Path, *, full: bool = False, connector: ShopConnector | None = None, name: str = "shop"
) -> SourceResult:
    """One extraction with its commit."""
    source = ContractSource(name, "shop", {}, url=f"sqlite:///{database}")
    with Store(root).writer() as writer:
        result = extract_source(source, connector or ShopConnector(), writer, base=root, full=full)
        if result.batches:
            writer.commit(result.batches)
    return result


def versions(root: Path, table: str) -> list[Row]:
    """Every stored version of a table's rows."""
    files = Store(root).snapshot().files(table)
    if not files:
        return []
    read = [pq.read_table(file, partitioning=None) for file in files]
    return list(pa.concat_tables(read, promote_options="default").sort_by("ingest_seq").to_pylist())


def current(root: Path, table: str, columns: Sequence[str] = ()) -> list[Row]:
    """Current rows without what depends on when they were loaded."""
    newest = {tuple(row[name] for name in KEYS[table]): row for row in versions(root, table)}
    kept = [row for row in newest.values() if row["op"] != "D"]
    hidden = {"op", "ingest_seq", "batch_id"}
    rows = [{k: v for k, v in row.items() if (k in columns if columns else k not in hidden)} for row in kept]
    return sorted(rows, key=lambda row: str(sorted(row.items(), key=lambda item: item[0])))
