"""Our side: every question through the public doors, as the command line and the dashboards ask them."""

from __future__ import annotations

import inspect
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from o2c_mining.analysis.handoffs import handoffs
from o2c_mining.analysis.process_map import process_map
from o2c_mining.analysis.variants import variants
from o2c_mining.bootstrap import Workspace, import_files, init_workspace, open_log, open_workspace
from o2c_mining.config import Limits
from o2c_mining.exchange.read import Asked, read_log
from o2c_mining.log.engine import MEMORY_MB
from o2c_mining.log.event_log import EventLog
from o2c_mining.trace.select import ObjectFilter, select
from tests.bench.measure import Measured

# Each keeps a third of the cases; in turn, so that no run finds the answer of the run before.
THIRDS = tuple(ObjectFilter(where=(("region", (region,)),)) for region in ("APAC", "AMER", "EMEA"))
_SETTINGS = """[company]
name = "Benchmark"
timezone = "UTC"
currency = "EUR"
calendar = "company"

[limits]
events = 200_000_000
raw_mb = 40_000
compressed_mb = 40_000
memory_mb = {memory_mb}
"""


def workspace_at(path: Path, lenses: str, memory_mb: int = MEMORY_MB) -> Workspace:
    """An empty workspace that keeps the traces of these lenses and may load with so much memory."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    settings = _SETTINGS.format(memory_mb=memory_mb)
    (path / "o2c.toml").write_text(f"lenses = {lenses}\n{settings}", encoding="utf-8")
    init_workspace(path)
    return open_workspace(path)


def load(folder: str, workspace: str, memory_mb: int) -> Measured:
    """From a folder of Parquet to a durable store with the traces of one lens."""
    measured = Measured()
    place = workspace_at(Path(workspace), '["order"]', memory_mb)
    measured.take("load", lambda: import_files(place, [Path(folder)], Asked()), runs=1)
    return measured


def questions(workspace: str) -> Measured:
    """Map, variants and handoffs of all cases and of a third, on an open log."""
    measured = Measured()
    place = open_workspace(Path(workspace))
    log = measured.take("open", lambda: _opened(place), runs=1)
    measured.take("first map", lambda: process_map(select(log)), runs=1)
    asked: dict[str, Callable[[ObjectFilter], Any]] = {
        "map": lambda chosen: process_map(select(log, chosen)),
        "variants": lambda chosen: variants(select(log, chosen), 50),
        "handoffs": lambda chosen: handoffs(select(log, chosen)),
    }
    for name, ask in asked.items():
        turn = iter(THIRDS * 10)
        found = measured.take(f"{name} all", lambda ask=ask: ask(ObjectFilter()))  # type: ignore[misc]
        measured.take(f"{name} third", lambda ask=ask, turn=turn: ask(next(turn)))  # type: ignore[misc]
        if name == "map":
            measured.facts["pairs"] = sum(edge.count for edge in found.edges)
            measured.facts["edges"] = len(found.edges)
            measured.facts["medians"] = sum(edge.median_seconds for edge in found.edges)
            measured.facts["edge cases"] = sum(edge.cases for edge in found.edges)
        if name == "variants":
            measured.facts["variants"] = found.total
    third = process_map(select(log, THIRDS[2]))
    measured.facts["pairs of a third"] = sum(edge.count for edge in third.edges)
    return measured


def _opened(place: Workspace) -> EventLog:
    """A log ready to answer."""
    log = open_log(place)
    variants(select(log), 1)
    return log


def increment(workspace: str, folders: list[str]) -> Measured:
    """New events on scattered cases: imported, traces brought up to date, and an open reader shows them."""
    measured = Measured()
    place = open_workspace(Path(workspace))
    state = {"log": _opened(place)}
    process_map(select(state["log"]))
    keeps = "previous" in inspect.signature(open_log).parameters
    parts: dict[str, list[float]] = {"import": [], "reader": []}

    def add(folder: str) -> None:
        started = time.perf_counter()
        import_files(place, [Path(folder)], Asked())
        parts["import"].append(time.perf_counter() - started)
        started = time.perf_counter()
        further: dict[str, Any] = {"previous": state["log"]} if keeps else {}
        state["log"] = open_log(place, **further)
        measured.facts["variants after"] = variants(select(state["log"]), 1).total
        parts["reader"].append(time.perf_counter() - started)

    measured.take_each("increment", [lambda folder=folder: add(folder) for folder in folders])  # type: ignore[misc]
    measured.facts["parts"] = {name: seconds[1:] for name, seconds in parts.items()}
    measured.facts["events"] = sum(node.occurrences for node in process_map(select(state["log"])).nodes)
    return measured


def alignments() -> Measured:
    """One alignment per variant with the shipped model, as ``o2c conformance`` computes them."""
    from o2c_mining.bridge.r4pm import align
    from o2c_mining.conformance.reference import reference_model
    from tests.bench.scenarios import catalogue
    from tests.bench.ways import VARIANTS

    measured = Measured()
    net = reference_model("order").net
    sequences = [scenario.activities for scenario in catalogue(VARIANTS) if scenario.closed]
    found = measured.take("alignments", lambda: align(net, sequences))
    measured.facts["fitness"] = [None if one is None else one.fitness for one in found]
    return measured


def xes(file: str, workspace: str) -> Measured:
    """From an XES file to a durable store with traces."""
    measured = Measured()

    def load_it() -> int:
        place = workspace_at(Path(workspace), '["case"]')
        return sum(batch.accepted for batch in import_files(place, [Path(file)], Asked()).batches)

    measured.take("xes", load_it, runs=3)
    log = open_log(open_workspace(Path(workspace)))
    measured.facts["events"] = log.reader.count(log.events)
    shutil.rmtree(workspace)
    return measured


def xes_read(file: str) -> Measured:
    """An XES file as tables in memory, read and counted a second time, in this process."""
    measured = Measured()
    found = measured.take("xes read", lambda: read_log(Path(file), Limits(), Asked()), runs=3)
    measured.facts["events"] = found.tables["events"].num_rows
    return measured
