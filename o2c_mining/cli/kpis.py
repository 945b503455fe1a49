"""``o2c kpis``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import emit, table
from o2c_mining.cli.filters import PERIOD, filtered_by
from o2c_mining.errors import ConfigError

if TYPE_CHECKING:
    from o2c_mining.trace.select import ObjectFilter


@filtered_by(PERIOD)
def kpis(
    ids: Annotated[list[str] | None, typer.Argument(help="KPI ids (default: all)")] = None,
    *,
    chosen: ObjectFilter,
) -> None:
    """Key figures with numerator, denominator, interval and what they leave out."""
    from o2c_mining.analysis.kpis import kpis as analysis

    if chosen.lens not in (None, "order"):
        raise ConfigError(
            f"key figures follow orders, not {chosen.lens}; expected --lens order or none; leave --lens out"
        )
    result = analysis(common.log(), replace(chosen, lens=None), ids or ())
    rows = []
    for kpi in result.kpis:
        value = "-" if kpi.value is None else f"{kpi.value:,.1f} {kpi.unit}"
        bounds = "" if kpi.low is None else f"{kpi.low:,.1f} to {'?' if kpi.high is None else f'{kpi.high:,.1f}'}"
        of = f"{kpi.numerator}" + (f" / {kpi.denominator}" if kpi.denominator is not None else "")
        without_ = ", ".join(f"{e.count} {e.reason}" for e in kpi.excluded)
        rows.append((kpi.title, value, bounds, of, without_))
    head = f"{result.from_:%Y-%m-%d} to {result.to:%Y-%m-%d}, as of {result.as_of:%Y-%m-%d %H:%M} UTC\n\n"
    emit(result, head + table(("KPI", "value", "95 % interval", "from", "left out"), rows, right=(1,)))
