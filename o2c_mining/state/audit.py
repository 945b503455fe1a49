"""The audit chain: who did what, each record bound to the one before by its hash.

The chain shows a changed, removed or reordered record. It does not stop someone who rewrites it from the start: keep
the newest hash elsewhere for that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from o2c_mining.state.models import AuditRecord

GENESIS = "0" * 64


def record(
    session: Session, *, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, object] | None = None
) -> AuditRecord:
    """Append a record; it becomes visible with the session's other changes."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(7033272)"))
    session.flush()
    newest = session.scalar(select(AuditRecord).order_by(AuditRecord.seq.desc()).limit(1))
    previous = newest.hash if newest else GENESIS
    plain = json.loads(json.dumps(dict(detail or {}), default=str))
    row = AuditRecord(
        seq=(newest.seq if newest else 0) + 1,
        at=at.astimezone(UTC),
        actor=actor,
        action=action,
        subject=subject,
        detail=plain,
        previous=previous,
        hash="",
    )
    row.hash = _digest(row, previous)
    session.add(row)
    session.flush()
    return row


def first_break(session: Session) -> int | None:
    """``seq`` of the first record that does not fit the chain; ``None`` when all do."""
    previous, expected = GENESIS, 1
    for row in session.scalars(select(AuditRecord).order_by(AuditRecord.seq)):
        if row.seq != expected or row.previous != previous or row.hash != _digest(row, previous):
            return row.seq
        previous, expected = row.hash, expected + 1
    return None


def head(session: Session) -> tuple[int, str]:
    """Number of records and the newest hash."""
    count = session.scalar(select(func.count()).select_from(AuditRecord)) or 0
    newest = session.scalar(select(AuditRecord.hash).order_by(AuditRecord.seq.desc()).limit(1))
    return count, newest or GENESIS


def _digest(row: AuditRecord, previous: str) -> str:
    content = [row.seq, row.at.astimezone(UTC).isoformat(), row.actor, row.action, row.subject, row.detail]
    text_ = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256((previous + text_).encode()).hexdigest()
