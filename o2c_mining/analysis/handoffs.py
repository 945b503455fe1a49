"""Where does the time between order and cash go, handoff by handoff? A ledger that adds up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from o2c_mining.calendar.working import work_clock
from o2c_mining.errors import AnalysisError
from o2c_mining.log.money import exponent, major
from o2c_mining.trace.select import Traces, priced_cases, segments_of

UNEXPLAINED = "unexplained"
STILL_OPEN = "(still open)"
# Documents with which the company has done its part: from here on it waits for the customer's money.
_BILLED = ("Post Invoice", "Create Dunning", "Send Dunning")
_CUSTOMER_ACTS = ("Receive Payment", "Create Dunning", "Send Dunning")
_BOOKED = ("Apply Payment", "Clear Invoice")


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A cell of the ledger: what passed between one activity and the one it enabled.

    ``value_days`` are major units × days, split into ``ours``, ``terms`` (the customer within agreed terms) and
    ``late`` (the customer after the due date). ``cost`` is value-days × annual rate ÷ 365.
    """

    from_team: str
    to_team: str
    from_system: str
    to_system: str
    from_activity: str
    to_activity: str
    cause: str
    count: int
    cases: int
    median_seconds: float
    p90_seconds: float
    sum_seconds: float
    value_days: float
    ours_value_days: float
    terms_value_days: float
    late_value_days: float
    ours_seconds: float
    cost: str
    handoff: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """All cells; their seconds and value-days add up to the totals, which are computed from the cases alone."""

    lens: str
    as_of: datetime
    time: str  # working | calendar
    total_seconds: float
    total_value_days: float
    ours_value_days: float
    terms_value_days: float
    late_value_days: float
    currency: str
    annual_rate: str
    cases: int
    cases_without_value: int
    rows: tuple[LedgerRow, ...]


def handoffs(traces: Traces, *, working: bool = False) -> Ledger:
    """Divide the whole time of the chosen cases among (from → to, cause).

    A cell's *from* is the event that enabled the next one (the latest earlier event on a shared or related document),
    not merely the event before it; the time is that of the segment between neighbours, so that the cells add up to
    (end or ``as_of`` − start) of every case. ``handoff`` is true where team or system change. Rows are ordered by
    value-days of our own side, then by all value-days.

    Parameters
    ----------
    traces
        Chosen cases; the last segment of an open case runs to ``as_of`` and goes to ``(still open)``.
    working
        Count working time by the company's calendar instead of calendar time.

    Raises
    ------
    AnalysisError
        If working time is asked for and no calendar is configured.

    Source
    ------
    Enablement: Berti and van der Aalst, OPerA (2022), reduced to shared and directly related objects; cost of waiting
    cash: value × days × annual rate ÷ 365.
    """
    log = traces.log
    calendar = log.settings.calendar
    if working and calendar is None:
        raise AnalysisError(
            "working time was asked for and no calendar is configured; expected [company] calendar in o2c.toml; "
            "set it or use --time calendar"
        )
    company = log.settings.config.company
    scale = 10 ** exponent(company.currency)
    cells = [*_passed(traces, working), *_standing(traces, working)]
    rows = [_row(cell, scale, company.annual_rate, company.currency) for cell in cells]
    rows.sort(key=_by_value)
    total = _totals(traces, working)
    return Ledger(
        lens=traces.lens.object_type,
        as_of=log.as_of,
        time="working" if working else "calendar",
        total_seconds=total["seconds"] or 0.0,
        total_value_days=(total["value_days"] or 0.0) / scale,
        ours_value_days=sum(row.ours_value_days for row in rows),
        terms_value_days=sum(row.terms_value_days for row in rows),
        late_value_days=sum(row.late_value_days for row in rows),
        currency=company.currency,
        annual_rate=str(company.annual_rate),
        cases=int(total["cases"]),
        cases_without_value=int(total["without_value"] or 0),
        rows=tuple(rows),
    )


_CELL = ("from_team", "to_team", "from_system", "to_system", "from_activity", "to_activity")
_FACTS = ("count", "cases", "quantiles", "sum_seconds", "value_seconds", "agreed_value_seconds")


def _cells(kinds: ir.Table) -> ir.Table:
    """Names of every cell: cell, the columns of ``_CELL``, handoff, is_open."""
    named = kinds.select(
        "cell",
        "handoff",
        from_team=kinds.enabled_team.coalesce(kinds.team),
        to_team=kinds.next_team.coalesce(STILL_OPEN),
        from_system=kinds.enabled_system.coalesce(kinds.system),
        to_system=kinds.next_system.coalesce(STILL_OPEN),
        from_activity=kinds.enabled_activity.coalesce(kinds.activity),
        to_activity=kinds.next_activity.coalesce(STILL_OPEN),
        is_end=kinds.is_end,
    )
    return named.filter(~named.is_end).drop("is_end").distinct()


