"""Alignments by r4pm, the Rust engine: about a hundred times pm4py's speed on order-to-cash variants."""

from __future__ import annotations

import functools
import json
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from o2c_mining.bridge.alignment import SILENT_COST, VISIBLE_COST, Alignment, Move, Variant
from o2c_mining.bridge.net import WorkflowNet, ending_anywhere
from o2c_mining.errors import AnalysisError

_MODULE = "process_mining::conformance::case_centric::alignments::"
_NAMESPACE = uuid.UUID("6f2c0a52-6f0e-4c39-9a6b-3d1a5a4f7f10")
_COSTS = {
    "model_move_cost": VISIBLE_COST,
    "log_move_cost": VISIBLE_COST,
    "sync_move_cost": 0,
    "silent_move_cost": SILENT_COST,
}


def align(
    net: WorkflowNet, variants: Sequence[Variant], *, so_far: bool = False, max_states: int | None = None
) -> list[Alignment | None]:
    """One optimal alignment per variant, in their order; None where ``max_states`` did not suffice.

    With ``so_far`` a variant need not have come to its end: what is still missing is no deviation.
    """
    if so_far:
        net = ending_anywhere(net)
    labels = {_uuid("t", index): t.label for index, t in enumerate(net.transitions)}
    document = json.dumps(_document(net))
    options = json.dumps({"cost_fn": _COSTS, "max_states": max_states})
    unlimited = json.dumps({"cost_fn": _COSTS, "max_states": None})
    empty = _call("align_empty_trace", f'{{"net":{document},"options":{unlimited}}}', ())
    shortest = int(empty["cost"]) if empty is not None else 0
    found: list[Alignment | None] = []
    for variant in variants:
        arguments = f'{{"net":{document},"trace":{json.dumps(variant)},"options":{options}}}'
        result = _call("align_trace_binding", arguments, variant, bounded=max_states is not None) if variant else empty
        if result is None:
            found.append(None)
            continue
        worst = len(variant) * VISIBLE_COST + shortest
        found.append(Alignment(int(result["cost"]), worst, tuple(_moves(result["moves"], variant, labels))))
    return found


def _call(function: str, arguments: str, variant: Variant, *, bounded: bool = False) -> dict[str, Any] | None:
    import r4pm

    try:
        result: dict[str, Any] = json.loads(r4pm.call_binding(_MODULE + function, arguments))
    except (TypeError, RuntimeError, ValueError) as error:  # r4pm raises a TypeError for every failure
        if bounded and "LimitReached" in str(error):
            return None
        raise AnalysisError(
            f"the trace {' > '.join(variant) or '(empty)'} cannot be aligned: {error}; expected a model whose end can "
            "be reached; check it with `o2c conformance --model FILE`"
        ) from error
    return result


def _moves(moves: list[dict[str, Any]], variant: Variant, labels: dict[str, str | None]) -> list[Move]:
    found: list[Move] = []
    for move in moves:
        ((kind, detail),) = move.items()
        seen = variant[detail["trace_event_index"]] if "trace_event_index" in detail else None
        done = labels[detail["transition"]] if "transition" in detail else None
        if kind != "ModelMove" or done is not None:
            found.append((seen, done))
    return found


@functools.cache
def _uuid(kind: str, number: int) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{kind}{number}"))


def _document(net: WorkflowNet) -> dict[str, Any]:
    """The net in r4pm's JSON; names are stable, so that the same net always gives the same alignments."""
    places = [_uuid("p", index) for index in range(len(net.places))]
    arcs = []
    for index, transition in enumerate(net.transitions):
        name = _uuid("t", index)
        for place, count in Counter(transition.consumes).items():
            arcs.append({"from_to": {"type": "PlaceTransition", "nodes": [places[place], name]}, "weight": count})
        for place, count in Counter(transition.produces).items():
            arcs.append({"from_to": {"type": "TransitionPlace", "nodes": [name, places[place]]}, "weight": count})
    return {
        "places": {name: {"id": name} for name in places},
        "transitions": {_uuid("t", i): {"id": _uuid("t", i), "label": t.label} for i, t in enumerate(net.transitions)},
        "arcs": arcs,
        "initial_marking": {places[net.start]: 1},
        "final_markings": [{places[net.end]: 1}],
    }
