"""Does one case follow the model: yes, no, or not to be told from its stamps?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from o2c_mining.bridge.alignment import Alignment, Variant
from o2c_mining.bridge.engine import align
from o2c_mining.bridge.net import WorkflowNet

Find = tuple[str, str]
"""Kind of deviation and activity."""

SKIPPED = "skipped activity"
UNEXPECTED = "unexpected activity"
OUT_OF_ORDER = "activity out of order"
UNKNOWN = "activity not in the model"


class Verdict(StrEnum):
    """The three answers; a case that cannot be told is never counted as a deviation."""

    VIOLATED = "violated"
    SATISFIED = "satisfied"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a case and, when it is violated, what deviates."""

    verdict: Verdict
    finds: frozenset[Find]


def deviations(alignment: Alignment, known: frozenset[str]) -> frozenset[Find]:
    """What deviates in an alignment, by kind and activity.

    An activity that the model misses at one place and the log has at another happened out of order.
    """
    missing = Counter(done for seen, done in alignment.moves if seen is None and done is not None)
    surplus = Counter(seen for seen, done in alignment.moves if done is None and seen is not None)
    found: set[Find] = set()
    for activity in sorted(missing | surplus):
        if activity not in known:
            found.add((UNKNOWN, activity))
            continue
        if missing[activity] and surplus[activity]:
            found.add((OUT_OF_ORDER, activity))
        if missing[activity] > surplus[activity]:
            found.add((SKIPPED, activity))
        if surplus[activity] > missing[activity]:
            found.add((UNEXPECTED, activity))
    return frozenset(found)


class Alignments:
    """Alignments with one net, each distinct sequence once; with ``so_far`` a case need not have ended."""

    def __init__(self, net: WorkflowNet, *, so_far: bool = False) -> None:
        self._net = net
        self._so_far = so_far
        self._known: dict[Variant, Alignment | None] = {}

    def add(self, variants: Iterable[Variant]) -> None:
        """Align what is not aligned yet."""
        new = list(dict.fromkeys(variant for variant in variants if variant not in self._known))
        if not new:
            return
        results = align(self._net, new, so_far=self._so_far)
        self._known.update(zip(new, results, strict=True))

    def of(self, variant: Variant) -> Alignment | None:
        """The alignment of a variant; None when it needs more states than are allowed."""
        if variant not in self._known:
            self.add([variant])
        return self._known[variant]

    def judge(self, orders: Sequence[Variant], complete: bool) -> Judgement:
        """The verdict on a case that happened in one of ``orders``; ``complete`` when no other order is possible.

        The deviations of a violated case are those of its most favourable order.
        """
        self.add(orders)
        aligned = [self._known[order] for order in orders]
        sure = [alignment for alignment in aligned if alignment is not None]
        fitting = sum(alignment.deviations == 0 for alignment in sure)
        decided = complete and len(sure) == len(aligned)
        if decided and fitting == len(sure):
            return Judgement(Verdict.SATISFIED, frozenset())
        if not decided or fitting:
            return Judgement(Verdict.CANNOT_TELL, frozenset())
        best = min(sure, key=lambda alignment: alignment.cost)
        return Judgement(Verdict.VIOLATED, deviations(best, self._net.activities))


def fitness(alignments: Sequence[tuple[Alignment, int]]) -> tuple[float | None, float | None]:
    """Average and log fitness of alignments with their number of cases.

    Average: mean over the cases of each one's fitness. Log: one minus all costs over all worst costs, as pm4py has it.
    """
    cases = sum(count for _, count in alignments)
    if not cases:
        return None, None
    average = sum(alignment.fitness * count for alignment, count in alignments) / cases
    worst = sum(alignment.worst_cost * count for alignment, count in alignments)
    cost = sum(alignment.cost * count for alignment, count in alignments)
    return average, 1.0 - cost / worst if worst else 1.0
