"""Tell Streamlit where the files of a component lie.

Streamlit's own scan takes the asset folder of a distribution only below the package that bears the distribution's name
(``o2c_mining``); the screens are a package of their own. So the same manifest is handed to the same manager here, which
works from a wheel, from an editable install and from a checkout alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

DISTRIBUTION = "o2c-mining"
FRONTEND = "frontend"


def asset_component(package_file: str, *, js: str, css: str, html: str) -> Callable[..., Mapping[str, Any]]:
    """A component whose files lie in ``frontend/`` beside ``package_file``; returns the function that shows it."""
    folder = Path(package_file).parent
    name = f"{DISTRIBUTION}.{folder.name}"
    manifest = ComponentManifest(DISTRIBUTION, "1", [ComponentConfig(folder.name, FRONTEND)])
    mounted: dict[int, Callable[..., Mapping[str, Any]]] = {}

    def mount(**arguments: Any) -> Mapping[str, Any]:
        manager = get_bidi_component_manager()
        if manager.get_component_asset_root(name) is None:  # one manager per server, and one per test
            manager.register_from_manifest(manifest, folder)
            mounted.clear()
        if not mounted:
            mounted[0] = st.components.v2.component(name, js=js, css=css, html=html)
        return mounted[0](**arguments)

    return mount
