"""Alerts of one rule with their documents, what was done, and buttons; a decision comes back to Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboards.components.assets import asset_component

_mount = asset_component(__file__, js="alerts.js", css="alerts.css", html='<div class="alerts"></div>')


def alert_list(rows: dict[str, Any], *, key: str, on_decide: Callable[[str, str], None]) -> None:
    """Show ``rows`` (see ``dashboards.alert_table``); ``on_decide`` gets ``acknowledge`` or ``silence`` and the id."""

    def decided() -> None:
        choice = st.session_state[key].get("decided")
        if choice:
            on_decide(choice["decision"], choice["id"])

    _mount(key=key, data=rows, on_decided_change=decided)
