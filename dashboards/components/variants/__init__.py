"""Variants as chevrons; a click on a row comes back to Python as its rank, a second click as 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboards.components.assets import asset_component

_mount = asset_component(__file__, js="variants.js", css="variants.css", html='<div class="variants"></div>')


def variant_rows(
    rows: dict[str, Any], *, key: str, selected: int | None, on_pick: Callable[[int | None], None]
) -> None:
    """Show ``rows`` (see ``dashboards.variant_table``)."""

    def picked() -> None:
        choice = st.session_state[key].get("picked")
        if choice:
            on_pick(choice["rank"] or None)

    _mount(key=key, data={**rows, "selected": selected}, on_picked_change=picked)
