"""The measured times as a page and a picture: which bars are met, by how much, and what the others need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.picture import Bar, draw

SIZES = {"1m": "1 M", "10m": "10 M", "100m": "100 M"}
_QUESTIONS = {
    "map all": "map, all cases",
    "map third": "map, a third of the cases",
    "variants all": "variants, all cases",
    "variants third": "variants, a third",
    "handoffs all": "handoffs, all cases",
    "handoffs third": "handoffs, a third",
}
_SIDES = {"ours": "ours", "duckdb": "plain DuckDB", "pm4py": "pm4py", "r4pm": "r4pm"}

_HEAD = """# Benchmarks

Written by `make bench` (`SIZE=1m` by default, `10m`, `100m`); do not edit. Times of a machine are worth little, ratios
in one run more: every side ran in a process of its own, one after the other, on the same generated log
(`tests/bench/generate.py`: 14.3 events an order, 1,400 variants, two years), and the run fails when the sides do not
count the same pairs, edges, medians and variants.
"""
_HOW = """## How it is measured
* Median of five runs after one to warm up; what takes more than 12 s is run once (`benchmarks.json` beside this page
  has every run). A question is asked of an open log in a warm process and no result is kept: `select` and the
  analysis, as for a click in the cockpit. The filter changes from run to run (`region=`, three values).
* *Load* is `o2c import` of a folder of Parquet into an empty workspace with the lens order: read, checked, compared,
  written, traces built with working time, flushed to the disk. At 100 M the engine may hold 6 GB (`[limits] memory_mb`,
  by default 2.5 GB), and spills what is more.
* *Its first map* brings the segments into memory, in order; of more than 12 million also compressed.
* *Plain DuckDB* groups a ready pair table of just the needed columns in memory (names as enums): counts, cases, exact
  median and 90th percentile. Its load is the building of that table from the flat Parquet file.
* *pm4py* gets a data frame of five columns; its map is `discover_performance_dfg` (no counts, no 90th percentile), to
  which `discover_dfg` adds the counts; its handoffs are `discover_handover_of_work_network` of teams (counts only).
  XES: `iterparse` reads XML; `chunk_regex`, its default, leaves `&amp;` and its like in every text as they are.
  *r4pm* reads an XES file of activities and times; it knows no times per edge and no handoffs.
* Peak memory is that of the process and all it started: `ru_maxrss`, and their sizes together, looked at 50 times a
  second.
"""

# Why a bar is missed, where it is; by the beginning of its question.
_WHY = {
    "map, a third": "choosing the cases costs the same whatever is asked of them; plain DuckDB has the region of the "
    "case beside every pair.",
    "handoffs, a third": "choosing the cases costs the same whatever is asked; a cell of the ledger has ten figures.",
    "100 M against": "all 100 million segments are looked up by case, once for the sums and once for the quantiles.",
    "10,000 new events": "nine tenths of the import are the traces of the touched cases: their events and relations "
    "are looked up in files kept in order of time, not of case. The rows themselves are in the store within 0.3 s.",
    "import of a 100 MB XES into the store": "two thirds of the time pass after reading: comparing, writing, flushing, "
    "building traces, none of which a data frame has.",
    "reading a 100 MB XES": "every byte is counted a second time; what is left is a reader outside of Python.",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A bar and what was measured; ``met`` is None where it was not measured."""

    question: str
    bar: str
    found: str
    met: bool | None


def seconds(results: dict[str, Any], size: str, side: str, question: str) -> float | None:
    """Median of the runs, None where there is none."""
    taken = results["sizes"].get(size, {}).get(side, {}).get("times", {}).get(question)
    return median(taken) if taken else None


def peak_gb(results: dict[str, Any], size: str, side: str) -> float | None:
    """Peak memory of a side."""
    found = results["sizes"].get(size, {}).get(side)
    return found["peak_mb"] / 1000 if found else None


def bars(results: dict[str, Any]) -> list[Row]:
    """Every bar that was set before the work began."""
    return [
        *_load(results),
        *_questions(results),
        *_growth(results),
        _increment(results),
        _alignments(results),
        *_xes(results),
    ]


