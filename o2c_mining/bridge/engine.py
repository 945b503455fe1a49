"""Alignments by the engine at hand: r4pm, or pm4py on a machine r4pm has no build for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from o2c_mining.bridge import pm4py, r4pm
from o2c_mining.bridge.alignment import Alignment, Variant
from o2c_mining.bridge.net import WorkflowNet, ending_anywhere

MAX_STATES = 2_000_000


def align(net: WorkflowNet, variants: Sequence[Variant], *, so_far: bool = False) -> list[Alignment | None]:
    """One optimal alignment per variant, in their order; None where ``MAX_STATES`` states did not suffice.

    With ``so_far`` a variant need not have come to its end: what is still missing is no deviation.
    """
    if find_spec("r4pm") is not None:
        return r4pm.align(net, variants, so_far=so_far, max_states=MAX_STATES)
    return [*pm4py.align(ending_anywhere(net) if so_far else net, variants)]
