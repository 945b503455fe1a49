"""``o2c alerts``: what waits, since when, how much money; acknowledge, silence, evaluate."""

from __future__ import annotations

import getpass
import os
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.monitor import open_monitor, refuse_other_times, wall_clock
from o2c_mining.errors import ConfigError

if TYPE_CHECKING:
    from o2c_mining.monitor.inbox import ActionView, AlertView

app = typer.Typer(no_args_is_help=True, help="Alerts: what waits, since when, how much money.")

ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides (else the login).")]
_SPAN = re.compile(r"(\d+)([hd])")


@app.command("list")
def list_(
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule's.")] = None,
    state: Annotated[list[str] | None, typer.Option("--state", help="firing, resolved, ...; repeatable.")] = None,
    object_: Annotated[str | None, typer.Option("--object", metavar="ID|NUMBER", help="Only about this one.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Also those of earlier versions of a rule.")] = False,
) -> None:
    """Alerts: what waits first, the longest overdue on top."""
    from o2c_mining.bootstrap import open_state
    from o2c_mining.monitor.inbox import list_alerts
    from o2c_mining.state.models import AlertState

    known = [known.value for known in AlertState]
    for name in state or ():
        if name not in known:
            raise ConfigError(f"unknown state '{name}'; expected one of {', '.join(known)}; correct --state")
    opened = open_state(common.workspace())
    found = list_alerts(opened, rule=rule, states=state or (), object_id=object_, all_versions=all_, now=wall_clock())
    opened.close()
    common.emit({"alerts": [alert_payload(alert) for alert in found]}, _alerts_text(found))


@app.command()
def evaluate(
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Look at every object again.")] = False,
) -> None:
    """Judge the deadlines on the log as it is; with --as-of only show the verdicts and change nothing."""
    from o2c_mining.monitor.loop import evaluate_once
    from o2c_mining.monitor.verdicts import verdicts

    opened = open_monitor(common.workspace(), extracting=False)
    if common.current.as_of is not None or common.current.known_at is not None:
        shown = verdicts(common.log(), opened.slas, opened.calendars, only=rule)
        text = "\n".join(
            f"{line.rule}: " + ", ".join(f"{count} {verdict}" for verdict, count in line.verdicts.items())
            for line in shown
        )
        common.emit({"rules": shown}, text or "no deadline is set; add a file to slas/")
        return
    done = evaluate_once(opened, only=rule, full=full)
    lines = [f"{e.rule}: {e.health.value}, {e.objects} looked at, {e.changes} changes" for e in done]
    common.emit({"evaluations": done}, "\n".join(lines) or "no deadline is set; add a file to slas/")


@app.command()
def ack(
    alert: Annotated[str, typer.Argument(help="Id of an alert, or the number of its document.")], by: ByOption = None
) -> None:
    """Say that someone takes care of it."""
    from o2c_mining.bootstrap import open_state
    from o2c_mining.monitor.decisions import acknowledge

    refuse_other_times("o2c alerts ack")
    opened = open_state(common.workspace())
    with opened.write() as session:
        row = acknowledge(session, alert, by=by or login(), now=wall_clock())
        result = {"id": row.id, "acked_by": row.acked_by, "acked_at": row.acked_at}
    common.emit(result, f"{result['id']} is taken care of by {result['acked_by']}")


@app.command()
def silence(
    alert: Annotated[str | None, typer.Argument(help="Id of an alert, or the number of its document.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Everything of this rule.")] = None,
    for_: Annotated[str | None, typer.Option("--for", metavar="8h|5d", help="How long.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Until when.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit chain.")] = "",
    by: ByOption = None,
) -> None:
    """Let notifications wait; alerts and figures go on."""
    from o2c_mining.bootstrap import open_state
    from o2c_mining.monitor import decisions

    refuse_other_times("o2c alerts silence")
    now = wall_clock()
    end = _end(for_, until, now)
    opened = open_state(common.workspace())
    with opened.write() as session:
        found = decisions.find_alert(session, alert) if alert is not None else None
        row = decisions.silence(
            session,
            rule=found.rule if found is not None else rule,
            object_id=found.object_id if found is not None else None,
            until=end,
            by=by or login(),
            reason=reason,
            now=now,
        )
        result = {"id": row.id, "rule": row.rule, "object_id": row.object_id, "until": row.until}
    common.emit(result, f"silenced until {end.isoformat(timespec='minutes')}")


def alert_payload(alert: AlertView) -> dict[str, object]:
    """An alert as JSON, as agreed, and more."""
    return {**common.plain(alert), "actions": [action_payload(action) for action in alert.actions]}


def action_payload(action: ActionView) -> dict[str, object]:
    """An action as JSON, as agreed, and more; what it says is left to ``o2c actions show``."""
    payload: dict[str, object] = common.plain(action)
    del payload["text"]
    return payload


def login() -> str:
    """Who is at the keyboard."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _alerts_text(found: tuple[AlertView, ...]) -> str:
    if not found:
        return "no alerts"
    rows = [
        (
            alert.state if not alert.retracted else "retracted",
            alert.severity,
            f"{alert.object_type} {alert.number or alert.object_id}",
            f"{alert.due_at:%Y-%m-%d %H:%M}" if alert.due_at else "",
            f"{alert.resolved_at:%Y-%m-%d %H:%M}" if alert.resolved_at else "",
            alert.reason or "",
            f"{alert.money} {alert.currency}" if alert.money else "",
            ", ".join(f"{action.name} {action.state}" for action in alert.actions),
            alert.rule,
        )
        for alert in found
    ]
    waiting = sum(alert.state != "resolved" for alert in found)
    headers = ("state", "severity", "about", "due (UTC)", "ended (UTC)", "reason", "money", "actions", "rule")
    return common.table(headers, rows, right=(6,)) + f"\n{len(found)} alerts, {waiting} still wait"


def _end(for_: str | None, until: str | None, now: datetime) -> datetime:
    if (for_ is None) == (until is None):
        raise ConfigError("the silence needs its end; expected either --for 8h or --until TIME; give one of them")
    if until is not None:
        return common.parse_time("--until", until)
    found = _SPAN.fullmatch(for_ or "")
    if found is None:
        raise ConfigError(f"--for '{for_}' is not understood; expected hours or days such as 8h or 5d; correct it")
    return now + timedelta(hours=int(found[1])) * (24 if found[2] == "d" else 1)
