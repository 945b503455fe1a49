"""``o2c conformance``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.filters import CASES, filtered_by

if TYPE_CHECKING:
    from o2c_mining.conformance.conformance import Conformance
    from o2c_mining.trace.select import ObjectFilter


@filtered_by(CASES)
def conformance(
    model: Annotated[
        Path | None, typer.Option("--model", metavar="FILE", help="BPMN file (default: the lens' reference model).")
    ] = None,
    *,
    chosen: ObjectFilter,
) -> None:
    """Compare cases with the reference model and name what deviates."""
    from o2c_mining.conformance.conformance import conformance as compare
    from o2c_mining.conformance.reference import reference_model

    traces = common.traces(chosen)
    folder = common.workspace().path("reference")
    result = compare(traces, reference_model(traces.lens.object_type, folder, model))
    common.emit(result, _text(result))


def _text(result: Conformance) -> str:
    lines = [
        f"{result.cases} closed cases of lens {result.lens} against {result.model}: {result.fitting_cases} fit "
        f"({result.conforming_cases} of them break no rule between documents), "
        f"{result.deviating_cases} deviate, {result.undecidable_cases} cannot be told; "
        f"{result.open_cases} open ones, {result.open_deviating_cases} of them deviate so far",
        f"fitness {_ratio(result.fitness.average)} average, {_ratio(result.fitness.log)} log; "
        f"precision {_ratio(result.precision)}",
    ]
    if result.deviations:
        rows = [
            (
                deviation.kind,
                deviation.activity,
                deviation.cases,
                f"{deviation.share:.1%}",
                f"{deviation.value} {deviation.currency}",
                _extra(deviation.extra_seconds),
            )
            for deviation in result.deviations
        ]
        headers = ("deviation", "activity", "cases", "share", "value", "longer by")
        lines += ["", common.table(headers, rows, right=(2, 3, 4, 5))]
    return "\n".join(lines)


def _extra(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"-{common.span(-seconds)}" if seconds < 0 else common.span(seconds)


def _ratio(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4f}"
