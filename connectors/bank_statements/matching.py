"""Which invoices does a receipt settle? By what the payer wrote, else by payer and exact amount, else unknown.

A wrong link is worse than none: what is not unique, not the payer's, or not open is not linked. Receipts are taken in
the order of their booking, so what an earlier one settled is no longer open for a later one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations

from connectors.bank_statements.numbers import (
    candidates,
    compact,
    creditor_reference,
    creditor_references,
    split_number,
)

# How sure each method is, before anything speaks against it.
CONFIDENCE = {
    "creditor reference": 1.0,
    "exact number": 0.99,
    "end-to-end id": 0.97,
    "normalised number": 0.95,
    "number without prefix": 0.9,
    "order number": 0.9,
    "number without leading zeros": 0.85,
    "payer and amount": 0.7,
}
_OTHER_PAYER = 0.9
_NOT_THE_AMOUNT = 0.95
_WEAK = ("number without prefix", "number without leading zeros")
_MOST_TO_COMBINE = 10
_BOOKED_BEFORE_POSTING = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Customer:
    """Who may pay: bank accounts and name."""

    key: str
    name: str | None = None
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invoice:
    """A posted invoice; ``amount_minor`` is its total."""

    key: str
    number: str
    amount_minor: int
    currency: str
    customer: str | None = None
    posted_on: date | None = None
    orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that came in."""

    key: str
    amount_minor: int
    currency: str
    booked_on: date
    remittance: str | None = None
    creditor_reference: str | None = None
    end_to_end_id: str | None = None
    payer: str | None = None
    payer_account: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """What of an invoice a receipt settles."""

    receipt: str
    invoice: str
    amount_minor: int
    currency: str
    method: str
    confidence: float


@dataclass(frozen=True, slots=True)
class _Quoted:
    """An invoice that a receipt names, and how."""

    invoice: Invoice
    method: str


@dataclass(slots=True)
class _Index:
    """Invoices and customers by everything a payer may write."""

    numbers: dict[str, list[Invoice]] = field(default_factory=lambda: defaultdict(list))
    unpadded: dict[tuple[str, int], list[Invoice]] = field(default_factory=lambda: defaultdict(list))
    digits: dict[str, list[Invoice]] = field(default_factory=lambda: defaultdict(list))
    values: dict[int, list[Invoice]] = field(default_factory=lambda: defaultdict(list))
    orders: dict[str, list[Invoice]] = field(default_factory=lambda: defaultdict(list))
    of_customer: dict[str, list[Invoice]] = field(default_factory=lambda: defaultdict(list))
    accounts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, invoices: Iterable[Invoice], customers: Iterable[Customer]) -> _Index:
        index = cls()
        for invoice in invoices:
            prefix, digits = split_number(invoice.number)
            index.numbers[compact(invoice.number)].append(invoice)
            if digits:
                index.unpadded[prefix, int(digits)].append(invoice)
                index.digits[digits].append(invoice)
                index.values[int(digits)].append(invoice)
            for order in invoice.orders:
                index.orders[compact(order)].append(invoice)
            if invoice.customer is not None:
                index.of_customer[invoice.customer].append(invoice)
        for customer in customers:
            for account in customer.accounts:
                index.accounts[compact(account)].add(customer.key)
            if customer.name:
                index.names[compact(customer.name)].add(customer.key)
        return index

    def payers(self, receipt: Receipt) -> set[str]:
        """Customers the money can be from: by account, else by name."""
        by_account = self.accounts.get(compact(receipt.payer_account or ""), set())
        return by_account or self.names.get(compact(receipt.payer or ""), set())


def match(receipts: Sequence[Receipt], invoices: Sequence[Invoice], customers: Sequence[Customer]) -> list[Match]:
    """All links, each with its method and confidence; a receipt without any is unmatched.

    The result depends on what is known only, never on the order in which it is given.
    """
    known = sorted((invoice for invoice in invoices if invoice.amount_minor > 0), key=lambda invoice: invoice.key)
    index = _Index.of(known, customers)
    unpaid = {invoice.key: invoice.amount_minor for invoice in known}
    links: list[Match] = []
    for receipt in sorted(receipts, key=lambda receipt: (receipt.booked_on, receipt.key)):
        for link in _match_one(receipt, index, unpaid):
            unpaid[link.invoice] -= link.amount_minor
            links.append(link)
    return links


def _match_one(receipt: Receipt, index: _Index, unpaid: dict[str, int]) -> list[Match]:
    payers = index.payers(receipt)
    for quoted in _quotations(receipt, index, payers):
        usable = [
            item
            for item in quoted
            if _is_possible(receipt, item.invoice, unpaid) and _is_payers(receipt, item, payers, unpaid)
        ]
        links = _allocate(receipt, usable, payers, unpaid)
        if links:
            return links
    return _by_amount(receipt, index, payers, unpaid)


def _quotations(receipt: Receipt, index: _Index, payers: set[str]) -> Iterable[list[_Quoted]]:
    """What the payer wrote, the surest reading first."""
    structured = creditor_reference(receipt.creditor_reference)
    references = [*([structured] if structured else []), *creditor_references(receipt.remittance)]
    yield _unique(
        _Quoted(one, "creditor reference") for number in references for one in _one(index.numbers.get(number), payers)
    )
    whole = receipt.creditor_reference if structured is None else None
    yield _unique(_Quoted(one, "exact number") for one in _one(index.numbers.get(compact(whole or "")), payers))
    yield _unique(_Quoted(one, "end-to-end id") for one in _numbers(receipt.end_to_end_id, index, payers, strict=True))
    yield _unique(_read(receipt.remittance, index, payers))
    yield list(_ordered(receipt, index))


