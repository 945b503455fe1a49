"""Send what the outbox holds: claim, check, send, record.

At least once, and with the same key every time: a process that dies between sending and recording leaves a claim whose
lease runs out, and the next one sends again; the receiver drops the key it knows. Two senders never claim the same row,
because a claim is an update that only succeeds on the version that was read.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from o2c_mining.errors import DeliveryError, O2CError
from o2c_mining.log.failpoints import failpoint
from o2c_mining.monitor.channels.protocol import Channel, EndpointGoneError, Message
from o2c_mining.monitor.precondition import ACTIONS_SWITCH, Cancel, Hold, OverLimit, objection, stopped
from o2c_mining.monitor.system_alerts import ACTIONS_STOPPED, raise_alert
from o2c_mining.state import audit, leases
from o2c_mining.state.database import State
from o2c_mining.state.models import CLAIMABLE, Action, ActionState, Switch

# Standard Webhooks 1.0.0: 75.6 hours in ten attempts.
SCHEDULE = (0.0, 5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
LEASE_SECONDS = 120.0
_MISSING_CHANNEL_WAIT = timedelta(minutes=5)
_ACTOR = "monitor"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sending:
    """How the sender behaves; ``jitter`` gives a factor for each wait so that retries do not come in step."""

    holder: str
    clock: Callable[[], datetime]
    per_hour: int = 50
    schedule: Sequence[float] = SCHEDULE
    jitter: Callable[[], float] = lambda: random.uniform(0.9, 1.1)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a round of sending did."""

    delivered: int = 0
    retry: int = 0
    dead: int = 0
    cancelled: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class _Claim:
    key: str
    fence: int
    channel: Channel
    message: Message


