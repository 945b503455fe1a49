"""The scenarios as flat arrays, and how often each is followed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tests.bench.scenarios import INVOICE, KINDS, NAMES, PAYMENT, Scenario, catalogue

Ints = npt.NDArray[np.int64]

VARIANTS = 1_400
_OPEN_WEIGHT = 0.07
# Variants by rank, of those over and those open: about 14.3 events an order.
_ZIPF = 1.2


class Ways:
    """The scenarios as flat arrays, to be gathered for many orders at once."""

    def __init__(self) -> None:
        scenarios = catalogue(VARIANTS)
        steps = [step for scenario in scenarios for step in scenario.steps]
        self.length = np.array([len(scenario.steps) for scenario in scenarios])
        self.first = np.cumsum(self.length) - self.length
        self.activity = np.array([NAMES.index(step.activity) for step in steps])
        self.kind = np.array([step.document[0] for step in steps])
        self.document = np.array([step.document[1] for step in steps])
        self.beside = np.array([-1 if step.beside is None else step.beside[1] for step in steps])
        self.count = np.array([[scenario.count(kind) for kind in range(len(KINDS))] for scenario in scenarios])
        links = [link for scenario in scenarios for link in scenario.relations]
        self.links = np.array([len(scenario.relations) for scenario in scenarios])
        self.first_link = np.cumsum(self.links) - self.links
        self.link = np.array([(*a, *b) for a, b in links])
        self.is_open = np.array([not scenario.closed for scenario in scenarios])
        self.weight = np.empty(len(scenarios))
        for chosen, share in ((~self.is_open, 1 - _OPEN_WEIGHT), (self.is_open, _OPEN_WEIGHT)):
            weight = 1.0 / np.arange(1, chosen.sum() + 1) ** _ZIPF
            self.weight[chosen] = weight / weight.sum() * share
        # Which part of how many: an invoice of its order, a payment of its invoice.
        self.bills = np.array([bill for scenario in scenarios for bill in _bills(scenario)])
        self.first_bill = np.cumsum(self.count[:, INVOICE]) - self.count[:, INVOICE]
        self.part = np.array([part for scenario in scenarios for part in _parts(scenario)])


def _bills(scenario: Scenario) -> list[tuple[int, int]]:
    """Per invoice: which one it is of those that count; a cancelled one has the place of the one written for it."""
    wrong = {step.document[1] for step in scenario.steps if step.activity == "Cancel Invoice"}
    total = max(scenario.count(INVOICE) - len(wrong), 1)
    places, place = [], 0
    for number in range(scenario.count(INVOICE)):
        places.append((min(place, total - 1), total))
        place += number not in wrong
    return places


def _parts(scenario: Scenario) -> list[tuple[int, int]]:
    """Per relation: which of the payments of its invoice the target is, and of how many."""
    parts = []
    for source, target in scenario.relations:
        paid = [b for a, b in scenario.relations if a == source and b[0] == PAYMENT]
        parts.append((paid.index(target), len(paid)) if target[0] == PAYMENT else (0, 1))
    return parts


def share_of(amount: Ints, part: Ints) -> Ints:
    """The part of an amount; all parts add up to it."""
    return amount * (part[:, 0] + 1) // part[:, 1] - amount * part[:, 0] // part[:, 1]
