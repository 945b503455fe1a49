"""Key figures of order-to-cash: one module each, all with numerator, denominator and what they leave out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from o2c_mining.analysis.kpis.dso_period_end import dso_period_end
from o2c_mining.analysis.kpis.invoice_to_cash import invoice_to_cash
from o2c_mining.analysis.kpis.model import Excluded, Kpi, Period, period_of
from o2c_mining.analysis.kpis.order_to_cash import order_to_cash
from o2c_mining.analysis.kpis.overdue_share import overdue_share
from o2c_mining.analysis.kpis.touchless_orders import touchless_orders
from o2c_mining.analysis.kpis.unbilled_value_days import unbilled_value_days
from o2c_mining.errors import AnalysisError
from o2c_mining.log.event_log import EventLog
from o2c_mining.trace.select import ObjectFilter, Traces, select

KPIS: dict[str, Callable[[Traces, Period], Kpi]] = {
    "order_to_cash": order_to_cash,
    "invoice_to_cash": invoice_to_cash,
    "dso_period_end": dso_period_end,
    "touchless_orders": touchless_orders,
    "unbilled_value_days": unbilled_value_days,
    "overdue_share": overdue_share,
}


@dataclass(frozen=True, slots=True)
class Kpis:
    """Key figures of one period; ``from_`` and ``to`` are instants, half-open."""

    as_of: datetime
    from_: datetime
    to: datetime
    kpis: tuple[Kpi, ...]


def kpis(log: EventLog, chosen: ObjectFilter | None = None, ids: Sequence[str] = ()) -> Kpis:
    """Compute key figures of the orders that the filter chooses, for the filter's period.

    ``start`` and ``end`` of the filter are the period, not a bound on the cases; each figure says which documents it
    takes from the period. Figures about orders follow the lens ``order``.

    Raises
    ------
    AnalysisError
        If an id is unknown, or the log has no orders.
    """
    chosen = chosen or ObjectFilter()
    for name in ids:
        if name not in KPIS:
            raise AnalysisError(f"unknown KPI {name!r}; expected one of: {', '.join(KPIS)}; correct the id")
    traces = select(log, replace(chosen, lens="order", start=None, end=None))
    first = log.reader.rows(log.events.aggregate(first=log.events.time.min()))[0]["first"]
    period = period_of(log, chosen, first)
    figures = tuple(KPIS[name](traces, period) for name in (ids or KPIS))
    return Kpis(log.as_of, period.start, period.end, figures)


__all__ = ["KPIS", "Excluded", "Kpi", "Kpis", "Period", "kpis", "period_of"]
