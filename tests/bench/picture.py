"""Horizontal bars on a logarithmic scale of seconds, as SVG."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import groupby
from math import ceil, floor, log10

_COLOURS = {"ours": "#1f6feb", "duckdb": "#6e7781", "pm4py": "#d29922", "r4pm": "#8250df"}
_LEFT, _WIDTH, _ROW, _GAP, _TOP = 190, 520, 16, 12, 48


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its group, its label, the side that gives the colour, its length."""

    group: str
    label: str
    side: str
    seconds: float


def draw(title: str, bars: list[Bar]) -> str:
    """The picture; it reads on light and dark ground."""
    low = floor(log10(min(bar.seconds for bar in bars)))
    high = ceil(log10(max(bar.seconds for bar in bars)))
    unit = _WIDTH / max(high - low, 1)

    def x(value: float) -> float:
        return _LEFT + (log10(value) - low) * unit

    parts, y = [], float(_TOP)
    for group, members in groupby(bars, lambda bar: bar.group):
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 12}" text-anchor="end" font-weight="600">{escape(group)}</text>')
        for bar in members:
            wide = max(x(bar.seconds) - _LEFT, 2)
            parts.append(
                f'<rect x="{_LEFT}" y="{y}" width="{wide:.1f}" height="{_ROW - 3}" fill="{_COLOURS[bar.side]}"/>'
                f'<text x="{_LEFT + wide + 6:.1f}" y="{y + 11}">{escape(bar.label)} {_text(bar.seconds)}</text>'
            )
            y += _ROW
        y += _GAP
    grid = [
        f'<line x1="{x(10.0**power):.1f}" y1="{_TOP - 8}" x2="{x(10.0**power):.1f}" y2="{y:.0f}" stroke="#8c959f" '
        f'stroke-opacity="0.4"/><text x="{x(10.0**power):.1f}" y="{_TOP - 14}" text-anchor="middle">'
        f"{_text(10.0**power)}</text>"
        for power in range(low, high + 1)
    ]
    width = _LEFT + _WIDTH + 170
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y:.0f}" viewBox="0 0 {width} {y:.0f}" '
        f'font-family="sans-serif" font-size="11" fill="#768390" role="img"><title>{escape(title)}</title>'
        f'<text x="{_LEFT}" y="16" font-size="13" font-weight="600">{escape(title)}</text>{"".join(grid)}'
        f"{''.join(parts)}</svg>\n"
    )


def _text(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.3g} s"
