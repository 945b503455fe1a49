"""Place a process tree on paper: a block per operator, left to right, branches below each other, loops running back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from o2c_mining.bridge.tree import ProcessTree

TASK = (110.0, 60.0)
GATEWAY = 40.0
EVENT = 30.0
_GAP = 30.0
_ROW = 24.0
_BYPASS = 34.0

Point = tuple[float, float]
NodeKind = Literal["task", "exclusive", "parallel", "start", "end"]


@dataclass(frozen=True, slots=True)
class Node:
    """An element with its centre and size."""

    id: str
    kind: NodeKind
    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Flow:
    """An arrow with its bends."""

    source: str
    target: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """All elements of a model with their places."""

    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]
    width: float
    height: float


def layout(tree: ProcessTree) -> Drawing:
    """Draw a tree between a start and an end event."""
    pen = _Pen()
    width, height = _size(tree)
    middle = 40 + height / 2
    start = pen.node("start", "", 60, middle)
    end = pen.node("end", "", 60 + EVENT + _GAP + width + EVENT, middle)
    ends = pen.block(tree, 60 + EVENT / 2 + _GAP, middle, 1)
    if ends is None:
        pen.flow(start, end)
    else:
        pen.flow(start, ends[0])
        pen.flow(ends[1], end)
    return Drawing(tuple(pen.nodes), tuple(pen.flows), end.x + 60, height + 80)


def _size(tree: ProcessTree) -> tuple[float, float]:
    """Width and height a block needs, margins included."""
    if tree.kind == "silent":
        return 0.0, _BYPASS
    if tree.kind == "activity":
        return TASK[0] + _GAP, TASK[1] + _ROW
    sizes = [_size(child) for child in _children(tree)]
    if tree.kind == "sequence":
        return sum(width for width, _ in sizes), max(height for _, height in sizes)
    return 2 * (GATEWAY + _GAP) + max(width for width, _ in sizes), sum(height for _, height in sizes)


def _children(tree: ProcessTree) -> tuple[ProcessTree, ...]:
    if tree.kind == "loop" and len(tree.children) > 2:
        return tree.children[0], ProcessTree("choice", None, tree.children[1:])
    return tree.children


class _Pen:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.flows: list[Flow] = []

    def node(self, kind: NodeKind, name: str, x: float, y: float) -> Node:
        width, height = {"task": TASK, "start": (EVENT, EVENT), "end": (EVENT, EVENT)}.get(kind, (GATEWAY, GATEWAY))
        made = Node(f"{kind}_{len(self.nodes) + 1}", kind, name, x, y, width, height)
        self.nodes.append(made)
        return made

    def block(self, tree: ProcessTree, x: float, y: float, way: int) -> tuple[Node, Node] | None:
        """Draw a block whose entry side is at ``x`` and whose middle is at ``y``; ``way`` -1 runs right to left.

        Returns its first and last element, None for a silent block.
        """
        if tree.kind == "silent":
            return None
        if tree.kind == "activity":
            task = self.node("task", tree.label or "", x + way * (TASK[0] + _GAP) / 2, y)
            return task, task
        if tree.kind == "sequence":
            return self._sequence(tree, x, y, way)
        return self._branches(tree, x, y, way)

    def _sequence(self, tree: ProcessTree, x: float, y: float, way: int) -> tuple[Node, Node] | None:
        ends: tuple[Node, Node] | None = None
        for child in tree.children:
            drawn = self.block(child, x, y, way)
            x += way * _size(child)[0]
            if drawn is not None and ends is not None:
                self.flow(ends[1], drawn[0])
            if drawn is not None:
                ends = (ends[0] if ends is not None else drawn[0], drawn[1])
        return ends

    def _branches(self, tree: ProcessTree, x: float, y: float, way: int) -> tuple[Node, Node]:
        width, height = _size(tree)
        kind: NodeKind = "parallel" if tree.kind == "parallel" else "exclusive"
        first = self.node(kind, "", x + way * (GATEWAY + _GAP) / 2, y)
        last = self.node(kind, "", x + way * (width - (GATEWAY + _GAP) / 2), y)
        top = y - height / 2
        for number, child in enumerate(_children(tree)):
            child_width, child_height = _size(child)
            row = top + child_height / 2
            top += child_height
            back = tree.kind == "loop" and number > 0
            origin, goal, direction = (last, first, -way) if back else (first, last, way)
            inset = GATEWAY + _GAP + (width - 2 * (GATEWAY + _GAP) - child_width) / 2
            drawn = self.block(child, x + way * (width - inset if back else inset), row, direction)
            if drawn is None:
                self.flow(origin, goal, (origin.x, row), (goal.x, row))
            else:
                self.flow(origin, drawn[0])
                self.flow(drawn[1], goal)
        return first, last

    def flow(self, source: Node, target: Node, *bends: Point) -> None:
        """Connect two elements: straight, or with one bend above or below the gateway among them."""
        side = 1 if target.x >= source.x else -1
        leave, reach = (source.x + side * source.width / 2, source.y), (target.x - side * target.width / 2, target.y)
        if bends and abs(bends[0][1] - source.y) > 1:
            below = 1 if bends[0][1] > source.y else -1
            leave = (source.x, source.y + below * source.height / 2)
            reach = (target.x, target.y + below * target.height / 2)
            points = (leave, *bends, reach)
        elif abs(source.y - target.y) < 1:
            points = (leave, reach)
        elif source.kind in ("exclusive", "parallel"):
            below = 1 if target.y > source.y else -1
            points = ((source.x, source.y + below * source.height / 2), (source.x, target.y), reach)
        else:
            below = 1 if source.y > target.y else -1
            points = (leave, (target.x, source.y), (target.x, target.y + below * target.height / 2))
        self.flows.append(Flow(source.id, target.id, points))
