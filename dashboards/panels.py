"""What the panel beside the map tells about the path, the activity or the case that was chosen."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

import streamlit as st

from dashboards.charts import CONFIG, flows, time_histogram
from dashboards.data import Desk, clock_of, duration_of, map_of, step_times_of, stories_of
from dashboards.map_graph import is_handoff, team_words
from dashboards.slas import SlaLine
from dashboards.view import Focus, View
from dashboards.widgets import change_filter
from dashboards.wording import MISSING, compact, count, duration, handoff_name, moment, money, money_days, plural
from o2c_mining.analysis.case_story import CaseStory
from o2c_mining.analysis.process_map import ProcessMap
from o2c_mining.trace.select import ObjectFilter

_CHART_HEIGHT = 250


def detail_panel(here: Desk, view: View, working: bool, focus: Focus, noun: str, sla: SlaLine | None) -> None:
    """The panel for what is in focus."""
    found = map_of(here, view.filter, working)
    if focus.type == "node":
        activity_panel(view, found, focus.id, noun)
    else:
        from_, _, to = focus.id.partition(">")
        path_panel(here, view, working, (from_, to), noun, sla)


def path_panel(here: Desk, view: View, working: bool, path: tuple[str, str], noun: str, sla: SlaLine | None) -> None:
    """A path: how long it takes, how much money waits in it, how the times are spread."""
    from_, to = path
    clock = clock_of(here, working)
    found = map_of(here, view.filter, working)
    teams = {node.activity: node.team for node in found.nodes}
    edge = next((one for one in found.edges if (one.from_, one.to) == path), None)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{handoff_name(f'{from_}>{to}')}**", width="content")
        if edge is not None:
            st.badge(team_words(edge, teams), color="orange" if is_handoff(edge) else "gray")
    if from_ not in teams or to not in teams:
        st.info(f"No chosen {noun} goes this way.", icon=":material/alt_route:")
        return
    times = step_times_of(here, view.filter, from_, to, working)
    whole = duration_of(here, view.filter, from_, to, working)
    facts = (
        ("Median incl. open", duration(whole.median_seconds, clock)),
        ("p90, direct", duration(times.p90_seconds, clock)),
        (plural(noun).capitalize(), f"{times.cases:,}"),
        (money_days(here.currency).capitalize(), compact(times.value_days)),
        ("Stand here now", f"{times.waiting_now:,} · {money(float(times.waiting_value), here.currency)}"),
    )
    fact_row(facts)
    if not times.bins:
        st.info(
            f"'{to}' never follows '{from_}' directly; the handoff is between documents, other steps of the {noun} "
            "lie between in time.",
            icon=":material/alt_route:",
        )
        return
    dark = st.context.theme.type == "dark"
    figure = time_histogram(times, clock=clock, dark=dark, sla=sla, working=working, height=_CHART_HEIGHT)
    st.plotly_chart(figure, key="histogram", config=CONFIG)


def activity_panel(view: View, found: ProcessMap, activity: str, noun: str) -> None:
    """An activity: how often, where cases come from and go to, and two filters."""
    node = next((one for one in found.nodes if one.activity == activity), None)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{activity}**", width="content")
        if node is not None:
            st.badge(node.team, color="blue")
            st.caption(f"{count(node.cases, noun)} · {count(node.events, 'event')}", width="content")
    if node is None:
        st.info(f"No chosen {noun} has this activity.", icon=":material/alt_route:")
        return
    chosen = view.filter
    with st.container(horizontal=True, gap="small"):
        if activity not in chosen.with_:
            st.button(
                "Only with this",
                key="with",
                icon=":material/filter_alt:",
                on_click=change_filter,
                args=(partial(_add, "with_", activity),),
            )
        if activity not in chosen.without:
            st.button(
                "Only without this",
                key="without",
                icon=":material/filter_alt_off:",
                on_click=change_filter,
                args=(partial(_add, "without", activity),),
            )
    dark = st.context.theme.type == "dark"
    st.plotly_chart(flows(found.edges, activity, dark=dark, height=_CHART_HEIGHT), key="flows", config=CONFIG)


def _add(field: Literal["with_", "without"], activity: str, now: ObjectFilter) -> ObjectFilter:
    if field == "with_":
        return replace(now, with_=(*now.with_, activity))
    return replace(now, without=(*now.without, activity))


def fact_row(facts: tuple[tuple[str, str], ...]) -> None:
    """Small figures side by side."""
    with st.container(horizontal=True, gap="medium"):
        for label, value in facts:
            st.markdown(f":small[:gray[{label}]]  \n**{value}**", width="content")


def case_dialog(here: Desk, number: str, lens: str) -> None:
    """The story of every case a document belongs to, newest step last."""
    for story in stories_of(here, number, lens):
        _story(here, story)


def _story(here: Desk, story: CaseStory) -> None:
    ended = {"completed": "completed", "cancelled": "cancelled"}.get(story.end_kind or "", "open")
    st.markdown(f"**{story.lens.replace('_', ' ').capitalize()} {story.number or story.case_id}** · {ended}")
    documents = [
        f"{one.object_type.replace('_', ' ')} {one.number or one.object_id}"
        + (f" ({money(float(one.amount), one.currency or here.currency)})" if one.amount else "")
        for one in story.objects
    ]
    st.caption(" · ".join(documents))
    rows = [
        {
            "Time": moment(event.time, here.zone) if event.precision != "day" else moment(event.time, here.zone)[:-7],
            "Step": event.activity,
            "Team": event.team,
            "Who": event.resource or MISSING,
            "Then": duration(event.elapsed_seconds),
            "Documents": ", ".join(event.objects),
            "Source": f"{event.source_table} {event.source_key}" if event.source_table else MISSING,
        }
        for event in story.events
    ]
    st.dataframe(rows, hide_index=True, height="content" if len(rows) < 14 else 500)
