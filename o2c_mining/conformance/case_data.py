"""The facts about cases that conformance needs, read once."""

from __future__ import annotations

from dataclasses import dataclass

import ibis

from o2c_mining.bridge.alignment import Variant
from o2c_mining.conformance.orders import Stamp, possible_orders
from o2c_mining.trace.select import Traces, priced_cases, sequences

MAX_ORDERS = 200


@dataclass(frozen=True, slots=True)
class Case:
    """One case: ``orders`` are the sequences it may have happened in, the recorded one first.

    ``value_minor`` is in minor units of the reporting currency; ``lead_seconds`` is None while the case is open.
    """

    case_id: str
    number: str
    is_closed: bool
    orders: tuple[Variant, ...]
    complete: bool
    value_minor: float
    lead_seconds: float | None


def cases_of(traces: Traces) -> list[Case]:
    """The chosen cases, ordered by id; sequences are read once per variant where the order is known."""
    cases = priced_cases(traces)
    facts = cases.select(
        "case_id",
        "variant_no",
        "order_known",
        number=cases.number.coalesce(cases.case_id),
        is_closed=cases.closed_at.notnull(),
        value="reporting_minor",
        lead=cases.closed_at.delta(cases.opened_at, unit="microsecond") / 1_000_000,
    )
    numbers = traces.log.reader.rows(cases.select("variant_no").distinct())
    known = sequences(traces, [row["variant_no"] for row in numbers])
    unknown = _possible(traces)
    found = []
    for row in traces.log.reader.rows(facts.order_by("case_id")):
        orders, complete = unknown.get(row["case_id"]) or ((known[row["variant_no"]],), True)
        found.append(
            Case(
                case_id=row["case_id"],
                number=row["number"],
                is_closed=row["is_closed"],
                orders=orders,
                complete=complete,
                value_minor=float(row["value"]),
                lead_seconds=row["lead"],
            )
        )
    return found


def _possible(traces: Traces) -> dict[str, tuple[tuple[Variant, ...], bool]]:
    """The possible orders of each case whose stamps leave its order open."""
    open_ones = traces.cases.filter(~traces.cases.order_known).select("case_id")
    pairs = traces.pairs.semi_join(open_ones, "case_id").select("case_id", "seq", "event_id", "activity", "time")
    events = traces.log.events
    precision = events.select("event_id", precision=events.precision.fill_null(ibis.literal("second")))
    stamps: dict[str, list[Stamp]] = {}
    for row in traces.log.reader.rows(pairs.join(precision, "event_id").order_by("case_id", "seq")):
        stamps.setdefault(row["case_id"], []).append(Stamp(row["activity"], row["time"], row["precision"]))
    found = {}
    for case_id, happened in stamps.items():
        orders, complete = possible_orders(happened, MAX_ORDERS)
        found[case_id] = (tuple(orders), complete)
    return found
