"""How long from the posted invoice to the cleared one?"""

from __future__ import annotations

import ibis

from o2c_mining.analysis.kpis.invoices import invoices
from o2c_mining.analysis.kpis.model import Excluded, Kpi, Period, not_empty
from o2c_mining.analysis.survival import survival
from o2c_mining.trace.select import Traces


def invoice_to_cash(traces: Traces, period: Period) -> Kpi:
    """Median days from posting to clearing of an invoice, open invoices counted.

    Invoices posted in the period count; open ones are cut off at ``as_of`` (Kaplan-Meier). Credit notes and cancelled
    invoices are left out and counted.

    Source
    ------
    APQC invoice-to-cash cycle time; Kaplan and Meier (1958) for what is open.
    """
    log = traces.log
    table = invoices(traces, log.as_of)
    posted = table.filter(table.posted_at >= ibis.literal(period.start), table.posted_at < ibis.literal(period.end))
    kept = posted.filter(~posted.is_credit_note, posted.cancelled_at.isnull())
    end = kept.cleared_at.coalesce(ibis.literal(log.as_of))
    spans = log.reader.execute(
        kept.select(days=end.delta(kept.posted_at, unit="microsecond") / 86_400_000_000, done=kept.cleared_at.notnull())
    )
    result = survival(spans["days"].to_numpy(), spans["done"].to_numpy(zero_copy_only=False))
    notes = log.reader.count(posted.filter(posted.is_credit_note))
    cancelled = log.reader.count(posted) - notes - spans.num_rows
    return Kpi(
        id="invoice_to_cash",
        title="Invoice to cash",
        value=result.median,
        unit="days",
        numerator=result.completed,
        denominator=spans.num_rows,
        low=result.median_low,
        high=result.median_high,
        excluded=not_empty(Excluded("credit note", notes), Excluded("cancelled invoice", cancelled)),
        formula="median incl. open invoices of (invoice cleared - invoice posted)",
        source="APQC invoice-to-cash cycle time; Kaplan-Meier estimate",
    )
