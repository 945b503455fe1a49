"""Which orders coarse stamps allow."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from o2c_mining.conformance.orders import Stamp, possible_orders, surely_before


def stamp(activity: str, time: str, precision: str = "second") -> Stamp:
    return Stamp(activity, datetime.fromisoformat(f"2026-01-{time}").replace(tzinfo=UTC), precision)


def test_exact_stamps_keep_their_order_also_when_equal() -> None:
    stamps = [stamp("a", "05 09:00"), stamp("b", "05 09:00"), stamp("c", "05 10:00")]
    assert possible_orders(stamps, 10) == ([("a", "b", "c")], True)


def test_a_day_stamp_may_lie_anywhere_in_its_day() -> None:
    stamps = [stamp("bank", "05", "day"), stamp("a", "05 09:00"), stamp("b", "05 10:00"), stamp("c", "06 09:00")]
    orders, complete = possible_orders(stamps, 10)
    assert complete
    assert orders[0] == ("bank", "a", "b", "c")
    assert set(orders) == {("bank", "a", "b", "c"), ("a", "bank", "b", "c"), ("a", "b", "bank", "c")}


def test_a_day_stamp_stays_behind_the_day_before() -> None:
    stamps = [stamp("a", "04 23:59"), stamp("bank", "05", "day"), stamp("b", "06 00:00")]
    assert possible_orders(stamps, 10) == ([("a", "bank", "b")], True)


def test_two_day_stamps_of_a_day_may_be_either_way_round() -> None:
    stamps = [stamp("a", "05", "day"), stamp("b", "05", "day"), stamp("b", "05", "day")]
    orders, complete = possible_orders(stamps, 10)
    assert complete and set(orders) == {("a", "b", "b"), ("b", "a", "b"), ("b", "b", "a")}


def test_minutes_are_coarse_within_their_minute_only() -> None:
    stamps = [stamp("a", "05 09:00", "minute"), stamp("b", "05 09:00"), stamp("c", "05 09:01")]
    assert set(possible_orders(stamps, 10)[0]) == {("a", "b", "c"), ("b", "a", "c")}


def test_too_many_orders_are_reported_as_incomplete() -> None:
    stamps = [stamp(letter, "05", "day") for letter in "abcdef"]
    orders, complete = possible_orders(stamps, 100)
    assert (len(orders), complete) == (100, False)
    assert orders[0] == tuple("abcdef")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 23), st.booleans()), max_size=6))
def test_every_order_respects_what_is_sure_and_the_recorded_one_is_first(raw: list[tuple[int, int, bool]]) -> None:
    stamps = sorted(
        (
            stamp(f"e{n}", f"{day + 5:02d}", "day") if coarse else stamp(f"e{n}", f"{day + 5:02d} {hour:02d}:00")
            for n, (day, hour, coarse) in enumerate(raw)
        ),
        key=lambda s: s.time,
    )
    orders, _ = possible_orders(stamps, 1000)
    by_name = {s.activity: s for s in stamps}
    assert orders[0] == tuple(s.activity for s in stamps)
    assert len(set(orders)) == len(orders)
    for order in orders:
        assert sorted(order) == sorted(by_name)
        for i, first in enumerate(order):
            assert not any(surely_before(by_name[later], by_name[first]) for later in order[i + 1 :])
