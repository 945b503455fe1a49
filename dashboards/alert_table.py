"""Alerts as their component draws them, and the badge that leads to them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from dashboards.alert_data import Waiting, overdue_seconds, spoken
from dashboards.data import Desk, clock_of
from dashboards.wording import MISSING, count, duration, moment, money
from o2c_mining.monitor.inbox import ActionView, AlertView

_ACTION_WORDS = {
    "PROPOSED": "to be sent",
    "AWAITING_APPROVAL": "waits for approval",
    "APPROVED": "approved",
    "SENDING": "being sent",
    "RETRY": "will be tried again",
    "DELIVERED": "delivered",
    "DEAD": "given up",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
}
_ACTION_KINDS = {"DELIVERED": "good", "DEAD": "bad", "RETRY": "warn", "AWAITING_APPROVAL": "warn"}


def alert_rows(here: Desk, group: Waiting) -> dict[str, Any]:
    """Data of the alert component for one rule."""
    return {"rows": [_row(here, alert) for alert in group.alerts]}


def group_line(here: Desk, group: Waiting) -> str:
    """``12 deliveries, €48.3k``."""
    kinds = {alert.object_type for alert in group.alerts}
    noun = kinds.pop() if len(kinds) == 1 else "document"
    return f"{count(len(group.alerts), noun)} · {spoken(group.amounts, here.currency)}"


def _row(here: Desk, alert: AlertView) -> dict[str, Any]:
    overdue = overdue_seconds(here, alert)
    number = alert.number or alert.object_id
    others = [one for one in alert.documents if one.get("number") != alert.number]
    return {
        "id": alert.id,
        "object": f"{alert.object_type.replace('_', ' ')} {number}",
        "documents": ", ".join(_document(one) for one in others) or MISSING,
        "since": moment(alert.since, here.zone),
        "due": moment(alert.due_at, here.zone),
        "overdue": duration(overdue, clock_of(here, here.has_calendar)),
        "money": money(alert.money_minor / 100, alert.currency) if alert.money_minor and alert.currency else MISSING,
        "marks": _marks(here, alert),
        "actions": [_action(here, action) for action in alert.actions],
        "severity": alert.severity,
        "link": f"./?case={quote(number)}",
        "can_decide": alert.state != "resolved",
        "acknowledged": alert.acked_by is not None,
    }


def _document(one: dict[str, str | None]) -> str:
    kind = str(one.get("object_type") or one.get("type") or "document").replace("_", " ")
    return f"{kind} {one['number']}" if one.get("number") else f"{kind} without a number yet"


def _marks(here: Desk, alert: AlertView) -> list[dict[str, str]]:
    marks = [{"kind": alert.state, "text": alert.state}]
    if alert.level != "breached" and alert.level:
        marks.append({"kind": "quiet", "text": alert.level.replace("_", " ")})
    if alert.health != "ok":
        marks.append({"kind": "warn", "text": f"data {alert.health}"})
    if alert.acked_by:
        marks.append({"kind": "good", "text": f"taken by {alert.acked_by}"})
    if alert.silenced_until:
        marks.append({"kind": "quiet", "text": f"quiet until {moment(alert.silenced_until, here.zone)}"})
    return marks


def _action(here: Desk, action: ActionView) -> dict[str, str]:
    words = _ACTION_WORDS.get(action.state, action.state.lower())
    tries = f", {count(action.attempts, 'attempt')}" if action.attempts > 1 or action.state in {"RETRY", "DEAD"} else ""
    trial = "dry run, " if action.dry_run else ""
    when = f" {moment(action.sent_at, here.zone)}" if action.sent_at else ""
    return {
        "kind": _ACTION_KINDS.get(action.state, "quiet"),
        "text": f"{action.channel}: {trial}{words}{when}{tries}",
        "title": f"{action.occasion.replace('_', ' ')}: {action.title}\n{action.text}\n{action.outcome or ''}".strip(),
    }
