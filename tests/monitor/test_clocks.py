"""Clocks of a deadline, computed by hand (Berlin, 08:00 to 17:00, Monday to Friday; winter time is UTC+1)."""

from __future__ import annotations

from datetime import datetime

import pytest

from o2c_mining.errors import ConfigError
from o2c_mining.monitor.clocks import CaseTimes, Clock, clocks
from tests.micro import at
from tests.monitor.company import BERLIN, sla


def clock(
    start: str, stop: str | None, complete_to: str | None, as_of: str = "2026-03-31 00:00", **options: object
) -> Clock:
    case = CaseTimes("d1", "DN1", at(start), at(stop) if stop else None, False, False, 100_00, "EUR")
    rule = sla(**options)
    (found,) = clocks([case], rule, BERLIN, complete_to=at(complete_to) if complete_to else None, as_of=at(as_of))
    return found


DUE = "2026-03-03 16:00"  # Tuesday's end for goods issued on Monday 2026-03-02


@pytest.mark.parametrize(
    ("stop", "complete_to", "as_of", "verdict"),
    [
        (DUE, "2026-03-10 00:00", "2026-03-10 00:00", "met"),
        ("2026-03-03 16:01", "2026-03-10 00:00", "2026-03-10 00:00", "breached"),
        ("2026-03-01 09:00", "2026-03-10 00:00", "2026-03-10 00:00", "met"),
        (None, "2026-03-10 00:00", "2026-03-10 00:00", "breached"),
        (None, DUE, "2026-03-10 00:00", "unknown"),
        (None, None, "2026-03-10 00:00", "unknown"),
        (None, "2026-03-03 12:00", "2026-03-03 12:00", "running"),
        (None, DUE, DUE, "running"),
        ("2026-03-03 16:01", DUE, "2026-03-10 00:00", "unknown"),
        (None, "2026-03-03 16:00", "2026-03-03 15:00", "running"),
        (None, "2026-03-09 09:00", "2026-03-03 15:00", "breached"),
    ],
)
def test_verdicts(stop: str | None, complete_to: str | None, as_of: str, verdict: str) -> None:
    found = clock("2026-03-02 10:00", stop, complete_to, as_of)
    assert (found.due_at, found.verdict) == (at(DUE), verdict)


def test_a_clock_says_when_time_alone_may_change_it() -> None:
    running = clock("2026-03-02 10:00", None, "2026-03-02 12:00", "2026-03-02 12:00", at_risk=50)
    assert running.check_after == at("2026-03-03 08:30")
    risky = clock("2026-03-02 10:00", None, "2026-03-03 09:00", "2026-03-03 09:00", at_risk=50)
    assert (risky.verdict, risky.check_after) == ("at_risk", at(DUE))
    assert clock("2026-03-02 10:00", None, "2026-03-10 00:00").check_after is None


def test_half_of_the_working_time_is_used_up_at_half_of_it() -> None:
    # Monday 11:00 to 17:00 and Tuesday 08:00 to 17:00 local are 15 working hours; 7.5 of them end Tuesday 09:30.
    before = clock("2026-03-02 10:00", None, "2026-03-03 08:29", "2026-03-03 08:29", at_risk=50)
    after = clock("2026-03-02 10:00", None, "2026-03-03 08:31", "2026-03-03 08:31", at_risk=50)
    at_once = clock("2026-03-02 10:00", None, "2026-03-03 08:30", "2026-03-03 08:30", at_risk=50)
    assert before.check_after == at("2026-03-03 08:30")
    assert (before.verdict, at_once.verdict, after.verdict) == ("running", "at_risk", "at_risk")


def test_a_cancelled_object_has_no_clock() -> None:
    case = CaseTimes("d1", None, at("2026-03-02 10:00"), None, False, True, None, None)
    assert clocks([case], sla(), BERLIN, complete_to=at("2026-04-01 00:00"), as_of=at("2026-04-01 00:00")) == []


@pytest.mark.parametrize(("target", "legal"), [("1wd", True), ("3d", True), ("8h", False), ("8wh", False)])
def test_stamps_that_know_only_the_day_are_no_ground_for_hours(target: str, legal: bool) -> None:
    case = CaseTimes("d1", "DN1", at("2026-03-02 00:00"), None, True, False, None, None)
    known: datetime = at("2026-04-01 00:00")
    if legal:
        assert clocks([case], sla(target=target), BERLIN, complete_to=known, as_of=known)
        return
    with pytest.raises(ConfigError, match=r"delivery DN1 has stamps that only know the day; .*use a target in wd or d"):
        clocks([case], sla(target=target), BERLIN, complete_to=known, as_of=known)
