"""Draw a directly-follows graph as a picture that needs no other program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT, _LAYER, _COLUMN = 168.0, 46.0, 104.0, 200.0
_LOOP = 26.0
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1f2933}.n{fill:#f2f5f9;stroke:#52606d}.s{font-size:11px;fill:#52606d}"
    ".e{fill:none;stroke:#8291a3}.b{font-size:10px;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:3px}"
)


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its ``position`` (0 first, 1 last) decides how far down it comes."""

    name: str
    note: str
    position: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge with the weight that decides its width."""

    source: str
    target: str
    weight: int
    note: str


def draw(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """An SVG document: nodes in layers from top to bottom, thicker arrows for heavier edges.

    A node lies below every node that it mostly follows; arrows back upwards bend around the right side. The same graph
    always gives the same picture.
    """
    layers = _layers(boxes, arrows)
    places = _places(layers, arrows)
    columns = max((len(layer) for layer in layers), default=1)
    width, height = columns * _COLUMN + 160, len(layers) * _LAYER + 40
    heaviest = max((arrow.weight for arrow in arrows), default=1)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}"><style>{_STYLE}</style>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#8291a3"/></marker></defs>',
    ]
    for arrow in sorted(arrows, key=lambda arrow: (arrow.weight, arrow.source, arrow.target)):
        path, (x, y) = _path(places[arrow.source], places[arrow.target], arrow.source == arrow.target)
        thickness = 1 + 4 * arrow.weight / heaviest
        lines.append(f'<path class="e" d="{path}" stroke-width="{thickness:.1f}" marker-end="url(#tip)"/>')
        lines.append(f'<text class="b" x="{x:.0f}" y="{y:.0f}">{escape(arrow.note)}</text>')
    for box in boxes:
        x, y = places[box.name]
        left, top = x - _WIDTH / 2, y - _HEIGHT / 2
        lines.append(f'<rect class="n" x="{left:.0f}" y="{top:.0f}" width="{_WIDTH:g}" height="{_HEIGHT:g}" rx="6"/>')
        lines.append(f'<text x="{x:.0f}" y="{y - 3:.0f}" text-anchor="middle">{escape(box.name)}</text>')
        lines.append(f'<text class="s" x="{x:.0f}" y="{y + 14:.0f}" text-anchor="middle">{escape(box.note)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _layers(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> list[list[str]]:
    """Nodes by layer: one below the deepest node it mostly follows, along arrows that go forward."""
    order = {box.name: (box.position, box.name) for box in boxes}
    both = {(arrow.source, arrow.target): arrow.weight for arrow in arrows}
    total: dict[str, int] = {}
    for arrow in arrows:
        if arrow.source != arrow.target:
            total[arrow.target] = total.get(arrow.target, 0) + arrow.weight
    depth: dict[str, int] = {}
    beside = 0
    for name in sorted(order, key=order.__getitem__):
        before = [
            depth[source] + 1
            for (source, target), weight in both.items()
            if target == name
            and source in depth
            and weight >= 0.1 * total[name]
            and weight >= both.get((target, source), 0)
        ]
        depth[name] = max(before, default=beside)
        beside = depth[name]
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in sorted(depth, key=order.__getitem__):
        layers[depth[name]].append(name)
    return [layer for layer in layers if layer]


def _places(layers: list[list[str]], arrows: Sequence[Arrow]) -> dict[str, tuple[float, float]]:
    """Centres of the nodes; within a layer near the neighbours they are most connected with."""
    near: dict[str, dict[str, int]] = {}
    for arrow in arrows:
        near.setdefault(arrow.source, {})[arrow.target] = arrow.weight
        near.setdefault(arrow.target, {})[arrow.source] = arrow.weight
    columns = max((len(layer) for layer in layers), default=1)
    x: dict[str, float] = {}
    for _ in range(4):
        for layer in layers:
            layer.sort(key=lambda name: (_mean(near.get(name, {}), x, x.get(name, 0.0)), name))
            first = (columns - len(layer)) / 2
            x.update({name: 20 + _COLUMN * (first + place + 0.5) for place, name in enumerate(layer)})
    return {name: (x[name], 40 + row * _LAYER) for row, layer in enumerate(layers) for name in layer}


def _mean(neighbours: Mapping[str, int], x: Mapping[str, float], default: float) -> float:
    placed = [(x[name], weight) for name, weight in neighbours.items() if name in x]
    total = sum(weight for _, weight in placed)
    return sum(place * weight for place, weight in placed) / total if total else default


def _path(start: tuple[float, float], end: tuple[float, float], to_itself: bool) -> tuple[str, tuple[float, float]]:
    """The curve of an arrow and where its note stands."""
    (x, y), (u, v) = start, end
    if to_itself:
        side = x + _WIDTH / 2
        curve = f"M{side:.0f} {y - 10:.0f}c{_LOOP:g} -14 {_LOOP:g} 34 0 20"
        return curve, (side + _LOOP, y + 4)
    if v > y:
        top, bottom = y + _HEIGHT / 2, v - _HEIGHT / 2
        bend = max((bottom - top) / 2, 20)
        across = 0.0 if v - y <= _LAYER * 1.5 or abs(u - x) > 1 else _WIDTH * 0.62
        bends = f"{x + across:.0f} {top + bend:.0f} {u + across:.0f} {bottom - bend:.0f}"
        curve = f"M{x:.0f} {top:.0f}C{bends} {u:.0f} {bottom:.0f}"
        return curve, ((x + u) / 2 + across * 0.75, (top + bottom) / 2)
    side = max(x, u) + _WIDTH / 2 + 30 + (y - v) / 12
    curve = f"M{x + _WIDTH / 2:.0f} {y:.0f}C{side:.0f} {y:.0f} {side:.0f} {v:.0f} {u + _WIDTH / 2:.0f} {v:.0f}"
    return curve, ((x + u) / 4 + _WIDTH / 4 + side / 2, (y + v) / 2)
