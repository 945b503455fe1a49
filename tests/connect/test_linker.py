"""A bank's booking is tied to an invoice whichever of them comes first, and let go when the invoice is gone."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from connectors import bank_statements, tryton
from o2c_mining.connect import extract_source, link_source
from o2c_mining.connect.cases import load_cases
from o2c_mining.connect.catalog import load_catalog
from o2c_mining.connect.contract import ContractSource, write_sqlite
from o2c_mining.log.store import Store
from tests.connect.shop import current
from tests.connectors.camt_files import statement_xml

BANK = ContractSource("bank", "bank_statements", {"timezone": "Europe/Berlin"}, path="bank")


def erp(folder: Path) -> ContractSource:
    (case,) = (
        case for case in load_cases(tryton.connector.folder) if case.name == "an order that runs straight through"
    )
    database = write_sqlite(folder, load_catalog(tryton.connector.folder), case.given)
    return ContractSource("erp", "tryton", {}, url=f"sqlite:///{database}")


def statements(folder: Path) -> None:
    (folder / "bank").mkdir()
    entries = [("B1", "119.00", "CRDT", "Rechnung INV-1"), ("B2", "5.00", "CRDT", "Spende")]
    xml = statement_xml("S1", opening="1.00", closing="125.00", entries=entries, day="2026-03-19")
    (folder / "bank" / "s1.xml").write_bytes(xml)


def run(folder: Path, source: ContractSource, connector: Any) -> int:
    """Extract and link, as bootstrap does; returns the touched objects."""
    with Store(folder / "store").writer() as writer:
        results = [extract_source(source, connector, writer, base=folder)]
        linked = link_source(BANK, bank_statements.connector, writer)
        results += [linked] if linked is not None else []
        batches = [batch for result in results for batch in result.batches]
        if batches:
            writer.commit(batches)
    return sum(result.touched.num_rows for result in results)


def links(folder: Path) -> list[tuple[str, str, int, str]]:
    return [
        (row["source_id"], row["target_id"], row["amount_minor"], row["method"])
        for row in current(folder / "store", "o2o")
        if row["target_id"].startswith("bank:")
    ]


LINK = ("erp:invoice:41", "bank:bank_entry:DE15667295315433120810/S1/B1", 11900, "exact number")


def test_invoice_before_booking(tmp_path: Path) -> None:
    statements(tmp_path)
    run(tmp_path, erp(tmp_path), tryton.connector)
    run(tmp_path, BANK, bank_statements.connector)
    assert links(tmp_path) == [LINK]
    references = [row for row in current(tmp_path / "store", "e2o") if row["qualifier"] == "settled invoice"]
    bank = [row for row in references if row["event_id"].startswith("bank/")]
    assert [(row["event_id"], row["object_id"]) for row in bank] == [
        ("bank/bookings/DE15667295315433120810|S1|B1/Receive Payment", "erp:invoice:41")
    ]
    assert {row["event_id"] for row in bank} <= {row["event_id"] for row in current(tmp_path / "store", "events")}


def test_booking_before_invoice_is_linked_later(tmp_path: Path) -> None:
    statements(tmp_path)
    run(tmp_path, BANK, bank_statements.connector)
    assert links(tmp_path) == []
    assert run(tmp_path, erp(tmp_path), tryton.connector) > 0
    assert links(tmp_path) == [LINK]
    assert run(tmp_path, erp(tmp_path), tryton.connector) == 0, "nothing new, and something was touched"


def test_link_goes_with_its_invoice(tmp_path: Path) -> None:
    statements(tmp_path)
    source = erp(tmp_path)
    run(tmp_path, source, tryton.connector)
    run(tmp_path, BANK, bank_statements.connector)
    with sqlite3.connect(tmp_path / "source.sqlite") as connection:
        connection.execute(
            "UPDATE account_invoice SET number = 'INV-2', write_date = '2027-01-01 00:00:00' WHERE id = 41"
        )
    connection.close()
    run(tmp_path, source, tryton.connector)
    assert [link[3] for link in links(tmp_path)] == ["payer and amount"], "the number is gone, payer and amount are not"
    with sqlite3.connect(tmp_path / "source.sqlite") as connection:
        connection.execute("DELETE FROM account_invoice WHERE id = 41")
    connection.close()
    run(tmp_path, source, tryton.connector)
    assert links(tmp_path) == []


def test_full_transform_keeps_links(tmp_path: Path) -> None:
    statements(tmp_path)
    run(tmp_path, erp(tmp_path), tryton.connector)
    run(tmp_path, BANK, bank_statements.connector)
    with Store(tmp_path / "store").writer() as writer:
        again = extract_source(BANK, bank_statements.connector, writer, base=tmp_path, full=True)
        assert sum(batch.accepted for batch in again.streams) == 0
    assert links(tmp_path) == [LINK]
