"""Process map: activities in team bands, handoffs as lines; a click on either comes back to Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import streamlit as st

from dashboards.components.assets import asset_component

_mount = asset_component(__file__, js="map.js", css="map.css", html='<div class="pm"></div>')


class Picked(TypedDict):
    """What was clicked: ``type`` is ``node``, ``edge`` or ``none``; ``id`` is the activity or ``from>to``."""

    type: str
    id: str


def process_map(
    graph: dict[str, Any],
    *,
    key: str,
    height: int,
    selected: Picked | None,
    on_pick: Callable[[Picked], None],
    activities: int = 80,
    paths: int = 55,
) -> None:
    """Show ``graph`` (see ``dashboards.map_graph``) and hand what is clicked to ``on_pick`` before the next run."""

    def picked() -> None:
        choice = st.session_state[key].get("picked")
        if choice:
            on_pick(choice)

    data = {**graph, "height": height, "selected": selected, "activities": activities, "paths": paths}
    _mount(key=key, data=data, height=height, on_picked_change=picked)
