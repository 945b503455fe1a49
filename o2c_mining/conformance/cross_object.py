"""Rules between documents, read off the documents' relations and not off a flattened case.

A flattened case mixes the events of all its documents, so it cannot tell which delivery an invoice bills; this can.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir

from o2c_mining.conformance.orders import Stamp, surely_before
from o2c_mining.conformance.verdicts import Verdict
from o2c_mining.log.event_log import EventLog

INVOICE_BEFORE_SHIPMENT = "invoice before shipment"


@dataclass(frozen=True, slots=True)
class InvoiceOfOrder:
    """The verdict on one posted invoice and one order it bills; the stamps are null where nothing was issued."""

    order_id: str
    order: str
    invoice_id: str
    invoice: str
    verdict: Verdict
    posted_at: datetime
    first_goods_issue_at: datetime | None


def invoice_before_shipment(log: EventLog) -> list[InvoiceOfOrder]:
    """Was an invoice posted before the first goods issue of what it bills?

    One row per posted invoice and order whose goods it bills, ordered by order and invoice number. Goods are the order
    items on the invoice that have a delivery (where no item is on it: the order's deliveries); cancelled deliveries
    without a goods issue do not count. Left out: credit notes, items without any delivery (services), and orders whose
    attribute ``agreed_prepayment`` is true. Satisfied when a goods issue surely came first; violated when the posting
    surely came first or nothing has been issued up to ``as_of``; else, on the same coarse day, it cannot be told.

    Source
    ------
    Rule "invoice before goods issue (delivery-related billing)" of SAP's billing types: a delivery is billed after it
    left the house.
    """
    rows = log.reader.rows(_billed_goods(log).order_by("order", "invoice", "order_id", "invoice_id"))
    return [
        InvoiceOfOrder(
            order_id=row["order_id"],
            order=row["order"],
            invoice_id=row["invoice_id"],
            invoice=row["invoice"],
            verdict=_verdict(row),
            posted_at=row["posted_at"],
            first_goods_issue_at=row["issued_at"],
        )
        for row in rows
    ]


def _verdict(row: dict[str, object]) -> Verdict:
    posted_at, issued_at = row["posted_at"], row["issued_at"]
    assert isinstance(posted_at, datetime)
    if not isinstance(issued_at, datetime):
        return Verdict.VIOLATED
    posted = Stamp("", posted_at, str(row["posted_precision"]))
    issued = Stamp("", issued_at, str(row["issued_precision"]))
    if surely_before(posted, issued):
        return Verdict.VIOLATED
    if surely_before(issued, posted) or (posted.is_exact and issued.is_exact):
        return Verdict.SATISFIED
    return Verdict.CANNOT_TELL


def _billed_goods(log: EventLog) -> ir.Table:
    """One row per posted invoice and order: the first posting and the first goods issue of the goods it bills."""
    links = log.o2o.select("source_id", "target_id").distinct()
    orders = _objects(log, "order", log.objects.number)
    invoices = _invoices(log)
    order_item = _related(links, _ids(log, "order"), _ids(log, "order_item"), "order_id", "item_id")
    item_delivery = _related(links, _ids(log, "order_item"), _ids(log, "delivery"), "item_id", "delivery_id")
    item_invoice = _related(links, _ids(log, "order_item"), _ids(log, "invoice"), "item_id", "invoice_id")
    order_delivery = _related(links, _ids(log, "order"), _ids(log, "delivery"), "order_id", "delivery_id")
    order_invoice = _related(links, _ids(log, "order"), _ids(log, "invoice"), "order_id", "invoice_id")

    by_item = order_item.join(item_invoice, "item_id")
    delivered = by_item.join(item_delivery, "item_id").select("order_id", "invoice_id", "delivery_id")
    whole = order_invoice.anti_join(by_item, ["order_id", "invoice_id"])
    goods = ibis.union(delivered, whole.join(order_delivery, "order_id").select(*delivered.columns), distinct=True)

    issues = _events(log, "Post Goods Issue", "delivery_id")
    cancelled = _events(log, "Cancel Delivery", "delivery_id").anti_join(issues, "delivery_id")
    goods = goods.anti_join(cancelled, "delivery_id")
    joined = goods.left_join(issues, "delivery_id")
    first = joined.group_by("order_id", "invoice_id").aggregate(
        issued_at=joined.time.min(), issued_precision=joined.precision.argmin(joined.time)
    )
    posted = _events(log, "Post Invoice", "invoice_id")
    posted = posted.group_by("invoice_id").aggregate(
        posted_at=posted.time.min(), posted_precision=posted.precision.argmin(posted.time)
    )
    found = first.join(posted, "invoice_id").join(orders, "order_id").join(invoices, "invoice_id")
    return found.select(
        "order_id", "order", "invoice_id", "invoice", "posted_at", "posted_precision", "issued_at", "issued_precision"
    )


def _ids(log: EventLog, kind: str) -> ir.Table:
    return log.objects.filter(log.objects.object_type == kind).select("object_id")


def _objects(log: EventLog, kind: str, number: ir.Value) -> ir.Table:
    """Orders that did not agree to pay first."""
    objects = log.objects
    chosen = objects.object_type == kind
    if "agreed_prepayment" in objects.columns:
        agreed = objects.agreed_prepayment.cast("string").lower().isin(["true", "1", "yes", "t"])
        chosen = chosen & ~agreed.fill_null(False)
    return objects.filter(chosen).select(order_id=objects.object_id, order=number.coalesce(objects.object_id))


def _invoices(log: EventLog) -> ir.Table:
    objects = log.objects
    chosen = objects.object_type == "invoice"
    if "kind" in objects.columns:
        chosen = chosen & (objects.kind.cast("string").fill_null("invoice") != "credit_note")
    return objects.filter(chosen).select(
        invoice_id=objects.object_id, invoice=objects.number.coalesce(objects.object_id)
    )


def _related(links: ir.Table, sources: ir.Table, targets: ir.Table, source: str, target: str) -> ir.Table:
    kept = links.semi_join(sources, links.source_id == sources.object_id)
    kept = kept.semi_join(targets, kept.target_id == targets.object_id)
    return kept.select(**{source: kept.source_id, target: kept.target_id})


def _events(log: EventLog, activity: str, object_column: str) -> ir.Table:
    events = log.events.filter(log.events.activity == activity).select("event_id", "time", "precision")
    joined = events.join(log.e2o.select("event_id", "object_id").distinct(), "event_id")
    return joined.select(joined.time, joined.precision, **{object_column: joined.object_id})
