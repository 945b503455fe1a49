"""Which events happened in each case, in which order, on which of its documents?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from o2c_mining.trace.inputs import Inputs
from o2c_mining.trace.reach import Reached
from o2c_mining.trace.steps import Steps

_READ = (
    "event_id",
    "time",
    "source_seq",
    "ingest_seq",
    "precision",
    "activity",
    "team",
    "resource",
    "system",
    "resource_kind",
)
_ORDER = ("time", "source_seq", "event_id")
_STATE = ("activity", "team", "system", "resource_kind")


@dataclass(frozen=True, slots=True)
class Occurrences:
    """What events have in common (state, activity, team, system, resource_kind), and the occurrences with its code."""

    states: ir.Table
    rows: ir.Table


def find_occurrences(steps: Steps, inputs: Inputs, reached: Reached) -> Occurrences:
    """Order the events of each case and code what they have in common.

    Parameters
    ----------
    steps
        Keeps both as ``states`` and ``occurrences``.
    inputs
        Current rows and names.
    reached
        The cases and their members.

    Returns
    -------
    Occurrences
        ``rows`` has one row per case, event and member that the event refers to: case_no, member_no, event_id,
        event_no, due_at, time, width (seconds that the stamp may be off), state, seq (the place of the event in its
        case, from 0), previous (the place of the event before on the same member), is_first (one row of every event
        in a case), is_alone (the event refers to one member only).
    """
    references, events = _references(inputs, reached.members), inputs.events
    if not reached.is_all:
        references = steps.keep("references", references)
        events = steps.keep("events", events.select(*_READ).semi_join(references, "event_id"))
    facts = _facts(events, inputs)
    states = steps.keep("states", _states(facts))
    rows = steps.keep("occurrences", _placed(references, _coded(facts, states)))
    steps.forget("references", "events")
    return Occurrences(states, rows)


def _references(inputs: Inputs, members: ir.Table) -> ir.Table:
    """One row per case, member and event that refers to it."""
    joined = members.select("case_no", "member_no", "object_id", "due_at").join(
        inputs.e2o.select("event_id", "object_id"), "object_id"
    )
    return joined.select("case_no", "member_no", "event_id", "due_at")


def _facts(events: ir.Table, inputs: Inputs) -> ir.Table:
    """What the order of events, their teams and their times need to know of each event."""
    lane = _named(events.activity, inputs.lanes).coalesce("unknown")
    return events.select(
        "event_id",
        "time",
        "source_seq",
        event_no=events.ingest_seq,
        width=events.precision.cases(("day", 86400), ("minute", 60), else_=0).cast("int32"),
        activity=events.activity.coalesce(""),
        team=events.team.coalesce(_named(events.resource, inputs.teams), lane),
        system=events.system.coalesce("unknown"),
        resource_kind=events.resource_kind.coalesce("unknown"),
    )


def _named(column: ir.StringValue, names: Mapping[str, str]) -> ir.StringValue:
    """The name a mapping gives to a value, else null."""
    nothing = ibis.null("string")
    return column.cases(*sorted(names.items()), else_=nothing) if names else nothing


def _states(facts: ir.Table) -> ir.Table:
    """What events have in common, coded: state, activity, team, system, resource_kind."""
    distinct = facts.select(*_STATE).distinct()
    number = ibis.row_number().over(ibis.window(order_by=[distinct[name] for name in _STATE]))
    return distinct.mutate(state=number.cast("int32"))


def _coded(facts: ir.Table, states: ir.Table) -> ir.Table:
    return facts.join(states, list(_STATE)).select("event_id", "event_no", "time", "source_seq", "width", "state")


def _placed(references: ir.Table, facts: ir.Table) -> ir.Table:
    joined = references.join(facts, "event_id")
    window = ibis.window(group_by="case_no", order_by=[joined[name] for name in _ORDER])
    placed = joined.mutate(
        seq=ibis.dense_rank().over(window).cast("int32"),
        before=joined.event_no.lag().over(window),
        after=joined.event_no.lead().over(window),
    )
    first = (placed.before != placed.event_no).fill_null(True)
    last = (placed.after != placed.event_no).fill_null(True)
    marked = placed.mutate(is_first=first, is_alone=first & last).drop("before", "after", "source_seq")
    own = ibis.window(group_by=["case_no", "member_no"], order_by="seq")
    return marked.mutate(previous=marked.seq.lag().over(own).nullif(marked.seq))
