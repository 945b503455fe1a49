"""The dashboards of one workspace: ``o2c dashboard`` starts this with Streamlit."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from dashboards.pages import alerts, cockpit

st.set_page_config("Order-to-cash", page_icon=str(Path(__file__).parent / "assets" / "icon.png"), layout="wide")
st.html(Path(__file__).parent / "assets" / "screen.css")
alerts_page = st.Page(alerts.page, title="Alerts", icon=":material/notifications:", url_path="alerts")
cockpit_page = st.Page(
    partial(cockpit.page, alerts_page), title="Cockpit", icon=":material/monitoring:", url_path="cockpit", default=True
)
st.navigation([cockpit_page, alerts_page], position="top").run()
