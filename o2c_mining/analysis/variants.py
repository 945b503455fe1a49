"""Which sequences of activities occur, and how often?"""

from __future__ import annotations

from dataclasses import dataclass

import ibis

from o2c_mining.log.money import major, reporting_minor
from o2c_mining.trace.select import Traces, sequences, unfiltered, variants_ranked


@dataclass(frozen=True, slots=True)
class Variant:
    """A distinct sequence; ``rank`` is its rank in the unfiltered lens, as ``--variant`` takes it."""

    rank: int
    cases: int
    share: float
    cumulative_share: float
    open_cases: int
    median_seconds: float
    value: str
    activities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variants:
    """The most frequent variants of some cases; ``total`` counts all of them."""

    lens: str
    cases: int
    total: int
    currency: str
    variants: tuple[Variant, ...]


def variants(traces: Traces, limit: int | None = None) -> Variants:
    """List variants by number of chosen cases (ties by rank). Shares are of the chosen cases.

    ``median_seconds`` is first to last event; open cases count with the time they have run so far.
    """
    log, cases = traces.log, traces.cases
    ends = cases.closed_at.coalesce(ibis.literal(log.as_of))
    timed = cases.mutate(
        lead=ends.delta(cases.opened_at, unit="microsecond") / 1_000_000, value=reporting_minor(log, cases)
    )
    counted = timed.group_by("variant_id").aggregate(
        cases=timed.count(),
        open_cases=timed.closed_at.isnull().sum(),
        median_seconds=timed.lead.median(),
        value=timed.value.sum(),
    )
    ranks = variants_ranked(unfiltered(log, traces.lens)).select("variant_id", "rank")
    ranked = counted.join(ranks, "variant_id")
    ranked = ranked.order_by(ranked.cases.desc(), ranked["rank"])
    if limit is not None:
        listed = ranked.limit(limit)
    else:
        listed = ranked
    totals = log.reader.rows(cases.aggregate(cases=cases.count(), total=cases.variant_id.nunique()))[0]
    found = log.reader.rows(listed)
    told = sequences(traces, [row["variant_id"] for row in found])
    currency = log.settings.config.company.currency
    result, running = [], 0
    for row in found:
        running += row["cases"]
        result.append(
            Variant(
                rank=row["rank"],
                cases=row["cases"],
                share=row["cases"] / totals["cases"],
                cumulative_share=running / totals["cases"],
                open_cases=int(row["open_cases"] or 0),
                median_seconds=row["median_seconds"],
                value=major(row["value"], currency),
                activities=told[row["variant_id"]],
            )
        )
    return Variants(traces.lens.object_type, totals["cases"], totals["total"], currency, tuple(result))
