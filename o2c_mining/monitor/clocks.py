"""The clocks of a deadline rule: since when, due when, and what can be said about it now.

Everything is judged in event time. A clock is breached when no stop came by ``due_at`` *and* every source that could
report one has been read past ``due_at``; before that nobody can know, and the verdict is ``unknown``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from o2c_mining.calendar import WorkCalendar, add_working, due_at, work_clock
from o2c_mining.errors import ConfigError
from o2c_mining.monitor.lifecycle import Condition
from o2c_mining.monitor.sla import Sla, target_of


class Verdict(StrEnum):
    """What can be said about a clock."""

    MET = "met"
    BREACHED = "breached"
    RUNNING = "running"
    AT_RISK = "at_risk"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CaseTimes:
    """What the log says about one object: its first start and its first stop."""

    object_id: str
    number: str | None
    started_at: datetime
    stopped_at: datetime | None
    by_day: bool
    is_cancelled: bool
    money_minor: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Clock:
    """One object under one deadline. ``check_after`` is when the passing of time alone may change the verdict."""

    object_id: str
    number: str | None
    since: datetime
    due_at: datetime
    stopped_at: datetime | None
    verdict: Verdict
    check_after: datetime | None
    money_minor: int | None
    currency: str | None

    @property
    def condition(self) -> Condition:
        """The verdict in the words of the alert's life."""
        if self.verdict is Verdict.BREACHED:
            return Condition.BREACHED if self.stopped_at is None else Condition.STOPPED_LATE
        if self.verdict in (Verdict.AT_RISK, Verdict.UNKNOWN):
            return Condition(self.verdict.value)
        return Condition.CLEAR


def clocks(
    cases: Iterable[CaseTimes],
    sla: Sla,
    calendar: WorkCalendar,
    *,
    complete_to: datetime | None,
    as_of: datetime,
) -> list[Clock]:
    """One clock per object that was started and not cancelled, in the order of ``cases``.

    Parameters
    ----------
    cases
        Start and stop of each object; a stop before the start has met the deadline.
    sla
        The deadline.
    calendar
        Working time of the target.
    complete_to
        Up to when every source of the rule has been read; ``None`` when one of them never was.
    as_of
        The time the log is looked at; nothing later exists.

    Raises
    ------
    ConfigError
        If the target counts hours and a stamp only knows the day.
    """
    return [_clock(case, sla, calendar, complete_to, as_of) for case in cases if not case.is_cancelled]


def _clock(case: CaseTimes, sla: Sla, calendar: WorkCalendar, complete_to: datetime | None, as_of: datetime) -> Clock:
    target = target_of(sla)
    if case.by_day and not target.by_day:
        raise ConfigError(
            f"{sla.object_type} {case.number or case.object_id} has stamps that only know the day; a target of "
            f"{target} needs exact times; use a target in wd or d in the SLA '{sla.id}'"
        )
    due = due_at(calendar, case.started_at, target, cutoff=sla.cutoff)
    warn = _at_risk_at(case.started_at, due, sla, calendar)
    verdict, check_after = _verdict(case.stopped_at, due, warn, complete_to, as_of)
    return Clock(
        object_id=case.object_id,
        number=case.number,
        since=case.started_at.astimezone(UTC),
        due_at=due.astimezone(UTC),
        stopped_at=case.stopped_at,
        verdict=verdict,
        check_after=check_after,
        money_minor=case.money_minor,
        currency=case.currency,
    )


def _verdict(
    stop: datetime | None, due: datetime, warn: datetime | None, complete_to: datetime | None, as_of: datetime
) -> tuple[Verdict, datetime | None]:
    if stop is not None and stop <= due:
        return Verdict.MET, None
    if complete_to is not None and complete_to > due:
        return Verdict.BREACHED, None
    if as_of > due:
        return Verdict.UNKNOWN, due
    if warn is not None and complete_to is not None and complete_to >= warn:
        return Verdict.AT_RISK, due
    return Verdict.RUNNING, warn or due


def _at_risk_at(start: datetime, due: datetime, sla: Sla, calendar: WorkCalendar) -> datetime | None:
    if sla.at_risk is None:
        return None
    share = sla.at_risk / 100
    if target_of(sla).unit in ("wh", "wd"):
        return add_working(calendar, start, share * (work_clock(calendar, due) - work_clock(calendar, start)))
    return start + timedelta(seconds=share * (due - start).total_seconds())
