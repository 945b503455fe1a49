"""How long from one activity to another, open cases counted?"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow.compute as pc

from o2c_mining.analysis.survival import survival
from o2c_mining.errors import AnalysisError
from o2c_mining.trace.select import Traces


@dataclass(frozen=True, slots=True)
class Duration:
    """Quantiles in seconds, ``None`` where too much is still open to say."""

    from_: str
    to: str
    lens: str
    time: str
    completed: int
    open: int
    ended_without: int
    already_done: int
    median_seconds: float | None
    median_ci: tuple[float | None, float | None]
    p90_seconds: float | None
    naive_median_seconds: float | None


def durations(traces: Traces, from_: str, to: str, *, working: bool = False) -> Duration:
    """Measure from a case's first ``from_`` to its first ``to`` at or after it.

    Open cases without ``to`` are cut off at ``as_of`` (Kaplan-Meier), and so are cases that ended without it, at their
    end; the latter are counted in ``ended_without``. Cases in which ``to`` only came before ``from_`` (an invoice
    before its goods issue) wait for nothing: they are left out and counted in ``already_done``. Cases without
    ``from_`` do not count.

    Raises
    ------
    AnalysisError
        If an activity does not occur in the lens, or working time is asked for without a calendar.
    """
    log, pairs = traces.log, traces.pairs
    if working and log.settings.calendar is None:
        raise AnalysisError(
            "working time was asked for and no calendar is configured; expected [company] calendar in o2c.toml; "
            "set it or use --time calendar"
        )
    known = sorted(str(row["activity"]) for row in log.reader.rows(pairs.select("activity").distinct()))
    for activity in (from_, to):
        if activity not in known:
            raise AnalysisError(
                f"unknown activity {activity!r}; these cases of lens {traces.lens.object_type} have: "
                f"{', '.join(known)}; correct the name"
            )
    everything = log.reader.execute(_spans(traces, from_, to, working))
    spans = everything.filter(pc.invert(everything["already_done"]))
    completed = spans["completed"].to_numpy(zero_copy_only=False)
    result = survival(spans["seconds"].to_numpy(), completed)
    return Duration(
        from_=from_,
        to=to,
        lens=traces.lens.object_type,
        time="working" if working else "calendar",
        completed=result.completed,
        open=result.open,
        ended_without=int(np.sum(~completed & spans["ended"].to_numpy(zero_copy_only=False))),
        already_done=everything.num_rows - spans.num_rows,
        median_seconds=result.median,
        median_ci=(result.median_low, result.median_high),
        p90_seconds=result.p90,
        naive_median_seconds=result.naive_median,
    )


def _spans(traces: Traces, from_: str, to: str, working: bool) -> ir.Table:
    """One row per case that has ``from_``: seconds, completed, ended, already_done."""
    pairs = traces.pairs
    if working:
        clock, ends = pairs.work_clock, pairs.work_clock + ibis.ifelse(pairs.is_open, pairs.working_seconds, 0.0)
    else:
        clock = pairs.time.delta(ibis.literal(traces.log.as_of), unit="microsecond") / 1_000_000
        ends = clock + ibis.ifelse(pairs.is_open, pairs.elapsed_seconds, 0.0)
    timed = pairs.mutate(clock=clock, end_clock=ends)
    begin = timed.filter(timed.activity == from_)
    begin = begin.group_by("case_id").aggregate(start_seq=begin.seq.min(), start_clock=begin.clock.min())
    later = timed.filter(timed.activity == to).join(begin, "case_id")
    later = later.filter((later.seq > later.start_seq) if from_ == to else (later.seq >= later.start_seq))
    stop = later.group_by("case_id").aggregate(stop_clock=later.clock.min())
    before = timed.filter(timed.activity == to).join(begin, "case_id")
    before = before.filter(before.seq < before.start_seq).select("case_id").distinct()
    last = timed.group_by("case_id").aggregate(last_clock=timed.end_clock.max(), ended=timed.is_end.any())
    joined = begin.left_join(stop, "case_id").drop("case_id_right").join(last, "case_id")
    earlier = joined.case_id.isin(before.case_id)
    return joined.select(
        already_done=joined.stop_clock.isnull() & earlier,
        seconds=joined.stop_clock.coalesce(joined.last_clock) - joined.start_clock,
        completed=joined.stop_clock.notnull(),
        ended=joined.ended,
    )
