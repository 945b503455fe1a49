"""Workflow nets: the common form of a reference model and of a discovered one.

A net has one start place and one end place; a transition without a label is silent. Markings are sorted tuples of place
numbers, one entry a token, so that they hash and compare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from o2c_mining.errors import AnalysisError

MAX_MARKINGS = 200_000
MAX_TOKENS = 100

Marking = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of the net; ``consumes`` and ``produces`` are place numbers."""

    id: str
    label: str | None
    consumes: tuple[int, ...]
    produces: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WorkflowNet:
    """A Petri net that starts with one token in ``start`` and ends with one token in ``end`` and none elsewhere.

    ``places`` names each place for messages; a place number is an index into it.
    """

    name: str
    places: tuple[str, ...]
    transitions: tuple[Transition, ...]
    start: int
    end: int
    _by_place: dict[int, tuple[Transition, ...]] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        index: dict[int, list[Transition]] = {}
        for transition in self.transitions:
            index.setdefault(transition.consumes[0], []).append(transition)
        object.__setattr__(self, "_by_place", {place: tuple(found) for place, found in index.items()})

    @property
    def activities(self) -> frozenset[str]:
        """The labels of the net."""
        return frozenset(t.label for t in self.transitions if t.label is not None)

    def steps(self, marking: Marking) -> Iterator[tuple[Transition, Marking]]:
        """Every transition enabled in ``marking`` with the marking it leads to."""
        for place in dict.fromkeys(marking):
            for transition in self._by_place.get(place, ()):
                after = list(marking)
                try:
                    for token in transition.consumes:
                        after.remove(token)
                except ValueError:
                    continue
                after.extend(transition.produces)
                yield transition, tuple(sorted(after))


def reachable(net: WorkflowNet, limit: int = MAX_MARKINGS) -> dict[Marking, list[Marking]]:
    """Every marking that can be reached, with the markings that lead to it directly.

    The walk stops early at a marking that shows the net to be unsound: work left behind at the end, or without bound.

    Raises
    ------
    AnalysisError
        If more than ``limit`` markings are reachable.
    """
    initial: Marking = (net.start,)
    before: dict[Marking, list[Marking]] = {initial: []}
    todo = [initial]
    while todo:
        marking = todo.pop()
        if _improper(net, marking):
            break
        for _, after in net.steps(marking):
            if after not in before:
                if len(before) >= limit:
                    raise AnalysisError(
                        f"model '{net.name}' has more than {limit} states; expected a smaller one; "
                        "reduce the number of parallel branches"
                    )
                before[after] = []
                todo.append(after)
            before[after].append(marking)
    return before


def ending_anywhere(net: WorkflowNet) -> WorkflowNet:
    """The net whose runs are the beginnings of the net's runs: from every reachable marking one silent step ends it."""
    net = compact(net)
    over = len(net.places)
    stops = tuple(Transition(f"stop {n}", None, marking, (over,)) for n, marking in enumerate(sorted(reachable(net))))
    return WorkflowNet(f"{net.name}, so far", (*net.places, "stopped"), (*net.transitions, *stops), net.start, over)


def compact(net: WorkflowNet) -> WorkflowNet:
    """The same behaviour with fewer silent steps: two places with nothing but a silent step between them become one."""
    steps = list(net.transitions)
    while True:
        consumers = Counter(place for step in steps for place in step.consumes)
        producers = Counter(place for step in steps for place in step.produces)
        bridge = next(
            (
                step
                for step in steps
                if step.label is None
                and len(step.consumes) == len(step.produces) == 1
                and step.consumes != step.produces
                and consumers[step.consumes[0]] == 1
                and producers[step.produces[0]] == 1
                and step.produces[0] not in (net.start, net.end)
            ),
            None,
        )
        if bridge is None:
            return _renumbered(net, steps)
        kept, gone = bridge.consumes[0], bridge.produces[0]
        steps = [
            Transition(
                step.id,
                step.label,
                tuple(kept if place == gone else place for place in step.consumes),
                tuple(kept if place == gone else place for place in step.produces),
            )
            for step in steps
            if step is not bridge
        ]


def _renumbered(net: WorkflowNet, steps: list[Transition]) -> WorkflowNet:
    """The net with these steps and only the places they use."""
    used = sorted({net.start, net.end}.union(*(step.consumes + step.produces for step in steps)))
    number = {place: index for index, place in enumerate(used)}
    moved = (
        Transition(s.id, s.label, tuple(number[p] for p in s.consumes), tuple(number[p] for p in s.produces))
        for s in steps
    )
    places = tuple(net.places[place] for place in used)
    return WorkflowNet(net.name, places, tuple(moved), number[net.start], number[net.end])


def soundness_problem(net: WorkflowNet, limit: int = MAX_MARKINGS) -> str | None:
    """Say why the net is not sound, or None when it is.

    Sound: from every reachable marking the end can be reached, the end is reached with no token left behind, and no
    transition is dead. Decided by walking every reachable marking.
    """
    before = reachable(net, limit)
    for marking in before:
        problem = _improper(net, marking)
        if problem:
            return problem
    final: Marking = (net.end,)
    if final not in before:
        return "the end can never be reached"
    alive, todo = {final}, [final]
    while todo:
        for marking in before[todo.pop()]:
            if marking not in alive:
                alive.add(marking)
                todo.append(marking)
    stuck = next((marking for marking in before if marking not in alive), None)
    if stuck is not None:
        return f"the process can get stuck at {', '.join(sorted({net.places[place] for place in stuck}))}"
    fired = {step.id for marking in before for step, _ in net.steps(marking)}
    dead = sorted({t.label or t.id for t in net.transitions if t.id not in fired})
    return f"these steps can never happen: {', '.join(dead)}" if dead else None


def _improper(net: WorkflowNet, marking: Marking) -> str | None:
    if net.end in marking and marking != (net.end,):
        left = sorted({net.places[place] for place in marking if place != net.end})
        return f"the end is reached while work remains at {', '.join(left) or 'the end itself'}"
    if len(marking) > MAX_TOKENS:
        return "a loop creates work without bound"
    return None
