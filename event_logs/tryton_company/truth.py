"""The ground truth: every planted fault, by document number, from what the recipe planned and did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bank import BookedEntry
from plan import Kind
from records import Invoice, Order, Records, Shipment
from workdays import CLOSES, HOLIDAYS, OPENS, TIMEZONE, invoice_due, local

Json = dict[str, Any]


def truth(records: Records, booked: Iterable[BookedEntry], seed: int, first: datetime, as_of: datetime) -> Json:
    """The whole document."""
    entries = list(booked)
    invoices = [invoice for invoice in records.invoices if invoice.posted_at <= as_of]
    numbered = [order for order in records.orders if order.number]
    paid = {invoice.number: payment for payment in records.payments for invoice, _ in payment.parts}
    deliveries = Counter(shipment.order.number for shipment in records.shipments)
    invoiced = {order.number for invoice in invoices for order in invoice.orders}
    issues = [_goods_issue(shipment, invoices, as_of) for shipment in records.shipments]
    return {
        "meta": _meta(len(records.orders), seed, first, as_of),
        "counts": {
            "orders": len(records.orders),
            "quoted_orders": len(numbered),
            "shipments_done": len(records.shipments),
            "invoices": len(invoices),
            "credit_notes": len(records.credit_notes),
            "complaints": len(records.disputes),
            "invoices_paid_and_booked": sum(1 for invoice in invoices if invoice.booked_at),
            "bank_entries": len(entries),
            "bank_statements": len({entry.statement for entry in entries}),
        },
        "late_invoiced_goods_issues": [issue for state, issue in issues if state == "late"],
        "goods_issues_within_sla": [issue["shipment"] for state, issue in issues if state == "in time"],
        "goods_issues_still_in_time": [issue["shipment"] for state, issue in issues if state == "running"],
        "invoices_before_shipment": list(_before_shipment(numbered, invoices, records.shipments)),
        "prepaid_orders": _of(numbered, Kind.PREPAID),
        "service_orders": _of(numbered, Kind.SERVICE),
        "cancelled_orders": [order.number for order in numbered if order.cancelled_at],
        "short_paid_invoices": [
            {"invoice": invoice.number, "open_amount": str(invoice.open_amount)}
            for invoice in invoices
            if invoice.booked_at and invoice.open_amount
        ],
        "partial_delivery_orders": [order.number for order in numbered if deliveries[order.number] > 1],
        "collective_invoices": [
            {"invoice": invoice.number, "orders": sorted(order.number for order in invoice.orders)}
            for invoice in invoices
            if len(invoice.orders) > 1
        ],
        "late_paid_invoices": [
            {
                "invoice": invoice.number,
                "due": invoice.due.isoformat(),
                "paid": paid[invoice.number].booking_date.isoformat(),
                "booked_at": _iso(invoice.booked_at),
            }
            for invoice in invoices
            if invoice.number in paid and paid[invoice.number].booking_date > invoice.due
        ],
        "disputes": [
            {
                "complaint": dispute.complaint,
                "invoice": dispute.invoice.number,
                "order": dispute.invoice.orders[0].number,
                "credit_note": dispute.credit_note.number,
            }
            for dispute in records.disputes
        ],
        "segregation_of_duties": [
            {"order": order.number, "user": order.planned.confirmed_by}
            for order in numbered
            if order.planned.kind is Kind.OWN_APPROVAL and order.confirmed_at
        ],
        "slow_credit_releases": [
            {"order": order.number, "quoted_at": _iso(order.quoted_at), "confirmed_at": _iso(order.confirmed_at)}
            for order in numbered
            if order.planned.kind is Kind.SLOW_CREDIT and order.confirmed_at
        ],
        "slow_handoffs": [
            {"name": "credit release", "from_team": "Sales", "to_team": "Credit"},
            {"name": "weekly billing batch", "from_team": "Warehouse", "to_team": "Billing"},
        ],
        "dunned_invoices": sorted(records.dunned),
        "bank_bookings": [_bank(entry) for entry in entries],
        "touchless_orders": [number for number in _of(numbered, Kind.SERVICE) if number in invoiced],
        "open_at_end": _open(numbered, invoices, issues, records),
    }


def _meta(orders: int, seed: int, first: datetime, as_of: datetime) -> Json:
    return {
        "seed": seed,
        "orders": orders,
        "from": _iso(first),
        "to": _iso(as_of),
        "as_of": _iso(as_of),
        "currency": "EUR",
        "timezone": TIMEZONE,
        "calendar": {
            "workdays": ["mon", "tue", "wed", "thu", "fri"],
            "from": OPENS.strftime("%H:%M"),
            "to": CLOSES.strftime("%H:%M"),
            "holidays": [day.isoformat() for day in HOLIDAYS],
        },
    }


def _goods_issue(shipment: Shipment, invoices: list[Invoice], as_of: datetime) -> tuple[str, Json]:
    """When the invoice of a goods issue was due and whether it was posted by then."""
    billing = [invoice.posted_at for invoice in invoices if shipment.number in invoice.shipments]
    if not billing and shipment.order.planned.kind in (Kind.PREPAID, Kind.INVOICE_FIRST):
        billing = [invoice.posted_at for invoice in invoices if shipment.order in invoice.orders]
    due, invoiced = invoice_due(shipment.goods_issue_at), min(billing, default=None)
    state = "late" if (invoiced or as_of) > due else "in time" if invoiced else "running"
    return state, {
        "shipment": shipment.number,
        "order": shipment.order.number,
        "goods_issue_at": _iso(shipment.goods_issue_at),
        "due_at": _iso(due),
        "invoiced_at": _iso(invoiced),
    }


def _before_shipment(orders: list[Order], invoices: list[Invoice], shipments: list[Shipment]) -> Iterable[Json]:
    for order in orders:
        if order.planned.kind in (Kind.SERVICE, Kind.PREPAID):
            continue
        first = min((shipment.goods_issue_at for shipment in shipments if shipment.order is order), default=None)
        for invoice in invoices:
            if order in invoice.orders and (first is None or invoice.posted_at < first):
                yield {"order": order.number, "invoice": invoice.number}


def _bank(entry: BookedEntry) -> Json:
    booking = entry.booking
    parts = booking.payment.parts if booking.payment else []
    return {
        "statement": entry.statement,
        "account_servicer_reference": entry.reference,
        "booking_date": booking.day.isoformat(),
        "amount": f"{abs(booking.amount):.2f}",
        "credit_debit": "CRDT" if booking.amount > 0 else "DBIT",
        "currency": "EUR",
        "payer_iban": booking.iban or None,
        "quoted": booking.remittance.style,
        "invoices": [{"number": invoice.number, "amount": str(amount)} for invoice, amount in parts],
    }


def _open(orders: list[Order], invoices: list[Invoice], issues: list[tuple[str, Json]], records: Records) -> Json:
    delivered = {shipment.order.number for shipment in records.shipments}
    today, end = local(records.last_step).date(), str(_iso(records.last_step))
    unpaid = [invoice for invoice in invoices if invoice.open_amount and not invoice.booked_at]
    waiting = [issue for _, issue in issues if not issue["invoiced_at"]]
    return {
        "confirmed_not_delivered_orders": [
            order.number
            for order in orders
            if order.confirmed_at and order.number not in delivered and order.planned.kind is not Kind.SERVICE
        ],
        "not_invoiced_beyond_sla": [issue["shipment"] for issue in waiting if issue["due_at"] <= end],
        "not_invoiced_within_sla": [issue["shipment"] for issue in waiting if issue["due_at"] > end],
        "unpaid_not_due_invoices": [invoice.number for invoice in unpaid if invoice.due >= today],
        "unpaid_overdue_invoices": [invoice.number for invoice in unpaid if invoice.due < today],
    }


def _of(orders: list[Order], kind: Kind) -> list[str]:
    return [order.number for order in orders if order.planned.kind is kind]


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.replace(tzinfo=UTC).isoformat()
