"""Measure every bar, ours beside pm4py, r4pm and plain DuckDB, and write docs/benchmarks.json and docs/benchmarks.md.

``python -m tests.bench.run --size 1m`` (``10m``, ``100m``); ``--only load,questions`` measures a part and keeps the
rest of an earlier run. This process stays small: everything is measured in processes of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.measure import Measured, apart
from tests.bench.report import write_report

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "benchmarks.json"
EVENTS = {"1m": 1_000_000, "10m": 10_000_000, "100m": 100_000_000}
NEW_EVENTS = 10_000
XES_MB = 100
MEMORY_MB = {"1m": 2_500, "10m": 2_500, "100m": 6_000}  # what the engine may hold while it loads ([limits] memory_mb)
XES_SIDES = ("xes ours", "xes read ours", "xes pm4py", "xes pm4py iterparse")
PACKAGES = ("o2c-mining", "duckdb", "deltalake", "pyarrow", "ibis-framework", "pandas", "numpy", "pm4py", "r4pm")


class Bench:
    """One size: the files it reads and the parts that can be measured."""

    def __init__(self, size: str, data: Path) -> None:
        self.size, self.data = size, data
        self.folder = data / size
        self.workspace = data / f"workspace-{size}"
        self.flat = str(self.folder / "flat.parquet")
        self.parts: dict[str, Callable[[], dict[str, Measured]]] = {
            "load": self.load,
            "questions": self.questions,
            "limit": self.limit,
            "increment": self.increment,
            "pm4py": self.pm4py,
            "r4pm": self.r4pm,
            "alignments": self.alignments,
            "xes": self.xes,
        }
        # What does not depend on the size is measured with the smallest; others cannot hold the largest.
        left_out = {"1m": (), "10m": ("alignments", "xes"), "100m": ("pm4py", "r4pm", "alignments", "xes")}
        for name in left_out[size]:
            del self.parts[name]

    def prepare(self) -> None:
        """The log itself."""
        self.data.mkdir(parents=True, exist_ok=True)
        apart("tests.bench.prepare:tables", folder=str(self.folder), events=EVENTS[self.size])

    def load(self) -> dict[str, Measured]:
        """A store from the folder."""
        where = {"folder": str(self.folder), "workspace": str(self.workspace)}
        return {"load ours": apart("tests.bench.ours:load", **where, memory_mb=MEMORY_MB[self.size])}

    def questions(self) -> dict[str, Measured]:
        """Ours, on that store."""
        self._loaded()
        return {"ours": apart("tests.bench.ours:questions", workspace=str(self.workspace))}

    def limit(self) -> dict[str, Measured]:
        """Plain DuckDB."""
        return {"duckdb": apart("tests.bench.others:duckdb_limit", flat=self.flat)}

    def increment(self) -> dict[str, Measured]:
        """New events, on a copy of that store."""
        self._loaded()
        apart("tests.bench.prepare:more", folder=str(self.folder), count=NEW_EVENTS, times=6)
        copy = self.data / f"increment-{self.size}"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.workspace, copy)
        folders = [f"{self.folder}-more-{number}" for number in range(1, 7)]
        measured = apart("tests.bench.ours:increment", workspace=str(copy), folders=folders)
        shutil.rmtree(copy)
        return {"increment ours": measured}

    def pm4py(self) -> dict[str, Measured]:
        """pm4py on a data frame."""
        return {"pm4py": apart("tests.bench.others:pm4py_questions", flat=self.flat)}

    def r4pm(self) -> dict[str, Measured]:
        """r4pm on an XES file with nothing but activities and times."""
        file = str(self.folder / "bare.xes")
        apart("tests.bench.prepare:xes", flat=self.flat, out=file, megabytes=None, bare=True)
        return {"r4pm": apart("tests.bench.others:r4pm_questions", file=file)}

    def alignments(self) -> dict[str, Measured]:
        """Alignments, ours and pm4py's."""
        return {
            "alignments ours": apart("tests.bench.ours:alignments"),
            "alignments pm4py": apart("tests.bench.others:pm4py_alignments"),
        }

    def xes(self) -> dict[str, Measured]:
        """Import of an XES file, and reading it alone; two of pm4py's readers, for its default one decodes nothing."""
        file = str(self.data / f"{XES_MB}mb.xes")
        apart("tests.bench.prepare:xes", flat=self.flat, out=file, megabytes=XES_MB, bare=False)
        return {
            "xes ours": apart("tests.bench.ours:xes", file=file, workspace=str(self.data / "workspace-xes")),
            "xes read ours": apart("tests.bench.ours:xes_read", file=file),
            "xes pm4py": apart("tests.bench.others:pm4py_xes", file=file, variant="chunk_regex"),
            "xes pm4py iterparse": apart("tests.bench.others:pm4py_xes", file=file, variant="iterparse"),
            "xes r4pm": apart("tests.bench.others:r4pm_xes", file=file),
        }

    def _loaded(self) -> None:
        if not (self.workspace / "store").is_dir():
            sys.exit("error: the log is not loaded; expected the part `load` first; run it, or all parts")


