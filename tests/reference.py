"""The definitions once more in slow, obvious Python: what the expressions are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

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


def case_events(events: Sequence[Event], inside: set[str]) -> list[Event]:
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
