"""Does an effect come before its cause, such as a payment before the order it pays?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.log.findings.finding import Rule

_IMPOSSIBLE = (("order", "delivery"), ("order", "invoice"))
_UNUSUAL = (("delivery", "invoice"), ("invoice", "payment"))


def effects_before_causes(flow: ir.Table) -> list[Rule]:
    """Documents that appear before every document they follow from, along order, delivery, invoice, payment.

    ``flow`` is that of ``Tables``. A document that follows from several (a collective invoice) is compared with the
    first of them. Where only a day is known of either, days are compared.
    """
    rules = [_rule(source, target, "warning", _early(_related(flow, source, target))) for source, target in _IMPOSSIBLE]
    rules.append(_rule("order", "payment", "warning", _early(_orders_of_payments(flow))))
    return rules + [
        _rule(source, target, "note", _early(_related(flow, source, target))) for source, target in _UNUSUAL
    ]


def _rule(source: str, target: str, severity: str, offending: ir.Table) -> Rule:
    impossible = severity == "warning"
    return Rule(
        f"{target} before {source}",
        severity,
        "o2o",
        offending,
        "target_id",
        f"the {target} appears before the {source} it follows from; durations between them are negative"
        if impossible
        else f"the {target} appears before the {source} it follows from: early billing, a prepayment, or a wrong clock",
        "check the relation, and the clocks and time zones of both sources"
        if impossible
        else "judge it with `o2c conformance` where it happened; else check the relation and the clocks",
    )


def _related(flow: ir.Table, source: str, target: str) -> ir.Table:
    return flow.filter(flow.source_type == source, flow.target_type == target)


def _early(pairs: ir.Table) -> ir.Table:
    """Targets born before the first of their sources."""
    causes = pairs.group_by("target_id").aggregate(
        cause=pairs.source_born.min(),
        cause_day=pairs.source_day.min(),
        born=pairs.target_born.min(),
        born_day=pairs.target_day.min(),
        day_only=(pairs.source_day_only | pairs.target_day_only).any(),
    )
    before = ibis.ifelse(causes.day_only, causes.born_day < causes.cause_day, causes.born < causes.cause)
    return causes.filter(before).select("target_id")


def _orders_of_payments(flow: ir.Table) -> ir.Table:
    """Payments with the orders their invoices bill, directly or by way of a delivery."""
    deliveries, invoices = _related(flow, "order", "delivery"), _related(flow, "delivery", "invoice")
    columns = ("source_id", "source_born", "source_day", "source_day_only")
    middle = invoices.select(delivery_id=invoices.source_id, invoice_id=invoices.target_id)
    shipped = deliveries.join(middle, deliveries.target_id == middle.delivery_id).select(*columns, "invoice_id")
    direct = _related(flow, "order", "invoice")
    billed = ibis.union(direct.select(*columns, invoice_id=direct.target_id), shipped, distinct=True)
    paid = _related(flow, "invoice", "payment")
    paid = paid.select("target_id", "target_born", "target_day", "target_day_only", paid_id=paid.source_id)
    return billed.join(paid, billed.invoice_id == paid.paid_id)
