"""What the recipe did, document by document; the ground truth is written from nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from company import Customer
from plan import PlannedOrder


@dataclass
class Order:
    planned: PlannedOrder
    id: int = 0
    number: str = ""
    quoted_at: datetime | None = None
    confirmed_at: datetime | None = None
    cancelled_at: datetime | None = None


@dataclass(frozen=True)
class Shipment:
    number: str
    order: Order
    goods_issue_at: datetime


@dataclass
class Invoice:
    """A posted invoice or credit note; ``shipments`` are those whose goods it bills."""

    id: int
    number: str
    customer: Customer
    orders: list[Order]
    shipments: list[str]
    posted_at: datetime
    due: date
    total: Decimal
    reference: str
    paid_on: date | None = None
    booked_at: datetime | None = None
    open_amount: Decimal = Decimal(0)


@dataclass
class Payment:
    """One transfer of a customer, as the bank books it."""

    customer: Customer
    booking_date: date
    parts: list[tuple[Invoice, Decimal]]

    @property
    def amount(self) -> Decimal:
        return sum((amount for _, amount in self.parts), Decimal(0))


@dataclass(frozen=True)
class Dispute:
    complaint: str
    invoice: Invoice
    credit_note: Invoice


@dataclass
class Records:
    last_step: datetime = datetime.min
    orders: list[Order] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    credit_notes: dict[int, Invoice] = field(default_factory=dict)
    payments: list[Payment] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    dunned: set[str] = field(default_factory=set)
