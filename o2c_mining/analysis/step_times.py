"""How is the time between two neighbouring steps distributed, and what stands still there now?"""

from __future__ import annotations

from dataclasses import dataclass

import ibis

from o2c_mining.log.money import major
from o2c_mining.trace.select import Traces, priced_cases

_MOST_BINS = 36
_TAIL = 0.97  # times beyond this quantile share the overflow bin, so that one outlier does not flatten the rest
_DAY = 86_400.0
# Bin widths people can read, in seconds; from half a day on in the day's own length (24 h, or the working day's).
_MINUTES = (60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0)
_DAYS = (0.25, 0.5, 1.0, 2.0, 5.0, 7.0, 10.0, 14.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class TimeBin:
    """Segments with a time in ``[low, high)`` seconds; the overflow bin has no ``high``."""

    low: float
    high: float | None
    count: int


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Times from one activity to the next: ``waiting_now`` open cases stand after ``from_`` with ``waiting_value``."""

    from_: str
    to: str
    count: int
    cases: int
    median_seconds: float | None
    p90_seconds: float | None
    value_days: float
    waiting_now: int
    waiting_value: str
    currency: str
    bins: tuple[TimeBin, ...]


def step_times(traces: Traces, from_: str, to: str, *, working: bool = False, day_seconds: float = _DAY) -> StepTimes:
    """Times of the segments that go straight from one activity to another, binned in the engine.

    A segment counts once per occurrence, ``cases`` once per case. Quantiles are exact. All bins but the last have the
    same width, a round number of minutes, hours or days of ``day_seconds``; empty bins between are listed with 0.
    """
    pairs, rows = traces.pairs, traces.log.reader.rows
    values = priced_cases(traces).select("case_id", value="reporting_minor")
    joined = pairs.join(values, "case_id")
    seconds = joined.working_seconds if working else joined.elapsed_seconds
    timed = joined.mutate(seconds=seconds)
    steps = timed.filter(timed.activity == from_, timed.next_activity == to)
    facts = rows(
        steps.aggregate(
            count=steps.count(),
            cases=steps.first_in_case.sum(),
            quantiles=steps.seconds.quantile([0.5, 0.9, _TAIL]),
            most=steps.seconds.max(),
            value_days=(steps.value * steps.seconds).sum() / _DAY,
        )
    )[0]
    waiting = timed.filter(timed.activity == from_, timed.is_open)
    standing = rows(waiting.aggregate(count=waiting.count(), value=waiting.value.sum()))[0]
    currency = traces.log.settings.config.company.currency
    median, p90, tail = facts["quantiles"] or (None, None, None)
    bins: tuple[TimeBin, ...] = ()
    if tail is not None:
        width = bin_width(tail, day_seconds)
        last = int(tail // width) + 1
        binned = steps.mutate(bin=ibis.least((steps.seconds / width).floor(), ibis.literal(last)).cast("int64"))
        counts = rows(binned.group_by("bin").aggregate(count=binned.count()))
        bins = _filled({row["bin"]: row["count"] for row in counts}, width, last)
    return StepTimes(
        from_=from_,
        to=to,
        count=facts["count"],
        cases=int(facts["cases"] or 0),
        median_seconds=median,
        p90_seconds=p90,
        value_days=float(major(facts["value_days"] or 0.0, currency)),
        waiting_now=standing["count"],
        waiting_value=major(standing["value"] or 0.0, currency),
        currency=currency,
        bins=bins,
    )


def bin_width(until: float, day_seconds: float = _DAY) -> float:
    """The smallest readable width that needs at most 36 bins up to ``until`` seconds."""
    widths = sorted({*(w for w in _MINUTES if w < day_seconds / 4), *(days * day_seconds for days in _DAYS)})
    return next((width for width in widths if until / width <= _MOST_BINS), widths[-1])


def _filled(counts: dict[int, int], width: float, last: int) -> tuple[TimeBin, ...]:
    """All bins from 0 on; the overflow bin only where something lies in it."""
    inner = [TimeBin(index * width, (index + 1) * width, counts.get(index, 0)) for index in range(last)]
    rest = counts.get(last, 0)
    return (*inner, TimeBin(last * width, None, rest)) if rest else tuple(inner)
