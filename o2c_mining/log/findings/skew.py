"""Do the clocks of two systems agree?"""

from __future__ import annotations

import ibis.expr.types as ir

from o2c_mining.log.findings.finding import Finding, Part
from o2c_mining.log.findings.tables import FLOW
from o2c_mining.log.table_reader import TableReader

_FEWEST = 10  # early documents; fewer tell nothing
_SHARE = 0.02  # of all pairs of the two systems
_SPREAD = 0.5  # interquartile range of the early lags, as a part of their median
_LARGEST = 26 * 3600  # seconds; no two zones are further apart
_HALF_HOUR = 1800


def clock_skew(reader: TableReader, pairs: ir.Table) -> list[Finding]:
    """Pairs of systems in which a document follows before it can, by nearly the same time again and again.

    ``pairs`` is the flow of ``Tables``: related documents (order, delivery, invoice, payment), of which those are
    compared whose first events come from two systems. The skew is the median of the negative lags, between their
    quartiles. It is told when at least 10 documents and 2 % of those compared are early, by less than 26 hours, and
    half of them lie within half the median: a clock is wrong by the same time again and again, a process is not.
    Documents of which only the day is known are left out.
    """
    forward = {name: place for place, name in enumerate(FLOW)}
    compared = pairs.filter(
        pairs.source_type.cases(*forward.items()) < pairs.target_type.cases(*forward.items()),
        pairs.source_system != pairs.target_system,
        ~pairs.source_day_only,
        ~pairs.target_day_only,
    )
    compared = compared.mutate(lag=compared.target_born.epoch_seconds() - compared.source_born.epoch_seconds())
    early = (compared.lag < 0) & (compared.lag > -_LARGEST)
    grouped = compared.group_by("source_system", "target_system").aggregate(
        pairs=compared.count(),
        early=early.cast("int64").sum(),
        low=compared.lag.quantile(0.25, where=early),
        middle=compared.lag.quantile(0.5, where=early),
        high=compared.lag.quantile(0.75, where=early),
        example=compared.target_id.min(where=early),
    )
    found = []
    for row in reader.rows(grouped.order_by("source_system", "target_system")):
        if row["early"] < max(_FEWEST, _SHARE * row["pairs"]):
            continue
        low, middle, high = (-float(row[name]) for name in ("low", "middle", "high"))
        if low - high > _SPREAD * middle:
            continue
        found.append(_finding(row, middle, high, low))
    return found


def _finding(row: dict[str, object], skew: float, least: float, most: float) -> Finding:
    ahead, behind = row["source_system"], row["target_system"]
    early, pairs = int(str(row["early"])), int(str(row["pairs"]))
    halves = round(skew / _HALF_HOUR)
    zone = halves > 0 and abs(skew - halves * _HALF_HOUR) < 60 and most - least < 120
    return Finding(
        "clock skew",
        "warning",
        "events",
        early,
        str(row["example"]),
        f"{behind} seems {skew / 60:.1f} minutes behind {ahead} (half of the early documents lie between "
        f"{least / 60:.1f} and {most / 60:.1f}; {early:,} of {pairs:,} related documents are early): what lies between "
        "the two systems is too short, and its order wrong",
        f"it is close to {halves / 2:g} hours: check the time zone of each source"
        if zone
        else "set both clocks by one time server; correct the loaded times in the connector",
        (Part(f"{ahead} -> {behind}", early, pairs),),
    )
