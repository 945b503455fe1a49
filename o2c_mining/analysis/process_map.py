"""Which way do cases go, and how long does each step take?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from o2c_mining.log.money import exponent
from o2c_mining.trace.segments import WHOLE_CASE
from o2c_mining.trace.select import Traces, segments_of, shared_of


@dataclass(frozen=True, slots=True)
class Node:
    """An activity: ``events`` counts each event once, ``occurrences`` once per case it is in.

    ``team`` is its lane in the reference model, else the team that did it most often.
    """

    activity: str
    team: str
    events: int
    occurrences: int
    cases: int
    starts: int
    ends: int
    position: float


@dataclass(frozen=True, slots=True)
class Edge:
    """One activity directly followed by another; times in seconds, ``value_days`` in major units × days."""

    from_: str
    to: str
    count: int
    cases: int
    median_seconds: float
    p90_seconds: float
    sum_seconds: float
    handoffs: int
    value_days: float


@dataclass(frozen=True, slots=True)
class ProcessMap:
    """The directly-follows graph of some cases. ``pairs`` = occurrences − cases."""

    lens: str
    cases: int
    shared_events: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def process_map(traces: Traces, *, working: bool = False) -> ProcessMap:
    """Count and time the directly-follows relation of the chosen cases.

    Medians and 90th percentiles are exact (linear interpolation). Open segments are no edges. ``position`` of a node
    is the mean of its relative places in its cases, 0 first, for a layout that does not jump between filters.

    Source
    ------
    van der Aalst, Process Mining, 2nd ed. (2016): directly-follows graph.
    """
    rows, kinds = traces.log.reader.rows, traces.coded.kinds
    segments = segments_of(traces)
    seconds = segments.working_seconds if working else segments.seconds
    sums = segments.group_by("kind").aggregate(
        count=segments.count(),
        first_in_case=segments.first_in_case.sum(),
        first_of_activity=segments.first_of_activity.sum(),
        starts=segments.is_start.sum(),
        position=segments.position.sum(),
        sum_seconds=seconds.sum(),
        value_seconds=(segments.value * seconds).sum(),
    )
    names = kinds.select("kind", "edge", "activity", "team", "next_activity", "handoff", "is_end")
    found = rows(sums.join(names, "kind"))
    times = segments.group_by("edge").aggregate(quantiles=seconds.quantile([0.5, 0.9]))
    quantiles = {row["edge"]: row["quantiles"] for row in rows(times)}
    shared, repeated = _shared(traces)
    return ProcessMap(
        lens=traces.lens.object_type,
        cases=sum(row["starts"] for row in found),
        shared_events=shared,
        nodes=_nodes(found, repeated, traces.log.settings.lanes),
        edges=_edges(found, quantiles, 10 ** exponent(traces.log.settings.config.company.currency)),
    )


def _nodes(
    found: Sequence[Mapping[str, Any]], repeated: Mapping[str, int], lanes: Mapping[str, str]
) -> tuple[Node, ...]:
    grouped: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in found:
        grouped[row["activity"]].append(row)
    nodes = []
    for activity, kinds in grouped.items():
        occurrences = sum(row["count"] for row in kinds)
        teams: Counter[str] = Counter()
        for row in sorted(kinds, key=lambda row: str(row["team"])):
            teams[row["team"]] += row["count"]
        nodes.append(
            Node(
                activity=activity,
                team=lanes.get(activity, teams.most_common(1)[0][0]),
                events=occurrences - repeated.get(activity, 0),
                occurrences=occurrences,
                cases=sum(row["first_of_activity"] for row in kinds),
                starts=sum(row["starts"] for row in kinds),
                ends=sum(row["count"] for row in kinds if row["is_end"]),
                position=sum(row["position"] for row in kinds) / occurrences / WHOLE_CASE,
            )
        )
    return tuple(sorted(nodes, key=lambda node: (-node.cases, node.activity)))


def _edges(
    found: Sequence[Mapping[str, Any]], quantiles: Mapping[int, Sequence[float]], scale: int
) -> tuple[Edge, ...]:
    grouped: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in found:
        if row["next_activity"] is not None:
            grouped[row["edge"]].append(row)
    edges = [
        Edge(
            from_=kinds[0]["activity"],
            to=kinds[0]["next_activity"],
            count=sum(row["count"] for row in kinds),
            cases=sum(row["first_in_case"] for row in kinds),
            median_seconds=quantiles[code][0],
            p90_seconds=quantiles[code][1],
            sum_seconds=sum(row["sum_seconds"] for row in kinds),
            handoffs=sum(row["count"] for row in kinds if row["handoff"]),
            value_days=sum(row["value_seconds"] for row in kinds) / 86400 / scale,
        )
        for code, kinds in grouped.items()
    ]
    return tuple(sorted(edges, key=lambda edge: (-edge.count, edge.from_, edge.to)))


def shared_events(traces: Traces) -> int:
    """How many events are in several of the chosen cases."""
    return _shared(traces)[0]


def _shared(traces: Traces) -> tuple[int, dict[str, int]]:
    """How many events are in several of the chosen cases, and per activity how often they are counted too often."""
    found = shared_of(traces)
    if found is None:
        return 0, {}
    named = found.join(traces.coded.kinds.select("kind", "activity"), "kind")
    spread = named.group_by("activity", "event_id").aggregate(cases=named.count())
    several = spread.filter(spread.cases > 1)
    per_activity = several.group_by("activity").aggregate(events=several.count(), occurrences=several.cases.sum())
    rows = traces.log.reader.rows(per_activity)
    return sum(row["events"] for row in rows), {r["activity"]: r["occurrences"] - r["events"] for r in rows}
