"""The life of an alert: timelines written by hand, and laws that hold for every timeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_mining.monitor.lifecycle import Condition, Life, Policy, Step, advance

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
DEADLINE = Policy()
METRIC = Policy(pending_seconds=600, keep_firing_seconds=600, is_deadline=False)
C = Condition


def live(
    seen: list[Condition | tuple[Condition, str]],
    policy: Policy = DEADLINE,
    minutes: int = 5,
    versions: list[str] | None = None,
) -> list[str]:
    """One line per step of a timeline: ``before>after/level`` with episode, reason and news."""
    life: Life | None = None
    lines = []
    for n, condition in enumerate(seen):
        name, detail = condition if isinstance(condition, tuple) else (condition, None)
        version = versions[n] if versions else "1"
        now = MONDAY + timedelta(minutes=minutes * n)
        for step in advance(life, name, now, version=version, policy=policy, detail=detail):
            life = step.life
            if step.moved:
                lines.append(_line(step))
    return lines


def _line(step: Step) -> str:
    life = step.life
    text = f"{life.episode} {step.before}>{life.state}/{life.level}"
    text += f" {life.reason}" if life.reason else ""
    text += " (retracted)" if life.retracted else ""
    return text + (f" !{step.news}" if step.news else "")


TIMELINES = [
    ("nothing wrong, nothing said", [C.CLEAR, C.CLEAR], []),
    ("a breach fires once", [C.CLEAR, C.BREACHED, C.BREACHED, C.BREACHED], ["1 inactive>firing/breached !breached"]),
    (
        "the stop comes late",
        [C.BREACHED, C.STOPPED_LATE, C.STOPPED_LATE],
        ["1 inactive>firing/breached !breached", "1 firing>resolved/breached stopped_late !resolved"],
    ),
    (
        "history that is over is recorded quietly",
        [C.STOPPED_LATE, C.STOPPED_LATE],
        ["1 inactive>resolved/breached stopped_late"],
    ),
    (
        "late data show that the deadline was met",
        [C.BREACHED, (C.CLEAR, "met"), C.CLEAR],
        ["1 inactive>firing/breached !breached", "1 firing>resolved/breached late_data (retracted) !retracted"],
    ),
    (
        "late data show it after the alert was over",
        [C.BREACHED, C.STOPPED_LATE, (C.CLEAR, "met"), C.CLEAR],
        [
            "1 inactive>firing/breached !breached",
            "1 firing>resolved/breached stopped_late !resolved",
            "1 resolved>resolved/breached late_data (retracted) !retracted",
        ],
    ),
    (
        "the start was corrected and the time is not up yet",
        [C.BREACHED, (C.CLEAR, "due_moved")],
        ["1 inactive>firing/breached !breached", "1 firing>resolved/breached due_moved (retracted) !retracted"],
    ),
    (
        "the invoice is taken back: it waits again, as another episode",
        [C.BREACHED, C.STOPPED_LATE, C.BREACHED, C.STOPPED_LATE],
        [
            "1 inactive>firing/breached !breached",
            "1 firing>resolved/breached stopped_late !resolved",
            "2 inactive>firing/breached !breached",
            "2 firing>resolved/breached stopped_late !resolved",
        ],
    ),
    (
        "at risk, then breached, in one episode",
        [C.AT_RISK, C.AT_RISK, C.BREACHED, C.BREACHED],
        ["1 inactive>firing/at_risk !at_risk", "1 firing>firing/breached !breached"],
    ),
    (
        "at risk, then done in time",
        [C.AT_RISK, (C.CLEAR, "met")],
        ["1 inactive>firing/at_risk !at_risk", "1 firing>resolved/at_risk met !resolved"],
    ),
    (
        "done in time after a warning, found late after all",
        [C.AT_RISK, (C.CLEAR, "met"), C.STOPPED_LATE],
        [
            "1 inactive>firing/at_risk !at_risk",
            "1 firing>resolved/at_risk met !resolved",
            "2 inactive>resolved/breached stopped_late",
        ],
    ),
    (
        "late and never seen breached: the level tells the truth",
        [C.AT_RISK, C.STOPPED_LATE],
        ["1 inactive>firing/at_risk !at_risk", "1 firing>resolved/breached stopped_late !resolved"],
    ),
    (
        "the due date moves so that it is only at risk",
        [C.BREACHED, (C.AT_RISK, "due_moved"), C.BREACHED],
        [
            "1 inactive>firing/breached !breached",
            "1 firing>resolved/breached due_moved (retracted) !retracted",
            "2 inactive>firing/at_risk !at_risk",
            "2 firing>firing/breached !breached",
        ],
    ),
    (
        "the delivery is cancelled",
        [C.BREACHED, C.CANCELLED, C.CANCELLED],
        ["1 inactive>firing/breached !breached", "1 firing>resolved/breached cancelled !resolved"],
    ),
    ("cancelled before it was due", [C.CLEAR, C.CANCELLED], []),
    (
        "a case that vanished for one evaluation",
        [C.BREACHED, C.GONE, C.BREACHED, C.GONE, C.BREACHED],
        ["1 inactive>firing/breached !breached"],
    ),
    (
        "a case that stays away is gone, not met",
        [C.BREACHED, C.GONE, C.GONE],
        ["1 inactive>firing/breached !breached", "1 firing>resolved/breached case_gone !resolved"],
    ),
    (
        "a source is late: nothing is resolved, nothing is raised",
        [C.UNKNOWN, C.UNKNOWN, C.BREACHED, C.UNKNOWN, C.BREACHED],
        ["1 inactive>firing/breached !breached"],
    ),
]


@pytest.mark.parametrize(("seen", "expected"), [row[1:] for row in TIMELINES], ids=[row[0] for row in TIMELINES])
def test_deadline_timelines(seen: list[Condition | tuple[Condition, str]], expected: list[str]) -> None:
    assert live(seen) == expected


def test_a_changed_rule_closes_its_alerts_without_a_word_and_judges_anew() -> None:
    seen = [C.BREACHED, C.BREACHED, C.CLEAR]
    assert live(list(seen), versions=["1", "2", "2"]) == [
        "1 inactive>firing/breached !breached",
        "1 firing>resolved/breached rule_changed",
        "2 inactive>firing/breached !breached",
        "2 firing>resolved/breached late_data (retracted) !retracted",
    ]


def test_history_is_recorded_once_per_version_of_the_rule() -> None:
    seen = [C.STOPPED_LATE, C.STOPPED_LATE, C.STOPPED_LATE]
    assert live(list(seen), versions=["1", "1", "2"]) == [
        "1 inactive>resolved/breached stopped_late",
        "2 inactive>resolved/breached stopped_late",
    ]


def test_a_metric_rule_waits_before_it_fires_and_before_it_calms_down() -> None:
    seen = [C.BREACHED] * 3 + [C.CLEAR] + [C.BREACHED] + [C.CLEAR] * 4
    assert live(list(seen), METRIC) == [
        "1 inactive>pending/breached",
        "1 pending>firing/breached !breached",
        "1 firing>recovering/breached",
        "1 recovering>firing/breached",
        "1 firing>recovering/breached",
        "1 recovering>resolved/breached recovered !resolved",
    ]


def test_a_short_peak_never_fires() -> None:
    assert live([C.BREACHED, C.CLEAR], METRIC) == ["1 inactive>pending/breached", "1 pending>resolved/breached cleared"]


def test_a_long_silence_restarts_the_pending_time_a_short_one_does_not() -> None:
    pending = advance(None, C.BREACHED, MONDAY, version="1", policy=METRIC)[0].life
    later = MONDAY + timedelta(hours=2)
    (restarted,) = advance(pending, C.BREACHED, later, version="1", policy=METRIC, last_evaluated=MONDAY)
    assert (restarted.moved, restarted.life.pending_since) == (False, later)
    soon = MONDAY + timedelta(minutes=30)
    (fired,) = advance(pending, C.BREACHED, soon, version="1", policy=METRIC, last_evaluated=MONDAY)
    assert _line(fired) == "1 pending>firing/breached !breached"


def test_health_follows_the_source_and_comes_back() -> None:
    life = advance(None, C.BREACHED, MONDAY, version="1")[0].life
    (late,) = advance(life, C.UNKNOWN, MONDAY, version="1")
    assert (late.life.health, late.life.state, late.moved) == ("late", "firing", False)
    (back,) = advance(late.life, C.BREACHED, MONDAY, version="1")
    assert (back.life.health, back.moved) == ("ok", False)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(list(Condition)), st.sampled_from(["1", "1", "1", "2"])), max_size=12),
    st.sampled_from([DEADLINE, METRIC]),
)
def test_laws_of_every_timeline(seen: list[tuple[Condition, str]], policy: Policy) -> None:
    life: Life | None = None
    told: list[tuple[int, str]] = []
    for n, (condition, version) in enumerate(seen):
        now = MONDAY + timedelta(minutes=7 * n)
        before = life
        for step in advance(life, condition, now, version=version, policy=policy):
            life = step.life
            if step.news is not None:
                told.append((step.life.episode, step.news))
        if before is not None and life is not None:
            assert life.episode >= before.episode
            if life.episode == before.episode:
                assert not (before.level == "breached" and life.level == "at_risk")
                if before.state == "resolved":
                    assert life.state == "resolved"
        if condition is not Condition.GONE:
            again = advance(life, condition, now, version=version, policy=policy)
            assert not any(step.moved for step in again)
    assert len(told) == len(set(told))
