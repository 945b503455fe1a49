"""``o2c monitor``: extract, evaluate, deliver; once, or again and again until stopped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.errors import ConfigError, ConnectorError, LogError

if TYPE_CHECKING:
    from o2c_mining.bootstrap import Workspace
    from o2c_mining.monitor.loop import Monitor, Round

WAIT_FOR_OTHER_SECONDS = 10.0


def monitor(
    once: Annotated[bool, typer.Option("--once", help="One round, then end.")] = False,
    extract: Annotated[bool, typer.Option(help="Read the sources first.")] = True,
    every: Annotated[
        float | None, typer.Option("--every", metavar="SECONDS", help="Seconds from round to round (else o2c.toml).")
    ] = None,
) -> int:
    """Watch the process: read the sources, judge the deadlines, deliver what follows."""
    from o2c_mining.monitor.loop import run, run_once

    refuse_other_times("o2c monitor")
    workspace = common.workspace()
    opened = open_monitor(workspace, extracting=extract)
    if once:
        done = run_once(opened, wait_seconds=WAIT_FOR_OTHER_SECONDS)
        opened.state.close()
        common.emit(round_payload(done), round_text(done))
        return _ended(done)
    last: list[Round] = []

    def report(finished: Round) -> None:
        last[:] = [finished]
        common.note(round_text(finished))

    stop = threading.Event()
    seconds = every if every is not None else workspace.config.monitor.every_seconds
    with _stopping(stop):
        common.note(f"monitoring every {seconds:g} s; Ctrl-C stops after the current step")
        run(opened, every_seconds=seconds, stop=stop, report=report)
    opened.state.close()
    if last:
        common.emit(round_payload(last[0]), "stopped")
    return 0


def open_monitor(workspace: Workspace, *, extracting: bool = True) -> Monitor:
    """Put the monitor of a workspace together: state, deadlines, calendars, channels, clock.

    Raises
    ------
    ConfigError
        If a deadline, calendar or channel is not understood.
    """
    from o2c_mining.bootstrap import open_log, open_state, version_of
    from o2c_mining.calendar import load_calendar
    from o2c_mining.monitor.channels.open import open_channels
    from o2c_mining.monitor.deliver import Sending
    from o2c_mining.monitor.loop import Monitor
    from o2c_mining.monitor.sla import load_slas
    from o2c_mining.state.leases import holder_name

    channels = open_channels(workspace.config.channel, root=workspace.root)
    slas = load_slas(workspace.path("slas"), list(channels))
    calendars = {path.stem: load_calendar(path) for path in sorted(workspace.path("calendars").glob("*.yaml"))}
    company = workspace.config.company.calendar
    if company is not None and company in calendars:
        calendars[""] = calendars[company]
    return Monitor(
        state=open_state(workspace),
        slas=slas,
        calendars=calendars,
        channels=channels,
        extract=(lambda: _extract(workspace)) if extracting else (lambda: None),
        open_log=lambda: open_log(workspace),
        version=lambda: version_of(workspace),
        sending=Sending(holder=holder_name(), clock=wall_clock, per_hour=workspace.config.monitor.max_actions_per_hour),
    )


def wall_clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


def refuse_other_times(command: str) -> None:
    """Alerts live in the present: refuse ``--as-of`` and ``--known-at`` where they would be changed."""
    if common.current.as_of is not None or common.current.known_at is not None:
        raise ConfigError(
            f"{command} does not look into the past; expected no --as-of and no --known-at; "
            "use `o2c alerts evaluate --as-of TIME` to see what would be judged then"
        )


def round_payload(done: Round) -> dict[str, object]:
    """A round as JSON."""
    return {
        "started_at": done.started_at,
        "version": done.snapshot,
        "evaluations": [common.plain(evaluation) for evaluation in done.evaluations],
        "actions": common.plain(done.delivered),
        "problem": done.problem,
    }


def round_text(done: Round) -> str:
    """A round in a few lines."""
    judged = f"{len(done.evaluations)} deadlines judged" if done.evaluations else "nothing new to judge"
    lines = [f"version {done.snapshot}: {judged}"]
    for evaluation in done.evaluations:
        line = f"  {evaluation.rule}: {evaluation.health.value}, {evaluation.objects} looked at"
        line += f", {evaluation.changes} changes"
        if evaluation.unknown:
            line += f", {evaluation.unknown} undecided because a source is late"
        lines.append(line + (f": {evaluation.message}" if evaluation.message else ""))
    sent = done.delivered
    lines.append(
        f"  actions: {sent.delivered} delivered, {sent.retry} to retry, {sent.dead} given up, "
        f"{sent.cancelled} no longer needed, {sent.held} waiting"
    )
    if done.problem:
        lines.append(f"  not read: {done.problem}")
    return "\n".join(lines)


def _ended(done: Round) -> int:
    """The exit code of a single round; what could not be reached is said in one line."""
    if done.problem:
        common.note(f"error: {done.problem}")
    elif done.delivered.retry:
        common.note(
            f"error: {done.delivered.retry} actions did not reach their target; expected it to answer; they are tried "
            "again by schedule, see `o2c actions list --state RETRY`"
        )
    return 3 if done.problem or done.delivered.retry else 0


def _extract(workspace: Workspace) -> str | None:
    """Read every source by itself: one that is down, or refused, does not keep the others from being read."""
    from o2c_mining.bootstrap import extract

    problems = []
    for source in workspace.config.source:
        try:
            extract(workspace, [source.name])
        except (ConfigError, ConnectorError, LogError) as error:
            problems.append(f"{source.name}: {error}")
    return "; ".join(problems) or None


class _stopping:  # noqa: N801 - used as a with statement
    """SIGTERM and SIGINT set the event; what was running ends cleanly. A second signal ends at once."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._before: dict[int, Callable[..., object] | int | None] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._ask)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        if self._stop.is_set():
            raise KeyboardInterrupt
        self._stop.set()
