"""How long from the order to the money?"""

from __future__ import annotations

import ibis

from o2c_mining.analysis.kpis.model import Excluded, Kpi, Period, not_empty
from o2c_mining.analysis.survival import survival
from o2c_mining.trace.select import Traces


def order_to_cash(traces: Traces, period: Period) -> Kpi:
    """Median days from the creation of an order to the clearing of its last invoice, open orders counted.

    Orders created in the period count; those not yet cleared at ``as_of`` are cut off there (Kaplan-Meier). Cancelled
    orders are left out and counted. ``low`` and ``high`` bound the median at 95 %.

    Source
    ------
    APQC order-to-cash cycle time, on object paths; Kaplan and Meier (1958) for what is open.
    """
    log, cases = traces.log, traces.cases
    started = cases.filter(cases.opened_at >= ibis.literal(period.start), cases.opened_at < ibis.literal(period.end))
    kept = started.filter((started.end_kind != "cancelled").fill_null(True))
    end = kept.closed_at.coalesce(ibis.literal(log.as_of))
    spans = log.reader.execute(
        kept.select(days=end.delta(kept.opened_at, unit="microsecond") / 86_400_000_000, done=kept.closed_at.notnull())
    )
    result = survival(spans["days"].to_numpy(), spans["done"].to_numpy(zero_copy_only=False))
    cancelled = log.reader.count(started) - spans.num_rows
    return Kpi(
        id="order_to_cash",
        title="Order to cash",
        value=result.median,
        unit="days",
        numerator=result.completed,
        denominator=spans.num_rows,
        low=result.median_low,
        high=result.median_high,
        excluded=not_empty(Excluded("cancelled order", cancelled)),
        formula="median incl. open orders of (last invoice cleared - order created)",
        source="APQC order-to-cash cycle time; Kaplan-Meier estimate",
    )