def _load(results: dict[str, Any]) -> list[Row]:
    rows = []
    for size in ("1m", "10m"):
        taken, peak = seconds(results, size, "load ours", "load"), peak_gb(results, size, "load ours")
        if taken is None or peak is None:
            continue
        rate = results["sizes"][size]["log"]["facts"]["events"] / taken
        bar = "≥ 150,000 events/s, ≤ 4 GB" if size == "10m" else ""
        met = rate >= 150_000 and peak <= 4 if bar else None
        rows.append(
            Row(
                f"load {SIZES[size]}: validated, one lens' traces, durable",
                bar,
                f"{rate:,.0f} events/s ({_text(taken)}), {peak:.1f} GB",
                met,
            )
        )
    return rows


def _questions(results: dict[str, Any]) -> list[Row]:
    rows = []
    for question, name in _QUESTIONS.items():
        ours = seconds(results, "10m", "ours", question)
        limit = 0.6 if question.endswith("all") else 0.3
        if ours is not None:
            rows.append(Row(f"{name}, 10 M", f"≤ {limit * 1000:.0f} ms", _text(ours), ours <= limit))
    ours, theirs = seconds(results, "10m", "ours", "map all"), seconds(results, "10m", "pm4py", "map all")
    counts = seconds(results, "10m", "pm4py", "counts all")
    if ours is not None and theirs is not None and counts is not None:
        ratio = (theirs + counts) / ours
        found = f"{ratio:.0f} × (counts {_text(counts)} + times {_text(theirs)} in pm4py)"
        rows.append(Row("map against pm4py, 10 M", "≥ 70 × faster", found, ratio >= 70))
    for question in ("map all", "map third"):
        ours, engine = seconds(results, "10m", "ours", question), seconds(results, "10m", "duckdb", question)
        if ours is not None and engine is not None:
            found = f"{ours / engine:.2f} × of {_text(engine)}"
            rows.append(
                Row(f"{_QUESTIONS[question]} against plain DuckDB, 10 M", "≤ 1.5 ×", found, ours <= 1.5 * engine)
            )
    return rows


def _growth(results: dict[str, Any]) -> list[Row]:
    small = {name: seconds(results, "10m", "ours", name) for name in _QUESTIONS}
    large = {name: seconds(results, "100m", "ours", name) for name in _QUESTIONS}
    growth = {name: after / before for name, before in small.items() if before and (after := large[name])}
    if not growth:
        return []
    worst = max(growth, key=lambda name: growth[name])
    peak = max(peak_gb(results, "100m", side) or 0 for side in ("ours", "load ours"))
    found = f"at most {growth[worst]:.1f} × ({_QUESTIONS[worst]}), {peak:.1f} GB"
    return [Row("100 M against 10 M, every question", "≤ 12 ×, ≤ 8 GB", found, growth[worst] <= 12 and peak <= 8)]


def _increment(results: dict[str, Any]) -> Row:
    small, large = (seconds(results, size, "increment ours", "increment") for size in ("1m", "10m"))
    name = "10,000 new events on scattered cases: traces and an open reader"
    if large is None:
        return Row(name, "≤ 3 s at 10 M, ≤ 3.5 × of 1 M", f"{_text(small)} at 1 M" if small else "", None)
    parts = results["sizes"]["10m"]["increment ours"]["facts"]["parts"]
    found = f"{_text(large)} (import {_text(median(parts['import']))}, reader {_text(median(parts['reader']))})"
    if small is None:
        return Row(name, "≤ 3 s at 10 M, ≤ 3.5 × of 1 M", found, None)
    return Row(
        name,
        "≤ 3 s at 10 M, ≤ 3.5 × of 1 M",
        f"{found}; {large / small:.1f} × of {_text(small)}",
        large <= 3 and large <= 3.5 * small,
    )


def _alignments(results: dict[str, Any]) -> Row:
    ours, theirs = (seconds(results, "1m", f"alignments {side}", "alignments") for side in ("ours", "pm4py"))
    bar = "≥ 50 × faster than pm4py, equal to 1e-9"
    if ours is None or theirs is None:
        return Row("alignments of 1,000+ variants", bar, "", None)
    number = results["sizes"]["1m"]["alignments ours"]["facts"]["variants"]
    found = f"{theirs / ours:.0f} × ({_text(ours)} against {_text(theirs)}), equal"
    return Row(f"alignments of {number:,} variants", bar, found, theirs >= 50 * ours)


