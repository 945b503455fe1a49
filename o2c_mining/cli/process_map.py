"""``o2c map``: the process map as text, JSON, a picture or a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import emit, span, table
from o2c_mining.cli.filters import CASES, filtered_by
from o2c_mining.errors import ConfigError

if TYPE_CHECKING:
    from o2c_mining.trace.select import ObjectFilter


@filtered_by(CASES)
def map_(
    *,
    chosen: ObjectFilter,
    time: Annotated[str, typer.Option("--time", metavar="working|calendar")] = "calendar",
    format_: Annotated[str, typer.Option("--format", metavar="json|svg|bpmn|pnml", help="How to print it.")] = "text",
) -> None:
    """The process map: which activity follows which, how often and how fast."""
    from o2c_mining.analysis.process_map import process_map

    if format_ not in ("text", "json", "svg", "bpmn", "pnml"):
        raise ConfigError(f"--format {format_!r} is unknown; expected text, json, svg, bpmn or pnml; correct it")
    traces = common.traces(chosen)
    if format_ in ("bpmn", "pnml"):
        from o2c_mining.analysis.variants import variants as analysis
        from o2c_mining.discovery.model import discover

        sequences = {found.activities: found.cases for found in analysis(traces).variants}
        emit({"format": format_, "model": (text := discover(sequences, "bpmn" if format_ == "bpmn" else "pnml"))}, text)
        return
    working = common.working_time(time, traces.log)
    result, day = process_map(traces, working=working), common.working_day(traces.log, working)
    if format_ == "svg":
        from o2c_mining.discovery.svg import Arrow, Box, draw

        boxes = [Box(node.activity, f"cases: {node.cases:,}", node.position) for node in result.nodes]
        text = draw(boxes, [Arrow(edge.from_, edge.to, edge.count, f"{edge.count:,}") for edge in result.edges])
        emit({"format": format_, "model": text}, text)
        return
    if format_ == "json":
        common.current.json = True
    rows = [
        (
            edge.from_,
            edge.to,
            f"{edge.count:,}",
            f"{edge.cases:,}",
            span(edge.median_seconds, day),
            span(edge.p90_seconds, day),
        )
        for edge in result.edges[:40]
    ]
    text = table(("from", "to", "count", "cases", "median", "p90"), rows, right=(2, 3, 4, 5))
    more = f"\n... and {len(result.edges) - 40} rarer edges" if len(result.edges) > 40 else ""
    emit(result, f"{result.cases:,} cases of lens {result.lens}, {len(result.nodes)} activities\n\n{text}{more}")
