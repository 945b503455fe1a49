"""A workspace with one order in an ERP and three bookings at a bank, driven through the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors import tryton
from o2c_mining.cli.main import main
from o2c_mining.connect.cases import load_cases
from o2c_mining.connect.catalog import load_catalog
from o2c_mining.connect.contract import write_sqlite
from tests.connectors.camt_files import Entry, statement_xml

SETTINGS = """
[[source]]
name = "erp"
connector = "tryton"
url = "sqlite:///source.sqlite"

[[source]]
name = "bank"
connector = "bank_statements"
path = "bank"
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class SmallWorkspace:
    """``run`` is the command line, inside this process."""

    root: Path
    capture: pytest.CaptureFixture[str]

    @property
    def database(self) -> Path:
        return self.root / "source.sqlite"

    def run(self, *arguments: str) -> Ran:
        self.capture.readouterr()
        code = main(["-w", str(self.root), *arguments])
        written = self.capture.readouterr()
        return Ran(code, written.out, written.err)

    def statement(self, name: str, entries: Sequence[Entry], **changes: Any) -> Path:
        """A file with one statement, named like it, that proves itself unless ``closing`` says otherwise."""
        total = sum(float(amount) if sign == "CRDT" else -float(amount) for _, amount, sign, _ in entries)
        path = self.root / "bank" / f"{name}.xml"
        given = {"opening": "0.00", "closing": f"{total:.2f}", **changes}
        path.write_bytes(statement_xml(given.pop("identification", name), entries=entries, **given))
        return path


def small_workspace(root: Path, capture: pytest.CaptureFixture[str]) -> SmallWorkspace:
    """The workspace, nothing extracted yet."""
    (case,) = (
        case for case in load_cases(tryton.connector.folder) if case.name == "an order that runs straight through"
    )
    write_sqlite(root, load_catalog(tryton.connector.folder), case.given)
    (root / "o2c.toml").write_text(SETTINGS, encoding="utf-8")
    (root / "bank").mkdir()
    made = SmallWorkspace(root, capture)
    made.statement("S1", [("B1", "119.00", "CRDT", "INV-1"), ("B2", "5.00", "CRDT", "gift"), ("B3", "9", "DBIT", "x")])
    return made
