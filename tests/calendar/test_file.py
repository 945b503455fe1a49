"""Calendar files: the shipped one holds what it says, and a wrong one says what is wrong."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from o2c_mining.calendar import default_calendar_text, load_calendar
from o2c_mining.calendar.working import Window, windows_on
from o2c_mining.errors import ConfigError

GOOD = 'timezone: Europe/Berlin\nweek:\n  mon: ["08:00-12:00", "13:00-17:00"]\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "company.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def easter(year: int) -> date:
    """Gauss's rule as given by the PTB, independent of the shipped dates."""
    k = year // 100
    m = 15 + (3 * k + 3) // 4 - (8 * k + 13) // 25
    s = 2 - (3 * k + 3) // 4
    a = year % 19
    d = (19 * a + m) % 30
    r = (d + a // 11) // 29
    og = 21 + d - r
    sz = 7 - (year + year // 4 + s) % 7
    return date(year, 3, 1) + timedelta(days=og + 7 - (og - sz) % 7 - 1)


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_the_shipped_calendar_has_the_german_national_holidays(tmp_path: Path, year: int) -> None:
    cal = load_calendar(written(tmp_path, default_calendar_text()))
    sunday = easter(year)
    expected = {date(year, *month_day) for month_day in [(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)]}
    expected |= {sunday + timedelta(days=n) for n in (-2, 1, 39, 50)}
    assert {day for day, windows in cal.exceptions if day.year == year and not windows} == expected
    assert windows_on(cal, date(year, 6, 4) if year != 2027 else date(2027, 6, 3)) == (Window(480, 1020),)


def test_exceptions_win_over_holidays_and_the_version_follows_the_meaning(tmp_path: Path) -> None:
    plain = load_calendar(written(tmp_path, GOOD))
    text = (
        GOOD + "holidays:\n  - {date: 2026-12-21, name: Closed}\n"
        'exceptions:\n  - {date: 2026-12-21, windows: ["08:00-12:00"]}\n'
    )
    half = load_calendar(written(tmp_path, text))
    assert windows_on(half, date(2026, 12, 21)) == (Window(480, 720),)
    assert plain.version != half.version
    assert load_calendar(written(tmp_path, "# a comment\n" + text)).version == half.version


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timzone: Europe/Berlin\nweek: {}\n", "did you mean 'timezone'"),
        (GOOD.replace("mon", "mo"), "did you mean 'mon'"),
        (GOOD.replace("Berlin", "Atlantis"), "expected an IANA time zone"),
        (GOOD.replace("08:00", "18:00"), "expected windows such as 08:00-17:00"),
        (GOOD.replace("12:00", "14:00"), "do not overlap"),
        (GOOD.replace('["08:00-12:00", "13:00-17:00"]', "[]"), "no working window"),
        (GOOD + "holidays:\n  - {date: 2026-12-24, name: A}\n  - {date: 2026-12-24, name: B}\n", "each date once"),
        ("week: [", "is not YAML"),
        ("", "holds no keys"),
        ("a: &a [1]\nb: [" + "*a, " * 60 + "]\n", "aliases"),
    ],
)
def test_a_wrong_file_says_what_is_wrong_expected_and_to_do(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_calendar(written(tmp_path, text))
    assert str(caught.value).count(";") >= 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*none\.yaml"):
        load_calendar(tmp_path / "none.yaml")
