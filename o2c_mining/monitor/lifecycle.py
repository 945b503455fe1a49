"""The life of an alert, as a pure function of what is remembered and what is seen.

``inactive → pending → firing → recovering → resolved``; acknowledging and silencing are no part of it. An episode
begins when something starts to fire and keeps its identity until it is resolved; the next one is another alert.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from o2c_mining.state.models import AlertState, Health

GONE_AFTER = 2
_RESTART_PENDING = timedelta(hours=1)


class Condition(StrEnum):
    """What an evaluation sees of one object under one rule."""

    CLEAR = "clear"
    AT_RISK = "at_risk"
    BREACHED = "breached"
    STOPPED_LATE = "stopped_late"
    CANCELLED = "cancelled"
    GONE = "gone"
    UNKNOWN = "unknown"


class Level(StrEnum):
    """How bad it is; a level only rises within an episode."""

    AT_RISK = "at_risk"
    BREACHED = "breached"


class Occasion(StrEnum):
    """What there is to tell."""

    AT_RISK = "at_risk"
    BREACHED = "breached"
    RESOLVED = "resolved"
    RETRACTED = "retracted"
    HISTORY = "history"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient a rule is. A deadline rule judges by event time: a breach that turns out untrue is retracted."""

    pending_seconds: float = 0.0
    keep_firing_seconds: float = 0.0
    is_deadline: bool = True


