"""Map, panel and ranking: a click on one of them moves all three, without the rest of the page."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dashboards import data
from dashboards.components.handoffs import handoff_rows
from dashboards.components.process_map import Picked, process_map
from dashboards.frame import explained
from dashboards.handoff_table import handoff_table, ledger_csv
from dashboards.map_graph import edge_id, map_graph
from dashboards.panels import detail_panel
from dashboards.slas import sla_of
from dashboards.variant_table import usual_way
from dashboards.view import Focus, View
from dashboards.widgets import change, rerun_page_if_changed
from o2c_mining.analysis.avoidable import Avoidable

MAP_HEIGHT = 980
TABLE_HEIGHT = 560
TOP_HANDOFFS = 8
_USUAL = 5  # as many variants as the section below asks for first, so that one question serves both


@st.fragment
def explore(here: data.Desk, view: View, working: bool, lens: str) -> None:
    """The part of the cockpit one clicks around in."""
    rerun_page_if_changed()
    with explained():
        _explore(here, view, working, lens)


def _explore(here: data.Desk, view: View, working: bool, lens: str) -> None:
    clock = data.clock_of(here, working)
    ranking = data.ranking_of(here, view.filter, working, TOP_HANDOFFS)
    chosen: Focus | None = st.session_state.get("_focus")
    shown = chosen or _leading(ranking)
    left, right = st.columns([1.04, 1], gap="small")
    with left.container(border=True, key="map-box"):
        usual = usual_way(data.variants_of(here, view.filter, _USUAL))
        found = data.map_of(here, view.filter, working)
        graph = map_graph(found, usual, view.colour, clock=clock, currency=here.currency, noun=lens)
        selected = Picked(type=chosen.type, id=chosen.id) if chosen else None
        process_map(graph, key="map", height=MAP_HEIGHT, selected=selected, on_pick=_pick)
    with right:
        with st.container(border=True, key="panel"):
            if shown is None:
                st.info("Click a path or an activity on the map.", icon=":material/touch_app:")
            else:
                detail_panel(here, view, working, shown, lens, sla_of(here, shown))
        with st.container(border=True, key="ranking"):
            _ranking(here, view, working, ranking, shown)


def _ranking(here: data.Desk, view: View, working: bool, ranking: Avoidable, shown: Focus | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**Handoffs** :gray[by our own avoidable time × money, {ranking.annual_rate:.1%} a year]", width="content"
        )
        st.space("stretch")
        st.download_button(
            "CSV",
            ledger_csv(data.ledger_of(here, view.filter, working)),
            "handoffs.csv",
            "text/csv",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            help="The whole ledger, every cell",
        )
    table = handoff_table(ranking, clock=data.clock_of(here, working))
    handoff_rows(table, key="handoffs", height=TABLE_HEIGHT, selected=shown.id if shown else None, on_pick=_pick)


def _leading(ranking: Avoidable) -> Focus | None:
    """What to look at before anything was chosen: the handoff that costs us most."""
    if not ranking.top:
        return None
    row = ranking.top[0].row
    return Focus("edge", edge_id(row.from_activity, row.to_activity))


def _pick(picked: Picked) -> None:
    focus = None if picked["type"] == "none" else Focus("node" if picked["type"] == "node" else "edge", picked["id"])
    st.session_state["_focus"] = focus
    change(lambda view: replace(view, focus=focus))
