"""Alignments by r4pm, the Rust engine: some sixty times pm4py's speed on order-to-cash variants."""

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
    document = _document(net)
    empty = _call("align_empty_trace", {"net": document, "options": _options(None)})
    shortest = int(empty["cost"])
    results = _results(document, [variant for variant in dict.fromkeys(variants) if variant], max_states)
    results[()] = {"Ok": empty}
    found: list[Alignment | None] = []
    for variant in variants:
        result = results[variant]
        if "Ok" in result:
            worst = len(variant) * VISIBLE_COST + shortest
            moves = _moves(result["Ok"]["moves"], variant, labels)
            found.append(Alignment(int(result["Ok"]["cost"]), worst, tuple(moves)))
        elif max_states is not None and "LimitReached" in str(result["Err"]):
            found.append(None)
        else:
            raise _no_way(" > ".join(variant), result["Err"])
    return found


def _results(document: dict[str, Any], variants: list[Variant], max_states: int | None) -> dict[Variant, Any]:
    """All variants in one call: the net is read once, and the engine uses every core."""
    names = sorted({activity for variant in variants for activity in variant})
    number = {name: index for index, name in enumerate(names)}
    projection = {
        "activities": names,
        "act_to_index": number,
        "traces": [[[number[activity] for activity in variant], 1] for variant in variants],
    }
    arguments = {"net": document, "projection": projection, "options": _options(max_states)}
    return {tuple(one["activities"]): one["result"] for one in _call("align_variants", arguments)}


def _options(max_states: int | None) -> dict[str, Any]:
    return {"cost_fn": _COSTS, "max_states": max_states}


def _call(function: str, arguments: dict[str, Any]) -> Any:
    import r4pm

    try:
        return json.loads(r4pm.call_binding(_MODULE + function, json.dumps(arguments)))
    except (TypeError, RuntimeError, ValueError) as error:  # r4pm raises a TypeError for every failure
        raise _no_way("(empty)", error) from error


def _no_way(trace: str, reason: object) -> AnalysisError:
    return AnalysisError(
        f"the trace {trace} cannot be aligned: {reason}; expected a model whose end can be reached; "
        "check it with `o2c conformance --model FILE`"
    )


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
