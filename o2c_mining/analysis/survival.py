"""How long does something take when not all of it has happened yet? Kaplan-Meier with a confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Survival:
    """Quantiles in the unit of the input; ``None`` where the curve does not come down that far."""

    completed: int
    open: int
    median: float | None
    median_low: float | None
    median_high: float | None
    p90: float | None
    naive_median: float | None


def survival(durations: Sequence[float], completed: Sequence[bool]) -> Survival:
    """Estimate the distribution of durations of which some are cut off (not completed) so far.

    The median is the first time at which the Kaplan-Meier curve is at or below one half; where it is exactly one half
    over an interval, the middle of that interval. The interval is Brookmeyer-Crowley's, from the log-log transformed
    pointwise 95 % limits with Greenwood's variance. ``naive_median`` ignores what is still open.

    Source
    ------
    Kaplan and Meier (1958); Greenwood (1926); Brookmeyer and Crowley (1982).

    Examples
    --------
    >>> survival([1.0, 2.0, 3.0, 4.0, 5.0], [True] * 5).median
    3.0
    >>> survival([1.0, 2.0, 3.0, 4.0, 5.0], [True, True, False, False, False]).median is None
    True
    """
    times, events = np.asarray(durations, dtype=float), np.asarray(completed, dtype=bool)
    done = times[events]
    naive = float(np.median(done)) if done.size else None
    if not done.size:
        return Survival(0, int(times.size), None, None, None, None, None)
    unique, died = np.unique(done, return_counts=True)
    ordered = np.sort(times)
    at_risk = times.size - np.searchsorted(ordered, unique, side="left")
    curve = np.cumprod(1.0 - died / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(died / (at_risk * (at_risk - died)))
        spread = _Z95 * np.sqrt(greenwood) / np.abs(np.log(curve))
        low, high = curve ** np.exp(spread), curve ** np.exp(-spread)
    # At 0 the transform is undefined: the curve itself bounds what is left.
    low, high = np.where(curve > 0, low, 0.0), np.where(curve > 0, high, 0.0)
    return Survival(
        completed=int(done.size),
        open=int(times.size - done.size),
        median=_quantile(unique, curve, 0.5),
        median_low=_first(unique, low, 0.5),
        median_high=_first(unique, high, 0.5),
        p90=_quantile(unique, curve, 0.1),
        naive_median=naive,
    )


def _first(times: np.ndarray, curve: np.ndarray, level: float) -> float | None:
    below = np.flatnonzero(curve <= level + 1e-12)
    return float(times[below[0]]) if below.size else None


def _quantile(times: np.ndarray, curve: np.ndarray, level: float) -> float | None:
    below = np.flatnonzero(curve <= level + 1e-12)
    if not below.size:
        return None
    index = int(below[0])
    if abs(curve[index] - level) < 1e-12 and index + 1 < times.size:
        return float((times[index] + times[index + 1]) / 2)
    return float(times[index])
