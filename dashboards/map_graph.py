"""A process map as the component draws it: heat, labels and words for every activity and path."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Literal

from dashboards.teams import team_colours
from dashboards.wording import Clock, compact, count, duration, money, money_days
from o2c_mining.analysis.process_map import Edge, Node, ProcessMap

Metric = Literal["waiting", "frequency"]
START, END = "__start", "__end"
_HOT_SHARE = 0.95  # the hottest colour begins here, so that one outlier does not cool all the rest
_ROUNDS = 12  # of averaging; more do not move anything visibly
_COOL = 0.30  # what is shorter than this part of the log scale stays grey


def edge_id(from_: str, to: str) -> str:
    """How a path is called in URLs and on the map."""
    return f"{from_}>{to}"


def map_graph(
    found: ProcessMap, usual: tuple[str, ...], metric: Metric, *, clock: Clock, currency: str, noun: str
) -> dict[str, Any]:
    """Data of the map component. ``usual`` is the most frequent way, drawn as the straight backbone."""
    heat, hottest = _heat(found.edges, metric)
    teams = {node.activity: node.team for node in found.nodes}
    colours = team_colours(teams.values())
    label: Callable[[Edge], str] = (
        (lambda edge: duration(edge.median_seconds, clock)) if metric == "waiting" else (lambda edge: f"{edge.count:,}")
    )
    places = positions(found, usual)
    nodes: list[dict[str, Any]] = [
        _node(node, places[node.activity], node.activity in usual, noun) for node in found.nodes
    ]
    backbone = set(pairwise(usual))
    edges: list[dict[str, Any]] = [
        {
            "id": edge_id(edge.from_, edge.to),
            "from": edge.from_,
            "to": edge.to,
            "count": edge.count,
            "heat": heat(edge),
            "label": label(edge),
            "handoff": is_handoff(edge),
            "backbone": (edge.from_, edge.to) in backbone,
            "tip": _edge_tip(edge, teams, clock=clock, currency=currency, noun=noun),
        }
        for edge in found.edges
    ]
    nodes += [
        {"id": START, "kind": "start", "position": -1, "cases": 0},
        {"id": END, "kind": "end", "position": 999, "cases": 0},
    ]
    edges += [_bound(START, node.activity, node.starts) for node in _main(found.nodes, "starts")]
    edges += [_bound(node.activity, END, node.ends) for node in _main(found.nodes, "ends")]
    legend = (
        {"title": "Median waiting", "low": "short", "high": f"≥ {duration(hottest, clock)}"}
        if metric == "waiting"
        else {"title": "Frequency", "low": "rare", "high": f"{hottest:,.0f} ×"}
    )
    return {
        "nodes": nodes,
        "edges": edges,
        "metric": metric,
        "teams": [{"name": name, "colour": colour} for name, colour in colours.items()],
        "legend": legend,
    }


def positions(found: ProcessMap, usual: tuple[str, ...]) -> dict[str, float]:
    """Where activities stand along the usual way, in its steps: a side step lies between what leads to it and follows.

    The mean place in the case would put a cancellation, which ends short cases, behind the dunning of long ones.
    """
    fixed = {activity: float(place) for place, activity in reversed(list(enumerate(usual)))}
    last = max(len(usual) - 1, 1)
    places = {node.activity: fixed.get(node.activity, node.position * last) for node in found.nodes}
    for _ in range(_ROUNDS):
        for node in found.nodes:
            if node.activity in fixed:
                continue
            pulls = [
                (places[edge.from_] + 0.6, edge.count) for edge in found.edges if edge.to == node.activity != edge.from_
            ]
            pulls += [
                (places[edge.to] - 0.6, edge.count) for edge in found.edges if edge.from_ == node.activity != edge.to
            ]
            weight = sum(number for _, number in pulls)
            if weight:
                places[node.activity] = sum(place * number for place, number in pulls) / weight
    return places


def _node(node: Node, position: float, usual: bool, noun: str) -> dict[str, Any]:
    return {
        "id": node.activity,
        "label": node.activity,
        "count_label": f"{node.cases:,}",
        "cases": node.cases,
        "team": node.team,
        "position": position,
        "backbone": usual,
        "tip": f"{node.activity}\n{count(node.cases, noun)} · {count(node.events, 'event')}\nTeam: {node.team}",
    }


def _edge_tip(edge: Edge, teams: dict[str, str], *, clock: Clock, currency: str, noun: str) -> str:
    return "\n".join(
        (
            f"{edge.from_} → {edge.to}",
            team_words(edge, teams),
            f"{count(edge.cases, noun)} · median {duration(edge.median_seconds, clock)}, "
            f"p90 {duration(edge.p90_seconds, clock)}",
            f"{compact(edge.value_days)} {money_days(currency)}",
        )
    )


def is_handoff(edge: Edge) -> bool:
    """Whether the step mostly goes from one team or system to another, as the ledger counts it."""
    return edge.handoffs * 2 > edge.count


def team_words(edge: Edge, teams: Mapping[str, str]) -> str:
    """``Handoff Sales → Warehouse`` or ``Within Sales``."""
    from_, to = teams[edge.from_], teams[edge.to]
    if from_ == to:
        return f"Handoff, both steps in lane {from_}" if is_handoff(edge) else f"Within {from_}"
    return f"Handoff {from_} → {to}" if is_handoff(edge) else f"{from_}, then {to}"


def _bound(from_: str, to: str, number: int) -> dict[str, Any]:
    return {
        "id": edge_id(from_, to),
        "from": from_,
        "to": to,
        "count": number,
        "heat": 0,
        "label": "",
        "handoff": False,
        "kind": "bound",
        "tip": "",
    }


def _main(nodes: tuple[Node, ...], name: Literal["starts", "ends"]) -> list[Node]:
    """Where cases mostly begin or end: the one or two activities that matter, not every stray."""
    numbers = {node.activity: getattr(node, name) for node in nodes}
    most = max(numbers.values(), default=0)
    ranked = sorted(nodes, key=lambda node: (-numbers[node.activity], node.activity))
    return [node for node in ranked[:2] if numbers[node.activity] * 20 >= most > 0 and numbers[node.activity] > 0]


def _heat(edges: tuple[Edge, ...], metric: Metric) -> tuple[Callable[[Edge], float], float]:
    """Place of a path on the colour ramp, and the value at which the ramp is at its end."""
    if metric == "frequency":
        most = max((edge.count for edge in edges), default=1)
        return (lambda edge: math.sqrt(edge.count / most)), float(most)
    ordered = sorted(edge.median_seconds for edge in edges) or [1.0]
    hottest = max(ordered[min(len(ordered) - 1, int(len(ordered) * _HOT_SHARE))], 60.0)

    def place(edge: Edge) -> float:
        scaled = math.log1p(max(edge.median_seconds, 0.0) / 60) / math.log1p(hottest / 60)
        return max(0.0, min(1.0, (scaled - _COOL) / (1 - _COOL)))

    return place, hottest


def money_waiting(value_days: float, days: float, currency: str) -> str:
    """Average money standing still over a period (Little's law): value-days ÷ days."""
    return money(value_days / days, currency) if days > 0 else money(None, currency)
