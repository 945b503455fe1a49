"""Alerts: what waits, since when, how much money, which documents, and what was done about it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboards import alert_data, data
from dashboards.alert_table import alert_rows, group_line
from dashboards.components.alert_list import alert_list
from dashboards.frame import explained, freshness, newer_data
from dashboards.widgets import ALL, offered
from dashboards.wording import count, duration, moment
from o2c_mining.monitor.inbox import AlertView, RuleHealth

SHOWN = {"open": alert_data.OPEN_STATES, "resolved": ("resolved",), "all": ()}
WORDS = {"open": "Open", "resolved": "Resolved", "all": "All"}
LENGTHS = {1: "1 day", 7: "1 week", 30: "30 days"}


def page() -> None:
    """Everything on the page, in reading order."""
    with explained():
        here = data.desk()
        with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="alerts-header"):
            st.markdown("### What waits too long", width="content")
            freshness(here)
            st.space("stretch")
            newer_data(here)
        chosen = _filters(here)
        for health in alert_data.health_of(here):
            _health(here, health)
        if not chosen:
            _nothing()
            return
        _totals(here, chosen)
        for group in alert_data.by_rule(chosen):
            with st.container(border=True, key=f"rule-{group.rule}"):
                st.markdown(f"**{group.title}** :gray[{group_line(here, group)}]")
                decide = partial(_decide, here, group.alerts)
                alert_list(alert_rows(here, group), key=f"alerts-{group.rule}", on_decide=decide)
        _silence_dialog(here, chosen)


def _filters(here: data.Desk) -> tuple[AlertView, ...]:
    """State, rule and attribute pills; all of them in the URL."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="alert-filters"):
        shown = st.segmented_control(
            "State",
            list(SHOWN),
            format_func=WORDS.__getitem__,
            default="open",
            key="state",
            bind="query-params",
            required=True,
        )
        found = alert_data.alerts_of(here, SHOWN[shown or "open"])
        rules = sorted({alert.rule for alert in found})
        rule = st.pills("Rule", [ALL, *rules], default=ALL, key="rule", bind="query-params", format_func=_rule_name)
        attribute, values = _attribute(here)
        value = None
        if attribute is not None:
            label = attribute.replace(".", " ").capitalize()
            value = st.pills(label, [ALL, *values], default=ALL, key="of", bind="query-params")
    kept = [alert for alert in found if rule in {None, ALL} or alert.rule == rule]
    return alert_data.within(here, kept, attribute, None if value == ALL else value)


def _attribute(here: data.Desk) -> tuple[str | None, tuple[str, ...]]:
    """The attribute that the cockpit's row shows first."""
    choice = next(iter(offered(here, here.lens)), None)
    return (None, ()) if choice is None else (choice.attribute, choice.values)


def _rule_name(rule: str) -> str:
    return rule.replace("_", " ").capitalize()


def _health(here: data.Desk, health: RuleHealth) -> None:
    """How far the rule could look; loud only where it could not."""
    text = (
        f"{health.title}: judged {moment(health.at, here.zone)}, data complete to {moment(health.watermark, here.zone)}"
    )
    if health.unknown:
        text += f", {count(health.unknown, 'document')} cannot be told yet"
    if health.health == "ok":
        st.caption(text)
    else:
        st.warning(
            f"{text}. {health.message or 'The data are late, breaches may be missing.'}", icon=":material/history:"
        )


def _totals(here: data.Desk, chosen: tuple[AlertView, ...]) -> None:
    late = max((alert_data.overdue_seconds(here, alert) or 0.0 for alert in chosen), default=0.0)
    actions = [action for alert in chosen for action in alert.actions]
    undelivered = sum(action.state in {"PROPOSED", "APPROVED", "RETRY", "SENDING", "DEAD"} for action in actions)
    clock = data.clock_of(here, here.has_calendar)
    facts = (
        ("Alerts", f"{len(chosen):,}", None),
        ("Money that waits", alert_data.spoken(alert_data.amounts_of(chosen), here.currency), None),
        ("Longest overdue", duration(late, clock), "Working time since it was due" if here.has_calendar else None),
        ("Actions delivered", f"{sum(action.state == 'DELIVERED' for action in actions):,} of {len(actions):,}", None),
        ("Not delivered yet", f"{undelivered:,}", "To be sent, tried again, or given up"),
    )
    for column, (label, value, help_) in zip(st.columns(len(facts)), facts, strict=True):
        column.metric(label, value, border=True, help=help_)


def _nothing() -> None:
    st.success("Nothing waits too long under these filters.", icon=":material/task_alt:")
    st.caption("Deadlines are the files in `slas/` of the workspace; `o2c monitor --once` judges them now.")


def _decide(here: data.Desk, alerts: tuple[AlertView, ...], decision: str, alert_id: str) -> None:
    if decision == "acknowledge":
        alert_data.take_over(here, alert_id)
    else:
        st.session_state["_silence"] = next((alert for alert in alerts if alert.id == alert_id), None)


def _silence_dialog(here: data.Desk, chosen: tuple[AlertView, ...]) -> None:
    alert = st.session_state.pop("_silence", None)
    if alert is None or alert.id not in {one.id for one in chosen}:
        return

    @st.dialog(f"Silence {alert.object_type.replace('_', ' ')} {alert.number or alert.object_id}")
    def ask() -> None:
        st.caption("Messages about it wait; the alert itself and all figures go on.")
        days = st.segmented_control(
            "For", list(LENGTHS), default=1, format_func=LENGTHS.__getitem__, key="days", required=True
        )
        reason = st.text_input("Why", key="reason", placeholder="The customer was called")
        if st.button("Silence", type="primary", disabled=not reason.strip()):
            with explained():
                alert_data.keep_quiet(here, alert, days or 1, reason)
                st.rerun()

    ask()


page()