def _xes(results: dict[str, Any]) -> list[Row]:
    """The whole import and reading alone, each against the reader of pm4py that reads XML and against its default."""
    rows = []
    bar = "≥ 5 × faster than pm4py, ≤ 1 GB"
    for side, question, name in (
        ("xes ours", "xes", "import of a 100 MB XES into the store, with traces"),
        ("xes read ours", "xes read", "reading a 100 MB XES"),
    ):
        for reader, peer in (("iterparse", "xes pm4py iterparse"), ("its default, chunk_regex", "xes pm4py")):
            ours, theirs = seconds(results, "1m", side, question), seconds(results, "1m", peer, "xes")
            peak = peak_gb(results, "1m", side)
            against = f"{name}, against pm4py ({reader})"
            if ours is None or theirs is None or peak is None:
                rows.append(Row(against, bar, "", None))
                continue
            found = f"{theirs / ours:.2f} × ({_text(ours)} against {_text(theirs)} as a data frame), {peak:.1f} GB"
            rows.append(Row(against, bar, found, theirs >= 5 * ours and peak <= 1))
    return rows


def _text(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def write_report(results: dict[str, Any], docs: Path) -> None:
    """Write benchmarks.md and its picture."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items() if name != "o2c-mining")
    on = (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, Python {machine['python']}; "
        f"{versions}. {results['date']}."
    )
    lines = [_HEAD, on, "", "## Bars", "| question | bar | measured | met |", "|---|---|---|---|"]
    rows = bars(results)
    for row in rows:
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        lines.append(f"| {row.question} | {row.bar} | {row.found} | {met} |")
    missed = [row.question for row in rows if row.met is False]
    reasons = [f"* {name}: {why}" for name in missed for begin, why in _WHY.items() if name.startswith(begin)]
    if reasons:
        lines += ["", "## What holds back where a bar is missed", *reasons]
    lines += ["", "![Times of the questions, logarithmic](images/benchmarks.svg)"]
    for size, name in SIZES.items():
        if size in results["sizes"]:
            lines += ["", f"## {name} events", *_table(results, size)]
    lines += ["", _HOW]
    (docs / "benchmarks.md").write_text("\n".join(lines), encoding="utf-8")
    for shown in ("10m", "1m", "100m"):
        if found := _bars(results, shown):
            picture = docs / "images" / "benchmarks.svg"
            picture.parent.mkdir(parents=True, exist_ok=True)
            picture.write_text(draw(f"Seconds a question takes, {SIZES[shown]} events", found), encoding="utf-8")
            break


def _table(results: dict[str, Any], size: str) -> list[str]:
    found = results["sizes"][size]
    sides = [side for side in _SIDES if side in found]
    facts = found["log"]["facts"]
    cores = results["machine"]["cores"]
    lines = [
        f"{facts['events']:,} events, {facts['cases']:,} orders, {facts['variants']:,} variants.",
        "",
        "| | " + " | ".join(_SIDES[side] for side in sides) + " |",
        "|---|" + "---|" * len(sides),
    ]
    questions = {
        "load": "load",
        "open": "open the log",
        "first map": "its first map",
        "counts all": "counts only, all cases",
        **_QUESTIONS,
    }
    for question, name in questions.items():
        cells = []
        for side in sides:
            taken = seconds(results, size, "load ours" if (side, question) == ("ours", "load") else side, question)
            cells.append(_text(taken) if taken is not None else "")
        if any(cells):
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    peaks = [f"{peak_gb(results, size, side) or 0:.1f} GB" for side in sides]
    lines.append("| peak memory | " + " | ".join(peaks) + " |")
    extra = peak_gb(results, size, "load ours"), peak_gb(results, size, "increment ours")
    if extra[0] is not None:
        lines += ["", f"Our load is a process of its own: peak {extra[0]:.1f} GB."]
    if extra[1] is not None:
        taken = seconds(results, size, "increment ours", "increment")
        lines[-1] += f" 10,000 new events: {_text(taken or 0)}, peak {extra[1]:.1f} GB."
    busy = [name for name, side in found.items() if side.get("waiting", 0.0) > cores + 0.5]
    if busy:
        names = ", ".join(busy)
        lines += [
            "",
            f"The machine was at other work as well when these were measured, their times are too long: {names}.",
        ]
    return lines


def _bars(results: dict[str, Any], size: str) -> list[Bar]:
    found = []
    for question, name in _QUESTIONS.items():
        for side, label in _SIDES.items():
            taken = seconds(results, size, side, question)
            if side == "r4pm" and question == "map all":
                taken = seconds(results, size, side, "counts all")
                label = "r4pm (counts only)"
            if taken is not None:
                found.append(Bar(name, label, side, taken))
    return found
