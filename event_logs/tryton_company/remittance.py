"""What customers write on their transfers: the invoice number in many spellings, something else, or nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from records import Invoice, Payment

_SILENT_SHARE = 0.012


@dataclass(frozen=True)
class Remittance:
    """Free text or an ISO 11649 creditor reference, and how the invoice is quoted in it."""

    text: str = ""
    structured: str = ""
    style: str = "none"


def remittances(payments: list[Payment], rng: random.Random) -> Iterator[Remittance]:
    """One for each payment, in the same order."""
    paid = [invoice for payment in payments for invoice, _ in payment.parts]
    per_order = Counter(order.number for invoice in paid for order in invoice.orders)
    amounts = Counter((payment.customer.iban, payment.amount) for payment in payments)
    alone = [n for n, payment in enumerate(payments) if amounts[payment.customer.iban, payment.amount] == 1]
    silent = set(rng.sample(alone, int(len(payments) * _SILENT_SHARE)))
    for number, payment in enumerate(payments):
        if number in silent:
            yield Remittance(rng.choice(("Ueberweisung", "Danke", "Zahlung laut Aufstellung")), style="unquoted")
        elif len(payment.parts) > 1:
            yield _several([invoice for invoice, _ in payment.parts], rng)
        else:
            yield _single(payment.parts[0][0], per_order, rng)


def _single(invoice: Invoice, per_order: Counter[str], rng: random.Random) -> Remittance:
    digits = invoice.number.removeprefix("INV-")
    short = str(int(digits))
    posted = f"{invoice.posted_at:%d.%m.%Y}"
    spellings = [
        ("exact", invoice.number),
        ("exact", f"Zahlung {invoice.number}"),
        ("exact", f"{invoice.number}/{invoice.customer.name}"),
        ("exact", f"SVWZ+Invoice {invoice.number} dated {posted}"),
        ("lower case", f"{invoice.number.lower()} danke"),
        ("no separator", f"Rg.-Nr. INV{digits} vom {posted}"),
        ("no prefix", f"Rechnung {digits}"),
        ("no leading zeros", f"Rechnung {short}"),
        ("no leading zeros", f"Invoice INV-{short}"),
        ("spaced", f"inv {digits} Werkzeuglieferung"),
        ("creditor reference", ""),
        ("creditor reference", ""),
    ]
    if len(invoice.orders) == 1 and per_order[invoice.orders[0].number] == 1:
        spellings.append(("order number", f"Ihre Auftragsbestaetigung {invoice.orders[0].number}"))
    style, text = rng.choice(spellings)
    if style == "creditor reference":
        return Remittance(structured=invoice.reference.replace(" ", ""), style=style)
    return Remittance(text, style=style)


def _several(invoices: Iterable[Invoice], rng: random.Random) -> Remittance:
    numbers = [invoice.number for invoice in invoices]
    digits = [number.removeprefix("INV-") for number in numbers]
    texts = (", ".join(numbers), "Rechnungen " + " + ".join(digits), " ".join(numbers).lower())
    return Remittance(rng.choice(texts), style="several")
