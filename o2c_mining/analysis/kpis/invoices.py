"""Invoices with what their life needs to be judged: posted, cleared, paid so far."""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from o2c_mining.log.money import reporting_minor
from o2c_mining.trace.select import Traces


def invoices(traces: Traces, until: datetime) -> ir.Table:
    """One row per invoice that the chosen cases reach.

    Columns: object_id, number, value (minor units of the reporting currency), due_at, posted_at?, cleared_at?,
    cancelled_at?, is_credit_note, is_prepaid (its order agreed prepayment), applied (minor units settled by payments
    applied up to ``until``). Stamps after ``until`` are null.
    """
    log = traces.log
    reached = traces.members.filter(traces.members.object_type == "invoice").select("object_id").distinct()
    objects = log.objects.filter(log.objects.object_type == "invoice").semi_join(reached, "object_id")
    noted = (objects["kind"] == "credit_note").fill_null(False) if "kind" in objects.columns else ibis.literal(False)
    base = objects.select(
        "object_id",
        "number",
        "due_at",
        value=reporting_minor(log, objects),
        is_credit_note=noted,
    )
    stamps = log.events.filter(log.events.time <= ibis.literal(until)).select("event_id", "activity", "time")
    on = log.e2o.select("event_id", "object_id").distinct().join(stamps, "event_id")
    when = on.group_by("object_id").aggregate(
        posted_at=on.time.min(where=on.activity.isin(["Post Invoice", "Post Credit Note"])),
        cleared_at=on.time.max(where=on.activity == "Clear Invoice"),
        cancelled_at=on.time.max(where=on.activity == "Cancel Invoice"),
        applied_at=on.time.min(where=on.activity == "Apply Payment"),
    )
    joined = base.left_join(when.drop("applied_at"), "object_id").drop("object_id_right")
    paid = log.o2o.join(when.filter(when.applied_at.notnull()).select(target_id=when.object_id), "target_id")
    types = log.objects.filter(log.objects.object_type == "payment").select(target_id=log.objects.object_id)
    paid = paid.semi_join(types, "target_id")
    paid = paid.mutate(part=reporting_minor(log, paid))
    applied = paid.group_by("source_id").aggregate(applied=paid.part.sum())
    joined = joined.left_join(applied, joined.object_id == applied.source_id).drop("source_id")
    prepaid = _prepaid(traces)
    joined = joined.left_join(prepaid, joined.object_id == prepaid.invoice_id).drop("invoice_id")
    return joined.mutate(applied=joined.applied.fill_null(0.0), is_prepaid=joined.is_prepaid.fill_null(False))


def _prepaid(traces: Traces) -> ir.Table:
    """Invoices of orders that agreed to pay before delivery: invoice_id, is_prepaid."""
    log = traces.log
    if "agreed_prepayment" not in log.objects.columns:
        nothing = log.o2o.filter(ibis.literal(False))
        return nothing.select(invoice_id="target_id").mutate(is_prepaid=ibis.literal(True))
    orders = log.objects.filter(log.objects.agreed_prepayment.fill_null(False)).select(source_id="object_id")
    linked = log.o2o.semi_join(orders, "source_id").select(invoice_id="target_id").distinct()
    return linked.mutate(is_prepaid=ibis.literal(True))
