"""Which way do cases go, and how long does each step take?"""

from __future__ import annotations

from dataclasses import dataclass

from o2c_mining.log.money import exponent, reporting_minor
from o2c_mining.trace.select import Traces


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
    pairs, rows = traces.pairs, traces.log.reader.rows
    lengths = traces.cases.select("case_id", "events", value=reporting_minor(traces.log, traces.cases))
    placed = pairs.join(lengths, "case_id")
    nodes = placed.group_by("activity").aggregate(
        team=placed.team.mode(),
        events=placed.event_id.nunique(),
        occurrences=placed.count(),
        cases=placed.case_id.nunique(),
        starts=(placed.seq == 0).sum(),
        ends=placed.is_end.sum(),
        position=((placed.seq + 1) / (placed.events + 1)).mean(),
    )
    steps = placed.filter(placed.next_activity.notnull())
    seconds = steps.working_seconds if working else steps.elapsed_seconds
    edges = steps.group_by("activity", "next_activity").aggregate(
        count=steps.count(),
        cases=steps.first_in_case.sum(),
        quantiles=seconds.quantile([0.5, 0.9]),
        sum_seconds=seconds.sum(),
        handoffs=steps.handoff.sum(),
        value_days=(steps.value * seconds).sum() / 86400,
    )
    spread = pairs.group_by("event_id").aggregate(n=pairs.count())
    totals = traces.log.reader.count(traces.cases)
    shared = traces.log.reader.count(spread.filter(spread.n > 1))
    found_nodes = rows(nodes.order_by(nodes.cases.desc(), nodes.activity))
    found_edges = rows(edges.order_by(edges["count"].desc(), edges.activity, edges.next_activity))
    lanes = traces.log.settings.lanes
    scale = 10 ** exponent(traces.log.settings.config.company.currency)
    return ProcessMap(
        lens=traces.lens.object_type,
        cases=totals,
        shared_events=shared,
        nodes=tuple(
            Node(
                activity=row["activity"],
                team=lanes.get(row["activity"], row["team"]),
                events=row["events"],
                occurrences=row["occurrences"],
                cases=row["cases"],
                starts=int(row["starts"] or 0),
                ends=int(row["ends"] or 0),
                position=row["position"],
            )
            for row in found_nodes
        ),
        edges=tuple(
            Edge(
                from_=row["activity"],
                to=row["next_activity"],
                count=row["count"],
                cases=int(row["cases"]),
                median_seconds=row["quantiles"][0],
                p90_seconds=row["quantiles"][1],
                sum_seconds=row["sum_seconds"],
                handoffs=int(row["handoffs"]),
                value_days=row["value_days"] / scale,
            )
            for row in found_edges
        ),
    )
