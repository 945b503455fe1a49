"""The tables of the state database, one class per table.

``alerts`` and what follows from them (``alert_transitions``, ``outbox``) are written in one transaction; that is what
makes an action neither lost nor doubled when a process dies.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from o2c_mining.state.types import UtcTime

# An autoincrementing key: SQLite counts by itself only on its own INTEGER.
_Number = BigInteger().with_variant(Integer(), "sqlite")


class AlertState(StrEnum):
    """Where an alert is in its life; acknowledged and silenced are separate facts."""

    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    RESOLVED = "resolved"


class Health(StrEnum):
    """Whether the last evaluation could judge the alert."""

    OK = "ok"
    LATE = "late"
    NODATA = "nodata"
    ERROR = "error"


class ActionState(StrEnum):
    """Where an action is on its way to the target."""

    PROPOSED = "PROPOSED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    APPROVED = "APPROVED"
    SENDING = "SENDING"
    RETRY = "RETRY"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


CLAIMABLE = (ActionState.PROPOSED, ActionState.APPROVED, ActionState.RETRY)
FINAL = (ActionState.DELIVERED, ActionState.DEAD, ActionState.CANCELLED, ActionState.EXPIRED)


class Base(DeclarativeBase):
    """Registry of all tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcTime(), dict[str, Any]: JSON(), list[Any]: JSON()}


class Rule(Base):
    """A rule as it was last evaluated: which version, up to which refresh of the traces."""

    __tablename__ = "rules"

    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    version: Mapped[str] = mapped_column(String(80))
    calendar_version: Mapped[str] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(Text)
    baselined_at: Mapped[datetime]
    refresh_seq: Mapped[int] = mapped_column(BigInteger)
    store_epoch: Mapped[int] = mapped_column(BigInteger)


class OpenClock(Base):
    """A clock that still runs; ``check_after`` is when time alone may change its verdict."""

    __tablename__ = "open_clocks"

    rule: Mapped[str] = mapped_column(String(120), primary_key=True)
    object_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    since: Mapped[datetime]
    due_at: Mapped[datetime]
    check_after: Mapped[datetime | None] = mapped_column(index=True)


class Alert(Base):
    """One episode of one rule on one object; ``id`` is the dedup key ``rule:fingerprint:episode``."""

    __tablename__ = "alerts"
    __table_args__ = (Index("alerts_by_object", "rule", "object_id"), Index("alerts_by_state", "state"))

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    rule: Mapped[str] = mapped_column(String(120))
    rule_version: Mapped[str] = mapped_column(String(80))
    calendar_version: Mapped[str] = mapped_column(String(80), default="")
    fingerprint: Mapped[str] = mapped_column(String(64))
    episode: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    health: Mapped[str] = mapped_column(String(20), default=Health.OK)
    level: Mapped[str] = mapped_column(String(20))
    severity: Mapped[str] = mapped_column(String(20))
    owner: Mapped[str | None] = mapped_column(String(255))
    object_type: Mapped[str] = mapped_column(String(80))
    object_id: Mapped[str] = mapped_column(String(255))
    number: Mapped[str | None] = mapped_column(String(255))
    since: Mapped[datetime]
    due_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(80))
    retracted: Mapped[bool] = mapped_column(Boolean, default=False)
    money_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    details: Mapped[dict[str, Any]]
    pending_since: Mapped[datetime | None]
    recovering_since: Mapped[datetime | None]
    missing: Mapped[int] = mapped_column(Integer, default=0)
    acked_by: Mapped[str | None] = mapped_column(String(255))
    acked_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class AlertTransition(Base):
    """A change of an alert's state or level, with the actions it must have: ``actions`` counts its outbox rows."""

    __tablename__ = "alert_transitions"

    id: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id"), index=True)
    from_state: Mapped[str] = mapped_column(String(20))
    to_state: Mapped[str] = mapped_column(String(20))
    level: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(80))
    as_of: Mapped[datetime]
    recorded_at: Mapped[datetime]
    snapshot: Mapped[int] = mapped_column(BigInteger)
    actions: Mapped[int] = mapped_column(Integer)


class Action(Base):
    """Something to be done outside; ``key`` is its identity in every system that sees it."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_by_turn", "state", "next_attempt_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    alert_id: Mapped[str | None] = mapped_column(ForeignKey("alerts.id"), index=True)
    transition_id: Mapped[int | None] = mapped_column(ForeignKey("alert_transitions.id"), index=True)
    rule: Mapped[str] = mapped_column(String(120), index=True)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(40))
    occasion: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(120))
    target: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    holder: Mapped[str | None] = mapped_column(String(255))
    fence: Mapped[int] = mapped_column(Integer, default=0)
    outcome: Mapped[str | None] = mapped_column(Text)
    dry_run: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(255))


class Lease(Base):
    """Who may act under a name and until when; ``fence`` grows with every change of holder."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    holder: Mapped[str] = mapped_column(String(255))
    fence: Mapped[int] = mapped_column(Integer)
    until: Mapped[datetime]


class Silence(Base):
    """Notifications about matching alerts wait until ``until``; state and figures go on."""

    __tablename__ = "silences"

    id: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True)
    rule: Mapped[str | None] = mapped_column(String(120))
    object_id: Mapped[str | None] = mapped_column(String(255))
    until: Mapped[datetime]
    author: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class Switch(Base):
    """Something stopped by a person or a breaker: ``actions``, ``channel:NAME`` or ``rule:ID``."""

    __tablename__ = "switches"

    name: Mapped[str] = mapped_column(String(160), primary_key=True)
    author: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Evaluation(Base):
    """One evaluation of one rule."""

    __tablename__ = "evaluations"

    id: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True)
    rule: Mapped[str] = mapped_column(String(120), index=True)
    rule_version: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    as_of: Mapped[datetime | None]
    watermark: Mapped[datetime | None]
    snapshot: Mapped[int] = mapped_column(BigInteger)
    health: Mapped[str] = mapped_column(String(20))
    message: Mapped[str | None] = mapped_column(Text)
    objects: Mapped[int] = mapped_column(Integer)
    changes: Mapped[int] = mapped_column(Integer)
    unknown: Mapped[int] = mapped_column(Integer)


class AuditRecord(Base):
    """A link of the audit chain: ``hash`` covers the row and the hash before it; rows are never changed."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    action: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(255))
    detail: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
