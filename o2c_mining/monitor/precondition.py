"""Whether an action should still be sent, asked right before it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from o2c_mining.monitor.lifecycle import Level, Occasion
from o2c_mining.state.models import Action, ActionState, Alert, AlertState, Silence, Switch

ACTIONS_SWITCH = "actions"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cancel:
    """Do not send, for good."""

    why: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Do not send before ``until``."""

    why: str
    until: datetime


@dataclass(frozen=True, slots=True)
class OverLimit:
    """Too many actions of a rule within an hour: stop the rule's actions until a person releases them."""

    why: str


def objection(session: Session, action: Action, *, per_hour: int, now: datetime) -> Cancel | Hold | OverLimit | None:
    """What speaks against sending now; ``None`` when nothing does."""
    alert = session.get(Alert, action.alert_id) if action.alert_id is not None else None
    if alert is not None:
        untrue = _outdated(session, action, alert)
        if untrue is not None:
            return untrue
    until = _silenced(active_silences(session, now=now), action.rule, alert.object_id if alert is not None else None)
    if until is not None:
        return Hold("silenced", until)
    if action.dry_run:
        return Cancel(f"dry run: would have been sent to {action.target}")
    recent = (
        select(func.count())
        .select_from(Action)
        .where(Action.rule == action.rule, Action.state == ActionState.DELIVERED, Action.sent_at > now - _HOUR)
    )
    if (session.scalar(recent) or 0) >= per_hour:
        return OverLimit(f"{per_hour} actions of the rule '{action.rule}' were sent within an hour")
    return None


def active_silences(session: Session, *, now: datetime) -> list[Silence]:
    """Silences that have not ended."""
    return list(session.scalars(select(Silence).where(Silence.until > now)))


def silenced_until(silences: Iterable[Silence], alert: Alert) -> datetime | None:
    """Until when notifications about an alert wait, ``None`` when they need not."""
    return _silenced(silences, alert.rule, alert.object_id)


def stopped(session: Session) -> set[str]:
    """Names of everything that is stopped: ``actions``, ``channel:NAME``, ``rule:ID``."""
    return set(session.scalars(select(Switch.name)))


def _silenced(silences: Iterable[Silence], rule: str, object_id: str | None) -> datetime | None:
    matching = (s.until for s in silences if s.rule in (None, rule) and s.object_id in (None, object_id))
    return max(matching, default=None)


def _outdated(session: Session, action: Action, alert: Alert) -> Cancel | None:
    if action.occasion in (Occasion.BREACHED, Occasion.AT_RISK):
        if alert.state == AlertState.RESOLVED:
            return Cancel(f"no longer needed: the alert is resolved ({alert.reason})")
        if action.occasion == Occasion.AT_RISK and alert.level == Level.BREACHED:
            return Cancel("no longer needed: the deadline has passed meanwhile")
    if action.occasion in (Occasion.RESOLVED, Occasion.RETRACTED):
        tried = (
            select(func.count())
            .select_from(Action)
            .where(
                Action.alert_id == action.alert_id,
                Action.name == action.name,
                Action.key != action.key,
                Action.attempts > 0,
            )
        )
        if not session.scalar(tried):
            return Cancel("nothing to take back: nothing had been sent")
    return None
