"""``o2c durations``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import TimeOption, emit, span
from o2c_mining.cli.filters import CASES, filtered_by

if TYPE_CHECKING:
    from o2c_mining.trace.select import ObjectFilter


@filtered_by(CASES)
def durations(
    a: Annotated[str, typer.Argument(help="From this activity", metavar="FROM")],
    b: Annotated[str, typer.Argument(help="to this one", metavar="TO")],
    *,
    chosen: ObjectFilter,
    time: TimeOption = None,
) -> None:
    """How long from one activity to another, open cases counted (Kaplan-Meier)."""
    from o2c_mining.analysis.durations import durations as analysis

    traces = common.traces(chosen)
    working = common.working_time(time, traces.log)
    result, day = analysis(traces, a, b, working=working), common.working_day(traces.log, working)
    low, high = result.median_ci
    emit(
        result,
        f"{a} → {b} ({result.time} time): median incl. open cases {span(result.median_seconds, day)} "
        f"[{span(low, day)}, {span(high, day)}], p90 {span(result.p90_seconds, day)}\n"
        f"{result.completed:,} completed, {result.open:,} not ({result.ended_without:,} of them ended without it), "
        f"{result.already_done:,} left out because {b} came first; "
        f"the completed alone would say {span(result.naive_median_seconds, day)}",
    )
