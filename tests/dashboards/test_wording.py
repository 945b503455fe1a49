"""One rule for durations, money and counts; CSV cells no spreadsheet runs."""

from __future__ import annotations

import pytest

from dashboards.frame import three_parts
from dashboards.wording import compact, count, duration, money, plural, safe_cell, working_clock


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 min"),
        (12, "< 1 min"),
        (59 * 60, "59 min"),
        (3600, "1.0 h"),
        (86_399, "24.0 h"),
        (93_240, "1.1 d"),  # 25.9 hours: never beside "1.1 d" as "25.9 h"
        (86_400 * 46.1, "46.1 d"),
        (86_400 * 234, "234 d"),
    ],
)
def test_durations_follow_one_rule(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_a_working_day_is_as_long_as_the_calendar_says() -> None:
    clock = working_clock(8 * 3600)
    assert duration(8 * 3600, clock) == "1.0 wd"
    assert duration(7.9 * 3600, clock) == "7.9 h"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0.0, "0"),
        (-0.0, "0"),
        (912, "912"),
        (3_600, "3.6k"),
        (999_999, "1.0M"),
        (135_800_000, "136M"),
        (2_340_000_000, "2.3bn"),
    ],
)
def test_numbers_are_shortened(value: float | None, words: str) -> None:
    assert compact(value) == words


def test_money_counts_and_plurals() -> None:
    assert money(48_300, "EUR") == "€48.3k"
    assert money(-48_300, "SEK") == "−SEK 48.3k"
    assert count(1, "order") == "1 order"
    assert count(1204, "delivery") == "1,204 deliveries"
    assert plural("way") == "ways"
    assert plural("order_item") == "order items"


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "\ufeff=1",
        "\u00a0=1",
        "\0=1",
        "\n=1",
    ],
)
def test_formulas_are_defused(text: str) -> None:
    assert str(safe_cell(text)).startswith("'")


def test_numbers_and_plain_text_stay_as_they_are() -> None:
    assert safe_cell(-1.5) == -1.5
    assert safe_cell("Post Invoice") == "Post Invoice"
    assert safe_cell("") == ""


def test_errors_are_shown_in_three_parts() -> None:
    assert three_parts("a is wrong; expected b; or c; do d") == ("a is wrong", "b; or c", "do d")
    assert three_parts("only this.") == ("only this", "", "")
