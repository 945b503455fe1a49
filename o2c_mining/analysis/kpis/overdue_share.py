"""Which share of what customers owe is past its due date?"""

from __future__ import annotations

import ibis

from o2c_mining.analysis.kpis.invoices import invoices
from o2c_mining.analysis.kpis.model import Excluded, Kpi, Period, not_empty
from o2c_mining.log.money import major
from o2c_mining.trace.select import Traces


def overdue_share(traces: Traces, period: Period) -> Kpi:
    """Open receivables past their due date ÷ all open receivables, at the end of the period.

    An invoice is open as for DSO: posted and neither cleared nor cancelled; what payments have settled is taken off.
    Invoices without a due date count as not overdue and are counted under ``excluded``. Credit notes and prepaid
    orders are left out. ``value`` is ``None`` when nothing is owed.

    Source
    ------
    Ageing of receivables from the due date, as published for collections (share current and overdue).
    """
    log = traces.log
    table = invoices(traces, period.end)
    owed = table.filter(
        table.posted_at.notnull(),
        table.cleared_at.isnull(),
        table.cancelled_at.isnull(),
        ~table.is_credit_note,
        ~table.is_prepaid,
    )
    owed = owed.mutate(rest=ibis.greatest(owed.value - owed.applied, 0.0))
    late = (owed.due_at < ibis.literal(period.end)).fill_null(False)
    sums = log.reader.rows(
        owed.aggregate(
            owed=owed.rest.sum(),
            overdue=ibis.ifelse(late, owed.rest, 0.0).sum(),
            undated=(owed.due_at.isnull() & (owed.rest > 0)).sum(),
        )
    )[0]
    whole, overdue = sums["owed"] or 0.0, sums["overdue"] or 0.0
    currency = log.settings.config.company.currency
    return Kpi(
        id="overdue_share",
        title="Overdue receivables",
        value=100 * overdue / whole if whole else None,
        unit="%",
        numerator=major(overdue, currency),
        denominator=major(whole, currency),
        low=None,
        high=None,
        excluded=not_empty(Excluded("invoice without due date, taken as not overdue", int(sums["undated"] or 0))),
        formula="open receivables past due / open receivables, at the end of the period",
        source="ageing of receivables from the due date",
    )
