"""Tables to figures: nothing is computed here but positions and colours."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dashboards.slas import SlaLine
from dashboards.wording import Clock, duration
from o2c_mining.analysis.process_map import Edge
from o2c_mining.analysis.step_times import StepTimes

CONFIG: dict[str, Any] = {"displayModeBar": False, "responsive": True}
_GRID = "rgba(128,140,160,.22)"
_TOP_FLOWS = 5
_FLOW_ROW = 34  # pixels


def time_histogram(
    times: StepTimes, *, clock: Clock, dark: bool, sla: SlaLine | None, working: bool, height: int
) -> go.Figure:
    """Distribution of a path's times with median, 90th percentile and SLA; the last bin is an overflow bin."""
    unit, divisor = _axis_unit(times, clock)
    width = times.bins[0].high or 1.0 if times.bins else 1.0
    red = "#f87171" if dark else "#dc2626"
    sla_seconds = sla.seconds(working) if sla else None
    usual = "#60a5fa" if dark else "#93b4f5"
    middles = [(one.low + width / 2) / divisor for one in times.bins]
    words = [
        f"{duration(one.low, clock)} and more"
        if one.high is None
        else f"{duration(one.low, clock)} to {duration(one.high, clock)}"
        for one in times.bins
    ]
    figure = go.Figure(
        go.Bar(
            x=middles,
            y=[one.count for one in times.bins],
            width=width / divisor * 0.92,
            marker={"color": usual, "pattern": {"shape": ["/" if one.high is None else "" for one in times.bins]}},
            customdata=words,
            hovertemplate="%{customdata}: %{y:,} times<extra></extra>",
        )
    )
    most = max((one.count for one in times.bins), default=1)
    right = (times.bins[-1].low + width) / divisor if times.bins else 1.0
    marks: list[tuple[float, str, str]] = []
    if times.median_seconds is not None:
        marks.append((times.median_seconds, "median", "#93c5fd" if dark else "#1d4ed8"))
    if times.p90_seconds is not None:
        marks.append((times.p90_seconds, "p90", "#cbd5e1" if dark else "#475569"))
    if sla is not None and sla_seconds is not None:
        marks.append((sla_seconds, sla.text, red))
    for level, (seconds, name, colour) in enumerate(sorted(marks)):
        beyond = seconds / divisor > right
        place = right if beyond else seconds / divisor
        if not beyond:
            dash = "dash" if name.startswith("SLA") else "dot"
            figure.add_vline(x=place, line={"color": colour, "width": 1.6, "dash": dash})
        text = name if name.startswith("SLA") else f"{name} {duration(seconds, clock)}"
        figure.add_annotation(
            x=place,
            y=1.0 + 0.085 * (level % 3) + 0.02,
            yref="paper",
            text=f"{text}: further right" if beyond else text,
            font={"color": colour, "size": 12},
            showarrow=False,
            xanchor="right" if place > 0.72 * right else "left",
            yanchor="bottom",
        )
    if times.bins and times.bins[-1].high is None:
        figure.add_annotation(
            x=middles[-1],
            y=max(one.count for one in times.bins[-5:]) + most * 0.02,
            text=f"≥ {duration(times.bins[-1].low, clock)}",
            font={"size": 11},
            showarrow=False,
            yanchor="bottom",
            xanchor="right",
            xshift=10,
        )
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 4, "t": 46, "b": 0},
        bargap=0,
        showlegend=False,
        xaxis={
            "title": {"text": f"time between the two steps, {unit}", "font": {"size": 12}},
            "range": [0, right * 1.01],
        },
        yaxis={"title": {"text": "times", "font": {"size": 12}}, "gridcolor": _GRID, "rangemode": "tozero"},
    )
    return figure


def _axis_unit(times: StepTimes, clock: Clock) -> tuple[str, float]:
    """The unit the axis is labelled in: the one its right end reads best in."""
    until = times.bins[-1].low if times.bins else 0.0
    if until >= 2 * clock.day_seconds:
        return ("working days" if clock.day == "wd" else "days"), clock.day_seconds
    return ("hours", 3600.0) if until >= 7200 else ("minutes", 60.0)


def flows(edges: tuple[Edge, ...], activity: str, *, dark: bool, height: int) -> go.Figure:
    """Where cases come from and go to: the strongest five of each, the ways in above the ways out."""
    into = [edge for edge in edges if edge.to == activity][:_TOP_FLOWS]
    out = [edge for edge in edges if edge.from_ == activity][:_TOP_FLOWS]
    figure = go.Figure()
    groups = (
        ("from", [(edge.from_, edge.count) for edge in into], "#2dd4bf" if dark else "#0d9488"),
        ("to", [(edge.to, edge.count) for edge in out], "#60a5fa" if dark else "#2563eb"),
    )
    for name, rows, colour in groups:
        figure.add_bar(
            y=[f"{name} <b>{other}</b>  " for other, _ in rows],
            x=[number for _, number in rows],
            orientation="h",
            name=name,
            marker_color=colour,
            text=[f"{number:,}" for _, number in rows],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:,} times<extra></extra>",
        )
    figure.update_layout(
        height=min(height, _FLOW_ROW * (len(into) + len(out)) + 60),
        margin={"l": 0, "r": 34, "t": 6, "b": 0},
        showlegend=False,
        yaxis={"autorange": "reversed", "tickfont": {"size": 13}},
        xaxis={"gridcolor": _GRID, "title": {"text": "times", "font": {"size": 12}}},
        bargap=0.35,
    )
    return figure
