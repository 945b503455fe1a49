"""The committed company (``event_logs/tryton_company``), extracted once for all tests that look at it."""

from __future__ import annotations

import json
import lzma
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from o2c_mining import bootstrap
from o2c_mining.log.schema import KEYS

Row = dict[str, Any]

# Another packed company, for instance a freshly made one, may be named instead.
FOLDER = Path(os.environ.get("O2C_TEST_COMPANY", Path(__file__).parents[2] / "event_logs" / "tryton_company"))
SETTINGS = """
[company]
timezone = "Europe/Berlin"

[[source]]
name = "erp"
connector = "tryton"
url = "sqlite:///source/company.sqlite"
options = { technical_users = ["edi"], teams = { credit1 = "Credit" } }

[[source]]
name = "bank"
connector = "bank_statements"
path = "source/bank"
options = { timezone = "Europe/Berlin", own_accounts = ["DE02100500000054540402"] }
"""


@dataclass(frozen=True)
class CompanyLog:
    """A workspace with the company's log, and what was planted in it."""

    root: Path

    @cached_property
    def truth(self) -> Any:
        return json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))

    @property
    def database(self) -> Path:
        return self.root / "source" / "company.sqlite"

    @cached_property
    def tables(self) -> dict[str, list[Row]]:
        """Current rows of the log's tables."""
        return {table: self._current(table) for table in ("events", "e2o", "objects", "o2o")}

    def _current(self, table: str) -> list[Row]:
        snapshot = bootstrap.open_store(bootstrap.open_workspace(self.root)).snapshot()
        read = [pq.read_table(file, partitioning=None) for file in snapshot.files(table)]
        rows = pa.concat_tables(read, promote_options="default").sort_by("ingest_seq").to_pylist()
        newest = {tuple(row[name] for name in KEYS[table]): row for row in rows}
        return [row for row in newest.values() if row["op"] != "D"]


def unpack(root: Path) -> None:
    """A workspace with the company's source systems as files."""
    source = root / "source"
    source.mkdir(parents=True)
    with lzma.open(FOLDER / "company.sqlite.xz") as packed, (source / "company.sqlite").open("wb") as target:
        shutil.copyfileobj(packed, target)
    (source / "bank").mkdir()
    shutil.copy(FOLDER / "bank.tar.xz", source / "bank")
    (root / "o2c.toml").write_text(SETTINGS, encoding="utf-8")
