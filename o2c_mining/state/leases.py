"""Leases: one holder at a time, by conditional update; every change of holder raises the fencing token."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from o2c_mining.state.models import Lease


def holder_name() -> str:
    """This process, as written into leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


def acquire(session: Session, name: str, holder: str, *, now: datetime, seconds: float) -> int | None:
    """The fencing token if the lease is free, ours, run out or held by a dead process here, else ``None``."""
    until = now + timedelta(seconds=seconds)
    lease = session.scalar(select(Lease).where(Lease.name == name).with_for_update())
    if lease is None:
        session.add(Lease(name=name, holder=holder, fence=1, until=until))
        session.flush()
        return 1
    if lease.holder == holder:
        lease.until = until
        return lease.fence
    if lease.until > now and not is_dead(lease.holder):
        return None
    lease.holder, lease.until, lease.fence = holder, until, lease.fence + 1
    session.flush()
    return lease.fence


def is_held(session: Session, name: str, fence: int, *, now: datetime) -> bool:
    """Whether nobody took the lease over since ``fence`` was handed out, and it has not run out."""
    lease = session.scalar(select(Lease).where(Lease.name == name).with_for_update())
    return lease is not None and lease.fence == fence and lease.until > now


def release(session: Session, name: str, holder: str, *, now: datetime) -> None:
    """Let others have it at once."""
    session.execute(update(Lease).where(Lease.name == name, Lease.holder == holder).values(until=now))


def is_dead(holder: str) -> bool:
    """Whether the holder was a process of this machine that no longer runs."""
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
