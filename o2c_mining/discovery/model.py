"""Which model do the cases themselves describe?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from o2c_mining.bridge import pm4py
from o2c_mining.bridge.alignment import Variant
from o2c_mining.bridge.bpmn import parse_bpmn
from o2c_mining.discovery.files import bpmn_text, pnml_text
from o2c_mining.discovery.layout import layout
from o2c_mining.errors import AnalysisError

Format = Literal["bpmn", "pnml"]


def discover(variants: Mapping[Variant, int], form: Format, *, noise: float = 0.0, name: str = "discovered") -> str:
    """Discover a sound, block-structured model with the inductive miner and write it.

    Parameters
    ----------
    variants
        Number of cases per variant.
    form
        ``bpmn`` (with its drawing) or ``pnml``.
    noise
        0 allows every variant; towards 1 rarer behaviour is left out.
    name
        The model's name.

    Returns
    -------
    str
        The document's text.

    Raises
    ------
    AnalysisError
        If there is no case, or ``noise`` is not between 0 and 1.

    Source
    ------
    Leemans, Fahland and van der Aalst, Discovering block-structured process models from event logs (2013), as
    implemented in pm4py.
    """
    if not variants:
        raise AnalysisError("no case is chosen; expected at least one to discover a model from; widen the filter")
    if not 0.0 <= noise <= 1.0:
        raise AnalysisError(f"noise {noise} is out of range; expected 0 to 1; 0 keeps every variant")
    text = bpmn_text(layout(pm4py.discover(variants, noise)), name)
    return text if form == "bpmn" else pnml_text(parse_bpmn(text.encode(), name).net)
