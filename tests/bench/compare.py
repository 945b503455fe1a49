"""How long our analyses take beside pm4py's on the sample company, and how much memory each needs.

Each side runs in a process of its own on the same cases: five runs after one to warm up, the median counts. Times
depend on the machine, their ratio much less. Loading the log is not counted on either side.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

WORKSPACE = Path(__file__).resolve().parents[2] / "demo"
RUNS = 5

Measured = tuple[dict[str, float], float]


def timed(action: Callable[[], object]) -> float:
    """Median seconds of ``RUNS`` runs after one more."""
    action()
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return median(taken)


def peak_mb() -> float:
    """Largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours() -> Measured:
    """Our times."""
    from o2c_mining.analysis.handoffs import handoffs
    from o2c_mining.analysis.process_map import process_map
    from o2c_mining.analysis.variants import variants
    from o2c_mining.bootstrap import open_log, open_workspace
    from o2c_mining.conformance.conformance import conformance
    from o2c_mining.conformance.reference import reference_model
    from o2c_mining.trace.select import select

    log = open_log(open_workspace(WORKSPACE))
    traces = select(log)
    model = reference_model(traces.lens.object_type)
    return {
        "map (counts, median, p90)": timed(lambda: process_map(traces)),
        "variants": timed(lambda: variants(traces)),
        "handoffs (ledger)": timed(lambda: handoffs(traces, working=False)),
        "conformance (alignments)": timed(lambda: conformance(traces, model)),
    }, peak_mb()


def theirs() -> Measured:
    """pm4py's times on a data frame of the same cases."""
    warnings.simplefilter("ignore")
    import pm4py

    from o2c_mining.bootstrap import open_log, open_workspace
    from o2c_mining.conformance.reference import reference_model
    from o2c_mining.trace.select import select

    log = open_log(open_workspace(WORKSPACE))
    traces = select(log)
    closed = traces.cases.filter(traces.cases.closed_at.notnull())
    columns = ("case_id", "seq", "activity", "time", "team")
    renamed = {
        "case_id": "case:concept:name",
        "activity": "concept:name",
        "time": "time:timestamp",
        "team": "org:resource",
    }
    pairs = log.reader.execute(traces.pairs.select(*columns).order_by("case_id", "seq"))
    frame = pairs.to_pandas().rename(columns=renamed)
    ended = frame[frame["case:concept:name"].isin(log.reader.execute(closed.select("case_id"))["case_id"].to_pylist())]
    file = WORKSPACE / "bench.bpmn"
    file.write_text(reference_model(traces.lens.object_type).xml, encoding="utf-8")
    petri = pm4py.convert_to_petri_net(pm4py.read_bpmn(str(file)))
    file.unlink()
    return {
        "map (counts, median, p90)": timed(lambda: pm4py.discover_performance_dfg(frame)),
        "variants": timed(lambda: pm4py.get_variants(frame)),
        "handoffs (ledger)": timed(lambda: pm4py.discover_handover_of_work_network(frame)),
        "conformance (alignments)": timed(lambda: pm4py.fitness_alignments(ended, *petri)),
    }, peak_mb()


def _run(name: str, pipe: object) -> None:
    sys.stdout = sys.stderr
    pipe.send({"ours": ours, "theirs": theirs}[name]())  # type: ignore[attr-defined]


def measure(name: str) -> Measured:
    """One side in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(name, sender))
    process.start()
    sender.close()
    try:
        result: Measured = receiver.recv()
    except EOFError:
        sys.exit(f"error: the side '{name}' failed; expected times; see its message above")
    process.join()
    return result


def main() -> None:
    """Print the table."""
    if not (WORKSPACE / "o2c.toml").exists():
        sys.exit("error: there is no demo workspace; expected the loaded sample company; run `make demo SERVE=0` first")
    (mine, my_peak), (other, other_peak) = measure("ours"), measure("theirs")
    print(f"{'':28}{'ours':>10}{'pm4py':>10}{'pm4py/ours':>12}")
    for name, seconds in mine.items():
        print(f"{name:28}{seconds:>9.3f}s{other[name]:>9.3f}s{other[name] / seconds:>12.1f}")
    print(f"{'peak memory':28}{my_peak:>8.0f}MB{other_peak:>8.0f}MB{other_peak / my_peak:>12.1f}")
    print("pm4py's map has means and medians but no p90; its handover network counts only, ours adds up every second")


if __name__ == "__main__":
    main()
