"""Where in the process does each activity stand, and who does it?"""

from __future__ import annotations

from dataclasses import dataclass

import ibis

from o2c_mining.trace.select import Traces


@dataclass(frozen=True, slots=True)
class Place:
    """One activity: the team that does it most often, its mean place in a case, how many cases begin and end with it.

    ``position`` runs from 0 (always first) to 1 (always last). ``ends`` counts cases that are over, ``open`` those
    that stand still after this activity and are not.
    """

    activity: str
    team: str
    position: float
    starts: int
    ends: int
    open: int


def activity_places(traces: Traces) -> tuple[Place, ...]:
    """Place of every activity of the chosen cases, in the order of the process; ties by name.

    Returns
    -------
    tuple of Place
        One per activity. Empty when no case was chosen.
    """
    pairs = traces.pairs
    length = ibis.window(group_by=pairs.case_id)
    placed = pairs.mutate(
        share=ibis.ifelse(pairs.seq.max().over(length) > 0, pairs.seq / pairs.seq.max().over(length), 0.0),
        team=pairs.team.fill_null("unknown"),
    )
    by_team = placed.group_by("activity", "team").aggregate(
        events=placed.count(),
        share=placed.share.sum(),
        starts=(placed.seq == 0).sum(),
        ends=placed.is_end.sum(),
        open=placed.is_open.sum(),
    )
    rows = traces.log.reader.rows(by_team)
    activities: dict[str, list[dict[str, int | float | str]]] = {}
    for row in rows:
        activities.setdefault(row["activity"], []).append(row)
    places = [
        Place(
            activity=activity,
            team=str(max(found, key=lambda row: (row["events"], row["team"]))["team"]),
            position=_total(found, "share") / _total(found, "events"),
            starts=int(_total(found, "starts")),
            ends=int(_total(found, "ends")),
            open=int(_total(found, "open")),
        )
        for activity, found in activities.items()
    ]
    return tuple(sorted(places, key=lambda place: (place.position, place.activity)))


def _total(rows: list[dict[str, int | float | str]], name: str) -> float:
    return sum(float(row[name]) for row in rows)