@dataclass(frozen=True, slots=True)
class Life:
    """What is remembered of the newest episode of an object under a rule."""

    episode: int
    state: AlertState
    level: Level
    version: str
    health: Health = Health.OK
    reason: str | None = None
    retracted: bool = False
    pending_since: datetime | None = None
    recovering_since: datetime | None = None
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A life after one change; ``before`` is ``inactive`` for a new episode, ``moved`` tells a transition."""

    life: Life
    before: str
    moved: bool
    news: Occasion | None = None


def advance(
    life: Life | None,
    seen: Condition,
    at: datetime,
    *,
    version: str,
    policy: Policy = Policy(),
    last_evaluated: datetime | None = None,
    detail: str | None = None,
) -> tuple[Step, ...]:
    """What an observation changes: nothing, one step, or two when an episode ends and the next begins.

    The same observation twice changes nothing the second time.

    Parameters
    ----------
    life
        The newest episode, ``None`` where there never was one.
    seen
        The condition found now.
    at
        The time of the evaluation.
    version
        Version of the rule; an alert of another version is closed before.
    policy
        Patience of the rule.
    last_evaluated
        When the rule was evaluated before; after more than an hour of silence a pending alert starts anew.
    detail
        Why a clear condition is clear, for example ``met`` or ``due_moved``.
    """
    if life is not None and life.state is not AlertState.RESOLVED and life.version != version:
        closed = _resolve(life, "rule_changed")
        return (closed, *advance(closed.life, seen, at, version=version, policy=policy, last_evaluated=last_evaluated))
    if life is None or life.state is AlertState.RESOLVED:
        return _from_rest(life, seen, at, version, policy)
    if seen is Condition.UNKNOWN:
        return _quietly(life, health=Health.LATE)
    if seen is Condition.GONE and life.missing + 1 < GONE_AFTER:
        return _quietly(life, missing=life.missing + 1)
    life = replace(life, health=Health.OK, missing=0 if seen is not Condition.GONE else life.missing)
    if life.state is AlertState.PENDING:
        return _from_pending(life, seen, at, policy, last_evaluated)
    if seen in (Condition.AT_RISK, Condition.BREACHED):
        return _still_true(life, Level(seen.value), at, version, policy, detail)
    return _no_longer_true(life, seen, at, policy, detail)


def _from_rest(life: Life | None, seen: Condition, at: datetime, version: str, policy: Policy) -> tuple[Step, ...]:
    episode = 1 if life is None else life.episode + 1
    if seen in (Condition.AT_RISK, Condition.BREACHED):
        level = Level(seen.value)
        if policy.pending_seconds > 0:
            fresh = Life(episode, AlertState.PENDING, level, version, pending_since=at)
            return (Step(fresh, "inactive", moved=True),)
        return (Step(Life(episode, AlertState.FIRING, level, version), "inactive", moved=True, news=Occasion(level)),)
    recorded = life is not None and life.reason == "stopped_late" and life.version == version
    if seen is Condition.STOPPED_LATE and not recorded:
        late = Life(episode, AlertState.RESOLVED, Level.BREACHED, version, reason="stopped_late")
        return (Step(late, "inactive", moved=True),)
    if seen is Condition.CLEAR and recorded and life is not None:
        retracted = replace(life, reason="late_data", retracted=True)
        return (Step(retracted, AlertState.RESOLVED, moved=True, news=Occasion.RETRACTED),)
    return ()


def _from_pending(
    life: Life, seen: Condition, at: datetime, policy: Policy, last_evaluated: datetime | None
) -> tuple[Step, ...]:
    if seen is Condition.STOPPED_LATE:
        return (_resolve(replace(life, level=Level.BREACHED), "stopped_late"),)
    if seen not in (Condition.AT_RISK, Condition.BREACHED):
        return (_resolve(life, "cleared"),)
    level = Level.BREACHED if life.level is Level.BREACHED else Level(seen.value)
    since = life.pending_since or at
    if last_evaluated is not None and at - last_evaluated > _RESTART_PENDING:
        since = at
    if (at - since).total_seconds() < policy.pending_seconds:
        return _quietly(life, level=level, pending_since=since)
    fired = replace(life, state=AlertState.FIRING, level=level, pending_since=since)
    return (Step(fired, life.state, moved=True, news=Occasion(level)),)


def _still_true(
    life: Life, level: Level, at: datetime, version: str, policy: Policy, detail: str | None
) -> tuple[Step, ...]:
    if life.level is Level.BREACHED and level is Level.AT_RISK and policy.is_deadline:
        ended = _resolve(life, detail or "due_moved", retracted=True)
        return (ended, *_from_rest(ended.life, Condition.AT_RISK, at, version, policy))
    risen = life.level is Level.AT_RISK and level is Level.BREACHED
    after = replace(life, state=AlertState.FIRING, level=Level.BREACHED if risen else life.level, recovering_since=None)
    if risen or life.state is AlertState.RECOVERING:
        return (Step(after, life.state, moved=True, news=Occasion.BREACHED if risen else None),)
    return (Step(after, life.state, moved=False),)


def _no_longer_true(life: Life, seen: Condition, at: datetime, policy: Policy, detail: str | None) -> tuple[Step, ...]:
    if seen is Condition.GONE:
        return (_resolve(life, "case_gone"),)
    if seen is Condition.CANCELLED:
        return (_resolve(life, "cancelled"),)
    if policy.keep_firing_seconds > 0:
        since = life.recovering_since or at
        if (at - since).total_seconds() < policy.keep_firing_seconds:
            kept = replace(life, state=AlertState.RECOVERING, recovering_since=since)
            return (Step(kept, life.state, moved=life.state is not AlertState.RECOVERING),)
    if seen is Condition.STOPPED_LATE:
        return (_resolve(replace(life, level=Level.BREACHED), "stopped_late", before=life.state),)
    if life.level is Level.BREACHED and policy.is_deadline:
        return (_resolve(life, "late_data" if detail in (None, "met") else detail, retracted=True),)
    return (_resolve(life, detail or "recovered"),)


def _resolve(life: Life, reason: str, *, retracted: bool = False, before: str | None = None) -> Step:
    after = replace(life, state=AlertState.RESOLVED, reason=reason, retracted=retracted, missing=0)
    news = None if reason == "rule_changed" else Occasion.RETRACTED if retracted else Occasion.RESOLVED
    if life.state is AlertState.PENDING:
        news = None
    return Step(after, before or life.state, moved=True, news=news)


def _quietly(life: Life, **changes: object) -> tuple[Step, ...]:
    after = replace(life, **changes)  # type: ignore[arg-type]
    return () if after == life else (Step(after, life.state, moved=False),)
