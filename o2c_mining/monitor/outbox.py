"""Turn news of an alert into rows of the outbox, in the transaction that changes the alert."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from o2c_mining.log.money import major
from o2c_mining.monitor.lifecycle import Occasion
from o2c_mining.monitor.sla import Sla, SlaAction, action_name
from o2c_mining.monitor.text import MAX_TEXT, DocumentRef, fill, list_documents, local_time, subject_line
from o2c_mining.state.models import Action, ActionState, Alert

APPROVAL_EXPIRES = timedelta(hours=72)
_MAX_DOCUMENTS = 50
_MAX_LISTED = 20


def action_key(rule_version: str, dedup_key: str, name: str, occasion: str) -> str:
    """The identity of an action everywhere: outbox, ``webhook-id``, ``Message-ID``, the receiver's own reference."""
    return hashlib.sha256("\x1f".join((rule_version, dedup_key, name, occasion)).encode()).hexdigest()


def actions_for(sla: Sla, occasion: Occasion) -> tuple[SlaAction, ...]:
    """Which actions a rule takes on an occasion; history goes to those that hear of breaches."""
    wanted = Occasion.BREACHED if occasion is Occasion.HISTORY else occasion
    return tuple(action for action in sla.actions if wanted in action.on)


def propose(
    session: Session,
    sla: Sla,
    alert: Alert,
    occasion: Occasion,
    *,
    transition_id: int,
    targets: Mapping[str, str],
    timezone: str,
    now: datetime,
) -> int:
    """Write one row per action of the rule for this occasion; returns how many."""
    wanted = actions_for(sla, occasion)
    for action in wanted:
        fields = _fields(alert, timezone)
        payload = {
            "type": f"alert.{occasion.value}",
            "title": subject_line(action.subject, fields),
            "text": fill(action.text, fields, limit=MAX_TEXT).strip(),
            "data": alert_data(alert),
        }
        key = action_key(alert.rule_version, alert.id, action_name(action), occasion)
        row = _row(sla, action, occasion, payload, key=key, targets=targets, now=now)
        row.alert_id, row.transition_id = alert.id, transition_id
        session.add(row)
    return len(wanted)


def propose_digest(
    session: Session, sla: Sla, version: str, alerts: Sequence[Alert], *, targets: Mapping[str, str], now: datetime
) -> int:
    """One summary per action of what a new rule found in old data; returns how many rows were written."""
    waiting = [alert for alert in alerts if alert.resolved_at is None]
    counts = f"{len(alerts)} past breaches of '{sla.title}' were found, {len(waiting)} of them still wait"
    listed = sorted(waiting, key=lambda alert: (alert.due_at or alert.since, alert.id))[:_MAX_LISTED]
    lines = [f"{a.object_type} {a.number or a.object_id}, due {_iso(a.due_at)}, {_amount(a)}" for a in listed]
    rest = len(waiting) - len(listed)
    text = "\n".join([counts + ("; the oldest:" if lines else "."), *lines, *([f"and {rest} more"] if rest else [])])
    data = {"rule": sla.id, "rule_version": version, "found": len(alerts), "waiting": len(waiting)}
    wanted = actions_for(sla, Occasion.BREACHED)
    for action in wanted:
        payload: dict[str, Any] = {
            "type": "alert.digest",
            "title": f"{sla.title}: {len(waiting)} wait, {len(alerts) - len(waiting)} are over",
            "text": text[:MAX_TEXT],
            "data": data,
        }
        key = action_key(version, f"{sla.id}:digest", action_name(action), Occasion.DIGEST)
        session.add(_row(sla, action, Occasion.DIGEST, payload, key=key, targets=targets, now=now))
    return len(wanted)


def alert_data(alert: Alert) -> dict[str, Any]:
    """An alert as a receiver gets it: thin, without anything that needs a second look to be understood."""
    return {
        "alert": alert.id,
        "rule": alert.rule,
        "rule_version": alert.rule_version,
        "state": alert.state,
        "level": alert.level,
        "severity": alert.severity,
        "owner": alert.owner,
        "object_type": alert.object_type,
        "object_id": alert.object_id,
        "number": alert.number,
        "since": _iso(alert.since),
        "due_at": _iso(alert.due_at),
        "stopped_at": _iso(alert.stopped_at),
        "reason": alert.reason,
        "money": money_of(alert),
        "documents": alert.details.get("documents", [])[:_MAX_DOCUMENTS],
    }


def money_of(alert: Alert) -> dict[str, str] | None:
    """Money at stake in major units, ``None`` where it is not known."""
    if alert.money_minor is None or alert.currency is None:
        return None
    return {"amount": major(alert.money_minor, alert.currency), "currency": alert.currency}


def _row(
    sla: Sla,
    action: SlaAction,
    occasion: Occasion,
    payload: dict[str, Any],
    *,
    key: str,
    targets: Mapping[str, str],
    now: datetime,
) -> Action:
    return Action(
        key=key,
        rule=sla.id,
        name=action_name(action),
        kind=action.kind,
        occasion=occasion.value,
        channel=action.channel,
        target=targets.get(action.channel, action.channel),
        payload=payload,
        state=ActionState.AWAITING_APPROVAL if action.approval else ActionState.PROPOSED,
        attempts=0,
        next_attempt_at=now,
        fence=0,
        dry_run=action.dry_run,
        created_at=now,
        expires_at=now + APPROVAL_EXPIRES if action.approval else None,
    )


def _fields(alert: Alert, timezone: str) -> dict[str, object]:
    money = money_of(alert) or {}
    refs = [DocumentRef(d["object_id"], d["object_type"], d["number"]) for d in alert.details.get("documents", [])]
    return {
        "rule": alert.rule,
        "title": alert.title,
        "severity": alert.severity,
        "level": alert.level,
        "state": alert.state,
        "reason": alert.reason,
        "owner": alert.owner,
        "object_type": alert.object_type,
        "object_id": alert.object_id,
        "number": alert.number or alert.object_id,
        "since": local_time(alert.since, timezone),
        "due_at": local_time(alert.due_at, timezone),
        "stopped_at": local_time(alert.stopped_at, timezone),
        "amount": money.get("amount"),
        "currency": money.get("currency"),
        "documents": list_documents(refs),
    }


def _amount(alert: Alert) -> str:
    money = money_of(alert)
    return f"{money['amount']} {money['currency']}" if money else "amount unknown"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
