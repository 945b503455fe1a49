"""Which share of orders reaches its invoice without a human hand?"""

from __future__ import annotations

import ibis

from o2c_mining.analysis.kpis.model import Excluded, Kpi, Period, not_empty
from o2c_mining.trace.select import Traces


def touchless_orders(traces: Traces, period: Period) -> Kpi:
    """Orders of which no event by a human user lies between creation and first invoice, both included.

    Orders created in the period that have an invoice count. Orders with an event of an unknown user and none of a
    human one cannot be told: they are left out and counted. ``low`` and ``high`` are Wilson's 95 % limits.

    Source
    ------
    Touchless order rate as published for order management: orders, not events, are counted.
    """
    log = traces.log
    cases = traces.cases.filter(
        traces.cases.opened_at >= ibis.literal(period.start), traces.cases.opened_at < ibis.literal(period.end)
    )
    pairs = traces.pairs.semi_join(cases, "case_id")
    invoice = pairs.filter(pairs.activity.isin(["Create Invoice", "Post Invoice"]))
    first = invoice.group_by("case_id").aggregate(until=invoice.seq.min())
    before = pairs.join(first, "case_id")
    before = before.filter(before.seq <= before.until)
    per_case = before.group_by("case_id").aggregate(
        human=(before.resource_kind == "human").any(), technical=(before.resource_kind == "technical").all()
    )
    counts = log.reader.rows(
        per_case.aggregate(invoiced=per_case.count(), human=per_case.human.sum(), touchless=per_case.technical.sum())
    )[0]
    invoiced, touched, touchless = (int(counts[name] or 0) for name in ("invoiced", "human", "touchless"))
    unknown = invoiced - touched - touchless
    known = touched + touchless
    low, high = wilson(touchless, known)
    return Kpi(
        id="touchless_orders",
        title="Touchless orders",
        value=100 * touchless / known if known else None,
        unit="%",
        numerator=touchless,
        denominator=known,
        low=low,
        high=high,
        excluded=not_empty(
            Excluded("no invoice yet", log.reader.count(cases) - invoiced), Excluded("user unknown", unknown)
        ),
        formula="orders without a human event from creation to first invoice / invoiced orders",
        source="touchless order rate per order; Wilson (1927) interval",
    )


def wilson(hits: int, total: int) -> tuple[float | None, float | None]:
    """Wilson's 95 % interval of a share, in percent.

    Examples
    --------
    >>> [round(limit or 0, 1) for limit in wilson(5, 10)]
    [23.7, 76.3]
    """
    if not total:
        return None, None
    z = 1.959963984540054
    share, spread = hits / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * (share * (1 - share) / total + spread / (4 * total)) ** 0.5 / (1 + spread)
    return 100 * max(middle - half, 0.0), 100 * min(middle + half, 1.0)
