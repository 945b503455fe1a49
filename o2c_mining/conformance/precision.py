"""How much does the model allow that never happens?"""

from __future__ import annotations

from collections.abc import Mapping

from o2c_mining.bridge.alignment import Variant
from o2c_mining.bridge.net import Marking, WorkflowNet, compact


def precision(net: WorkflowNet, variants: Mapping[Variant, int]) -> float | None:
    """Share of what the model allows after each observed beginning that was in fact observed there.

    For every beginning of every case that the model can replay, the activities possible next are compared with those
    that followed in the log, weighted by the number of cases (escaping edges). 1: nothing is allowed that did not
    happen; towards 0: the model says little. Beginnings that do not fit are left out, so a model that allows nothing
    may score high: read it beside fitness.

    Parameters
    ----------
    net
        A sound net.
    variants
        Number of cases per variant.

    Returns
    -------
    float | None
        None when there is no case.

    Source
    ------
    Muñoz-Gama and Carmona, A fresh look at precision in process conformance (2010), in the form of pm4py's
    ``precision_alignments`` (a test compares both), which looks only at the states reached with the fewest silent
    steps; here every state counts, so that the figure does not depend on how the file was translated.
    """
    followed: dict[Variant, set[str]] = {}
    weight: dict[Variant, int] = {}
    for variant, cases in variants.items():
        for length, activity in enumerate(variant):
            beginning = variant[:length]
            followed.setdefault(beginning, set()).add(activity)
            weight[beginning] = weight.get(beginning, 0) + cases
    replay = _Replay(compact(net))
    allowed = escaping = 0
    for beginning, cases in weight.items():
        possible = replay.possible(beginning)
        allowed += cases * len(possible)
        escaping += cases * len(possible - followed[beginning])
    return 1.0 - escaping / allowed if allowed else None


class _Replay:
    """All markings in which the net can be after a beginning; remembers beginnings and markings already seen."""

    def __init__(self, net: WorkflowNet) -> None:
        self._net = net
        self._closures: dict[Marking, dict[str, frozenset[Marking]]] = {}
        self._after: dict[Variant, frozenset[Marking]] = {(): frozenset({(net.start,)})}

    def possible(self, beginning: Variant) -> set[str]:
        return {label for marking in self._markings(beginning) for label in self._visible(marking)}

    def _markings(self, beginning: Variant) -> frozenset[Marking]:
        known = self._after.get(beginning)
        if known is None:
            before = self._markings(beginning[:-1])
            known = frozenset(
                after for marking in before for after in self._visible(marking).get(beginning[-1], frozenset())
            )
            self._after[beginning] = known
        return known

    def _visible(self, marking: Marking) -> dict[str, frozenset[Marking]]:
        """Activities possible after any silent moves, with the markings they lead to."""
        known = self._closures.get(marking)
        if known is not None:
            return known
        found: dict[str, set[Marking]] = {}
        seen, todo = {marking}, [marking]
        while todo:
            for step, after in self._net.steps(todo.pop()):
                if step.label is not None:
                    found.setdefault(step.label, set()).add(after)
                elif after not in seen:
                    seen.add(after)
                    todo.append(after)
        self._closures[marking] = {label: frozenset(markings) for label, markings in found.items()}
        return self._closures[marking]
