"""Our own connectors pass the suite that we ask of others, with a source made of their own worked examples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from connectors import bank_statements, tryton
from o2c_mining.connect.cases import load_cases
from o2c_mining.connect.catalog import load_catalog
from o2c_mining.connect.contract import ConnectorContract, write_sqlite
from tests.connectors.camt_files import statement_xml


class TestTryton(ConnectorContract):
    connector = tryton.connector

    def source(self, folder: Path) -> Mapping[str, object]:
        catalog = load_catalog(self.connector.folder)
        (case,) = (
            case for case in load_cases(self.connector.folder) if case.name == "an order that runs straight through"
        )
        return {"url": f"sqlite:///{write_sqlite(folder, catalog, case.given)}"}


class TestBankStatements(ConnectorContract):
    connector = bank_statements.connector

    def source(self, folder: Path) -> Mapping[str, object]:
        bank = folder / "bank"
        bank.mkdir(exist_ok=True)
        entries = [("1", "12.50", "CRDT", "INV-1"), ("2", "3.00", "DBIT", "fee")]
        (bank / "a.xml").write_bytes(statement_xml("S1", opening="100.00", closing="109.50", entries=entries))
        (bank / "b.xml").write_bytes(
            statement_xml("S2", opening="109.50", closing="110.50", entries=[("3", "1.00", "CRDT", "x")])
        )
        return {"path": str(bank), "timezone": "Europe/Berlin"}
