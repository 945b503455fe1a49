"""Alerts about the monitoring itself: a source that is late, a rule that cannot be evaluated, a breaker that opened."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from o2c_mining.monitor.apply import fingerprint
from o2c_mining.state.models import Alert, AlertState, AlertTransition, Evaluation, Health, OpenClock

SOURCE_LATE = "source_late"
EVALUATION_ERROR = "evaluation_error"
ACTIONS_STOPPED = "actions_stopped"
ERRORS_BEFORE_ALERT = 3
_TITLES = {
    SOURCE_LATE: "A source is late: deadlines cannot be judged",
    EVALUATION_ERROR: "A rule cannot be evaluated",
    ACTIONS_STOPPED: "Actions were stopped by a limit",
}


def undecided(session: Session, rule: str, *, complete_to: datetime | None, as_of: datetime) -> int:
    """Clocks whose due time has passed although the sources are not read up to it."""
    query = select(func.count()).select_from(OpenClock).where(OpenClock.rule == rule, OpenClock.due_at < as_of)
    if complete_to is not None:
        query = query.where(OpenClock.due_at >= complete_to)
    return session.scalar(query) or 0


def report_late_sources(session: Session, rule: str, late: Collection[str], *, now: datetime, snapshot: int) -> None:
    """One alert per late source; it lists the rules that wait for it and ends when none does."""
    firing = {alert.object_id: alert for alert in _unresolved(session, SOURCE_LATE)}
    for source in sorted({*late, *firing}):
        alert = firing.get(source)
        rules = set(alert.details["rules"]) if alert is not None else set()
        rules = rules | {rule} if source in late else rules - {rule}
        if rules:
            raise_alert(session, SOURCE_LATE, "source", source, {"rules": sorted(rules)}, now=now, snapshot=snapshot)
        elif alert is not None:
            end_alert(session, SOURCE_LATE, "source", source, "caught_up", now=now, snapshot=snapshot)


def report_errors(session: Session, rule: str, message: str | None, *, now: datetime, snapshot: int) -> None:
    """An alert when a rule failed three times in a row; ``None`` as message ends it."""
    if message is None:
        end_alert(session, EVALUATION_ERROR, "rule", rule, "evaluated", now=now, snapshot=snapshot)
        return
    recent = select(Evaluation.health).where(Evaluation.rule == rule).order_by(Evaluation.id.desc())
    last = list(session.scalars(recent.limit(ERRORS_BEFORE_ALERT - 1)))
    if len(last) == ERRORS_BEFORE_ALERT - 1 and all(health == Health.ERROR for health in last):
        raise_alert(session, EVALUATION_ERROR, "rule", rule, {"message": message}, now=now, snapshot=snapshot)


def raise_alert(
    session: Session,
    rule: str,
    object_type: str,
    object_id: str,
    details: dict[str, object],
    *,
    now: datetime,
    snapshot: int,
) -> None:
    """Let a system alert fire, or bring the details of the firing one up to date."""
    newest = _newest(session, rule, object_type, object_id)
    if newest is not None and newest.state != AlertState.RESOLVED:
        if newest.details != details:
            newest.details, newest.updated_at = details, now
        return
    name = fingerprint(object_type, object_id)
    episode = 1 if newest is None else newest.episode + 1
    alert = Alert(
        id=f"{rule}:{name}:{episode}",
        rule=rule,
        rule_version="1",
        fingerprint=name,
        episode=episode,
        title=_TITLES[rule],
        state=AlertState.FIRING,
        level="breached",
        severity="warning",
        object_type=object_type,
        object_id=object_id,
        number=object_id,
        since=now,
        details=details,
        opened_at=now,
        updated_at=now,
    )
    session.add(alert)
    session.add(_transition(alert, "inactive", None, now=now, snapshot=snapshot))
    session.flush()


def end_alert(
    session: Session, rule: str, object_type: str, object_id: str, reason: str, *, now: datetime, snapshot: int
) -> None:
    """Resolve a system alert if it fires."""
    alert = _newest(session, rule, object_type, object_id)
    if alert is None or alert.state == AlertState.RESOLVED:
        return
    before = alert.state
    alert.state, alert.reason, alert.resolved_at, alert.updated_at = AlertState.RESOLVED, reason, now, now
    session.add(_transition(alert, before, reason, now=now, snapshot=snapshot))


def _transition(alert: Alert, before: str, reason: str | None, *, now: datetime, snapshot: int) -> AlertTransition:
    return AlertTransition(
        alert_id=alert.id,
        from_state=before,
        to_state=alert.state,
        level=alert.level,
        reason=reason,
        as_of=now,
        recorded_at=now,
        snapshot=snapshot,
        actions=0,
    )


def _newest(session: Session, rule: str, object_type: str, object_id: str) -> Alert | None:
    query = select(Alert).where(Alert.rule == rule, Alert.object_type == object_type, Alert.object_id == object_id)
    return session.scalars(query.order_by(Alert.episode.desc()).limit(1)).first()


def _unresolved(session: Session, rule: str) -> list[Alert]:
    return list(session.scalars(select(Alert).where(Alert.rule == rule, Alert.state != AlertState.RESOLVED)))
