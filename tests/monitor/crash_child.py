"""A monitor that may be killed at any moment: evaluates and delivers until everything is told.

Run as ``python -m tests.monitor.crash_child WORKSPACE URL``. The sources are read six hours further with every round.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from o2c_mining.log.event_log import EventLog
from o2c_mining.log.store import Store
from o2c_mining.monitor.channels.webhook import WebhookChannel
from o2c_mining.monitor.deliver import Sending
from o2c_mining.monitor.loop import Monitor, run_once
from o2c_mining.state.database import State, open_state
from o2c_mining.state.leases import holder_name
from o2c_mining.state.models import FINAL, Action, Evaluation
from tests.micro import open_micro
from tests.monitor.company import BERLIN, SETTINGS, sla

SECRET = "whsec_" + "bm5u" * 10
FIRST = datetime(2026, 3, 2, tzinfo=UTC)
LAST = datetime(2026, 3, 20, tzinfo=UTC)
STEP = timedelta(hours=6)


def read_up_to(log: EventLog, moment: datetime) -> EventLog:
    """The log as if its source had been read up to a moment."""
    (row,) = log.snapshot.history()
    return replace(log, snapshot=replace(log.snapshot, _batches=({**row, "watermark": moment},)))


def rounds(state: State) -> int:
    with state.read() as session:
        return session.scalar(select(func.count()).select_from(Evaluation)) or 0


def unfinished(state: State) -> int:
    with state.read() as session:
        query = select(func.count()).select_from(Action).where(Action.state.not_in(FINAL))
        return session.scalar(query) or 0


def main(root: Path, url: str) -> None:
    state = open_state("sqlite:///state.db", root=root)
    log = open_micro(Store(root / "store"), with_settings=SETTINGS)
    monitor = Monitor(
        state=state,
        slas=[sla()],
        calendars={"": BERLIN},
        channels={"sink": WebhookChannel("sink", url, lambda: [SECRET], frozenset({"127.0.0.1"}), timeout=5.0)},
        extract=lambda: None,
        version=lambda: rounds(state),
        open_log=lambda: read_up_to(log, FIRST + rounds(state) * STEP),
        sending=Sending(
            holder=holder_name(),
            clock=lambda: datetime.now(UTC),
            per_hour=100_000,
            schedule=(0.0,) * 50,
        ),
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while FIRST + rounds(state) * STEP <= LAST or unfinished(state):
        run_once(monitor, wait_seconds=5)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
