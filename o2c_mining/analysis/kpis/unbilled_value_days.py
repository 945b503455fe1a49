"""How much delivered value waited for its invoice, and how long?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.analysis.kpis.model import Excluded, Kpi, Period, not_empty
from o2c_mining.log.event_log import EventLog
from o2c_mining.log.money import exponent, major, reporting_minor
from o2c_mining.trace.select import Traces


def unbilled_value_days(traces: Traces, period: Period) -> Kpi:
    """Sum over deliveries of value × days in the period between goods issue and the first posted invoice.

    A delivery not yet invoiced counts up to the end of the period. Its value is what its order items' relations say
    was delivered, without tax. Divided by the days of the period this is the average unbilled value.

    Source
    ------
    Unbilled receivables as value × days (Little's law gives the average stock).
    """
    log = traces.log
    table = _waits(traces)
    start = ibis.greatest(table.issued_at, ibis.literal(period.start))
    end = ibis.least(table.invoiced_at.coalesce(ibis.literal(period.end)), ibis.literal(period.end))
    days = ibis.greatest(end.delta(start, unit="microsecond") / 86_400_000_000, ibis.literal(0.0))
    timed = table.mutate(days=days)
    waiting = (timed.issued_at < ibis.literal(period.end)) & (
        timed.invoiced_at.isnull() | (timed.invoiced_at >= ibis.literal(period.end))
    )
    sums = log.reader.rows(
        timed.aggregate(
            value_days=(timed.value.fill_null(0.0) * timed.days).sum(),
            unpriced=(timed.value.isnull() & (timed.days > 0)).sum(),
            waiting=ibis.ifelse(waiting, timed.value.fill_null(0.0), 0.0).sum(),
        )
    )[0]
    company = log.settings.config.company
    total = sums["value_days"] or 0.0
    return Kpi(
        id="unbilled_value_days",
        title="Unbilled value-days",
        value=total / 10 ** exponent(company.currency),
        unit=f"{company.currency}-days",
        numerator=major(total, company.currency),
        denominator=None,
        low=None,
        high=None,
        excluded=not_empty(Excluded("delivery without value", int(sums["unpriced"] or 0))),
        formula=(
            "sum of delivered value * days from goods issue to posted invoice within the period; "
            f"unbilled at its end: {major(sums['waiting'] or 0.0, company.currency)} {company.currency}"
        ),
        source="unbilled receivables, value * days",
    )


def _waits(traces: Traces) -> ir.Table:
    """One row per delivery with a goods issue: object_id, issued_at, invoiced_at?, value? (minor units)."""
    log = traces.log
    reached = traces.members.filter(traces.members.object_type == "delivery").select("object_id").distinct()
    deliveries = log.objects.filter(log.objects.object_type == "delivery").semi_join(reached, "object_id")
    issued = _first(log, "Post Goods Issue").rename(issued_at="time")
    posted = _first(log, "Post Invoice").rename(target_id="object_id", invoiced_at="time")
    billed = log.o2o.join(posted, "target_id")
    billed = billed.group_by("source_id").aggregate(invoiced_at=billed.invoiced_at.min())
    items = log.objects.filter(log.objects.object_type == "order_item").select(source_id="object_id")
    parts = log.o2o.semi_join(items, "source_id")
    parts = parts.filter(parts.amount_minor.notnull())
    parts = parts.mutate(part=reporting_minor(log, parts))
    values = parts.group_by("target_id").aggregate(value=parts.part.sum())
    joined = deliveries.select("object_id").join(issued, "object_id")
    joined = joined.left_join(billed, joined.object_id == billed.source_id).drop("source_id")
    return joined.left_join(values, joined.object_id == values.target_id).drop("target_id")


def _first(log: EventLog, activity: str) -> ir.Table:
    """First time of an activity per object."""
    found = log.events.filter(log.events.activity == activity).select("event_id", "time")
    on = log.e2o.select("event_id", "object_id").distinct().join(found, "event_id")
    return on.group_by("object_id").aggregate(time=on.time.min())