def machine() -> dict[str, Any]:
    """What it ran on; no names."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }


def agree(found: dict[str, Any]) -> None:
    """Refuse times of sides that did not answer the same."""
    sides = {name: found[name]["facts"] for name in ("ours", "duckdb", "pm4py", "r4pm") if name in found}
    for fact in ("pairs", "edges", "variants", "medians", "edge cases", "pairs of a third"):
        values = {name: facts[fact] for name, facts in sides.items() if fact in facts}
        if values and max(values.values()) - min(values.values()) > 1e-9 * max(values.values()):
            sys.exit(f"error: the sides disagree on {fact}: {values}; expected one answer; compare the questions")
    aligned = [found[name]["facts"] for name in ("alignments ours", "alignments pm4py") if name in found]
    fitness = [facts["fitness"] for facts in aligned if "fitness" in facts]
    if len(fitness) == 2 and any(abs(a - b) > 1e-9 for a, b in zip(*fitness, strict=True)):
        sys.exit("error: the alignments disagree; expected one fitness; compare the engines in tests/bridge")
    events = {found[name]["facts"]["events"] for name in XES_SIDES if name in found}
    if len(events) > 1:
        sys.exit(f"error: the XES readers count {events}; expected one number; compare the readers")


def main() -> None:
    """Measure, remember, render."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=EVENTS, default="1m")
    parser.add_argument("--data", type=Path, default=ROOT / ".bench", help="where generated logs are kept")
    parser.add_argument("--only", help="parts, with commas: load questions limit increment pm4py r4pm alignments xes")
    parser.add_argument("--render", action="store_true", help="only write docs/benchmarks.md from docs/benchmarks.json")
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"sizes": {}}
    if not arguments.render:
        bench = Bench(arguments.size, arguments.data.resolve())
        asked = arguments.only.split(",") if arguments.only else list(bench.parts)
        unknown = [name for name in asked if name not in bench.parts]
        if unknown:
            sys.exit(
                f"error: no part {unknown[0]!r} at this size; expected some of {', '.join(bench.parts)}; correct it"
            )
        bench.prepare()
        found = {} if arguments.only is None else results["sizes"].get(arguments.size, {})
        for name in asked:
            print(f"{name} ...", flush=True)
            for side, measured in bench.parts[name]().items():
                found[side] = asdict(measured)
                shown = {
                    question: round(sorted(taken)[len(taken) // 2], 3) for question, taken in measured.times.items()
                }
                print(f"  {side}: {shown}, peak {measured.peak_mb:,.0f} MB", flush=True)
        agree(found)
        for side in found.values():
            if "fitness" in side["facts"]:
                fits = side["facts"].pop("fitness")
                side["facts"] |= {"variants": len(fits), "perfect": sum(one == 1.0 for one in fits)}
        expected = json.loads((bench.folder / "expected.json").read_text(encoding="utf-8"))
        found["log"] = asdict(Measured(facts=expected))
        results["sizes"][arguments.size] = found
        results["machine"] = machine()
        results["date"] = datetime.now(UTC).date().isoformat()
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_report(results, ROOT / "docs")
    print("docs/benchmarks.md is written")


if __name__ == "__main__":
    main()
