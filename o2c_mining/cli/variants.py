"""``o2c variants``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import emit, span, table
from o2c_mining.cli.filters import CASES, filtered_by

if TYPE_CHECKING:
    from o2c_mining.trace.select import ObjectFilter


@filtered_by(CASES)
def variants(
    *,
    chosen: ObjectFilter,
    limit: Annotated[int | None, typer.Option("--limit", help="How many to list (default: all, 20 as text).")] = None,
) -> None:
    """Distinct sequences of activities, most frequent first."""
    from o2c_mining.analysis.variants import variants as analysis

    traces = common.traces(chosen)
    result = analysis(traces, limit if limit is not None or common.current.json else 20)
    rows = [
        (f"#{v.rank}", f"{v.cases:,}", f"{100 * v.share:.1f} %", span(v.median_seconds), " > ".join(v.activities))
        for v in result.variants
    ]
    text = table(("rank", "cases", "share", "median", "activities"), rows, right=(1, 2, 3))
    emit(result, f"{result.total:,} variants of {result.cases:,} cases\n\n{text}")
