"""Cockpit: where the money waits between order and cash, and what to open next."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from dashboards import data
from dashboards.cards import card, show_cards
from dashboards.components.handoffs import handoff_rows
from dashboards.components.process_map import Picked, process_map
from dashboards.components.variants import variant_rows
from dashboards.frame import explained, freshness, newer_data
from dashboards.handoff_table import handoff_table, ledger_csv
from dashboards.map_graph import edge_id, map_graph
from dashboards.panels import case_dialog, detail_panel
from dashboards.teams import team_colours
from dashboards.variant_table import usual_way, variant_table
from dashboards.view import Focus, View, sentence
from dashboards.widgets import change, chips, filter_row, loosen, read_view, write_view
from dashboards.wording import count, plural
from o2c_mining.analysis.handoffs import LedgerRow

MAP_HEIGHT = 980
TOP_HANDOFFS = 8
VARIANT_ROWS = (5, 10, 25)


def page() -> None:
    """Everything on the page, in reading order."""
    with explained():
        here = data.desk()
        header = st.container(horizontal=True, vertical_alignment="center", gap="medium")
        asked = read_view(here)
        view = filter_row(here, asked)
        write_view(view)
        lens = view.filter.lens or here.lens
        working = here.has_calendar if view.working is None else view.working
        found = data.map_of(here, view.filter, working)
        everything = data.map_of(
            here, replace(view.filter, start=None, end=None, where=(), with_=(), without=(), variant=None), working
        )
        with header:
            st.markdown("### Order-to-cash cockpit", width="content")
            freshness(here)
            st.space("stretch")
            newer_data(here)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(sentence(view.filter, lens, found.cases, everything.cases), width="content")
            chips(view)
            st.space("stretch")
            st.text_input(
                "Find a document",
                key="find",
                placeholder="Find a document number …",
                label_visibility="collapsed",
                width=220,
                icon=":material/search:",
                on_change=partial(_find, view),
            )
        if view.case:
            _case(here, view, lens)
        if not found.cases:
            loosen(view, plural(lens))
            return
        cards = st.container()
        explore(here, view, working, lens)
        variant_section(here, view, working, lens)
        with cards:
            _cards(here, view)


def _cards(here: data.Desk, view: View) -> None:
    """Values at once; the trends, which need a figure per month, when everything else is on screen."""
    targets = {target.kpi: target.value for target in here.workspace.config.target}
    figures = data.kpis_of(here, view.filter)
    place = st.empty()
    with place.container():
        show_cards([card(kpi, None, targets.get(kpi.id), here.currency) for kpi in figures])
    series = data.series_of(here, view.filter)
    with place.container():
        show_cards([card(kpi, series.get(kpi.id), targets.get(kpi.id), here.currency) for kpi in figures])


@st.fragment
def explore(here: data.Desk, view: View, working: bool, lens: str) -> None:
    """Map, panel and ranking: a click on one of them moves all three, without the rest of the page."""
    clock = data.clock_of(here, working)
    focus: Focus | None = st.session_state.get("_focus", view.focus)
    found = data.map_of(here, view.filter, working)
    usual = usual_way(data.variants_of(here, view.filter, VARIANT_ROWS[0]))
    ranking = data.ranking_of(here, view.filter, working, TOP_HANDOFFS)
    left, right = st.columns([1.04, 1], gap="small")
    picked = partial(_pick, view)
    with left.container(border=True, key="map-box"):
        graph = map_graph(found, usual, view.colour, clock=clock, currency=here.currency, noun=lens)
        chosen = Picked(type=focus.type, id=focus.id) if focus else None
        process_map(graph, key="map", height=MAP_HEIGHT, selected=chosen, on_pick=picked)
    with right:
        shown = focus or _leading(ranking.top[0].row if ranking.top else None)
        with st.container(border=True, key="panel"):
            if shown is None:
                st.info("Click a path or an activity on the map.", icon=":material/touch_app:")
            else:
                detail_panel(here, view, working, shown, lens, None)
        with st.container(border=True, key="ranking"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(
                    f"**Handoffs** :gray[by our own avoidable time × money, {ranking.annual_rate:.1%} a year]",
                    width="content",
                )
                st.space("stretch")
                ledger = data.ledger_of(here, view.filter, working)
                st.download_button(
                    "CSV",
                    ledger_csv(ledger),
                    "handoffs.csv",
                    "text/csv",
                    icon=":material/download:",
                    type="tertiary",
                    on_click="ignore",
                )
            handoff_rows(
                handoff_table(ranking, clock=clock),
                key="handoffs",
                height=500,
                selected=shown.id if shown else None,
                on_pick=picked,
            )


@st.fragment
def variant_section(here: data.Desk, view: View, working: bool, lens: str) -> None:
    """Ways through the process; a click keeps only the cases that went this way."""
    with st.container(border=True, key="variants-box"):
        top = st.container(horizontal=True, vertical_alignment="center")
        limit = st.session_state.get("rows", VARIANT_ROWS[0])
        found = data.variants_of(here, view.filter, limit)
        top.markdown(
            f"**Variants** :gray[{count(found.total, 'way')} through the process · {count(found.cases, lens)}]",
            width="content",
        )
        top.space("stretch")
        fold = top.toggle("Fold usual steps", key="fold")
        top.segmented_control(
            "Rows", VARIANT_ROWS, default=VARIANT_ROWS[0], key="rows", required=True, label_visibility="collapsed"
        )
        nodes = data.map_of(here, view.filter, working).nodes
        colours = team_colours(node.team for node in nodes)
        by_activity = {node.activity: colours[node.team] for node in nodes}
        table = variant_table(found, by_activity, noun=lens, clock=data.clock_of(here, False), fold=fold)
        variant_rows(table, key="variants", selected=view.filter.variant, on_pick=partial(_pick_variant, view))


def _leading(row: LedgerRow | None) -> Focus | None:
    """What to look at before anything was chosen: the handoff that costs us most."""
    return None if row is None else Focus("edge", edge_id(row.from_activity, row.to_activity))


def _pick(view: View, picked: Picked) -> None:
    focus = None if picked["type"] == "none" else Focus("node" if picked["type"] == "node" else "edge", picked["id"])
    st.session_state["_focus"] = focus
    write_view(replace(view, focus=focus))


def _pick_variant(view: View, rank: int | None) -> None:
    change(replace(view, filter=replace(view.filter, variant=rank)))


def _find(view: View) -> None:
    wanted = str(st.session_state.get("find") or "").strip()
    change(replace(view, case=wanted or None))


def _case(here: data.Desk, view: View, lens: str) -> None:
    """The story of a document, over the page; closing it takes it out of the URL."""

    def closed() -> None:
        st.session_state["find"] = ""
        change(replace(view, case=None))

    @st.dialog(f"Document {view.case}", width="large", on_dismiss=closed)
    def dialog() -> None:
        with explained():
            case_dialog(here, view.case or "", lens)

    dialog()
