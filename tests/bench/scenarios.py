"""The distinct ways an order goes, drawn once: what happens to which document, and which document follows which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

ORDER, DELIVERY, INVOICE, PAYMENT = range(4)
KINDS = ("order", "delivery", "invoice", "payment")
QUALIFIERS = {DELIVERY: "shipped by", INVOICE: "billed by", PAYMENT: "settled by"}

# Team, system, median seconds before it happens and spread (sigma of a log-normal time).
ACTIVITIES: dict[str, tuple[str, str, float, float]] = {
    "Create Order": ("Sales", "crm", 0.0, 0.0),
    "Submit Quotation": ("Sales", "crm", 14_000.0, 1.0),
    "Change Order": ("Sales", "crm", 40_000.0, 1.1),
    "Confirm Order": ("Sales", "erp", 60_000.0, 1.2),
    "Cancel Order": ("Sales", "erp", 200_000.0, 1.0),
    "Create Delivery": ("Warehouse", "wms", 90_000.0, 1.1),
    "Assign Goods": ("Warehouse", "wms", 9_000.0, 0.9),
    "Pick Goods": ("Warehouse", "wms", 20_000.0, 0.9),
    "Pack Goods": ("Warehouse", "wms", 5_000.0, 0.8),
    "Post Goods Issue": ("Warehouse", "wms", 15_000.0, 0.9),
    "Cancel Delivery": ("Warehouse", "wms", 50_000.0, 1.0),
    "Create Invoice": ("Billing", "erp", 130_000.0, 1.2),
    "Validate Invoice": ("Billing", "erp", 12_000.0, 1.0),
    "Post Invoice": ("Billing", "erp", 8_000.0, 1.0),
    "Cancel Invoice": ("Billing", "erp", 90_000.0, 1.0),
    "Receive Payment": ("Customer", "bank", 1_900_000.0, 0.6),
    "Apply Payment": ("Receivables", "erp", 30_000.0, 0.9),
    "Clear Invoice": ("Receivables", "erp", 2_000.0, 0.8),
}
NAMES = tuple(ACTIVITIES)

Document = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One event: its activity, its own document and, for a payment's event, the invoice it pays."""

    activity: str
    document: Document
    beside: Document | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One variant: its steps and the relations among the documents the steps name."""

    steps: tuple[Step, ...]
    relations: tuple[tuple[Document, Document], ...]

    @property
    def activities(self) -> tuple[str, ...]:
        """What makes two scenarios the same variant."""
        return tuple(step.activity for step in self.steps)

    def count(self, kind: int) -> int:
        """How many documents of a kind there are."""
        return len({step.document for step in self.steps if step.document[0] == kind})

    @property
    def closed(self) -> bool:
        """Whether the order is over: cancelled, or everything shipped, billed and paid."""
        done: dict[Document, set[str]] = {}
        for step in self.steps:
            done.setdefault(step.document, set()).add(step.activity)
        ended = {DELIVERY: {"Post Goods Issue", "Cancel Delivery"}, INVOICE: {"Clear Invoice", "Cancel Invoice"}}
        if "Cancel Order" in done[ORDER, 0]:
            return True
        return self.count(INVOICE) > 0 and all(
            activities & ended[document[0]] for document, activities in done.items() if document[0] in ended
        )


@cache
def catalogue(count: int, open_share: float = 0.18) -> tuple[Scenario, ...]:
    """``count`` scenarios with distinct activity sequences, the likely ones first; ``open_share`` of them not over."""
    random = Random(20_240_101)
    wanted = {True: count - round(count * open_share), False: round(count * open_share)}
    found: dict[bool, dict[tuple[str, ...], Scenario]] = {True: {}, False: {}}
    seen: dict[tuple[str, ...], int] = {}
    while any(len(found[over]) < number for over, number in wanted.items()):
        whole = _whole(random)
        cut = random.randint(1, len(whole.steps) - 1)
        for scenario in (whole, _first(whole, cut)):
            over = scenario.closed
            if scenario.activities in found[not over]:
                continue
            if scenario.activities not in found[over] and len(found[over]) == wanted[over]:
                continue
            found[over].setdefault(scenario.activities, scenario)
            seen[scenario.activities] = seen.get(scenario.activities, 0) + 1
    every = [*found[True].values(), *found[False].values()]
    return tuple(sorted(every, key=lambda scenario: (-seen[scenario.activities], scenario.activities)))


def _whole(random: Random) -> Scenario:
    chance = random.random
    order: Document = (ORDER, 0)
    head = [Step("Create Order", order)]
    if chance() < 0.3:
        head.append(Step("Submit Quotation", order))
    while chance() < 0.08:
        head.append(Step("Change Order", order))
    if chance() < 0.03:
        return Scenario((*head, Step("Cancel Order", order)), ())
    head.append(Step("Confirm Order", order))
    while chance() < 0.06:
        head.append(Step("Change Order", order))
    numbers = [0, 0, 0, 0]
    relations: list[tuple[Document, Document]] = []

    def new(kind: int, *after: Document) -> Document:
        document = (kind, numbers[kind])
        numbers[kind] += 1
        relations.extend((earlier, document) for earlier in after)
        return document

    shipped: list[tuple[Document, list[Step]]] = []
    for _ in range(random.choices((1, 2, 3), (86, 11, 3))[0]):
        steps: list[Step] = []
        if chance() < 0.02:
            wrong = new(DELIVERY, order)
            steps += [Step(name, wrong) for name in ("Create Delivery", "Assign Goods", "Cancel Delivery")]
        delivery = new(DELIVERY, order)
        names = ["Create Delivery", "Assign Goods", "Pick Goods", "Pack Goods", "Post Goods Issue"]
        if chance() < 0.05:
            names.remove("Pick Goods")
        if chance() < 0.08:
            names.remove("Pack Goods")
        shipped.append((delivery, steps + [Step(name, delivery) for name in names]))

    def billed(*after: Document) -> list[Step]:
        steps: list[Step] = []
        names = ["Create Invoice", "Validate Invoice", "Post Invoice"]
        if chance() < 0.1:
            names.remove("Validate Invoice")
        if chance() < 0.03:
            wrong = new(INVOICE, *after)
            steps += [Step(name, wrong) for name in (*names, "Cancel Invoice")]
        invoice = new(INVOICE, *after)
        steps += [Step(name, invoice) for name in names]
        for _ in range(2 if chance() < 0.06 else 1):
            payment = new(PAYMENT, invoice)
            steps += [Step(name, payment, invoice) for name in ("Receive Payment", "Apply Payment")]
        return [*steps, Step("Clear Invoice", invoice)]

    way = chance()
    if way < 0.04:  # billed before it is shipped
        chains = [[step for _, steps in shipped for step in steps], billed(order)]
    elif way < 0.5:  # one invoice for all deliveries
        goods = _merged(random, [steps for _, steps in shipped])
        chains = [goods + billed(*(delivery for delivery, _ in shipped))]
    else:
        chains = [steps + billed(delivery) for delivery, steps in shipped]
    return Scenario((*head, *_merged(random, chains)), tuple(relations))


def _merged(random: Random, chains: Sequence[list[Step]]) -> list[Step]:
    """The chains shuffled into each other, each in its own order; mostly in blocks."""
    rest = [list(reversed(chain)) for chain in chains]
    merged: list[Step] = []
    current = rest[0]
    while any(rest):
        if not current or random.random() < 0.25:
            current = random.choice([chain for chain in rest if chain])
        merged.append(current.pop())
    return merged


def _first(whole: Scenario, number: int) -> Scenario:
    """What there is of a scenario after its first steps; documents are counted in the order they appear."""
    steps = whole.steps[:number]
    named: dict[Document, Document] = {}
    for step in steps:
        kind = step.document[0]
        named.setdefault(step.document, (kind, sum(known[0] == kind for known in named)))
    return Scenario(
        tuple(
            Step(step.activity, named[step.document], None if step.beside is None else named[step.beside])
            for step in steps
        ),
        tuple((named[a], named[b]) for a, b in whole.relations if a in named and b in named),
    )
