"""The matcher: every spelling finds its invoice, and what is not certain is not linked."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank_statements.matching import CONFIDENCE, Customer, Invoice, Match, Receipt, match
from connectors.bank_statements.numbers import creditor_reference, creditor_references

DAY = date(2026, 3, 10)
ADLER = Customer("adler", "Adler Handel GmbH", ("DE89370400440532013000",))
BIRKE = Customer("birke", "Birke Technik", ("NL44TEST0123456789",))


def invoice(
    number: str, amount: int = 11900, customer: str = "adler", posted: date = date(2026, 3, 1), orders: str = ""
) -> Invoice:
    return Invoice(number, number, amount, "EUR", customer, posted, tuple(orders.split()))


def receipt(
    text: str | None = None,
    amount: int = 11900,
    *,
    key: str = "r",
    day: date = DAY,
    account: str | None = "DE89 3704 0044 0532 0130 00",
    payer: str | None = None,
    structured: str | None = None,
    end_to_end: str | None = None,
) -> Receipt:
    return Receipt(key, amount, "EUR", day, text, structured, end_to_end, payer, account)


def links(receipts: list[Receipt], invoices: list[Invoice]) -> list[tuple[str, int, str]]:
    found = match(receipts, invoices, [ADLER, BIRKE])
    return [(link.invoice, link.amount_minor, link.method) for link in found]


BOOKS = [
    invoice("INV-00012", orders="SO-00031"),
    invoice("INV-00013", 5000),
    invoice("INV-00112", 7700, "birke"),
    invoice("INV-01200", 3300, "birke"),
    invoice("INV-02026", 4400),
]


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("INV-00012", "exact number"),
        ("Zahlung INV-00012", "exact number"),
        ("INV-00012/Adler Handel", "exact number"),
        ("SVWZ+Invoice INV-00012 dated 01.03.2026", "exact number"),
        ("inv-00012 danke", "normalised number"),
        ("Rg.-Nr. INV00012 vom 01.03.2026", "normalised number"),
        ("inv 00012 kd 13", "normalised number"),
        ("Rechnung 00012", "number without prefix"),
        ("Rechnung 12", "number without leading zeros"),
        ("Invoice INV-12", "number without leading zeros"),
        ("RECHNUNG NR. 12 VOM 13.02.2026", "number without leading zeros"),
        ("Ihre Auftragsbestaetigung SO-00031", "order number"),
        ("so 00031", "order number"),
        ("RF19 INV0 0012", "creditor reference"),
    ],
)
def test_every_spelling_finds_its_invoice(text: str, method: str) -> None:
    assert links([receipt(text)], BOOKS) == [("INV-00012", 11900, method)]


def test_creditor_reference_needs_right_check_digits() -> None:
    assert creditor_reference("RF18 5390 0754 7034") == "539007547034"
    assert creditor_reference("RF19 5390 0754 7034") is None
    assert creditor_reference("RF18") is None
    assert list(creditor_references("Zahlung RF18539007547034 danke")) == ["539007547034"]
    digits = 98 - int("".join(str(int(sign, 36)) for sign in "INV00012RF00")) % 97
    assert links([receipt(structured=f"RF{digits:02d}INV00012")], BOOKS) == [("INV-00012", 11900, "creditor reference")]
    wrong = f"RF{(digits + 1) % 97:02d}INV00012"
    assert links([receipt(structured=wrong, amount=1)], BOOKS) == []


def test_end_to_end_id_may_name_the_invoice() -> None:
    assert links([receipt(end_to_end="INV-00012")], BOOKS) == [("INV-00012", 11900, "end-to-end id")]
    assert links([receipt(end_to_end="P0000012", amount=1)], BOOKS) == []


@pytest.mark.parametrize(
    "text", ["INV-00012, INV-00013", "Rechnungen 00012 + 00013", "inv-00012 inv-00013", "Rg 12 und 13"]
)
def test_several_numbers_share_one_transfer(text: str) -> None:
    assert [link[:2] for link in links([receipt(text, 16900)], BOOKS)] == [("INV-00012", 11900), ("INV-00013", 5000)]


@pytest.mark.parametrize(
    "text",
    [
        "12",  # a bare small number is no number of an invoice
        "Danke fuer alles",
        "Rechnung vom 12.03.2026",
        "Betrag 12,00",
        "KD-Nr. 12",
        "Miete 2026",
        "Rechnung 112",  # another customer's, by a weak reading
        "Order 00031",
        "LS-00012",  # the digits of another kind of number
        "AB00012",
    ],
)
def test_what_is_not_certain_is_not_linked(text: str) -> None:
    assert links([receipt(text, 999)], BOOKS) == []


def test_another_payer_needs_number_and_amount() -> None:
    stranger = {"account": "FR7630006000011234567890189", "payer": "Birke Technik"}
    (found,) = match([receipt("INV-00012", **stranger)], BOOKS, [ADLER, BIRKE])
    assert found.confidence == pytest.approx(CONFIDENCE["exact number"] * 0.9)
    assert links([receipt("INV-00012", 11899, **stranger)], BOOKS) == []
    assert links([receipt("Rechnung 00012", **stranger)], BOOKS) == []


def test_unknown_payer_is_trusted_with_a_whole_number() -> None:
    assert links([receipt("INV-00012", 500, account=None)], BOOKS) == [("INV-00012", 500, "exact number")]
    assert links([receipt("Rechnung 12", 500, account=None)], BOOKS) == []


def test_payer_and_amount_must_be_the_only_one() -> None:
    assert links([receipt("Danke")], BOOKS) == [("INV-00012", 11900, "payer and amount")]
    assert links([receipt("Danke", account=None, payer="ADLER HANDEL GMBH")], BOOKS)[0][2] == "payer and amount"
    assert links([receipt("Danke")], [*BOOKS, invoice("INV-00014")]) == []
    assert links([receipt("Danke", account="NL44TEST0123456789")], BOOKS) == []


def test_settled_invoice_is_no_longer_open() -> None:
    first, second = receipt(key="a"), receipt(key="b", day=DAY + timedelta(days=1))
    two = [invoice("INV-00012"), invoice("INV-00014", posted=DAY + timedelta(days=1))]
    assert [link[0] for link in links([second, first], two)] == ["INV-00012", "INV-00014"]


def test_invoice_must_have_been_there() -> None:
    later = invoice("INV-00099", posted=DAY + timedelta(days=2))
    assert links([receipt("INV-00099")], [later]) == []
    assert links([receipt("INV-00099", day=DAY + timedelta(days=1))], [later]) == [("INV-00099", 11900, "exact number")]


def test_short_payment_links_what_came() -> None:
    found = match([receipt("INV-00012", 10000, key="a"), receipt("INV-00012 Rest", 1900, key="b")], BOOKS, [ADLER])
    assert [(link.receipt, link.amount_minor) for link in found] == [("a", 10000), ("b", 1900)]
    assert found[0].confidence < found[1].confidence


def test_overpayment_links_no_more_than_is_open() -> None:
    assert links([receipt("INV-00013", 6000)], BOOKS) == [("INV-00013", 5000, "exact number")]


def test_order_with_several_invoices_needs_the_amount() -> None:
    books = [invoice("INV-1", 100, orders="SO-00031"), invoice("INV-2", 200, orders="SO-00031")]
    assert [link[0] for link in links([receipt("SO-00031", 300)], books)] == ["INV-1", "INV-2"]
    assert [link[0] for link in links([receipt("SO-00031", 200)], books)] == ["INV-2"]
    assert links([receipt("SO-00031", 150)], books) == []


def test_digits_of_an_order_number_are_no_invoice_number() -> None:
    books = [invoice("INV-00031", 500), invoice("INV-00007", 500, orders="SO-00031")]
    for text in ("SO-00031", "so 00031", "Auftrag SO00031"):
        assert links([receipt(text, 500)], books) == [("INV-00007", 500, "order number")]


def test_quoted_among_more_than_was_paid() -> None:
    books = [invoice("INV-00001", 100), invoice("INV-00002", 200), invoice("INV-00003", 400)]
    assert [link[0] for link in links([receipt("INV-00001 INV-00002 INV-00003", 500)], books)] == [
        "INV-00001",
        "INV-00003",
    ]


def test_other_currency_never_matches() -> None:
    foreign = Invoice("INV-00012", "INV-00012", 11900, "USD", "adler", date(2026, 3, 1))
    assert links([receipt("INV-00012")], [foreign]) == []


def test_same_number_in_two_systems_is_the_payers() -> None:
    twins = [Invoice("north:1", "1000001", 11900, "EUR", "adler"), Invoice("south:1", "1000001", 11900, "EUR", "birke")]
    assert [link[0] for link in links([receipt("1000001")], twins)] == ["north:1"]
    assert links([receipt("1000001", account=None)], twins) == []


@given(st.randoms(use_true_random=False), st.integers(0, 40))
def test_result_depends_on_knowledge_not_on_order(random_: random.Random, count: int) -> None:
    invoices = [
        invoice(f"INV-{n:05d}", random_.choice([100, 200, 300]), random_.choice(["adler", "birke"]))
        for n in range(1, count + 1)
    ]
    texts = [f"INV-{random_.randint(1, 40):05d}", f"Rechnung {random_.randint(1, 40)}", "Danke", None]
    receipts = [
        receipt(
            random_.choice(texts), random_.choice([100, 200, 300, 400]), key=f"r{n}", day=DAY + timedelta(days=n % 3)
        )
        for n in range(count)
    ]
    found = match(receipts, invoices, [ADLER, BIRKE])
    shuffled_receipts, shuffled_invoices = receipts[::-1], random_.sample(invoices, len(invoices))
    assert match(shuffled_receipts, shuffled_invoices, [BIRKE, ADLER]) == found
    settled(found, receipts, invoices)


def settled(found: list[Match], receipts: list[Receipt], invoices: list[Invoice]) -> None:
    """Nothing is settled twice, and no receipt settles more than it is."""
    for one in invoices:
        assert sum(link.amount_minor for link in found if link.invoice == one.key) <= one.amount_minor
    for money in receipts:
        assert sum(link.amount_minor for link in found if link.receipt == money.key) <= money.amount_minor
    assert all(link.amount_minor > 0 and 0 < link.confidence <= 1 for link in found)
