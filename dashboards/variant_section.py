"""Ways through the process; a click keeps only the cases that went this way."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dashboards import data
from dashboards.components.variants import variant_rows
from dashboards.frame import explained
from dashboards.teams import team_colours
from dashboards.variant_table import variant_table
from dashboards.view import View
from dashboards.widgets import change_filter, rerun_page_if_changed
from dashboards.wording import count

ROWS = (5, 10, 25)


@st.fragment
def variant_section(here: data.Desk, view: View, working: bool, lens: str) -> None:
    """The most frequent ways as chevrons."""
    rerun_page_if_changed()
    with explained(), st.container(border=True, key="variants-box"):
        top = st.container(horizontal=True, vertical_alignment="center")
        found = data.variants_of(here, view.filter, st.session_state.get("rows") or ROWS[0])
        words = f"{count(found.total, 'way')} through the process · {count(found.cases, lens)}"
        top.markdown(f"**Variants** :gray[{words}]", width="content")
        top.space("stretch")
        fold = top.toggle("Fold usual steps", value=True, key="fold")
        top.segmented_control("Rows", ROWS, default=ROWS[0], key="rows", required=True, label_visibility="collapsed")
        nodes = data.map_of(here, view.filter, working).nodes
        colours = team_colours(node.team for node in nodes)
        by_activity = {node.activity: colours[node.team] for node in nodes}
        table = variant_table(found, by_activity, noun=lens, clock=data.clock_of(here, working=False), fold=fold)
        variant_rows(table, key="variants", selected=view.filter.variant, on_pick=_pick_variant)


def _pick_variant(rank: int | None) -> None:
    change_filter(lambda now: replace(now, variant=rank))
