"""Alerts and actions for the screens; what is decided here goes through the same functions as the command line."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from dashboards.data import Desk, member_ids_of
from dashboards.wording import money
from o2c_mining.bootstrap import open_state, open_workspace
from o2c_mining.calendar import work_clock
from o2c_mining.monitor.decisions import acknowledge, silence
from o2c_mining.monitor.inbox import AlertView, RuleHealth, list_alerts, rules_health
from o2c_mining.state.database import State
from o2c_mining.trace.select import ObjectFilter

OPEN_STATES = ("pending", "firing", "recovering")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Alerts of one rule with their sums; ``amounts`` by currency in minor units."""

    rule: str
    title: str
    alerts: tuple[AlertView, ...]
    amounts: dict[str, int]


@st.cache_resource(show_spinner=False)
def _state(root: str, url: str) -> State:
    from pathlib import Path

    return open_state(open_workspace(Path(root)))


def state_of(here: Desk) -> State:
    """The database of alerts, opened once per workspace."""
    return _state(str(here.workspace.root), here.workspace.config.state.url)


def alerts_of(here: Desk, states: Sequence[str] = OPEN_STATES) -> tuple[AlertView, ...]:
    """Alerts in these states (all, where none is named), the longest overdue first; taken back ones left out."""
    found = list_alerts(state_of(here), states=states, now=datetime.now(UTC))
    return tuple(alert for alert in found if not alert.retracted)


def health_of(here: Desk) -> tuple[RuleHealth, ...]:
    """When each rule was last evaluated and whether its figures can be trusted."""
    return rules_health(state_of(here))


def within(here: Desk, alerts: Sequence[AlertView], attribute: str | None, value: str | None) -> tuple[AlertView, ...]:
    """Alerts whose document belongs to a case with that value, such as those of one region."""
    if attribute is None or value is None:
        return tuple(alerts)
    chosen = member_ids_of(here, ObjectFilter(where=((attribute, (value,)),)))
    return tuple(alert for alert in alerts if alert.object_id in chosen)


def by_rule(alerts: Sequence[AlertView]) -> tuple[Waiting, ...]:
    """Alerts grouped by rule, the most money first."""
    groups: dict[str, list[AlertView]] = {}
    for alert in alerts:
        groups.setdefault(alert.rule, []).append(alert)
    found = [Waiting(rule, rows[0].title, tuple(rows), amounts_of(rows)) for rule, rows in groups.items()]
    return tuple(sorted(found, key=lambda one: (-sum(one.amounts.values()), one.rule)))


def amounts_of(alerts: Sequence[AlertView]) -> dict[str, int]:
    """Money of alerts by currency, in minor units; never added across currencies."""
    sums: dict[str, int] = {}
    for alert in alerts:
        if alert.money_minor is not None and alert.currency is not None:
            sums[alert.currency] = sums.get(alert.currency, 0) + alert.money_minor
    return sums


def spoken(amounts: dict[str, int], currency: str) -> str:
    """Sums of money in words, one after the other."""
    texts = [money(float(minor) / 100, code) for code, minor in sorted(amounts.items())]
    return " + ".join(texts) or money(0.0, currency)


def overdue_seconds(here: Desk, alert: AlertView) -> float | None:
    """Working time since it was due, until it ended or until the log's as-of; calendar time without a calendar."""
    if alert.due_at is None:
        return None
    until = max(alert.stopped_at or here.base.log.as_of, alert.due_at)
    calendar = here.base.log.settings.calendar
    if calendar is None:
        return (until - alert.due_at).total_seconds()
    return work_clock(calendar, until) - work_clock(calendar, alert.due_at)


def take_over(here: Desk, alert: str) -> None:
    """Acknowledge: someone takes care of it."""
    with state_of(here).write() as session:
        acknowledge(session, alert, by=getpass.getuser(), now=datetime.now(UTC))


def keep_quiet(here: Desk, alert: AlertView, days: int, reason: str) -> None:
    """Let notifications about an alert's object wait."""
    now = datetime.now(UTC)
    with state_of(here).write() as session:
        silence(
            session,
            rule=alert.rule,
            object_id=alert.object_id,
            until=now + timedelta(days=days),
            by=getpass.getuser(),
            reason=reason,
            now=now,
        )
