"""The dashboards of one workspace: ``o2c dashboard`` starts this with Streamlit.

The folder is not called ``pages``: Streamlit takes a folder of that name for its older navigation until this script has
run once, so that the first visitor of a link to the alerts would get a page without frame and style.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parent / "assets"

st.set_page_config("Order-to-cash", page_icon=str(ASSETS / "icon.png"), layout="wide")
st.html(ASSETS / "screen.css")
st.navigation(
    [
        st.Page("screens/cockpit.py", title="Cockpit", icon=":material/monitoring:", url_path="cockpit", default=True),
        st.Page("screens/alerts.py", title="Alerts", icon=":material/notifications:", url_path="alerts"),
    ],
    position="top",
).run()
