"""The scheduler: extract, evaluate every rule, deliver, and again; one monitor per workspace.

A lease with a fencing token says who the monitor is. It is renewed while a round runs; a monitor that lost it writes
nothing more.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from o2c_mining.calendar import WorkCalendar
from o2c_mining.errors import ConfigError, O2CError
from o2c_mining.log.event_log import EventLog
from o2c_mining.monitor.channels.open import targets_of
from o2c_mining.monitor.channels.protocol import Channel
from o2c_mining.monitor.deliver import Delivered, Sending, deliver
from o2c_mining.monitor.evaluate import Evaluated, calendar_of, evaluate
from o2c_mining.monitor.leadership import LEADER
from o2c_mining.monitor.lifecycle import GONE_AFTER
from o2c_mining.monitor.retire import retire_rules
from o2c_mining.monitor.sla import Sla
from o2c_mining.state import leases
from o2c_mining.state.database import State
from o2c_mining.state.models import Health

LEASE_SECONDS = 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Monitor:
    """Everything a round needs, chosen by who starts it.

    ``extract`` returns what could not be read, if anything; ``version`` is the number of the newest load.
    """

    state: State
    slas: Sequence[Sla]
    calendars: Mapping[str, WorkCalendar]
    channels: Mapping[str, Channel]
    extract: Callable[[], str | None]
    open_log: Callable[[], EventLog]
    version: Callable[[], int]
    sending: Sending
    lease_seconds: float = LEASE_SECONDS


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did; ``problem`` says what could not be read."""

    started_at: datetime
    snapshot: int
    evaluations: tuple[Evaluated, ...] = ()
    delivered: Delivered = field(default_factory=Delivered)
    problem: str | None = None


def run_once(monitor: Monitor, *, wait_seconds: float = 0.0) -> Round:
    """One round under the monitor's lease.

    Raises
    ------
    ConfigError
        If another monitor holds the lease, also after ``wait_seconds``.
    DeliveryError
        If the lease was lost meanwhile.
    """
    fence = _lead(monitor, wait_seconds)
    with _renewed(monitor):
        try:
            return _round(monitor, fence, lambda: False)
        finally:
            with monitor.state.write() as session:
                leases.release(session, LEADER, monitor.sending.holder, now=monitor.sending.clock())


def evaluate_once(
    monitor: Monitor, *, only: str | None = None, full: bool = False, wait_seconds: float = 0.0
) -> tuple[Evaluated, ...]:
    """Evaluate the rules, or one of them, without reading sources and without sending anything.

    Raises
    ------
    ConfigError
        If another monitor holds the lease, or there is no rule of that id.
    """
    slas = [sla for sla in monitor.slas if only in (None, sla.id)]
    if only is not None and not slas:
        known = ", ".join(sla.id for sla in monitor.slas) or "none"
        raise ConfigError(f"there is no rule '{only}'; slas/ has: {known}; correct --rule")
    fence = _lead(monitor, wait_seconds)
    with _renewed(monitor):
        try:
            return _evaluate(monitor, monitor.open_log(), slas, fence, full=full)
        finally:
            with monitor.state.write() as session:
                leases.release(session, LEADER, monitor.sending.holder, now=monitor.sending.clock())


def run(
    monitor: Monitor,
    *,
    every_seconds: float,
    stop: threading.Event,
    report: Callable[[Round], None] = lambda done: None,
) -> None:
    """Rounds until ``stop`` is set; missed ticks are not caught up, a failed round is logged and the next one comes.

    While another monitor leads, this one stands by. A version of the log that was looked at twice (what is gone is
    believed the second time) is not looked at again: without a load nothing can change.
    """
    looks: Counter[int] = Counter()
    try:
        while not stop.is_set():
            began = time.monotonic()
            fence = _try_to_lead(monitor)
            if fence is None:
                _log.info("another monitor leads; standing by")
            else:
                with _renewed(monitor):
                    try:
                        report(_round(monitor, fence, stop.is_set, looks))
                    except O2CError as error:
                        _log.error("%s", error)
            stop.wait(max(0.0, every_seconds - (time.monotonic() - began)))
    finally:
        with monitor.state.write() as session:
            leases.release(session, LEADER, monitor.sending.holder, now=monitor.sending.clock())


def _round(monitor: Monitor, fence: int, should_stop: Callable[[], bool], looks: Counter[int] | None = None) -> Round:
    started = monitor.sending.clock()
    problem = monitor.extract()
    version = monitor.version()
    done: tuple[Evaluated, ...] = ()
    if looks is None or looks[version] < GONE_AFTER:
        retire_rules(monitor.state, [sla.id for sla in monitor.slas], now=monitor.sending.clock(), fence=fence)
        done = _evaluate(monitor, monitor.open_log(), monitor.slas, fence, should_stop)
        if looks is not None and len(done) == len(monitor.slas):
            looks[version] += all(evaluation.health is not Health.ERROR for evaluation in done)
    delivered = deliver(monitor.state, monitor.channels, monitor.sending, should_stop=should_stop)
    return Round(started, version, done, delivered, problem)


def _evaluate(
    monitor: Monitor,
    log: EventLog,
    slas: Sequence[Sla],
    fence: int,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    full: bool = False,
) -> tuple[Evaluated, ...]:
    targets = targets_of(monitor.channels)
    done: list[Evaluated] = []
    for sla in slas:
        if should_stop():
            break
        calendar = calendar_of(monitor.calendars, sla)
        now = monitor.sending.clock()
        done.append(evaluate(monitor.state, log, sla, calendar, targets=targets, now=now, fence=fence, full=full))
    return tuple(done)


def _try_to_lead(monitor: Monitor) -> int | None:
    sending = monitor.sending
    with monitor.state.write() as session:
        return leases.acquire(session, LEADER, sending.holder, now=sending.clock(), seconds=monitor.lease_seconds)


def _lead(monitor: Monitor, wait_seconds: float) -> int:
    until = time.monotonic() + wait_seconds
    while True:
        fence = _try_to_lead(monitor)
        if fence is not None:
            return fence
        if time.monotonic() >= until:
            raise ConfigError(
                "another monitor runs on this workspace; expected to be the only one; stop it, or let it do the work"
            )
        time.sleep(0.2)


class _renewed:  # noqa: N801 - used as a with statement
    """Keeps the lease while a round runs; a round may take longer than a lease lasts."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._done.wait(self._monitor.lease_seconds / 3):
            if _try_to_lead(self._monitor) is None:
                return
