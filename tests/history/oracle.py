"""What the log of the simulated company must hold, worked out in plain Python from the ERP's rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]

# Columns that are compared; every other one must be equal between two stores.
COLUMNS = {
    "events": ("event_id", "activity", "time", "source_seq"),
    "objects": ("object_id", "object_type", "number", "amount_minor", "due_at", "state", "note", "channel"),
    "e2o": ("event_id", "object_id", "qualifier"),
    "o2o": ("source_id", "target_id", "qualifier", "amount_minor"),
    "object_changes": ("object_id", "field", "time", "new_value"),
}


def meaning(erp: Mapping[str, Sequence[Row]], version: int, source: str = "erp") -> Tables:
    """The five tables that follow from the ERP's rows under the first or the second mapping."""
    second = version == 2
    (factor,) = (row["factor"] for row in erp["factor"])
    sales = {row["id"]: row for row in erp["sale"]}
    invoices = {row["id"]: row for row in erp["invoice"]}
    payments = {row["id"]: row for row in erp["payment"]}
    tables: Tables = {name: [] for name in COLUMNS}

    def event(activity: str, rank: int, table: str, key: object, time: str, objects: Sequence[tuple[str, str]]) -> None:
        event_id = f"{source}/{table}/{key}/{activity}"
        tables["events"].append({"event_id": event_id, "activity": activity, "time": moment(time), "source_seq": rank})
        for name, qualifier in dict.fromkeys(objects):
            tables["e2o"].append({"event_id": event_id, "object_id": f"{source}:{name}", "qualifier": qualifier})

    def thing(name: str, kind: str, number: object, **values: object) -> None:
        tables["objects"].append(
            {"object_id": f"{source}:{name}", "object_type": kind, "number": str(number), **values}
        )

    def relation(from_: str, to: str, qualifier: str, amount: int | None = None) -> None:
        ends = {"source_id": f"{source}:{from_}", "target_id": f"{source}:{to}"}
        tables["o2o"].append({**ends, "qualifier": qualifier, "amount_minor": amount})

    for sale in sales.values():
        name = f"order:{sale['id']}"
        lines = [line for line in erp["sale_line"] if line["sale"] == sale["id"]]
        amount = sum(line["amount"] for line in lines) * factor if lines else None
        extra = {"channel": sale["channel"]} if second else {}
        thing(name, "order", sale["id"], state=sale["state"], note=sale.get("note"), amount_minor=amount, **extra)
        own = [(name, "order")]
        items = [(f"item:{line['id']}", "item") for line in lines]
        event("Create Order", 1, "sale", sale["id"], sale["created_at"], own + items)
        if sale["confirmed_at"]:
            event("Approve Order" if second else "Confirm Order", 2, "sale", sale["id"], sale["confirmed_at"], own)
        if sale["state"] == "cancelled":
            event("Cancel Order", 3, "sale", sale["id"], sale["cancelled_at"], own)
        for invoice in {line["invoice"] for line in lines} & set(invoices):
            relation(name, f"invoice:{invoice}", "invoiced by" if second else "billed by")
    for line in erp["sale_line"]:
        if line["sale"] not in sales:
            continue
        name, amount = f"item:{line['id']}", line["amount"] * factor
        number = f"L{line['id']}" if second else line["id"]
        thing(name, "order_item", number, state=sales[line["sale"]]["state"], amount_minor=amount)
        relation(f"order:{line['sale']}", name, "has")
        if line["invoice"] in invoices:
            relation(name, f"invoice:{line['invoice']}", "billed by", amount)
    for invoice in invoices.values():
        name = f"invoice:{invoice['id']}"
        billed = [line for line in erp["sale_line"] if line["invoice"] == invoice["id"]]
        amount = sum(line["amount"] for line in billed) * factor if billed else None
        thing(name, "invoice", invoice["id"], due_at=moment(invoice["due_on"]), amount_minor=amount)
        own = [(name, "invoice")]
        items = [(f"item:{line['id']}", "item") for line in billed if line["sale"] in sales]
        event("Create Invoice", 4, "invoice", invoice["id"], invoice["created_at"], own + items)
        if invoice["posted_at"] and not second:
            event("Post Invoice", 5, "invoice", invoice["id"], invoice["posted_at"], own)
        if invoice["paid_at"]:
            event("Clear Invoice", 7, "invoice", invoice["id"], invoice["paid_at"], own)
    for payment in payments.values():
        thing(f"payment:{payment['id']}", "payment", payment["id"])
    for row in erp["allocation"]:
        if row["payment"] in payments and row["invoice"] in invoices:
            paying, paid = f"payment:{row['payment']}", f"invoice:{row['invoice']}"
            booked = payments[row["payment"]]["booked_at"]
            key = f"{row['payment']}|{row['invoice']}"
            event("Apply Payment", 6, "allocation", key, booked, [(paying, "payment"), (paid, "invoice")])
            relation(paid, paying, "paid by", row["amount"] * factor)
    changes = {
        (f"{source}:order:{row['sale']}", row["field"], moment(row["at"])): row["value"]
        for row in sorted(erp["change_log"], key=lambda row: row["id"])
        if row["sale"] in sales
    }
    for (name, field, time), value in changes.items():
        tables["object_changes"].append({"object_id": name, "field": field, "time": time, "new_value": value})
    return tables


def moment(value: str | None) -> datetime | None:
    """A naive moment of the ERP is UTC."""
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def comparable(table: str, rows: Sequence[Row]) -> list[str]:
    """Rows as sorted text, by the columns that the oracle speaks of; an empty value is as good as none."""
    names = COLUMNS[table]
    return sorted(str([(name, _plain(row[name])) for name in names if row.get(name) is not None]) for row in rows)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
