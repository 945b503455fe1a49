"""How many days of sales are still unpaid at the end of the period?"""

from __future__ import annotations

import ibis

from o2c_mining.analysis.kpis.invoices import invoices
from o2c_mining.analysis.kpis.model import Excluded, Kpi, Period, not_empty
from o2c_mining.log.money import major
from o2c_mining.trace.select import Traces


def dso(receivables: float, credit_sales: float, days: float) -> float | None:
    """Days sales outstanding; ``None`` without sales.

    Examples
    --------
    >>> round(dso(1.2, 10.0, 365) or 0, 1)
    43.8
    """
    return receivables / credit_sales * days if credit_sales else None


def dso_period_end(traces: Traces, period: Period) -> Kpi:
    """DSO = receivables open at the end of the period ÷ credit sales of the period × its days.

    An invoice is open at *t* when it was posted up to *t* and not cleared or cancelled up to *t*; what payments have
    settled of it is taken off. Both sides include tax. Credit notes and prepaid orders are left out and counted.

    Source
    ------
    Period-end method as published by the Credit Research Foundation; golden value 1.2 M / 10 M × 365 = 43.8.
    """
    log = traces.log
    table = invoices(traces, period.end)
    posted = table.filter(table.posted_at.notnull())
    counted = posted.filter(~posted.is_credit_note, ~posted.is_prepaid)
    is_open = counted.cleared_at.isnull() & counted.cancelled_at.isnull()
    in_period = (counted.posted_at >= ibis.literal(period.start)) & (counted.posted_at < ibis.literal(period.end))
    sold = in_period & counted.cancelled_at.isnull()
    sums = log.reader.rows(
        counted.aggregate(
            receivables=ibis.ifelse(is_open, ibis.greatest(counted.value - counted.applied, 0.0), 0.0).sum(),
            sales=ibis.ifelse(sold, counted.value, 0.0).sum(),
        )
    )[0]
    open_note = posted.is_credit_note & posted.cleared_at.isnull() & posted.cancelled_at.isnull()
    notes = log.reader.rows(
        posted.aggregate(
            notes=posted.is_credit_note.sum(),
            open_notes=ibis.ifelse(open_note, posted.value.abs(), 0.0).sum(),
            prepaid=(posted.is_prepaid & ~posted.is_credit_note).sum(),
        )
    )[0]
    receivables, sales = sums["receivables"] or 0.0, sums["sales"] or 0.0
    currency = log.settings.config.company.currency
    return Kpi(
        id="dso_period_end",
        title="DSO, period end",
        value=dso(receivables, sales, period.days),
        unit="days",
        numerator=major(receivables, currency),
        denominator=major(sales, currency),
        low=None,
        high=None,
        excluded=not_empty(
            Excluded("credit note", int(notes["notes"] or 0)), Excluded("prepaid order", int(notes["prepaid"] or 0))
        ),
        formula=(
            f"open receivables / credit sales * {period.days:.1f} days, both including tax; open credit notes, "
            f"counted separately: {major(notes['open_notes'] or 0.0, currency)} {currency}"
        ),
        source="Credit Research Foundation, period-end DSO",
    )
