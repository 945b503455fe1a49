"""A view, its URL and its sentence say the same."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from dashboards.view import Focus, View, from_params, parts, sentence, to_params
from o2c_mining.trace.select import ObjectFilter

FULL = ObjectFilter(
    lens="invoice",
    start=date(2026, 1, 1),
    end=date(2026, 7, 1),
    where=(("customer.region", ("DACH", "UK")), ("payment_term", ("Net 30",))),
    with_=("Open Dispute",),
    without=("Cancel Order", "Change Order"),
    variant=3,
)
words = st.text(alphabet=st.characters(blacklist_characters=",=>", blacklist_categories=("Cs", "Cc")), min_size=1)
filters = st.builds(
    ObjectFilter,
    lens=st.none() | st.sampled_from(["order", "invoice"]),
    start=st.none() | st.dates(),
    end=st.none() | st.dates(),
    where=st.dictionaries(words, st.lists(words, min_size=1, unique=True).map(tuple), max_size=3).map(
        lambda found: tuple(found.items())
    ),
    with_=st.lists(words, max_size=2, unique=True).map(tuple),
    without=st.lists(words, max_size=2, unique=True).map(tuple),
    variant=st.none() | st.integers(1, 99),
)


@given(filters, st.none() | st.booleans(), st.sampled_from(["waiting", "frequency"]))
def test_a_url_gives_the_view_again(chosen: ObjectFilter, working: bool | None, colour: str) -> None:
    view = View(chosen, working, "frequency" if colour == "frequency" else "waiting", Focus("edge", "A>B"), "SO-1")
    assert from_params(to_params(view)) == (view, [])


def test_the_url_speaks_the_words_of_the_command_line() -> None:
    assert to_params(View(FULL, working=False)) == {
        "lens": ["invoice"],
        "from": ["2026-01-01"],
        "to": ["2026-07-01"],
        "where": ["customer.region=DACH,UK", "payment_term=Net 30"],
        "with": ["Open Dispute"],
        "without": ["Cancel Order", "Change Order"],
        "variant": ["3"],
        "time": ["calendar"],
    }
    assert to_params(View()) == {}


def test_what_a_link_says_wrong_is_named_and_left_out() -> None:
    wrong = {"from": ["soon"], "variant": ["x"], "time": ["lunch"], "colour": ["red"], "where": ["region", "=a", "a="]}
    view, refused = from_params(wrong)
    assert view == View()
    assert len(refused) == 7
    assert refused[0] == "variant=x: expected a rank such as 3"


def test_every_condition_can_be_taken_away() -> None:
    left = FULL
    for text, how in parts(FULL):
        left = how(left)
        assert text not in [other for other, _ in parts(left)]
    assert left == ObjectFilter(lens="invoice")


def test_the_sentence_names_every_condition() -> None:
    assert sentence(ObjectFilter(), "order", 90, 90) == "All 90 orders"
    assert sentence(FULL, "invoice", 4, 1200) == (
        "4 of 1,200 invoices: begun from 1 Jan 2026 to before 1 Jul 2026, customer region DACH or UK, "
        "payment term Net 30, with Open Dispute, without Cancel Order, without Change Order, variant #3"
    )
