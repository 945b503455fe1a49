"""The definitions once more in slow, obvious Python: what the expressions are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Row = dict[str, Any]

Event = tuple[str, str, datetime, int, tuple[str, ...]]  # id, activity, time, source_seq, objects


@dataclass(frozen=True)
class Step:
    """A segment: activity, next activity (None = still open), seconds, the enabling activity."""

    activity: str
    next_activity: str | None
    seconds: float
    enabled: str | None


def members(
    case: str, types: dict[str, str], relations: Iterable[tuple[str, str]], edges: Iterable[tuple[str, str]]
) -> set[str]:
    """Objects reached from the case object along the lens' type edges."""
    allowed, links = set(edges), list(relations)
    found, frontier = {case}, {case}
    while frontier:
        more = {
            b
            for a, b in links
            if a in frontier and a in types and b in types and (types[a], types[b]) in allowed and b not in found
        }
        found |= more
        frontier = more
    return found


def case_events(events: Iterable[Event], inside: set[str]) -> list[Event]:
    """Events that refer to a member, in total order."""
    return sorted((e for e in events if set(e[4]) & inside), key=lambda e: (e[2], e[3], e[0]))


def steps(
    ordered: Sequence[Event], inside: set[str], relations: Iterable[tuple[str, str]], ends: datetime | None
) -> list[Step]:
    """Segments of a case; ``ends`` is ``as_of`` for an open case, None for a closed one."""
    near: dict[str, set[str]] = {}
    for a, b in relations:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    result = []
    for index in range(1, len(ordered)):
        event = ordered[index]
        own = set(event[4]) & inside
        earlier = ordered[:index]
        sharing = [e for e in earlier if set(e[4]) & own]
        if not sharing:
            beside = {b for o in own for b in near.get(o, ())} & inside
            sharing = [e for e in earlier if set(e[4]) & beside]
        enabling = sharing[-1] if sharing else earlier[-1]
        before = ordered[index - 1]
        result.append(Step(before[1], event[1], (event[2] - before[2]).total_seconds(), enabling[1]))
    if ends is not None and ordered:
        last = ordered[-1]
        result.append(Step(last[1], None, (ends - last[2]).total_seconds(), None))
    return result


class CaseNotion(Protocol):
    """What a lens says: see ``o2c_mining.trace.lens.Lens``."""

    @property
    def object_type(self) -> str: ...
    @property
    def edges(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def cancels(self) -> tuple[str, ...]: ...
    @property
    def finals(self) -> tuple[tuple[str, tuple[str, ...]], ...]: ...
    @property
    def required(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class LensTraces:
    """All cases of a lens: rows of cases, of pairs and of members (case, object), and how often each variant occurs."""

    cases: list[Row]
    pairs: list[Row]
    members: set[tuple[str, str]]
    variants: Counter[tuple[str, ...]]


def traces(
    tables: Mapping[str, Sequence[Row]], lens: CaseNotion, *, as_of: datetime, lanes: Mapping[str, str]
) -> LensTraces:
    """Traces of a log whose events are all possible and not after ``as_of``; stamps are exact to the second.

    An object without events, its own or those of its members, is no case.
    """
    types = {row["object_id"]: row["object_type"] for row in tables["objects"]}
    rows = {row["object_id"]: row for row in tables["objects"]}
    relations = {(row["source_id"], row["target_id"]) for row in tables["o2o"]}
    near: dict[str, set[str]] = {}
    for a, b in relations:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    referred: dict[str, set[str]] = {}
    for row in tables["e2o"]:
        referred.setdefault(row["event_id"], set()).add(row["object_id"])
    events: list[Event] = [
        (row["event_id"], row["activity"], row["time"], row["source_seq"], tuple(referred.get(row["event_id"], ())))
        for row in tables["events"]
    ]
    on: dict[str, list[Event]] = {}
    for event in events:
        for name in event[4]:
            on.setdefault(name, []).append(event)
    steps_from = {a: {(x, y) for x, y in relations if x == a} for a in types}
    result = LensTraces([], [], set(), Counter())
    for case in sorted(name for name, kind in types.items() if kind == lens.object_type):
        inside = _reached(case, types, steps_from, set(lens.edges))
        ordered = case_events({e[0]: e for name in inside for e in on.get(name, ())}.values(), inside)
        if not ordered:
            continue
        result.members.update((case, name) for name in inside)
        kind = _end(case, inside, types, on, lens)
        closed = kind is not None
        due = [_due(event, rows, inside) for event in ordered]
        result.variants[tuple(event[1] for event in ordered)] += 1
        result.cases.append(
            {
                "case_id": case,
                "number": rows[case]["number"],
                "opened_at": ordered[0][2],
                "last_event_at": ordered[-1][2],
                "closed_at": ordered[-1][2] if closed else None,
                "end_kind": kind,
                "events": len(ordered),
                "amount_minor": rows[case].get("amount_minor"),
            }
        )
        for seq, event in enumerate(ordered):
            after = ordered[seq + 1] if seq + 1 < len(ordered) else None
            enabling = _enabling(ordered[: seq + 1], after, inside, near) if after else None
            until = after[2] if after else as_of
            result.pairs.append(
                {
                    "case_id": case,
                    "seq": seq,
                    "event_id": event[0],
                    "activity": event[1],
                    "team": lanes.get(event[1], "unknown"),
                    "next_event_id": after[0] if after else None,
                    "enabled_by_event_id": enabling[0] if enabling else None,
                    "is_end": after is None and closed,
                    "elapsed_seconds": None if after is None and closed else (until - event[2]).total_seconds(),
                    "due_at": due[seq + 1] if after else due[seq],
                }
            )
    holders = Counter(row["event_id"] for row in result.pairs)
    for row in result.pairs:
        row["is_shared"] = holders[row["event_id"]] > 1
    return result


def _reached(
    case: str, types: Mapping[str, str], steps_from: Mapping[str, set[tuple[str, str]]], allowed: set[tuple[str, str]]
) -> set[str]:
    found, frontier = {case}, {case}
    while frontier:
        ends = {
            b for name in frontier for _, b in steps_from[name] if b in types and (types[name], types[b]) in allowed
        }
        frontier = ends - found
        found |= frontier
    return found


def _end(
    case: str, inside: set[str], types: Mapping[str, str], on: Mapping[str, Sequence[Event]], lens: CaseNotion
) -> str | None:
    """How a case ended; a lens without final activities knows no open cases."""
    if not lens.finals:
        return "completed"
    if any(event[1] in lens.cancels for event in on.get(case, ())):
        return "cancelled"
    final = dict(lens.finals)
    watched = [name for name in inside if types[name] in final]
    done = all(any(event[1] in final[types[name]] for event in on.get(name, ())) for name in watched)
    present = {types[name] for name in watched}
    return "completed" if watched and done and set(lens.required) <= present else None


def _enabling(earlier: Sequence[Event], event: Event, inside: set[str], near: Mapping[str, set[str]]) -> Event:
    own = set(event[4]) & inside
    sharing = [e for e in earlier if set(e[4]) & own]
    if not sharing:
        beside = {b for o in own for b in near.get(o, ())} & inside
        sharing = [e for e in earlier if set(e[4]) & beside]
    return sharing[-1] if sharing else earlier[-1]


def _due(event: Event, rows: Mapping[str, Row], inside: set[str]) -> datetime | None:
    """The latest date at which one of the case's documents that the event refers to is due."""
    return max((due for name in inside & set(event[4]) if (due := rows.get(name, {}).get("due_at"))), default=None)