def _passed(traces: Traces, working: bool) -> list[dict[str, Any]]:
    """Cells of the segments that have an end."""
    segments = segments_of(traces)
    seconds = segments.working_seconds if working else segments.seconds
    valued = segments.value * seconds
    found = segments.group_by("cell").aggregate(
        count=segments.count(),
        cases=segments.first_in_cell.sum(),
        quantiles=seconds.quantile([0.5, 0.9]),
        sum_seconds=seconds.sum(),
        value_seconds=valued.sum(),
        agreed_value_seconds=(valued * segments.agreed).sum(),
    )
    cells = _cells(traces.coded.kinds)
    return traces.log.reader.rows(found.join(cells.filter(cells.to_activity != STILL_OPEN), "cell"))


def _standing(traces: Traces, working: bool) -> list[dict[str, Any]]:
    """Cells of the open cases: from their last event to ``as_of``."""
    log = traces.log
    until = ibis.literal(log.as_of)
    cases = priced_cases(traces)
    standing = cases.filter(cases.closed_at.isnull())
    whole = until.delta(standing.last_event_at, unit="microsecond").cast("float64")
    to_due = standing.last_due_at.delta(standing.last_event_at, unit="microsecond").cast("float64").fill_null(0.0)
    within = ibis.greatest(ibis.least(to_due, whole), ibis.literal(0.0))
    seconds: ir.FloatingValue = whole / 1_000_000
    if working and log.settings.calendar is not None:
        seconds = ibis.literal(work_clock(log.settings.calendar, log.as_of)) - standing.last_work_clock
    kinds = traces.coded.kinds
    timed = standing.mutate(
        seconds=seconds,
        agreed=ibis.ifelse(whole > 0, within / whole, 0.0),
        value=standing.reporting_minor,
    ).join(kinds.select(last_kind="kind", cell="cell"), "last_kind")
    valued = timed.value * timed.seconds
    found = timed.group_by("cell").aggregate(
        count=timed.count(),
        cases=timed.count(),
        quantiles=timed.seconds.quantile([0.5, 0.9]),
        sum_seconds=timed.seconds.sum(),
        value_seconds=valued.sum(),
        agreed_value_seconds=(valued * timed.agreed).sum(),
    )
    return log.reader.rows(found.join(_cells(kinds), "cell"))


def _is_customers_turn(cell: Mapping[str, Any]) -> bool:
    """Whether the customer's money is what the segment waits for."""
    after, before = cell["to_activity"], cell["from_activity"]
    return after in _CUSTOMER_ACTS or (after in (*_BOOKED, STILL_OPEN) and before in _BILLED)


def _totals(traces: Traces, working: bool) -> dict[str, float]:
    """Time and value-days of the cases from their start and end alone, without looking at segments."""
    log, cases = traces.log, priced_cases(traces)
    calendar = log.settings.calendar
    if working and calendar is not None:
        end = ibis.ifelse(
            cases.closed_at.isnull(), ibis.literal(work_clock(calendar, log.as_of)), cases.last_work_clock
        )
        seconds = end - cases.first_work_clock
    else:
        until = cases.closed_at.coalesce(ibis.literal(log.as_of))
        seconds = until.delta(cases.opened_at, unit="microsecond") / 1_000_000
    is_valued = cases.amount_minor.notnull() & cases.currency.notnull()
    spans = cases.select(seconds=seconds, value=cases.reporting_minor, is_valued=is_valued)
    result = log.reader.rows(
        spans.aggregate(
            seconds=spans.seconds.sum(),
            value_days=(spans.value * spans.seconds).sum() / 86400,
            cases=spans.count(),
            without_value=(~spans.is_valued).sum(),
        )
    )
    return result[0]


def _by_value(row: LedgerRow) -> tuple[object, ...]:
    """Most of our own value-days first; what is left of a sum in the last digits of a float decides nothing."""
    names = tuple(getattr(row, name) for name in _CELL)
    return (-round(row.ours_value_days, 6), -round(row.value_days, 6), names, row.handoff)


def _row(cell: Mapping[str, Any], scale: int, rate: Decimal, currency: str) -> LedgerRow:
    facts = {name: float(cell[name] or 0.0) for name in _FACTS if name != "quantiles"}
    per_day = 86400 * scale
    value_days, agreed = facts["value_seconds"] / per_day, facts["agreed_value_seconds"] / per_day
    waits = _is_customers_turn(cell)
    median, p90 = (float(value) for value in cell["quantiles"])
    return LedgerRow(
        **{name: str(cell[name]) for name in _CELL},
        cause=UNEXPLAINED,
        count=int(facts["count"]),
        cases=int(facts["cases"]),
        median_seconds=median,
        p90_seconds=p90,
        sum_seconds=facts["sum_seconds"],
        value_days=value_days,
        ours_value_days=0.0 if waits else value_days,
        terms_value_days=agreed if waits else 0.0,
        late_value_days=value_days - agreed if waits else 0.0,
        ours_seconds=0.0 if waits else facts["sum_seconds"],
        cost=major(value_days * scale * float(rate) / 365, currency),
        handoff=bool(cell["handoff"]),
    )
