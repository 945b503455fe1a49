"""Move the alerts of a rule to what its clocks say, inside one transaction, with transitions and actions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from o2c_mining.monitor.clocks import Clock, Verdict
from o2c_mining.monitor.lifecycle import Condition, Level, Life, Occasion, Step, advance
from o2c_mining.monitor.outbox import propose, propose_digest
from o2c_mining.monitor.sla import Sla
from o2c_mining.monitor.text import DocumentRef
from o2c_mining.state import audit
from o2c_mining.state.models import Alert, AlertState, AlertTransition, Health

_IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Evaluating:
    """What an evaluation knows besides the clocks. ``at`` is event time, ``now`` the wall clock for the record."""

    sla: Sla
    version: str
    calendar_version: str
    timezone: str
    targets: Mapping[str, str]
    documents: Mapping[str, Sequence[DocumentRef]]
    at: datetime
    snapshot: int
    now: datetime
    is_baseline: bool


def apply_clocks(
    session: Session,
    run: Evaluating,
    clocks: Sequence[Clock],
    cancelled: Collection[str],
    ids: Collection[str] | None,
) -> int:
    """Advance every alert the clocks speak about; returns the number of transitions written.

    ``ids`` are the objects that were looked at (``None``: all). An unresolved alert among them without a clock is
    about an object that is gone.
    """
    stored = _newest_alerts(session, run.sla.id, ids)
    by_object = {clock.object_id: clock for clock in clocks}
    changes = 0
    fresh: list[Alert] = []
    for object_id in sorted({*by_object, *stored}):
        clock, alert = by_object.get(object_id), stored.get(object_id)
        seen = _condition(object_id, clock, cancelled)
        if alert is None and seen in (Condition.CLEAR, Condition.UNKNOWN, Condition.CANCELLED, Condition.GONE):
            continue
        steps = advance(
            life_of(alert) if alert is not None else None,
            seen,
            run.at,
            version=run.version,
            detail="due_moved" if clock is not None and clock.verdict is not Verdict.MET else "met",
        )
        for step in steps:
            if step.before == "inactive" and clock is not None:
                alert = _new_alert(run, clock, step)
                session.add(alert)
                if step.life.level is Level.BREACHED:
                    fresh.append(alert)
            assert alert is not None
            changes += _take(session, run, alert, step, clock)
        if alert is not None and clock is not None and alert.rule_version == run.version:
            _update_facts(session, run, alert, clock)
    if run.is_baseline and run.sla.backfill == "digest" and fresh:
        propose_digest(session, run.sla, run.version, fresh, targets=run.targets, now=run.now)
    return changes


def fingerprint(object_type: str, object_id: str) -> str:
    """What an alert is about, from labels that never change."""
    labels = json.dumps({"object_type": object_type, "object_id": object_id}, sort_keys=True)
    return hashlib.sha256(labels.encode()).hexdigest()[:32]


def life_of(alert: Alert) -> Life:
    """The part of a stored alert that its life depends on."""
    return Life(
        episode=alert.episode,
        state=AlertState(alert.state),
        level=Level(alert.level),
        version=alert.rule_version,
        health=Health(alert.health),
        reason=alert.reason,
        retracted=alert.retracted,
        pending_since=alert.pending_since,
        recovering_since=alert.recovering_since,
        missing=alert.missing,
    )


def _condition(object_id: str, clock: Clock | None, cancelled: Collection[str]) -> Condition:
    if clock is not None:
        return clock.condition
    return Condition.CANCELLED if object_id in cancelled else Condition.GONE


def _newest_alerts(session: Session, rule: str, ids: Collection[str] | None) -> dict[str, Alert]:
    """The last episode of every object that has one."""
    query = select(Alert).where(Alert.rule == rule).order_by(Alert.object_id, Alert.episode)
    if ids is None:
        return {alert.object_id: alert for alert in session.scalars(query)}
    found: dict[str, Alert] = {}
    listed = sorted(ids)
    for n in range(0, len(listed), _IDS_AT_ONCE):
        some = query.where(Alert.object_id.in_(listed[n : n + _IDS_AT_ONCE]))
        found.update({alert.object_id: alert for alert in session.scalars(some)})
    return found


def _new_alert(run: Evaluating, clock: Clock, step: Step) -> Alert:
    name = fingerprint(run.sla.object_type, clock.object_id)
    return Alert(
        id=f"{run.sla.id}:{name}:{step.life.episode}",
        rule=run.sla.id,
        rule_version=run.version,
        calendar_version=run.calendar_version,
        fingerprint=name,
        episode=step.life.episode,
        title=run.sla.title,
        severity=run.sla.severity,
        owner=run.sla.owner,
        object_type=run.sla.object_type,
        object_id=clock.object_id,
        number=clock.number,
        since=clock.since,
        due_at=clock.due_at,
        stopped_at=clock.stopped_at,
        money_minor=clock.money_minor,
        currency=clock.currency,
        details={"documents": _documents(run, clock.object_id)},
        opened_at=run.now,
        updated_at=run.now,
    )


def _take(session: Session, run: Evaluating, alert: Alert, step: Step, clock: Clock | None) -> int:
    """Write one step; returns 1 if it was a transition."""
    life = step.life
    alert.state, alert.level, alert.health = life.state, life.level, life.health
    alert.reason, alert.retracted, alert.missing = life.reason, life.retracted, life.missing
    alert.pending_since, alert.recovering_since = life.pending_since, life.recovering_since
    if not step.moved:
        return 0
    alert.updated_at = run.now
    if life.state is AlertState.RESOLVED:
        ended = clock.stopped_at if clock is not None and life.reason == "stopped_late" else None
        alert.stopped_at = clock.stopped_at if clock is not None else alert.stopped_at
        alert.resolved_at = ended or run.at
    transition = AlertTransition(
        alert_id=alert.id,
        from_state=step.before,
        to_state=life.state,
        level=life.level,
        reason=life.reason,
        as_of=run.at,
        recorded_at=run.now,
        snapshot=run.snapshot,
        actions=0,
    )
    session.add(transition)
    session.flush()
    occasion = _occasion(run, step)
    if occasion is not None:
        transition.actions = propose(
            session,
            run.sla,
            alert,
            occasion,
            transition_id=transition.id,
            targets=run.targets,
            timezone=run.timezone,
            now=run.now,
        )
    return 1


def _occasion(run: Evaluating, step: Step) -> Occasion | None:
    """What is told of a step; a new rule tells of old data only what its backfill asks for."""
    if not run.is_baseline or step.before != "inactive":
        return step.news
    if run.sla.backfill == "digest":
        return None
    if run.sla.backfill == "all" and step.life.state is AlertState.RESOLVED:
        return Occasion.HISTORY
    return step.news


def _update_facts(session: Session, run: Evaluating, alert: Alert, clock: Clock) -> None:
    """Keep what an alert says true; a moved due date is audited."""
    if alert.state == AlertState.RESOLVED and alert.reason != "stopped_late":
        return
    if alert.due_at != clock.due_at:
        audit.record(
            session,
            at=run.now,
            actor="monitor",
            action="due date moved",
            subject=alert.id,
            detail={"from": alert.due_at, "to": clock.due_at, "calendar": run.calendar_version},
        )
    alert.since, alert.due_at, alert.stopped_at = clock.since, clock.due_at, clock.stopped_at
    alert.number, alert.money_minor, alert.currency = clock.number, clock.money_minor, clock.currency
    alert.calendar_version = run.calendar_version
    alert.title, alert.severity, alert.owner = run.sla.title, run.sla.severity, run.sla.owner
    if clock.object_id in run.documents:
        listed = _documents(run, clock.object_id)
        if listed != alert.details.get("documents"):
            alert.details = {**alert.details, "documents": listed}


def _documents(run: Evaluating, object_id: str) -> list[dict[str, str | None]]:
    return [
        {"object_id": ref.object_id, "object_type": ref.object_type, "number": ref.number}
        for ref in run.documents.get(object_id, ())
    ]
