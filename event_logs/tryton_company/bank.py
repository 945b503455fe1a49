"""The company's bank: what it books and the camt.053.001.02 statements it sends."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as Xml

from company import Company
from records import Payment
from remittance import Remittance, remittances
from workdays import FIRST_DAY, workday

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
_OPENING = Decimal("250000.00")
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Booking:
    """One entry of the account; debits have a negative amount."""

    day: date
    amount: Decimal
    party: str
    iban: str
    remittance: Remittance
    end_to_end: str
    payment: Payment | None = None


@dataclass(frozen=True)
class BookedEntry:
    """A booking as it stands on a statement."""

    statement: str
    reference: str
    booking: Booking


def bookings(payments: Iterable[Payment], company: Company, rng: random.Random) -> list[Booking]:
    """All entries of the account, customers' transfers among the rest."""
    received = list(payments)
    entries = list(_others(company, rng))
    for payment, remittance in zip(received, remittances(received, rng), strict=True):
        own_id = f"P{rng.randrange(10**7):07d}" if rng.random() < 0.4 else "NOTPROVIDED"
        name, iban = payment.customer.name, payment.customer.iban
        entries.append(Booking(payment.booking_date, payment.amount, name, iban, remittance, own_id, payment))
    return sorted(entries, key=lambda entry: (entry.day, entry.end_to_end, entry.amount))


def write_statements(entries: Iterable[Booking], company: Company, folder: Path) -> list[BookedEntry]:
    """One file per bank day with bookings; each opens with the balance the last one closed with."""
    folder.mkdir(parents=True, exist_ok=True)
    balance, previous, booked = _OPENING, FIRST_DAY - timedelta(days=3), []
    for sequence, (day, group) in enumerate(groupby(entries, key=lambda entry: entry.day), 1):
        name = f"STMT-{day:%Y%m%d}-{sequence:04d}"
        today = [BookedEntry(name, f"{day:%Y%m%d}{number:05d}", entry) for number, entry in enumerate(group, 1)]
        root = _document(name, sequence, day, previous, balance, today, company)
        Xml.indent(root)
        Xml.ElementTree(root).write(folder / f"{name}.xml", encoding="utf-8", xml_declaration=True)
        balance += sum((entry.booking.amount for entry in today), Decimal(0))
        previous = day
        booked.extend(today)
    return booked


def _others(company: Company, rng: random.Random) -> Iterable[Booking]:
    """Fees, rent, wages; once a transfer from the company's other account and a tax refund."""
    fee, rent, wages = (Remittance(text) for text in ("Kontofuehrung und Entgelte", "Miete Halle 3", "Lohn und Gehalt"))
    landlord, staff, other = "DE02120300000000202051", "DE02500105170137075030", "DE02100500000054540402"
    treasury = "DE02300209000106531065"
    for month in range(12):
        first = date(2025 + (10 + month) // 12, (10 + month) % 12 + 1, 3)
        yield Booking(workday(first), Decimal(-2450), "Hallen KG", landlord, rent, f"MIETE{month + 1:02d}")
        cents = Decimal(rng.randrange(1850, 4200)) / 100
        yield Booking(workday(first + timedelta(days=20)), -cents, "Hausbank", "", fee, "NOTPROVIDED")
        total = Decimal(rng.randrange(9_000_00, 11_000_00)) / 100
        yield Booking(workday(first + timedelta(days=22)), -total, "Loehne", staff, wages, f"LOHN{month + 1:02d}")
    own = Remittance("Umbuchung eigenes Konto")
    yield Booking(workday(date(2026, 3, 10)), Decimal(40000), "Nordlicht Werkzeuge GmbH", other, own, "UMB-1")
    refund = Remittance("Erstattung Umsatzsteuer Q1 StNr 21/815/08150")
    yield Booking(workday(date(2026, 5, 19)), Decimal("3187.45"), "Finanzamt Nord", treasury, refund, "NOTPROVIDED")


def _document(
    name: str, sequence: int, day: date, previous: date, opening: Decimal, today: list[BookedEntry], company: Company
) -> Xml.Element:
    root = Xml.Element("Document", xmlns=NAMESPACE)
    body = Xml.SubElement(root, "BkToCstmrStmt")
    created = datetime.combine(day, time(21, 30)).isoformat()
    header = Xml.SubElement(body, "GrpHdr")
    _text(header, "MsgId", name)
    _text(header, "CreDtTm", created)
    statement = Xml.SubElement(body, "Stmt")
    _text(statement, "Id", name)
    _text(statement, "ElctrncSeqNb", str(sequence))
    _text(statement, "CreDtTm", created)
    _text(statement, "Acct/Id/IBAN", company.iban)
    _text(_child(statement, "Acct"), "Ccy", "EUR")
    closing = opening + sum((entry.booking.amount for entry in today), Decimal(0))
    _balance(statement, "OPBD", opening, previous)
    _balance(statement, "CLBD", closing, day)
    for entry in today:
        _entry(statement, entry)
    return root


def _balance(statement: Xml.Element, code: str, amount: Decimal, day: date) -> None:
    balance = Xml.SubElement(statement, "Bal")
    _text(balance, "Tp/CdOrPrtry/Cd", code)
    _amount(balance, amount)
    _text(balance, "Dt/Dt", day.isoformat())


def _entry(statement: Xml.Element, entry: BookedEntry) -> None:
    booking = entry.booking
    node = Xml.SubElement(statement, "Ntry")
    _amount(node, booking.amount)
    _text(node, "Sts", "BOOK")
    _text(node, "BookgDt/Dt", booking.day.isoformat())
    _text(node, "ValDt/Dt", booking.day.isoformat())
    _text(node, "AcctSvcrRef", entry.reference)
    family = "RCDT" if booking.amount > 0 else "ICDT"
    for path, code in (("Cd", "PMNT"), ("Fmly/Cd", family), ("Fmly/SubFmlyCd", "ESCT")):
        _text(node, f"BkTxCd/Domn/{path}", code)
    details = _child(_child(node, "NtryDtls"), "TxDtls")
    _text(details, "Refs/EndToEndId", booking.end_to_end)
    role = "Dbtr" if booking.amount > 0 else "Cdtr"
    _text(details, f"RltdPties/{role}/Nm", booking.party)
    if booking.iban:
        _text(details, f"RltdPties/{role}Acct/Id/IBAN", booking.iban)
    if booking.remittance.structured:
        _text(details, "RmtInf/Strd/CdtrRefInf/Tp/CdOrPrtry/Cd", "SCOR")
        _text(details, "RmtInf/Strd/CdtrRefInf/Ref", booking.remittance.structured)
    elif booking.remittance.text:
        _text(details, "RmtInf/Ustrd", booking.remittance.text)


def _amount(node: Xml.Element, amount: Decimal) -> None:
    _text(node, "Amt", str(abs(amount).quantize(_CENT))).set("Ccy", "EUR")
    _text(node, "CdtDbtInd", "CRDT" if amount >= 0 else "DBIT")


def _child(node: Xml.Element, tag: str) -> Xml.Element:
    found = node.find(tag)
    return Xml.SubElement(node, tag) if found is None else found


def _text(node: Xml.Element, path: str, text: str) -> Xml.Element:
    """Make the elements of a path that are missing and write the text into the last one."""
    for tag in path.split("/"):
        node = _child(node, tag)
    node.text = text
    return node
