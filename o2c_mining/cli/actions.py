"""``o2c actions``: what was or will be done outside; decide, repeat, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.alerts import ByOption, action_payload, login
from o2c_mining.cli.monitor import wall_clock
from o2c_mining.errors import ConfigError

if TYPE_CHECKING:
    from o2c_mining.monitor.inbox import ActionView
    from o2c_mining.state.database import State
    from o2c_mining.state.models import Action

app = typer.Typer(no_args_is_help=True, help="Actions: what was or will be done outside.")

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Key of an action, or its beginning.")]


@app.command("list")
def list_(
    state: Annotated[list[str] | None, typer.Option("--state", help="DELIVERED, RETRY, DEAD, ...; repeatable.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule's.")] = None,
    alert: Annotated[str | None, typer.Option("--alert", help="Only this alert's.")] = None,
) -> None:
    """Actions, the newest first, and what is stopped."""
    from o2c_mining.bootstrap import open_state
    from o2c_mining.monitor.inbox import list_actions, list_stopped
    from o2c_mining.state.models import ActionState

    wanted = [name.upper() for name in state or ()]
    known = [known.value for known in ActionState]
    for name in wanted:
        if name not in known:
            raise ConfigError(f"unknown state '{name}'; expected one of {', '.join(known)}; correct --state")
    opened = open_state(common.workspace())
    found = list_actions(opened, states=wanted, rule=rule, alert=alert)
    stopped = list_stopped(opened)
    opened.close()
    lines = [f"stopped: {row.name} by {row.author}: {row.reason}" for row in stopped]
    payload = {"actions": [action_payload(action) for action in found], "stopped": stopped}
    common.emit(payload, "\n".join([_actions_text(found), *lines]))


@app.command()
def show(key: KeyArgument) -> None:
    """Everything about one action, with what it says."""
    from o2c_mining.bootstrap import open_state
    from o2c_mining.monitor.decisions import find_action
    from o2c_mining.monitor.inbox import action_view

    opened = open_state(common.workspace())
    with opened.read() as session:
        row = find_action(session, key)
        view = action_view(row)
        payload = {**common.plain(view), "payload": row.payload}
    lines = [f"{name}: {value}" for name, value in common.plain(view).items() if name != "text"]
    common.emit(payload, "\n".join([*lines, "", view.text]))


@app.command()
def approve(key: KeyArgument, by: ByOption = None) -> None:
    """Let an action that waits for approval be sent."""
    from o2c_mining.monitor import decisions

    opened, now = _state(), wall_clock()
    with opened.write() as session:
        _tell(decisions.approve(session, key, by=by or login(), now=now), "approved")


@app.command()
def reject(
    key: KeyArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit chain.")] = "no reason given",
    by: ByOption = None,
) -> None:
    """Refuse an action that waits for approval."""
    from o2c_mining.monitor import decisions

    opened, now = _state(), wall_clock()
    with opened.write() as session:
        _tell(decisions.reject(session, key, by=by or login(), reason=reason, now=now), "rejected")


@app.command()
def replay(
    key: Annotated[str | None, typer.Argument(metavar="KEY", help="Key of an action, or its beginning.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Everything that was given up.")] = False,
    by: ByOption = None,
) -> None:
    """Send again with the next round, under the same key."""
    from o2c_mining.monitor import decisions
    from o2c_mining.monitor.inbox import list_actions
    from o2c_mining.state.models import ActionState

    if (key is None) == (not dead):
        raise ConfigError("nothing to replay was named; expected either a KEY or --dead; give one of them")
    opened, now = _state(), wall_clock()
    keys = [key] if key is not None else [row.key for row in list_actions(opened, states=[ActionState.DEAD])]
    with opened.write() as session:
        replayed = [decisions.replay(session, each, by=by or login(), now=now).key for each in keys]
    common.emit({"replayed": replayed}, f"{len(replayed)} actions will be sent with the next round")


@app.command()
def stop(
    channel: Annotated[str | None, typer.Option("--channel", help="Only this channel's.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule's.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit chain.")] = "stopped by hand",
    release: Annotated[bool, typer.Option("--release", help="Let them go on.")] = False,
    by: ByOption = None,
) -> None:
    """Stop all actions at once, or those of a channel or rule; --release lets them go on."""
    from o2c_mining.monitor import decisions
    from o2c_mining.monitor.precondition import ACTIONS_SWITCH

    if channel is not None and rule is not None:
        raise ConfigError("a channel and a rule were named; expected one of them; run the command twice")
    switch = f"channel:{channel}" if channel else f"rule:{rule}" if rule else ACTIONS_SWITCH
    opened, now = _state(), wall_clock()
    with opened.write() as session:
        if release:
            decisions.release(session, switch, by=by or login(), now=now)
        else:
            decisions.stop(session, switch, by=by or login(), reason=reason, now=now)
    common.emit({"switch": switch, "stopped": not release}, f"{switch}: {'released' if release else 'stopped'}")


def _state() -> State:
    from o2c_mining.bootstrap import open_state

    return open_state(common.workspace())


def _tell(action: Action, what: str) -> None:
    common.emit({"key": action.key, "state": action.state}, f"{action.key} is {what}")


def _actions_text(found: tuple[ActionView, ...]) -> str:
    if not found:
        return "no actions"
    rows = [
        (row.key[:12], row.state, row.kind, row.occasion, row.target, row.attempts, row.title, row.outcome or "")
        for row in found
    ]
    headers = ("key", "state", "kind", "occasion", "target", "attempts", "title", "outcome")
    return common.table(headers, rows, right=(5,))
