"""Where does the time between order and cash go, handoff by handoff? A ledger that adds up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from o2c_mining.errors import AnalysisError
from o2c_mining.log.money import exponent, major, reporting_minor
from o2c_mining.trace.select import Traces

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
    segments = _segments(traces, working)
    cells = segments.group_by(*_CELL, "handoff").aggregate(
        count=segments.count(),
        cases=segments.case_id.nunique(),
        quantiles=segments.seconds.quantile([0.5, 0.9]),
        sum_seconds=segments.seconds.sum(),
        value_days=segments.value_days.sum(),
        terms_value_days=(segments.value_days * segments.terms_share).sum(),
        late_value_days=(segments.value_days * segments.late_share).sum(),
        ours_seconds=(segments.seconds * (1 - segments.terms_share - segments.late_share)).sum(),
    )
    scale = 10 ** exponent(company.currency)
    rows = [_row(row, scale, company.annual_rate, company.currency) for row in log.reader.rows(cells)]
    rows.sort(key=lambda row: (-row.ours_value_days, -row.value_days, row.from_activity, row.to_activity))
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


def _segments(traces: Traces, working: bool) -> ir.Table:
    """One row per segment with its cell, seconds, value-days and the shares of it the customer took."""
    valued = traces.cases.select("case_id", value=reporting_minor(traces.log, traces.cases))
    pairs = traces.pairs.filter(~traces.pairs.is_end).join(valued, "case_id")
    end = pairs.next_time.coalesce(ibis.literal(traces.log.as_of))
    seconds = pairs.working_seconds if working else pairs.elapsed_seconds
    customers_turn = (
        pairs.next_activity.isin(_CUSTOMER_ACTS)
        | (pairs.next_activity.isin(_BOOKED) & pairs.enabled_activity.isin(_BILLED))
        | (pairs.is_open & pairs.activity.isin(_BILLED))
    ).fill_null(False)
    whole = end.delta(pairs.time, unit="microsecond").cast("float64")
    to_due = pairs.due_at.delta(pairs.time, unit="microsecond").cast("float64").fill_null(0.0)
    within = ibis.greatest(ibis.least(to_due, whole), ibis.literal(0.0))
    agreed = ibis.ifelse(whole > 0, within / whole, 0.0)
    return pairs.select(
        "case_id",
        "handoff",
        from_team=pairs.enabled_team.coalesce(pairs.team),
        to_team=pairs.next_team.coalesce(STILL_OPEN),
        from_system=pairs.enabled_system.coalesce(pairs.system),
        to_system=pairs.next_system.coalesce(STILL_OPEN),
        from_activity=pairs.enabled_activity.coalesce(pairs.activity),
        to_activity=pairs.next_activity.coalesce(STILL_OPEN),
        seconds=seconds,
        value_days=pairs.value * seconds / 86400,
        terms_share=ibis.ifelse(customers_turn, agreed, 0.0),
        late_share=ibis.ifelse(customers_turn, 1.0 - agreed, 0.0),
    )


def _totals(traces: Traces, working: bool) -> dict[str, float]:
    """Time and value-days of the cases from their start and end alone, without looking at segments."""
    cases = traces.cases.mutate(value=reporting_minor(traces.log, traces.cases))
    end = cases.closed_at.coalesce(ibis.literal(traces.log.as_of))
    if not working:
        spans = cases.select(
            "value", "amount_minor", seconds=end.delta(cases.opened_at, unit="microsecond") / 1_000_000
        )
    else:
        clocks = traces.pairs.group_by("case_id").aggregate(
            first=traces.pairs.work_clock.min(),
            last=(traces.pairs.work_clock + ibis.ifelse(traces.pairs.is_open, traces.pairs.working_seconds, 0.0)).max(),
        )
        joined = cases.join(clocks, "case_id")
        spans = joined.select("value", "amount_minor", seconds=joined["last"] - joined["first"])
    result = traces.log.reader.rows(
        spans.aggregate(
            seconds=spans.seconds.sum(),
            value_days=(spans.value * spans.seconds).sum() / 86400,
            cases=spans.count(),
            without_value=spans.amount_minor.isnull().sum(),
        )
    )
    return result[0]


def _row(row: dict[str, object], scale: int, rate: Decimal, currency: str) -> LedgerRow:
    def number(name: str) -> float:
        return float(str(row[name] or 0.0))

    median, p90 = (float(value) for value in row["quantiles"])  # type: ignore[attr-defined]
    value_days, terms, late = (number(n) / scale for n in ("value_days", "terms_value_days", "late_value_days"))
    return LedgerRow(
        **{name: str(row[name]) for name in _CELL},
        cause=UNEXPLAINED,
        count=int(str(row["count"])),
        cases=int(str(row["cases"])),
        median_seconds=median,
        p90_seconds=p90,
        sum_seconds=number("sum_seconds"),
        value_days=value_days,
        ours_value_days=value_days - terms - late,
        terms_value_days=terms,
        late_value_days=late,
        ours_seconds=number("ours_seconds"),
        cost=major(value_days * scale * float(rate) / 365, currency),
        handoff=bool(row["handoff"]),
    )
