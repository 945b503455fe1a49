"""What will be ordered, by whom, and which fault is planted in which order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from company import Company, Customer
from workdays import FIRST_DAY, LAST_DAY, at, workday

END = at(LAST_DAY, time(15))
"""Nothing happens after this moment: a Thursday, so that a week's unbilled deliveries are still open."""


class Kind(StrEnum):
    """The fault or variant planted in an order; each order has exactly one."""

    STANDARD = "standard"
    SLOW_CREDIT = "slow credit release"
    OWN_APPROVAL = "ordered and approved by one clerk"
    SERVICE = "service over the interface"
    PREPAID = "prepaid"
    INVOICE_FIRST = "invoice before shipment"
    LOST = "lost quotation"
    CANCELLED = "cancelled order"
    DISPUTED = "disputed invoice"
    SHORT_PAID = "short payment"
    PARTIAL = "delivered in two"
    PARTIAL_THREE = "delivered in three"
    COLLECTIVE = "collective invoice"
    OPEN_ORDER = "not delivered at the end"
    OPEN_LATE = "delivered, invoice overdue at the end"
    OPEN_UNBILLED = "delivered on the last day"
    OPEN_UNPAID = "invoiced, not due at the end"


_SHARES: dict[Kind, tuple[float, int]] = {
    Kind.SLOW_CREDIT: (0.088, 2), Kind.OWN_APPROVAL: (0.0145, 1), Kind.SERVICE: (0.0625, 2), Kind.PREPAID: (0.0115, 1),
    Kind.INVOICE_FIRST: (0.025, 1), Kind.LOST: (0.019, 1), Kind.CANCELLED: (0.019, 1), Kind.DISPUTED: (0.019, 1),
    Kind.SHORT_PAID: (0.019, 1), Kind.PARTIAL: (0.113, 2), Kind.PARTIAL_THREE: (0.0065, 1), Kind.OPEN_ORDER: (0.016, 1),
    Kind.OPEN_LATE: (0.0125, 1), Kind.OPEN_UNBILLED: (0.0095, 1), Kind.OPEN_UNPAID: (0.016, 1),
}  # fmt: skip
"""Share of the orders and the least number of each kind."""
_COLLECTIVE_GROUPS = 0.038
_SETTLED = {Kind.SHORT_PAID: date(2026, 7, 15), Kind.DISPUTED: date(2026, 8, 15), Kind.PREPAID: date(2026, 9, 15)}
_LAST_ENTRY = date(2026, 9, 25)


@dataclass(frozen=True)
class Line:
    product: int
    quantity: int
    price: Decimal


@dataclass(frozen=True)
class PlannedOrder:
    index: int
    kind: Kind
    customer: Customer
    entered_at: datetime
    entered_by: str
    confirmed_by: str
    lines: tuple[Line, ...]


def plan(orders: int, company: Company, rng: random.Random) -> list[PlannedOrder]:
    """``orders`` orders, sorted by the moment they are entered."""
    kinds = list(_kinds(orders))
    days = (LAST_DAY - FIRST_DAY).days
    rng.shuffle(kinds)
    drafts = []
    for index, (kind, group) in enumerate(kinds):
        span = (_SETTLED.get(kind, _LAST_ENTRY) - FIRST_DAY).days if kind is not Kind.STANDARD else days - 2
        customer = _customer(kind, group, company, rng)
        share = (index + rng.random()) / len(kinds)
        day = workday(FIRST_DAY + timedelta(days=int(share * span)))
        if kind is Kind.COLLECTIVE:
            share = (group + 0.5) / (orders * _COLLECTIVE_GROUPS + 1)
            day = _early_in_week(FIRST_DAY + timedelta(days=int(share * span)), rng)
        elif customer.weekly and rng.random() < 0.9:
            day = _early_in_week(day, rng)
        drafts.append((_entered(kind, day, rng), rng.random(), kind, customer))
    drafts.sort(key=lambda draft: draft[:2])
    return [
        _order(index, kind, customer, entered, company, rng)
        for index, (entered, _, kind, customer) in enumerate(drafts)
    ]


def _kinds(orders: int) -> Iterator[tuple[Kind, int]]:
    planned = 0
    for kind, (share, least) in _SHARES.items():
        for _ in range(max(least, round(share * orders))):
            yield kind, -1
            planned += 1
    for group in range(max(1, round(_COLLECTIVE_GROUPS * orders))):
        for _ in range(2 + (group % 3 == 2)):
            yield Kind.COLLECTIVE, group
            planned += 1
    for _ in range(orders - planned):
        yield Kind.STANDARD, -1


