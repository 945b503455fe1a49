"""Verdicts and deviations on a log written by hand: thirty orders, each with what is to be found in it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from o2c_mining.conformance.conformance import Conformance, Deviation, conformance
from o2c_mining.conformance.cross_object import InvoiceOfOrder, invoice_before_shipment
from o2c_mining.conformance.reference import reference_model
from o2c_mining.conformance.verdicts import OUT_OF_ORDER, SKIPPED, UNEXPECTED, UNKNOWN
from o2c_mining.trace.select import ObjectFilter, select
from tests.conformance.traces import trace
from tests.micro import load, open_micro

OBJECT_OF = {"Delivery": "d", "Goods": "d", "Invoice": "i", "Payment": "i", "Dispute": "i", "Dunning": "i"}
RULE = ("invoice before shipment", "Post Invoice")

PLAIN = "CO QU OK CD AS PI PA GI CI PO AP CL"
BEFORE = "CO QU OK CD CI PO AS PI PA GI AP CL"
GOOD = {
    "plain": PLAIN,
    "lost": "CO QU XO",
    "service": "CO QU OK CI PO AP CL",
    "nextday": PLAIN,
    "partial": "CO QU OK CD AS PI PA GI CI PO CD AS PI PA GI AP CL",
    "draft": "CO QU OK CD CI AS PI PA GI PO AP CL",
    "cancelled": "CO QU OK CD CI XD XI XO",
    "agreed": BEFORE,
    "post06": "CO QU OK CD AS PI PA GI CI",
}
BAD = {
    "unpicked": ("CO QU OK CD AS PA GI CI PO AP CL", (SKIPPED, "Pick Goods")),
    "unconfirmed": ("CO QU CD AS PI PA GI CI PO AP CL", (SKIPPED, "Confirm Order")),
    "lateconfirm": ("CO QU CD AS PI PA GI OK CI PO AP CL", (OUT_OF_ORDER, "Confirm Order")),
    "twice": ("CO QU OK OK CD AS PI PA GI CI PO AP CL", (UNEXPECTED, "Confirm Order")),
    "unposted": ("CO QU OK CD AS PI PA GI CI AP CL", (SKIPPED, "Post Invoice")),
    "call": (PLAIN, (UNKNOWN, "Call Customer")),
    "dayearly": (PLAIN, (UNEXPECTED, "Receive Payment")),
    "openbad": ("CO QU OK CD AS GI", (UNEXPECTED, "Post Goods Issue")),
    "before": (BEFORE, RULE),
    "never": ("CO QU OK CD CI PO", RULE),
    "post04": ("CO QU OK CD AS PI PA GI CI", RULE),  # also before the order was created, see below
}
UNDECIDED = {"sameday": PLAIN}
OPEN = {"openok": "CO QU OK CD AS PI", "post05": "CO QU OK CD AS PI PA GI CI"}
EXTRA = {
    "nextday": ("Receive Payment", "06", "i"),
    "sameday": ("Receive Payment", "05", "i"),
    "dayearly": ("Receive Payment", "04", "i"),
    "post04": ("Post Invoice", "04", "i"),
    "post05": ("Post Invoice", "05", "i"),
    "post06": ("Post Invoice", "06", "i"),
}

Event = tuple[str, str, str, list[str]]


@dataclass(frozen=True)
class Judged:
    results: dict[str, Conformance]
    rule: dict[str, InvoiceOfOrder]

    def finds(self, name: str) -> set[tuple[str, str]]:
        return {(d.kind, d.activity) for d in self.results["order"].deviations if f"O{name.upper()}" in d.numbers}

    def deviation(self, find: tuple[str, str], lens: str = "order") -> Deviation:
        (found,) = (d for d in self.results[lens].deviations if (d.kind, d.activity) == find)
        return found


def order(name: str, text: str) -> list[Event]:
    """Events of one order with one delivery and one invoice, an hour apart on the fifth."""
    events: list[Event] = []
    for hour, activity in enumerate(trace(text)):
        kind = next((short for word, short in OBJECT_OF.items() if word in activity), "o")
        events.append((f"{name}{hour:02d}", activity, f"2026-01-05 {hour:02d}:00", [f"{kind}{name}"]))
    if name in EXTRA:
        activity, day, kind = EXTRA[name]
        events.append((f"{name}-day", activity, f"2026-01-{day} 00:00", [f"{kind}{name}"]))
    if name == "call":
        events.append(("call", "Call Customer", "2026-01-05 03:30", ["ocall"]))
    return events


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    texts = GOOD | {name: text for name, (text, _) in BAD.items()} | UNDECIDED | OPEN
    events = sorted((e for name, text in texts.items() for e in order(name, text)), key=lambda e: e[2])
    used = sorted({o for event in events for o in event[3]})
    types = {"o": "order", "d": "delivery", "i": "invoice"}
    links = [(f"o{name}", f"{kind}{name}") for name in texts for kind in "di" if f"{kind}{name}" in used]
    links += [(f"d{name}", f"i{name}") for name in texts if {f"d{name}", f"i{name}"} <= set(used)]
    attributes: dict[str, dict[str, object]] = {name: {"agreed_prepayment": name == "oagreed"} for name in used}
    store = load(
        tmp_path_factory.mktemp("orders"),
        events=events,
        objects=[(o, types[o[0]], None if o[0] == "d" else 100_00) for o in used],
        relations=links,
        precision={f"{name}-day": "day" for name in EXTRA},
        attributes=attributes,
    )
    log = open_micro(store)
    results = {
        lens: conformance(select(log, ObjectFilter(lens=lens)), reference_model(lens))
        for lens in ("order", "invoice", "delivery")
    }
    return Judged(results, {found.order: found for found in invoice_before_shipment(log)})


@pytest.mark.parametrize("name", GOOD)
def test_nothing_is_found_in_a_right_order(judged: Judged, name: str) -> None:
    assert judged.finds(name) == set()


@pytest.mark.parametrize("name", BAD)
def test_exactly_what_is_planted_is_found(judged: Judged, name: str) -> None:
    also = {(UNEXPECTED, "Post Invoice")} if name == "post04" else set()
    assert judged.finds(name) == {BAD[name][1]} | also


def test_a_payment_of_the_same_day_cannot_be_told(judged: Judged) -> None:
    """The bank gives a day; the invoice was posted that day: the payment may have come before or after it."""
    assert judged.finds("sameday") == set()
    assert judged.results["order"].undecidable_cases == 1


def test_the_counts_add_up(judged: Judged) -> None:
    result = judged.results["order"]
    assert (result.model, result.lens) == ("order_to_cash", "order")
    assert (result.cases, result.open_cases) == (17, 6)
    assert (result.fitting_cases, result.deviating_cases, result.undecidable_cases) == (9, 7, 1)
    assert result.fitting_cases + result.deviating_cases + result.undecidable_cases == result.cases
    assert result.open_deviating_cases == 2


def test_fitness_is_that_of_closed_cases_in_their_recorded_order(judged: Judged) -> None:
    shortest = 2  # Create Order, Cancel Order
    deviating = {"unpicked": 1, "unconfirmed": 1, "lateconfirm": 2, "twice": 1, "unposted": 1}
    lost = [moves / (len(trace(BAD[name][0])) + shortest) for name, moves in deviating.items()]
    lost += [1 / (len(trace(PLAIN)) + 1 + shortest) for _ in ("call", "dayearly", "sameday")]
    fitness = judged.results["order"].fitness
    assert fitness.average == pytest.approx(1 - sum(lost) / 17, abs=1e-12)
    assert fitness.log is not None and fitness.average is not None
    assert abs(fitness.log - fitness.average) < 0.01


def test_a_deviation_carries_its_cases_share_value_and_extra_time(judged: Judged) -> None:
    found = judged.deviation((SKIPPED, "Pick Goods"))
    assert (found.cases, found.open_cases, found.undecidable_cases) == (1, 0, 0)
    assert (found.share, found.value, found.currency) == (1 / 23, "100.00", "EUR")
    assert (found.numbers, found.documents) == (("OUNPICKED",), ())
    # fitting closed orders take 11, 2, 6, 23, 16, 11, 7, 11 and 24 hours, this one 10
    assert found.extra_seconds == 3600.0 * (10 - 11)


def test_an_open_case_gives_no_extra_time(judged: Judged) -> None:
    found = judged.deviation((UNEXPECTED, "Post Goods Issue"))
    assert (found.cases, found.open_cases, found.extra_seconds) == (1, 1, None)


def test_deviations_are_ordered_by_number_of_cases(judged: Judged) -> None:
    counts = [d.cases for d in judged.results["order"].deviations]
    assert counts == sorted(counts, reverse=True)


def test_an_invoice_before_its_goods_left_is_a_deviation_of_that_name_in_every_lens(judged: Judged) -> None:
    names = ("BEFORE", "NEVER", "POST04")
    for lens, prefix in (("order", "O"), ("invoice", "I"), ("delivery", "D")):
        found = judged.deviation(RULE, lens)
        assert found.numbers == tuple(f"{prefix}{name}" for name in names)
        assert found.documents == tuple(f"I{name}" for name in names)
        assert found.undecidable_cases == 1


@pytest.mark.parametrize(
    ("name", "verdict"), [("POST04", "violated"), ("POST05", "cannot tell"), ("POST06", "satisfied")]
)
def test_a_posting_known_to_the_day_only(judged: Judged, name: str, verdict: str) -> None:
    """Goods left on the 5th at 07:00."""
    assert judged.rule[f"O{name}"].verdict == verdict


@pytest.mark.parametrize("name", ["AGREED", "SERVICE", "LOST", "CANCELLED"])
def test_the_rule_does_not_ask_where_it_does_not_apply(judged: Judged, name: str) -> None:
    assert f"O{name}" not in judged.rule


def test_a_collective_invoice_is_judged_for_each_order_by_the_items_it_bills(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Invoice i bills a1 (left before) and b1 (left after); j bills a2, which left after though a1 left before."""
    store = load(
        tmp_path_factory.mktemp("items"),
        events=[
            ("1", "Create Order", "2026-01-05 08:00", ["oa"]),
            ("2", "Create Order", "2026-01-05 08:00", ["ob"]),
            ("3", "Post Goods Issue", "2026-01-06 08:00", ["da1"]),
            ("4", "Post Invoice", "2026-01-07 08:00", ["i"]),
            ("5", "Post Invoice", "2026-01-07 09:00", ["j"]),
            ("6", "Post Credit Note", "2026-01-07 10:00", ["k"]),
            ("7", "Post Goods Issue", "2026-01-08 08:00", ["da2"]),
            ("8", "Post Goods Issue", "2026-01-09 08:00", ["db"]),
        ],
        objects=[
            *((name, "order", 100_00) for name in ("oa", "ob")),
            *((name, "order_item", 50_00) for name in ("a1", "a2", "b1")),
            *((name, "delivery", None) for name in ("da1", "da2", "db")),
            *((name, "invoice", 100_00) for name in "ijk"),
        ],
        relations=[
            ("oa", "a1"), ("oa", "a2"), ("ob", "b1"), ("a1", "da1"), ("a2", "da2"), ("b1", "db"), ("oa", "da1"),
            ("oa", "da2"), ("ob", "db"), ("a1", "i"), ("b1", "i"), ("a2", "j"), ("b1", "k"), ("oa", "i"), ("ob", "i"),
            ("oa", "j"), ("ob", "k"),
        ],
    )  # fmt: skip
    log = open_micro(store)
    verdicts = {(found.order, found.invoice): found.verdict.value for found in invoice_before_shipment(log)}
    assert verdicts == {("OA", "I"): "satisfied", ("OB", "I"): "violated", ("OA", "J"): "violated"}
    result = conformance(
        select(log, ObjectFilter(lens="order", where=(("number", ("OB",)),))), reference_model("order")
    )
    (found,) = (d for d in result.deviations if d.kind == RULE[0])
    assert (found.numbers, found.documents) == (("OB",), ("I",))
