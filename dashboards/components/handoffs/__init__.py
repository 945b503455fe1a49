"""Handoff table whose rows are buttons: a click comes back to Python as the handoff's id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboards.components.assets import asset_component
from dashboards.components.process_map import Picked

_mount = asset_component(__file__, js="handoffs.js", css="handoffs.css", html='<div class="handoffs"></div>')


def handoff_rows(
    table: dict[str, Any], *, key: str, height: int, selected: str | None, on_pick: Callable[[Picked], None]
) -> None:
    """Show ``table`` (see ``dashboards.handoff_table``)."""

    def picked() -> None:
        choice = st.session_state[key].get("picked")
        if choice:
            on_pick(choice)

    _mount(key=key, data={**table, "selected": selected, "height": height}, height="content", on_picked_change=picked)