def _numbers(text: str | None, index: _Index, payers: set[str], *, strict: bool) -> Iterable[Invoice]:
    for quoted in _read(text, index, payers):
        if not strict or quoted.method in ("exact number", "normalised number"):
            yield quoted.invoice


def _read(text: str | None, index: _Index, payers: set[str]) -> Iterable[_Quoted]:
    """Every invoice a text names; a piece of text names at most one."""
    end = -1
    for piece in candidates(text):
        if piece.start < end:
            continue
        if piece.has_letters and piece.text in index.orders and piece.text not in index.numbers:
            end = piece.end  # an order's number; its digits are no invoice's
            continue
        if not piece.has_letters and piece.is_part:
            continue
        found: Iterable[tuple[str, list[Invoice] | None]]
        if piece.has_letters:
            prefix, digits = split_number(piece.text)
            unpadded = index.unpadded.get((prefix, int(digits))) if digits else None
            found = (("normalised number", index.numbers.get(piece.text)), ("number without leading zeros", unpadded))
        else:
            padded = index.digits.get(piece.text) if len(piece.text) >= 4 else None
            by_value = index.values.get(int(piece.text)) if piece.after_word and len(piece.text) < 12 else None
            found = (
                ("normalised number", index.numbers.get(piece.text) if len(piece.text) >= 4 else None),
                ("number without prefix", padded),
                ("number without leading zeros", by_value),
            )
        for method, invoices in found:
            one = _one(invoices, payers)
            if one:
                exact = method == "normalised number" and one[0].number in (text or "")
                yield _Quoted(one[0], "exact number" if exact else method)
                end = piece.end
                break


def _ordered(receipt: Receipt, index: _Index) -> Iterable[_Quoted]:
    for text in (receipt.remittance, receipt.end_to_end_id):
        for piece in candidates(text):
            for invoice in index.orders.get(piece.text, ()) if piece.has_letters else ():
                yield _Quoted(invoice, "order number")


def _one(invoices: list[Invoice] | None, payers: set[str]) -> list[Invoice]:
    """The invoice if it is the only one of its number, or the only one of the payer's."""
    if not invoices:
        return []
    if len(invoices) == 1:
        return invoices
    own = [invoice for invoice in invoices if invoice.customer in payers]
    return own if len(own) == 1 else []


def _unique(quoted: Iterable[_Quoted]) -> list[_Quoted]:
    return list({item.invoice.key: item for item in quoted}.values())


def _is_possible(
    receipt: Receipt, invoice: Invoice, unpaid: dict[str, int], *, before: timedelta = _BOOKED_BEFORE_POSTING
) -> bool:
    """The invoice is in the same currency, was there by then, and something of it is open."""
    if invoice.currency != receipt.currency or unpaid[invoice.key] <= 0:
        return False
    return invoice.posted_on is None or invoice.posted_on <= receipt.booked_on + before


def _is_payers(receipt: Receipt, item: _Quoted, payers: set[str], unpaid: dict[str, int]) -> bool:
    """The invoice is the payer's; another's only with its whole number and exact amount."""
    if item.invoice.customer in payers:
        return True
    fits = unpaid[item.invoice.key] == receipt.amount_minor
    if item.method in _WEAK or item.method == "order number":
        return False
    return not payers or fits


def _allocate(receipt: Receipt, quoted: list[_Quoted], payers: set[str], unpaid: dict[str, int]) -> list[Match]:
    """Divide the receipt among the quoted invoices; nothing when it cannot be said how."""
    if not quoted:
        return []
    chosen = _adding_up(receipt.amount_minor, quoted, unpaid)
    if chosen is not None:
        return [_link(receipt, item, unpaid[item.invoice.key], payers, exact=True) for item in chosen]
    if any(item.method == "order number" for item in quoted) and len(quoted) > 1:
        return []
    if len(quoted) > 1 and any(item.method in _WEAK for item in quoted):
        return []
    links, rest = [], receipt.amount_minor
    for item in quoted:
        share = min(rest, unpaid[item.invoice.key])
        if share > 0:
            links.append(_link(receipt, item, share, payers, exact=False))
            rest -= share
    return links


def _adding_up(amount: int, quoted: list[_Quoted], unpaid: dict[str, int]) -> list[_Quoted] | None:
    """The quoted invoices whose open amounts are the receipt: all of them, else the only such group."""
    if sum(unpaid[item.invoice.key] for item in quoted) == amount:
        return quoted
    groups = [
        list(group)
        for size in range(1, len(quoted))
        for group in combinations(quoted[:_MOST_TO_COMBINE], size)
        if sum(unpaid[item.invoice.key] for item in group) == amount
    ]
    return groups[0] if len(groups) == 1 else None


def _by_amount(receipt: Receipt, index: _Index, payers: set[str], unpaid: dict[str, int]) -> list[Match]:
    """The payer's only open invoice of exactly this amount."""
    fitting = [
        invoice
        for payer in sorted(payers)
        for invoice in index.of_customer.get(payer, ())
        if unpaid[invoice.key] == receipt.amount_minor and _is_possible(receipt, invoice, unpaid, before=timedelta())
    ]
    if len(fitting) != 1:
        return []
    return [_link(receipt, _Quoted(fitting[0], "payer and amount"), receipt.amount_minor, payers, exact=True)]


def _link(receipt: Receipt, item: _Quoted, amount: int, payers: set[str], *, exact: bool) -> Match:
    confidence = CONFIDENCE[item.method]
    if payers and item.invoice.customer not in payers:
        confidence *= _OTHER_PAYER
    if not exact:
        confidence *= _NOT_THE_AMOUNT
    return Match(receipt.key, item.invoice.key, amount, item.invoice.currency, item.method, round(confidence, 4))
