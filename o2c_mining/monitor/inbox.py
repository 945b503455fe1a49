"""Alerts and actions as people and screens read them: one question each, money and times ready to show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from o2c_mining.monitor.outbox import money_of
from o2c_mining.monitor.precondition import active_silences, silenced_until
from o2c_mining.state.database import State
from o2c_mining.state.models import Action, Alert, AlertState, AlertTransition, Evaluation, Rule, Switch

_IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ActionView:
    """One action: what was to be done where, and what became of it."""

    key: str
    alert: str | None
    rule: str
    name: str
    kind: str
    occasion: str
    channel: str
    target: str
    state: str
    attempts: int
    next_attempt_at: datetime | None
    dry_run: bool
    outcome: str | None
    title: str
    text: str
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert: what waits, since when, how much money, which documents, what was done."""

    id: str
    rule: str
    rule_version: str
    title: str
    state: str
    level: str
    health: str
    severity: str
    owner: str | None
    object_type: str
    object_id: str
    number: str | None
    episode: int
    since: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    resolved_at: datetime | None
    reason: str | None
    retracted: bool
    money: str | None
    currency: str | None
    money_minor: int | None
    documents: tuple[dict[str, str | None], ...]
    details: dict[str, object]
    acked_by: str | None
    silenced_until: datetime | None
    actions: tuple[ActionView, ...]


@dataclass(frozen=True, slots=True)
class RuleHealth:
    """When a rule was last evaluated and whether its figures can be trusted."""

    rule: str
    title: str
    health: str
    at: datetime
    as_of: datetime | None
    watermark: datetime | None
    unknown: int
    message: str | None


@dataclass(frozen=True, slots=True)
class StoppedView:
    """Something stopped until a person releases it."""

    name: str
    author: str
    reason: str
    at: datetime


def list_alerts(
    state: State,
    *,
    rule: str | None = None,
    states: Collection[str] = (),
    object_id: str | None = None,
    all_versions: bool = False,
    now: datetime,
) -> tuple[AlertView, ...]:
    """Alerts of the rules as they are now: what waits first, the longest overdue before the others.

    ``all_versions`` adds those of earlier versions of a rule.
    """
    with state.read() as session:
        query = select(Alert).outerjoin(Rule, Rule.id == Alert.rule)
        if not all_versions:
            current = and_(Rule.id.is_not(None), Rule.version == Alert.rule_version)
            query = query.where(or_(current, Rule.id.is_(None), Alert.state != AlertState.RESOLVED))
        if rule is not None:
            query = query.where(Alert.rule == rule)
        if states:
            query = query.where(Alert.state.in_(list(states)))
        if object_id is not None:
            query = query.where(or_(Alert.object_id == object_id, Alert.number == object_id))
        is_over = case((Alert.state == AlertState.RESOLVED, 1), else_=0)
        query = query.order_by(is_over, func.coalesce(Alert.due_at, Alert.since), Alert.number, Alert.id)
        found = list(session.scalars(query))
        actions = _actions_by_alert(session, [alert.id for alert in found])
        silences = active_silences(session, now=now)
        return tuple(
            _alert_view(
                alert,
                actions.get(alert.id, ()),
                None if alert.state == AlertState.RESOLVED else silenced_until(silences, alert),
            )
            for alert in found
        )


def list_actions(
    state: State, *, states: Collection[str] = (), rule: str | None = None, alert: str | None = None
) -> tuple[ActionView, ...]:
    """Actions, the newest first."""
    with state.read() as session:
        query = select(Action)
        if states:
            query = query.where(Action.state.in_(list(states)))
        if rule is not None:
            query = query.where(Action.rule == rule)
        if alert is not None:
            query = query.where(Action.alert_id == alert)
        return tuple(action_view(row) for row in session.scalars(query.order_by(Action.created_at.desc(), Action.key)))


def list_transitions(state: State, alert: str) -> tuple[dict[str, object], ...]:
    """What happened to an alert, the oldest first."""
    with state.read() as session:
        rows = session.scalars(
            select(AlertTransition).where(AlertTransition.alert_id == alert).order_by(AlertTransition.id)
        )
        return tuple(
            {
                "from": row.from_state,
                "to": row.to_state,
                "level": row.level,
                "reason": row.reason,
                "as_of": row.as_of,
                "recorded_at": row.recorded_at,
                "snapshot": row.snapshot,
                "actions": row.actions,
            }
            for row in rows
        )


def rules_health(state: State) -> tuple[RuleHealth, ...]:
    """The newest evaluation of every rule."""
    with state.read() as session:
        newest = select(func.max(Evaluation.id)).group_by(Evaluation.rule)
        titles = {rule.id: rule.title for rule in session.scalars(select(Rule))}
        rows = session.scalars(select(Evaluation).where(Evaluation.id.in_(newest)).order_by(Evaluation.rule))
        return tuple(
            RuleHealth(
                rule=row.rule,
                title=titles.get(row.rule, row.rule),
                health=row.health,
                at=row.at,
                as_of=row.as_of,
                watermark=row.watermark,
                unknown=row.unknown,
                message=row.message,
            )
            for row in rows
        )


def list_stopped(state: State) -> tuple[StoppedView, ...]:
    """What is stopped: all actions, a channel, a rule."""
    with state.read() as session:
        rows = session.scalars(select(Switch).order_by(Switch.name))
        return tuple(StoppedView(row.name, row.author, row.reason, row.at) for row in rows)


def action_view(row: Action) -> ActionView:
    """A row of the outbox as it is shown."""
    return ActionView(
        key=row.key,
        alert=row.alert_id,
        rule=row.rule,
        name=row.name,
        kind=row.kind,
        occasion=row.occasion,
        channel=row.channel,
        target=row.target,
        state=row.state,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        dry_run=row.dry_run,
        outcome=row.outcome,
        title=str(row.payload.get("title", "")),
        text=str(row.payload.get("text", "")),
        created_at=row.created_at,
        sent_at=row.sent_at,
    )


def _alert_view(alert: Alert, actions: tuple[ActionView, ...], silenced: datetime | None) -> AlertView:
    details = {name: value for name, value in alert.details.items() if name != "documents"}
    return AlertView(
        id=alert.id,
        rule=alert.rule,
        rule_version=alert.rule_version,
        title=alert.title,
        state=alert.state,
        level=alert.level,
        health=alert.health,
        severity=alert.severity,
        owner=alert.owner,
        object_type=alert.object_type,
        object_id=alert.object_id,
        number=alert.number,
        episode=alert.episode,
        since=alert.since,
        due_at=alert.due_at,
        stopped_at=alert.stopped_at,
        resolved_at=alert.resolved_at,
        reason=alert.reason,
        retracted=alert.retracted,
        money=(money_of(alert) or {}).get("amount"),
        currency=alert.currency,
        money_minor=alert.money_minor,
        documents=tuple(alert.details.get("documents", ())),
        details=details,
        acked_by=alert.acked_by,
        silenced_until=silenced,
        actions=actions,
    )


def _actions_by_alert(session: Session, ids: Sequence[str]) -> dict[str, tuple[ActionView, ...]]:
    found: dict[str, list[ActionView]] = {}
    for n in range(0, len(ids), _IDS_AT_ONCE):
        some = select(Action).where(Action.alert_id.in_(ids[n : n + _IDS_AT_ONCE]))
        for row in session.scalars(some.order_by(Action.created_at, Action.key)):
            found.setdefault(str(row.alert_id), []).append(action_view(row))
    return {alert: tuple(views) for alert, views in found.items()}