def _customer(kind: Kind, group: int, company: Company, rng: random.Random) -> Customer:
    everyone = company.customers
    if kind is Kind.COLLECTIVE:
        return [customer for customer in everyone if customer.grouped][group % 4]
    if kind in (Kind.SLOW_CREDIT, Kind.OWN_APPROVAL):
        return rng.choice([customer for customer in everyone if customer.over_limit])
    usual = [customer for customer in everyone if not customer.over_limit and not customer.grouped]
    weekly = [customer for customer in usual if customer.weekly]
    prompt = [customer for customer in usual if not customer.weekly]
    if kind is Kind.OPEN_LATE:
        return rng.choice(weekly)
    if kind in (Kind.SERVICE, Kind.PREPAID, Kind.INVOICE_FIRST, Kind.DISPUTED, Kind.SHORT_PAID):
        return rng.choice([customer for customer in prompt if not customer.late])
    if kind is Kind.OPEN_UNPAID:
        return rng.choice([customer for customer in prompt if customer.days >= 30])
    if kind in (Kind.OPEN_UNBILLED, Kind.OPEN_ORDER):
        return rng.choice(prompt)
    return rng.choice(weekly if rng.random() < 0.52 else prompt)


def _early_in_week(day: date, rng: random.Random) -> date:
    return workday(day - timedelta(days=day.weekday()) + timedelta(days=rng.choice((0, 0, 1))))


def _entered(kind: Kind, day: date, rng: random.Random) -> datetime:
    minutes = rng.randrange(10, 240)
    if kind is Kind.OPEN_LATE:
        day, minutes = LAST_DAY - timedelta(days=3), rng.randrange(5, 60)
    elif kind is Kind.OPEN_UNBILLED:
        day, minutes = LAST_DAY, rng.randrange(5, 30)
    elif kind is Kind.OPEN_ORDER:
        day, minutes = LAST_DAY, rng.randrange(180, 330)
    elif kind is Kind.OPEN_UNPAID:
        day = workday(LAST_DAY - timedelta(days=rng.randrange(10, 18)))
    elif day >= LAST_DAY - timedelta(days=3):
        day = workday(day - timedelta(days=4), -1)
    return at(day, time(8)) + timedelta(minutes=minutes, seconds=rng.randrange(60))


def _order(
    index: int, kind: Kind, customer: Customer, entered: datetime, company: Company, rng: random.Random
) -> PlannedOrder:
    entered_by = rng.choice(("sales1", "sales2", "sales2", "sales3"))
    if kind is Kind.SLOW_CREDIT:
        entered_by = rng.choice(("sales1", "sales2"))
    elif kind is Kind.OWN_APPROVAL:
        entered_by = "sales3"
    elif kind is Kind.SERVICE or (kind is Kind.STANDARD and rng.random() < 0.12):
        entered_by = "edi"
    confirmed_by = {"sales1": "sales2", "sales2": "sales1", "sales3": "sales1", "edi": "edi"}[entered_by]
    if kind is Kind.SLOW_CREDIT:
        confirmed_by = "credit1"
    elif kind is Kind.OWN_APPROVAL:
        confirmed_by = "sales3"
    products = company.services if kind is Kind.SERVICE else company.goods
    target = {Kind.SLOW_CREDIT: 26_000.0, Kind.SERVICE: 1_800.0, Kind.PREPAID: 2_500.0}.get(kind, 4_500.0)
    if customer.weekly:
        target *= 3
    if kind not in (Kind.SERVICE, Kind.PREPAID) and rng.random() < 0.03:
        target *= 6
    least = 2_500.0 if customer.over_limit else 400.0
    target = min(max(target * rng.lognormvariate(0, 0.55), least), 180_000.0)
    chosen = rng.sample(products, rng.randint(1, min(3, len(products))))
    return PlannedOrder(index, kind, customer, entered, entered_by, confirmed_by, _lines(chosen, target, rng))


def _lines(products: list[int], target: float, rng: random.Random) -> tuple[Line, ...]:
    lines = []
    for product in products:
        quantity = rng.randint(3, 40)
        cents = round(target / len(products) / quantity * 100 * rng.uniform(0.85, 1.15))
        lines.append(Line(product, quantity, Decimal(cents) / 100))
    return tuple(lines)
