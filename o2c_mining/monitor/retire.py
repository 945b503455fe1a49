"""Close what belongs to rules that are no longer there."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select

from o2c_mining.monitor.leadership import check_lease
from o2c_mining.state import audit
from o2c_mining.state.database import State
from o2c_mining.state.models import Alert, AlertState, AlertTransition, OpenClock, Rule


def retire_rules(state: State, kept: Collection[str], *, now: datetime, fence: int | None = None) -> int:
    """Resolve the alerts of rules that were removed, without a message; returns how many rules went."""
    with state.read() as session:
        gone = sorted(set(session.scalars(select(Rule.id))) - set(kept))
    for rule_id in gone:
        with state.write() as session:
            check_lease(session, fence, now)
            unresolved = select(Alert).where(Alert.rule == rule_id, Alert.state != AlertState.RESOLVED)
            for alert in session.scalars(unresolved):
                session.add(
                    AlertTransition(
                        alert_id=alert.id,
                        from_state=alert.state,
                        to_state=AlertState.RESOLVED,
                        level=alert.level,
                        reason="rule_removed",
                        as_of=now,
                        recorded_at=now,
                        snapshot=0,
                        actions=0,
                    )
                )
                alert.state, alert.reason = AlertState.RESOLVED, "rule_removed"
                alert.resolved_at, alert.updated_at = now, now
            session.execute(delete(OpenClock).where(OpenClock.rule == rule_id))
            session.execute(delete(Rule).where(Rule.id == rule_id))
            audit.record(session, at=now, actor="monitor", action="rule removed", subject=rule_id)
    return len(gone)
