"""Cockpit: where the money waits between order and cash, and what to open next."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dashboards import alert_data, data
from dashboards.cards import card, show_cards
from dashboards.explorer import explore
from dashboards.frame import explained, freshness, newer_data
from dashboards.panels import case_dialog
from dashboards.variant_section import variant_section
from dashboards.view import View, sentence
from dashboards.widgets import change, chips, filter_row, loosen, read_view, write_view
from dashboards.wording import count
from o2c_mining.errors import O2CError
from o2c_mining.trace.select import ObjectFilter

TREND_SECONDS = 1.5
ALERTS_PAGE = "screens/alerts.py"


def page() -> None:
    """Everything on the page, in reading order."""
    with explained():
        here = data.desk()
        header = st.container(horizontal=True, vertical_alignment="center", gap="medium", key="header")
        with header:
            st.markdown("### Order-to-cash cockpit", width="content")
            freshness(here)
            st.space("stretch")
            _badge(here)
            newer_data(here)
        asked = read_view(here)
        view = filter_row(here, asked)
        write_view(view)
        lens = view.filter.lens or here.lens
        working = here.has_calendar if view.working is None else view.working
        found = data.map_of(here, view.filter, working)
        everything = data.map_of(here, ObjectFilter(lens=view.filter.lens), working)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="sentence"):
            st.markdown(sentence(view.filter, lens, found.cases, everything.cases), width="content")
            chips(view)
            st.space("stretch")
            _finder()
        if view.case:
            _case(here, view.case, lens)
        if not found.cases:
            loosen(view, lens)
            return
        cards = st.container(key="cards")
        explore(here, view, working, lens)
        variant_section(here, view, working, lens)
        with cards:  # computed last: the figures take longer than the map
            _cards(here, view)


def _badge(here: data.Desk) -> None:
    """How many alerts wait and how much money with them; leads to them."""
    waiting = alert_data.alerts_of(here)
    if not waiting:
        st.page_link(ALERTS_PAGE, label=":green-badge[Nothing waits too long]")
        return
    amounts = alert_data.spoken(alert_data.amounts_of(waiting), here.currency)
    label = f"{count(len(waiting), 'alert')} · {amounts} waiting"
    st.page_link(ALERTS_PAGE, label=f":red-badge[{label}]", help="What waits too long")


def _cards(here: data.Desk, view: View) -> None:
    """Values at once; trends as soon as they are computed, looked for again until then."""
    targets = {target.kpi: target.value for target in here.workspace.config.target}
    try:
        figures = data.kpis_of(here, view.filter)
    except O2CError as error:  # a log without orders has no such figures; map and handoffs hold all the same
        st.info(f"No key figures: {error}", icon=":material/info:")
        return
    waiting = data.series_of(here, view.filter) is None
    shown: list[bool] = []

    def row() -> None:
        found = data.series_of(here, view.filter)
        if found is not None and waiting and shown:
            st.rerun()  # the page without the look-out for trends
        found = found or {}
        show_cards([card(kpi, found.get(kpi.id), targets.get(kpi.id), here.currency) for kpi in figures])

    st.fragment(row, run_every=TREND_SECONDS if waiting else None)()
    shown.append(True)


def _finder() -> None:
    """Any document's number leads to its story."""

    def find() -> None:
        wanted = str(st.session_state.get("find") or "").strip()
        change(lambda view: replace(view, case=wanted or None))

    st.text_input(
        "Find a document",
        key="find",
        placeholder="Find a document number …",
        label_visibility="collapsed",
        width=230,
        icon=":material/search:",
        on_change=find,
    )


def _case(here: data.Desk, number: str, lens: str) -> None:
    """The story of a document, over the page; closing it takes it out of the URL."""

    def closed() -> None:
        st.session_state["find"] = ""
        change(lambda view: replace(view, case=None))

    @st.dialog(f"Document {number}", width="large", on_dismiss=closed)
    def dialog() -> None:
        with explained():
            case_dialog(here, number, lens)

    dialog()


page()
