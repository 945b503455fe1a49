"""A workspace that reads the simulated ERP, and what its stored tables hold."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import o2c_mining.connect
import o2c_mining.trace.refresh
from o2c_mining import bootstrap
from o2c_mining.connect import SqlConnector, SqlOptions
from o2c_mining.connect.catalog import load_catalog
from o2c_mining.connect.sql_guard import read_only_connection
from o2c_mining.connect.sql_source import SqlSource
from o2c_mining.log import durable
from o2c_mining.log.schema import KEYS
from o2c_mining.log.snapshot import Snapshot
from tests.history.erp import TABLES, Erp
from tests.history.oracle import Tables, comparable, meaning

Row = dict[str, Any]
LENSES = ("order", "order_item", "invoice", "payment")
LOADED = ("op", "ingest_seq", "batch_id")  # columns that say when a row was loaded, not what it says
_CONNECT, _COUNT = duckdb.connect, itertools.count()
_COMPILED: dict[object, str] = {}
_FOLDER = Path(__file__).parent / "mapping"
_CONFIG = """\
[[source]]
name = "erp"
connector = "erp"
url = "sqlite:///erp.sqlite"
"""


class ErpConnector(SqlConnector[SqlOptions]):
    """Reads the simulated ERP under the mapping in ``folder``."""

    name = "erp"
    title = "Simulated ERP"
    options_model = SqlOptions

    def __init__(self, folder: Path = _FOLDER, page_rows: int = 40) -> None:
        self.folder = folder
        self.page_rows = page_rows

    @contextmanager
    def _open(self, options: SqlOptions, base: Path) -> Iterator[SqlSource]:
        with read_only_connection(options.url, base=base) as connection:
            yield SqlSource(connection, load_catalog(self.folder), page_rows=self.page_rows)


@cache
def second_mapping() -> Path:
    """The mapping as its next version: an activity renamed, an event dropped, a column read, a relation renamed."""
    folder = Path(mkdtemp(prefix="o2c-mapping-")) / "mapping"
    shutil.copytree(_FOLDER, folder)
    _edit(folder / "events/confirm_order.sql", "'Confirm Order'", "'Approve Order'")
    (folder / "events/post_invoice.sql").unlink()
    _edit(folder / "relations/order_to_invoice.sql", "'billed by'", "'invoiced by'")
    _edit(folder / "sources.yml", "      note: text?,", "      channel: text, where it came from\n      note: text?,")
    _edit(folder / "objects/order.sql", "s.state, s.note", "s.state, s.note, s.channel")
    _edit(folder / "objects/item.sql", "CAST(l.id AS VARCHAR) AS number", "'L' || l.id AS number")
    return folder


def _edit(path: Path, old: str, new: str) -> None:
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new), encoding="utf-8")


class World:
    """The ERP, the workspace and the mapping in force."""

    def __init__(self, root: Path, *, page_rows: int = 40, lenses: Sequence[str] = LENSES) -> None:
        self.root = root
        self.lenses = tuple(lenses)
        (root / "o2c.toml").write_text(f"lenses = {json.dumps(self.lenses)}\n{_CONFIG}", encoding="utf-8")
        self.erp = Erp(root / "erp.sqlite")
        self.connector = ErpConnector(page_rows=page_rows)
        self.version = 1

    @property
    def workspace(self) -> bootstrap.Workspace:
        return bootstrap.open_workspace(self.root)

    def change_mapping(self) -> None:
        """The connector is exchanged for its other version."""
        self.version = 3 - self.version
        folder = _FOLDER if self.version == 1 else second_mapping()
        self.connector = ErpConnector(folder, self.connector.page_rows)

    def extract(self, *, full: bool = False, traces: bool = True) -> bootstrap.Extracted:
        """One extraction into the workspace; without traces where only rows are looked at."""
        with pytest.MonkeyPatch.context() as patch:
            if not traces:
                patch.setattr(o2c_mining.trace.refresh, "refresh", lambda *_: 0)
            patch.setattr(o2c_mining.connect, "connector_named", lambda name: self.connector)
            return bootstrap.extract(self.workspace, full=full)

    def extract_afresh(self, root: Path) -> bootstrap.Workspace:
        """Everything that the ERP holds now, into an empty workspace."""
        shutil.copy(self.root / "o2c.toml", root)
        self.erp.copy_to(root / "erp.sqlite")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(o2c_mining.connect, "connector_named", lambda name: self.connector)
            workspace = bootstrap.open_workspace(root)
            bootstrap.extract(workspace)
        return workspace

    def snapshot(self) -> Snapshot:
        """The newest version of the store."""
        return bootstrap.open_store(self.workspace).snapshot()

    def meaning(self) -> Tables:
        """What the log must hold now."""
        return meaning({table: self.erp.rows(table) for table in TABLES}, self.version)


def versions(snapshot: Snapshot, table: str) -> list[Row]:
    """Every stored version of a table's rows, in the order of their loading."""
    files = snapshot.files(table)
    if not files:
        return []
    read = [pq.read_table(file, partitioning=None) for file in files]
    rows: list[Row] = pa.concat_tables(read, promote_options="default").to_pylist()
    return rows


def current(snapshot: Snapshot, table: str) -> list[Row]:
    """The newest version of every row that is not deleted."""
    newest: dict[tuple[object, ...], Row] = {}
    for row in sorted(versions(snapshot, table), key=lambda row: int(row["ingest_seq"])):
        newest[tuple(row[name] for name in KEYS[table])] = row
    return [row for row in newest.values() if row["op"] != "D"]


def content(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows as sorted text without what depends on when they were loaded; an empty value is as good as none."""
    kept = [{k: v for k, v in row.items() if k not in LOADED and v is not None} for row in rows]
    return sorted(str(sorted(row.items(), key=lambda item: item[0])) for row in kept)


def differences(held: Tables, expected: Tables) -> dict[str, tuple[list[str], list[str]]]:
    """Per table the rows that are held and should not be, and those that are missing."""
    found = {}
    for table, rows in expected.items():
        left, right = comparable(table, held[table]), comparable(table, rows)
        if left != right:
            found[table] = (sorted(set(left) - set(right)), sorted(set(right) - set(left)))
    return found


def tables_of(snapshot: Snapshot) -> Tables:
    """The five tables of current rows."""
    return {table: current(snapshot, table) for table in KEYS}


@contextmanager
def quick_machine(*, one_engine: bool = True) -> Iterator[None]:
    """No flush to the disk, and one engine for all connections: many small stores in little time.

    Durability has its own tests; each connection keeps a database and temporary tables of its own. A log that hands its
    tables on needs an engine of its own: then ``one_engine`` is false.
    """
    engine = _CONNECT(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})

    def connect(*_: object, **__: object) -> duckdb.DuckDBPyConnection:
        cursor, count = engine.cursor(), next(_COUNT)
        cursor.execute(f"ATTACH ':memory:' AS own_{count}")
        cursor.execute(f"USE own_{count}")
        return cursor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "sync_path", lambda path: None)
        if one_engine:
            patch.setattr(duckdb, "connect", connect)
        try:
            yield
        finally:
            engine.close()


@contextmanager
def small_world(*, page_rows: int = 40, lenses: Sequence[str] = LENSES) -> Iterator[World]:
    """A world in a folder of its own."""
    with TemporaryDirectory(prefix="o2c-history-") as folder:
        world = World(Path(folder), page_rows=page_rows, lenses=lenses)
        try:
            yield world
        finally:
            world.erp.close()
