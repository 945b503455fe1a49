"""``o2c handoffs``: the ledger as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from o2c_mining.cli import common
from o2c_mining.cli.common import TimeOption, emit, span, table
from o2c_mining.cli.filters import CASES, filtered_by

if TYPE_CHECKING:
    from o2c_mining.trace.select import ObjectFilter


@filtered_by(CASES)
def handoffs(
    *,
    chosen: ObjectFilter,
    time: TimeOption = None,
) -> None:
    """The ledger: where all the time between order and cash goes, and what it costs."""
    from o2c_mining.analysis.handoffs import handoffs as analysis

    traces = common.traces(chosen)
    working = common.working_time(time, traces.log)
    result, day = analysis(traces, working=working), common.working_day(traces.log, working)
    rows: list[tuple[object, ...]] = [
        (
            f"{row.from_team} → {row.to_team}",
            f"{row.from_activity} → {row.to_activity}",
            f"{row.count:,}",
            span(row.median_seconds, day),
            span(row.p90_seconds, day),
            f"{row.ours_value_days:,.0f}",
            f"{row.terms_value_days:,.0f}",
            f"{row.late_value_days:,.0f}",
            row.cost,
        )
        for row in result.rows[:25]
    ]
    unit = f"{result.currency}-days"
    headers = ("teams", "activities", "count", "median", "p90", f"ours ({unit})", "agreed terms", "late", "cost")
    rest = result.rows[25:]
    if rest:
        sums = [sum(getattr(r, n) for r in rest) for n in ("ours_value_days", "terms_value_days", "late_value_days")]
        rows.append(
            (
                "other",
                f"{len(rest)} more cells",
                f"{sum(r.count for r in rest):,}",
                "",
                "",
                *(f"{s:,.0f}" for s in sums),
                "",
            )
        )
    head = (
        f"{result.cases:,} cases, {result.time} time: {result.total_seconds / (day or 86400):,.1f} "
        f"{'days' if day is None else 'working days'}, "
        f"{result.total_value_days:,.0f} {unit} at {float(result.annual_rate):.1%} a year "
        f"(ours {result.ours_value_days:,.0f}, agreed terms {result.terms_value_days:,.0f}, "
        f"late {result.late_value_days:,.0f})"
    )
    emit(result, head + "\n\n" + table(headers, rows, right=(2, 3, 4, 5, 6, 7, 8)))
