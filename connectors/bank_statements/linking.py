"""Bookings to invoices: what the log knows, handed to the matcher, and its answer as relations of the log."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from connectors.bank_statements.matching import Customer, Invoice, Match, Receipt, match
from o2c_mining.connect import KnownObjects, Links, event_id

Row = dict[str, Any]


class InvoiceLinker:
    """Ties every receipt to the invoices it settles, whichever source they came from."""

    version = "1"
    object_types = ("bank_entry", "customer", "invoice", "order")

    def link(self, source: str, known: KnownObjects) -> Links:
        """Relation invoice → bank entry (``settled by``) and, on the event of the receipt, the settled invoices."""
        rows: list[Row] = known.objects.to_pylist()
        entries = {row["object_id"]: row for row in rows if _is_receipt(row, source)}
        relations: list[Row] = known.o2o.to_pylist()
        found = match(
            [_receipt(row) for row in entries.values()],
            _invoices(rows, relations, known.first_times.to_pylist()),
            [_customer(row) for row in rows if row["object_type"] == "customer"],
        )
        return Links(_relations(found), _references(source, found, entries))


def _is_receipt(row: Row, source: str) -> bool:
    return row["object_type"] == "bank_entry" and row["system"] == source and bool(row.get("is_receipt"))


def _receipt(row: Row) -> Receipt:
    booked: date = row["booking_date"]
    return Receipt(
        key=row["object_id"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        booked_on=booked,
        remittance=row["remittance"],
        creditor_reference=row["creditor_reference"],
        end_to_end_id=row["end_to_end_id"],
        payer=row["counterparty"],
        payer_account=row["counterparty_account"],
    )


def _invoices(rows: list[Row], relations: list[Row], first_times: list[Row]) -> list[Invoice]:
    """Invoices that were posted and not taken back, with their customers and orders."""
    numbers = {row["object_id"]: row["number"] for row in rows if row["object_type"] == "order" and row["number"]}
    customers: dict[str, str] = {}
    orders: dict[str, list[str]] = defaultdict(list)
    for relation in relations:
        if relation["qualifier"] == "customer":
            customers[relation["source_id"]] = relation["target_id"]
        elif relation["source_id"] in numbers:
            orders[relation["target_id"]].append(numbers[relation["source_id"]])
    times: dict[tuple[str, str], datetime] = {(row["object_id"], row["activity"]): row["time"] for row in first_times}
    invoices = []
    for row in rows:
        key = row["object_id"]
        if row["object_type"] != "invoice" or not row["number"] or row["amount_minor"] is None:
            continue
        if row.get("kind") == "credit_note" or (key, "Cancel Invoice") in times:
            continue
        posted = times.get((key, "Post Invoice"))
        invoices.append(
            Invoice(
                key=key,
                number=row["number"],
                amount_minor=row["amount_minor"],
                currency=row["currency"],
                customer=customers.get(key),
                posted_on=posted.date() if posted is not None else None,
                orders=tuple(sorted(set(orders[key]))),
            )
        )
    return invoices


def _customer(row: Row) -> Customer:
    return Customer(row["object_id"], row.get("name"), tuple((row.get("ibans") or "").split()))


def _relations(found: list[Match]) -> pa.Table:
    return pa.table(
        {
            "source_id": pa.array([link.invoice for link in found], pa.string()),
            "target_id": pa.array([link.receipt for link in found], pa.string()),
            "qualifier": pa.array(["settled by"] * len(found), pa.string()),
            "amount_minor": pa.array([link.amount_minor for link in found], pa.int64()),
            "currency": pa.array([link.currency for link in found], pa.string()),
            "method": pa.array([link.method for link in found], pa.string()),
            "confidence": pa.array([link.confidence for link in found], pa.float64()),
        }
    )


def _references(source: str, found: list[Match], entries: dict[str, Row]) -> pa.Table:
    events = []
    for link in found:
        row = entries[link.receipt]
        key = f"{row['account']}|{row['statement']}|{row['number']}"
        events.append(event_id(source, "bookings", key, "Receive Payment"))
    return pa.table(
        {
            "event_id": pa.array(events, pa.string()),
            "object_id": pa.array([link.invoice for link in found], pa.string()),
            "qualifier": pa.array(["settled invoice"] * len(found), pa.string()),
        }
    )
