"""What people decide about alerts and actions; every decision is audited."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from o2c_mining.errors import ConfigError
from o2c_mining.monitor.precondition import ACTIONS_SWITCH
from o2c_mining.monitor.system_alerts import ACTIONS_STOPPED, end_alert
from o2c_mining.state import audit
from o2c_mining.state.models import FINAL, Action, ActionState, Alert, AlertState, Silence, Switch

LONGEST_SILENCE = timedelta(days=30)


def acknowledge(session: Session, alert_id: str, *, by: str, now: datetime) -> Alert:
    """Say that someone takes care of an alert."""
    alert = find_alert(session, alert_id)
    if alert.state == AlertState.RESOLVED:
        raise ConfigError(
            f"the alert {alert.id} is resolved; expected one that still fires; see `o2c alerts list --state firing`"
        )
    alert.acked_by, alert.acked_at, alert.updated_at = by, now, now
    audit.record(session, at=now, actor=by, action="acknowledge", subject=alert.id)
    return alert


def silence(
    session: Session, *, rule: str | None, object_id: str | None, until: datetime, by: str, reason: str, now: datetime
) -> Silence:
    """Let notifications about a rule or an object wait; state and figures go on."""
    if rule is None and object_id is None:
        raise ConfigError("nothing to silence was named; expected an alert, a rule or an object; name one")
    if not now < until <= now + LONGEST_SILENCE:
        raise ConfigError(
            f"a silence until {until.isoformat()} is not possible; expected a time within the next "
            f"{LONGEST_SILENCE.days} days; choose another"
        )
    if not reason.strip():
        raise ConfigError("the silence has no reason; expected a few words; add --reason")
    row = Silence(rule=rule, object_id=object_id, until=until, author=by, reason=reason.strip(), created_at=now)
    session.add(row)
    session.flush()
    detail = {"rule": rule, "object_id": object_id, "until": until, "reason": row.reason}
    audit.record(session, at=now, actor=by, action="silence", subject=f"silence {row.id}", detail=detail)
    return row


def approve(session: Session, key: str, *, by: str, now: datetime) -> Action:
    """Let an action that waits for approval be sent; the approval is bound to what it says."""
    action = _awaiting(session, key)
    if action.expires_at is not None and action.expires_at <= now:
        raise ConfigError(f"the action {action.key} has expired; expected a decision in time; it is not sent any more")
    action.state, action.decided_by, action.next_attempt_at = ActionState.APPROVED, by, now
    detail = {"payload": payload_digest(action)}
    audit.record(session, at=now, actor=by, action="approve", subject=action.key, detail=detail)
    return action


def reject(session: Session, key: str, *, by: str, reason: str, now: datetime) -> Action:
    """Refuse an action that waits for approval."""
    action = _awaiting(session, key)
    action.state, action.decided_by, action.outcome = ActionState.CANCELLED, by, f"rejected: {reason}"
    audit.record(session, at=now, actor=by, action="reject", subject=action.key, detail={"reason": reason})
    return action


def replay(session: Session, key: str, *, by: str, now: datetime) -> Action:
    """Send an action once more under the same key, or bring a waiting retry forward."""
    action = find_action(session, key)
    if action.state not in (*FINAL, ActionState.RETRY):
        raise ConfigError(
            f"the action {action.key} is {action.state}; expected one that is over or waits for a retry; let it proceed"
        )
    if action.state in FINAL:
        action.attempts = 0
    before, action.state, action.next_attempt_at = action.state, ActionState.RETRY, now
    audit.record(session, at=now, actor=by, action="replay", subject=action.key, detail={"state": before})
    return action


def stop(session: Session, switch: str, *, by: str, reason: str, now: datetime) -> None:
    """Stop all actions (``actions``), a channel's (``channel:NAME``) or a rule's (``rule:ID``) at once."""
    row = session.get(Switch, switch)
    if row is None:
        session.add(Switch(name=switch, author=by, reason=reason, at=now))
    audit.record(session, at=now, actor=by, action="stop", subject=switch, detail={"reason": reason})


def release(session: Session, switch: str, *, by: str, now: datetime) -> None:
    """Let stopped actions go on."""
    row = session.get(Switch, switch)
    if row is None:
        names = ", ".join(sorted(session.scalars(select(Switch.name)))) or "nothing"
        raise ConfigError(f"'{switch}' is not stopped; stopped: {names}; name one of these")
    session.delete(row)
    kind, _, name = switch.partition(":")
    if switch != ACTIONS_SWITCH:
        end_alert(session, ACTIONS_STOPPED, kind, name, "released", now=now, snapshot=0)
    audit.record(session, at=now, actor=by, action="release", subject=switch)


def find_action(session: Session, key: str) -> Action:
    """The action of a key or of an unmistakable beginning of one."""
    found = list(session.scalars(select(Action).where(Action.key.startswith(key, autoescape=True)).limit(2)))
    if len(found) != 1 or not key:
        what = "several actions begin" if found else "no action begins"
        raise ConfigError(f"{what} with '{key}'; expected the key of one; see `o2c actions list`")
    return found[0]


def payload_digest(action: Action) -> str:
    """A digest of what an action says."""
    return hashlib.sha256(json.dumps(action.payload, sort_keys=True).encode()).hexdigest()


def _awaiting(session: Session, key: str) -> Action:
    action = find_action(session, key)
    if action.state != ActionState.AWAITING_APPROVAL:
        raise ConfigError(
            f"the action {action.key} is {action.state}; expected AWAITING_APPROVAL; see `o2c actions list`"
        )
    return action


def find_alert(session: Session, name: str) -> Alert:
    """The alert of an id, of an unmistakable beginning of one, or the newest one about a document number."""
    alert = session.get(Alert, name)
    if alert is not None:
        return alert
    begins = Alert.id.startswith(name, autoescape=True)
    found = list(session.scalars(select(Alert).where(begins | (Alert.number == name) | (Alert.object_id == name))))
    if len({row.object_id for row in found}) != 1 or not name:
        what = "several alerts fit" if found else "no alert fits"
        raise ConfigError(f"{what} '{name}'; expected an id or a document number; see `o2c alerts list`")
    return max(found, key=lambda row: row.opened_at)
