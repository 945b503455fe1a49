"""Kaplan-Meier against published data and hand calculation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_mining.analysis.survival import survival

# Remission in weeks under 6-MP, with cut-off times (Freireich et al. 1963; the textbook example of the estimator).
WEEKS = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
DONE = [True] * 9 + [False] * 12


def test_remission_times_give_the_published_median() -> None:
    found = survival([float(week) for week in WEEKS], DONE)
    assert (found.completed, found.open) == (9, 12)
    assert found.median == 23.0
    assert found.median_low == 13.0  # log-log limits, as R's survfit(conf.type = "log-log") prints them
    assert found.median_high is None
    assert found.naive_median == 10.0


def test_without_open_cases_it_is_the_plain_median() -> None:
    assert survival([4.0, 1.0, 3.0, 2.0], [True] * 4).median == 2.5
    assert survival([3.0, 1.0, 2.0], [True] * 3).median == 2.0


def test_open_cases_lengthen_the_estimate() -> None:
    found = survival([1.0, 2.0, 3.0, 10.0, 10.0, 10.0], [True, True, True, False, False, False])
    assert found.naive_median == 2.0
    assert found.median == 3.0
    assert found.p90 is None


def test_nothing_completed_says_nothing() -> None:
    found = survival([1.0, 2.0], [False, False])
    assert (found.completed, found.open, found.median, found.p90) == (0, 2, None, None)
    assert survival([], []).median is None


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=1, max_size=40))
def test_the_curve_equals_the_slow_definition(data: list[tuple[int, bool]]) -> None:
    times, done = [float(t) for t, _ in data], [d for _, d in data]
    curve, share = [], 1.0
    for moment in sorted({t for t, d in zip(times, done, strict=True) if d}):
        at_risk = sum(t >= moment for t in times)
        died = sum(t == moment and d for t, d in zip(times, done, strict=True))
        share *= 1 - died / at_risk
        curve.append((moment, share))
    expected = next((m for m, s in curve if s < 0.5 - 1e-12), None)
    flat = next((m for m, s in curve if abs(s - 0.5) <= 1e-12), None)
    if flat is not None:
        later = [m for m, _ in curve if m > flat]
        expected = (flat + later[0]) / 2 if later else flat
    found = survival(times, done).median
    assert found == (pytest.approx(expected) if expected is not None else None)