def deliver(
    state: State,
    channels: Mapping[str, Channel],
    sending: Sending,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Delivered:
    """Send everything whose turn has come, one after the other; returns what became of it."""
    counts = {"delivered": 0, "retry": 0, "dead": 0, "cancelled": 0, "held": 0}
    with state.write() as session:
        _expire(session, sending.clock())
    while not should_stop():
        with state.write() as session:
            claimed = _claim(session, channels, sending)
        if claimed is None:
            break
        if isinstance(claimed, str):
            counts[claimed] += 1
            continue
        failpoint("deliver.claimed")
        counts[_send(state, claimed, sending)] += 1
    return Delivered(**counts)


def _expire(session: Session, now: datetime) -> None:
    waiting = (Action.state == ActionState.AWAITING_APPROVAL, Action.expires_at <= now)
    session.execute(
        update(Action).where(*waiting).values(state=ActionState.EXPIRED, outcome="nobody approved it in time")
    )


def _claim(session: Session, channels: Mapping[str, Channel], sending: Sending) -> _Claim | str | None:
    """Take the next action, or say what became of it instead; ``None`` when there is nothing to do."""
    now = sending.clock()
    off = stopped(session)
    action = None if ACTIONS_SWITCH in off else _next(session, off, now)
    if action is None:
        return None
    channel = channels.get(action.channel)
    if channel is None:
        action.outcome = f"o2c.toml has no channel '{action.channel}'"
        action.next_attempt_at = now + _MISSING_CHANNEL_WAIT
        action.state = ActionState.RETRY
        return "held"
    against = objection(session, action, per_hour=sending.per_hour, now=now)
    if isinstance(against, Cancel):
        action.state, action.outcome, action.lease_until = ActionState.CANCELLED, against.why, None
        return "cancelled"
    if isinstance(against, Hold):
        action.outcome, action.next_attempt_at = f"waits: {against.why}", against.until
        action.state = ActionState.RETRY if action.attempts else action.state
        return "held"
    if isinstance(against, OverLimit):
        _stop(session, f"rule:{action.rule}", "rule", action.rule, against.why, now)
        return "held"
    taken = update(Action).where(Action.key == action.key, Action.fence == action.fence)
    fence = action.fence + 1
    result = session.execute(
        taken.values(
            state=ActionState.SENDING,
            fence=fence,
            attempts=Action.attempts + 1,
            holder=sending.holder,
            lease_until=now + timedelta(seconds=LEASE_SECONDS),
        ),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        return "held"
    payload = action.payload
    message = Message(
        key=action.key,
        type=payload["type"],
        title=payload["title"],
        text=payload["text"],
        data=payload["data"],
        created_at=action.created_at,
    )
    return _Claim(action.key, fence, channel, message)


def _next(session: Session, off: set[str], now: datetime) -> Action | None:
    """The action that waits longest, or one whose sender died, unless its channel or rule is stopped."""
    channels = [name.removeprefix("channel:") for name in off if name.startswith("channel:")]
    rules = [name.removeprefix("rule:") for name in off if name.startswith("rule:")]
    allowed = and_(Action.channel.not_in(channels), Action.rule.not_in(rules))
    sending = select(Action).where(Action.state == ActionState.SENDING, allowed)
    for action in session.scalars(sending):
        if action.lease_until is None or action.lease_until <= now or leases.is_dead(action.holder or ""):
            return action
    ripe = select(Action).where(or_(*(Action.state == s for s in CLAIMABLE)), Action.next_attempt_at <= now, allowed)
    return session.scalars(ripe.order_by(Action.next_attempt_at, Action.created_at, Action.key).limit(1)).first()


def _send(state: State, claim: _Claim, sending: Sending) -> str:
    try:
        outcome = claim.channel.send(claim.message, now=sending.clock())
    except O2CError as error:
        return _record_failure(state, claim, error, sending)
    failpoint("deliver.sent")
    with state.write() as session:
        now = sending.clock()
        if _owns(session, claim) is not None:
            _finish(session, claim, ActionState.DELIVERED, outcome, now)
    failpoint("deliver.recorded")
    return "delivered"


def _record_failure(state: State, claim: _Claim, error: O2CError, sending: Sending) -> str:
    now = sending.clock()
    with state.write() as session:
        action = _owns(session, claim)
        if action is None:
            return "retry"
        if isinstance(error, EndpointGoneError):
            _stop(session, f"channel:{action.channel}", "channel", action.channel, str(error), now)
        if isinstance(error, DeliveryError) and error.permanent:
            _finish(session, claim, ActionState.DEAD, str(error), now)
            return "dead"
        if action.attempts >= len(sending.schedule):
            _finish(session, claim, ActionState.DEAD, f"given up after {action.attempts} attempts: {error}", now)
            return "dead"
        wait = sending.schedule[action.attempts] * sending.jitter()
        asked = error.retry_after if isinstance(error, DeliveryError) else None
        action.state, action.outcome, action.lease_until = ActionState.RETRY, str(error), None
        action.next_attempt_at = now + timedelta(seconds=max(wait, asked or 0.0))
        return "retry"


def _owns(session: Session, claim: _Claim) -> Action | None:
    """The claimed row, unless another sender took it over because our lease had run out."""
    action = session.scalar(
        select(Action).where(Action.key == claim.key, Action.fence == claim.fence).with_for_update()
    )
    if action is None or action.state != ActionState.SENDING:
        _log.warning("the lease on action %s was lost; its new holder records the outcome", claim.key)
        return None
    return action


def _finish(session: Session, claim: _Claim, final: ActionState, outcome: str, now: datetime) -> None:
    action = session.get_one(Action, claim.key)
    action.state, action.outcome, action.lease_until = final, outcome, None
    action.sent_at = now if final is ActionState.DELIVERED else action.sent_at
    detail = {"state": final.value, "attempts": action.attempts, "outcome": outcome, "target": action.target}
    audit.record(session, at=now, actor=_ACTOR, action="action " + final.lower(), subject=action.key, detail=detail)


def _stop(session: Session, switch: str, kind: str, name: str, why: str, now: datetime) -> None:
    """Stop a rule's or channel's actions until a person releases them, and raise an alert about it."""
    if session.get(Switch, switch) is None:
        session.add(Switch(name=switch, author=_ACTOR, reason=why, at=now))
        audit.record(session, at=now, actor=_ACTOR, action="stop", subject=switch, detail={"reason": why})
    raise_alert(session, ACTIONS_STOPPED, kind, name, {"reason": why}, now=now, snapshot=0)
