"""Which sequences of activities occur, and how often?"""

from __future__ import annotations

from dataclasses import dataclass

import ibis

from o2c_mining.log.money import major
from o2c_mining.trace.select import Traces, priced_cases, sequences, unfiltered, variants_ranked


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
    log, cases = traces.log, priced_cases(traces)
    ends = cases.closed_at.coalesce(ibis.literal(log.as_of))
    timed = cases.select(
        "variant_no",
        "closed_at",
        lead=ends.delta(cases.opened_at, unit="microsecond") / 1_000_000,
        value=cases.reporting_minor,
    )
    counted = timed.group_by("variant_no").aggregate(
        cases=timed.count(),
        open_cases=timed.closed_at.isnull().sum(),
        median_seconds=timed.lead.median(),
        value=timed.value.sum(),
    )
    ranks = {r["variant_no"]: r["rank"] for r in log.reader.rows(variants_ranked(unfiltered(log, traces.lens)))}
    found = sorted(log.reader.rows(counted), key=lambda row: (-row["cases"], ranks[row["variant_no"]]))
    total = sum(row["cases"] for row in found)
    listed = found if limit is None else found[:limit]
    told = sequences(traces, [row["variant_no"] for row in listed])
    currency = log.settings.config.company.currency
    result, running = [], 0
    for row in listed:
        running += row["cases"]
        result.append(
            Variant(
                rank=ranks[row["variant_no"]],
                cases=row["cases"],
                share=row["cases"] / total,
                cumulative_share=running / total,
                open_cases=int(row["open_cases"] or 0),
                median_seconds=row["median_seconds"],
                value=major(row["value"], currency),
                activities=told[row["variant_no"]],
            )
        )
    return Variants(traces.lens.object_type, total, len(found), currency, tuple(result))
