"""``o2c summary``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from o2c_mining.cli import common
from o2c_mining.cli.common import emit
from o2c_mining.cli.filters import CASES, filtered_by

if TYPE_CHECKING:
    from o2c_mining.trace.select import ObjectFilter


@filtered_by(CASES)
def summary(
    *,
    chosen: ObjectFilter,
) -> None:
    """What is in the log, or in the chosen cases: events, objects, cases, sources, findings."""
    from o2c_mining.analysis.summary import summary as analysis

    result = analysis(common.log(), chosen)
    lines = [
        f"{result.events:,} events of {result.activities} activities{_between(result.first_event, result.last_event)}",
        f"{sum(result.objects.values()):,} objects: "
        + ", ".join(f"{count:,} {name}" for name, count in result.objects.items()),
        f"{result.cases:,} cases of lens {result.lens} ({result.open_cases:,} open), {result.variants:,} variants, "
        f"{result.shared_events:,} events shared by several cases"
        + (f"; {result.objects_without_event:,} have no event" if result.objects_without_event else ""),
        "sources: " + ", ".join(f"{name} {count:,}" for name, count in result.sources.items()),
        f"quarantined rows: {result.quarantined:,}; findings: {result.findings['error']:,} errors, "
        f"{result.findings['warning']:,} warnings (`o2c check` lists them)",
        f"version {result.version}",
    ]
    emit(result, "\n".join(lines))


def _between(first: datetime | None, last: datetime | None) -> str:
    return f", {first:%Y-%m-%d} to {last:%Y-%m-%d}" if first is not None and last is not None else ""
