"""The meaning of a BPMN graph as a workflow net.

The net is pm4py's, transition for transition: each element a step between an entry and an exit place, each flow a place
between two silent steps, then silent steps in series are fused away. Silent steps count in the log fitness, so another
translation of the same file would give another figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from o2c_mining.bridge.net import Transition, WorkflowNet


@dataclass(frozen=True, slots=True)
class Node:
    """An element of the graph; ``kind`` is task, start, end, exclusive or parallel."""

    id: str
    kind: str
    name: str


@dataclass(slots=True)
class _Step:
    label: str | None
    consumes: list[str] = field(default_factory=list)
    produces: list[str] = field(default_factory=list)


def net_of(name: str, nodes: Iterable[Node], flows: Iterable[tuple[str, str]]) -> WorkflowNet:
    """Translate a graph of nodes and of flows between their ids."""
    graph, arrows = list(nodes), list(flows)
    steps: list[_Step] = []
    entry: dict[str, _Step | str] = {}
    leave: dict[str, _Step | str] = {}
    outgoing, incoming = Counter(source for source, _ in arrows), Counter(target for _, target in arrows)
    for node in graph:
        before, after = f"before {node.name} [{node.id}]", f"after {node.name} [{node.id}]"
        steps.append(_Step(node.name if node.kind == "task" else None, [before], [after]))
        entry[node.id], leave[node.id] = before, after
        if node.kind == "parallel":
            if outgoing[node.id] > 1:
                leave[node.id] = _added(steps, consumes=after)
            if incoming[node.id] > 1:
                entry[node.id] = _added(steps, produces=before)
        elif node.kind == "start":
            steps.append(_Step(None, [_START], [before]))
        elif node.kind == "end":
            steps.append(_Step(None, [after], [_END]))
    for number, (source, target) in enumerate(arrows):
        place = f"flow {number}"
        out, into = leave[source], entry[target]
        out = _added(steps, consumes=out) if isinstance(out, str) else out
        into = _added(steps, produces=into) if isinstance(into, str) else into
        out.produces.append(place)
        into.consumes.append(place)
    _fuse(steps)
    places = [_START, _END, *sorted({p for s in steps for p in (*s.consumes, *s.produces)} - {_START, _END})]
    number_of = {place: index for index, place in enumerate(places)}
    return WorkflowNet(
        name,
        tuple(places),
        tuple(
            Transition(
                f"{index} {step.label or 'silent'}",
                step.label,
                tuple(number_of[p] for p in step.consumes),
                tuple(number_of[p] for p in step.produces),
            )
            for index, step in enumerate(steps)
        ),
        start=0,
        end=1,
    )


_START, _END = "the start", "the end"


def _added(steps: list[_Step], *, consumes: str | None = None, produces: str | None = None) -> _Step:
    step = _Step(None, [consumes] if consumes else [], [produces] if produces else [])
    steps.append(step)
    return step


def _fuse(steps: list[_Step]) -> None:
    """Merge a silent step into its only predecessor or successor, until none is left to merge."""
    while _fuse_one(steps, forward=True) or _fuse_one(steps, forward=False):
        pass


def _fuse_one(steps: list[_Step], *, forward: bool) -> bool:
    producers: dict[str, list[_Step]] = {}
    consumers: dict[str, list[_Step]] = {}
    for step in steps:
        for place in step.produces:
            producers.setdefault(place, []).append(step)
        for place in step.consumes:
            consumers.setdefault(place, []).append(step)
    for step in steps:
        near = step.consumes if forward else step.produces
        if step.label is not None or len(near) != 1:
            continue
        place = near[0]
        before, after = producers.get(place, []), consumers.get(place, [])
        if len(before) != 1 or len(after) != 1 or before[0] is after[0]:
            continue
        if forward:
            before[0].produces.remove(place)
            before[0].produces.extend(step.produces)
        else:
            after[0].consumes.remove(place)
            after[0].consumes.extend(step.consumes)
        steps.remove(step)
        return True
    return False
