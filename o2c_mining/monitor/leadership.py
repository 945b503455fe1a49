"""Who is the monitor of a workspace: one at a time, by a lease with a fencing token."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from o2c_mining.errors import DeliveryError
from o2c_mining.state import leases

LEADER = "monitor"


def check_lease(session: Session, fence: int | None, now: datetime) -> None:
    """Refuse to write for a monitor that another one has replaced.

    Raises
    ------
    DeliveryError
        If the lease has another holder or ran out.
    """
    if fence is not None and not leases.is_held(session, LEADER, fence, now=now):
        raise DeliveryError(
            "another monitor took over this workspace; expected to be the only one; this one wrote nothing and stops"
        )
