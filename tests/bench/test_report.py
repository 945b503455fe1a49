"""What the page says follows from the times; sides that disagree are no comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.bench.measure import Measured
from tests.bench.report import bars, write_report
from tests.bench.run import agree


def side(peak: float = 1000.0, facts: dict[str, Any] | None = None, **times: list[float]) -> dict[str, Any]:
    """One side as the JSON has it; underscores in names stand for blanks."""
    return {
        "times": {name.replace("_", " "): taken for name, taken in times.items()},
        "facts": facts or {},
        "peak_mb": peak,
    }


LOG = {"events": 10_000_000, "cases": 700_000, "variants": 1_400}


def results(**more: dict[str, Any]) -> dict[str, Any]:
    """A run at 10 M."""
    found = {"log": side(facts=LOG), "load ours": side(3900.0, load=[50.0]), **more}
    versions = {"duckdb": "2", "o2c-mining": "0"}
    machine = {"processor": "P", "cores": 2, "memory_gb": 8, "python": "3.11", "versions": versions}
    return {"sizes": {"10m": found}, "machine": machine, "date": "2026-01-01"}


def verdicts(found: dict[str, Any]) -> dict[str, bool | None]:
    return {row.question: row.met for row in bars(found)}


def test_a_bar_is_met_by_the_median_and_by_memory() -> None:
    met = verdicts(results(ours=side(map_all=[0.5, 9.0, 0.55, 0.2, 0.61], map_third=[0.31, 0.31, 0.29])))
    assert met["load 10 M: validated, one lens' traces, durable"] is True
    assert met["map, all cases, 10 M"] is True
    assert met["map, a third of the cases, 10 M"] is False
    found = results()
    found["sizes"]["10m"]["load ours"]["peak_mb"] = 4100.0
    assert verdicts(found)["load 10 M: validated, one lens' traces, durable"] is False


def test_ratios_are_theirs_to_ours() -> None:
    found = results(
        ours=side(map_all=[0.5]), pm4py=side(map_all=[20.0], counts_all=[15.1]), duckdb=side(map_all=[0.33])
    )
    met = verdicts(found)
    assert met["map against pm4py, 10 M"] is True
    assert met["map, all cases against plain DuckDB, 10 M"] is False
    found["sizes"]["10m"]["ours"]["times"]["map all"] = [0.49]
    assert verdicts(found)["map, all cases against plain DuckDB, 10 M"] is True


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    met = verdicts(results())
    assert met["alignments of 1,000+ variants"] is None
    xes = {name: verdict for name, verdict in met.items() if "100 MB XES" in name}
    assert list(xes.values()) == [None] * 4
    assert met["10,000 new events on scattered cases: traces and an open reader"] is None


def test_xes_is_held_against_both_readers_of_pm4py() -> None:
    found = results()
    found["sizes"]["1m"] = {
        "xes ours": side(900.0, xes=[3.0]),
        "xes read ours": side(400.0, xes_read=[1.0]),
        "xes pm4py": side(900.0, xes=[6.0]),
        "xes pm4py iterparse": side(900.0, xes=[15.0]),
    }
    store, read = "import of a 100 MB XES into the store, with traces", "reading a 100 MB XES"
    met = {name: verdict for name, verdict in verdicts(found).items() if "XES" in name}
    assert met == {
        f"{store}, against pm4py (iterparse)": True,
        f"{store}, against pm4py (its default, chunk_regex)": False,
        f"{read}, against pm4py (iterparse)": True,
        f"{read}, against pm4py (its default, chunk_regex)": True,
    }
    found["sizes"]["1m"]["xes ours"]["peak_mb"] = 1100.0
    assert verdicts(found)[f"{store}, against pm4py (iterparse)"] is False


def test_the_page_and_the_picture_show_every_side(tmp_path: Path) -> None:
    sides = {"ours": side(map_all=[0.5]), "duckdb": side(map_all=[0.3]), "pm4py": side(map_all=[20.0])}
    write_report(results(**sides), tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| map, all cases | 500 ms | 300 ms | 20.0 s |" in page
    assert "200,000 events/s (50.0 s), 3.9 GB | yes |" in page
    picture = (tmp_path / "images" / "benchmarks.svg").read_text(encoding="utf-8")
    assert picture.count("<rect") == 3
    assert "pm4py 20 s" in picture
    write_report(results(), tmp_path)  # nothing but a load: no new picture
    assert (tmp_path / "images" / "benchmarks.svg").read_text(encoding="utf-8") == picture


def test_sides_that_answer_differently_are_refused() -> None:
    one, other = side(facts={"pairs": 10, "edges": 3}), side(facts={"pairs": 10, "edges": 3})
    agree({"ours": one, "duckdb": other})
    other["facts"]["pairs"] = 11
    with pytest.raises(SystemExit, match="disagree on pairs"):
        agree({"ours": one, "duckdb": other})
    fits = {
        f"alignments {name}": side(facts={"fitness": [1.0, value]}) for name, value in (("ours", 0.5), ("pm4py", 0.6))
    }
    with pytest.raises(SystemExit, match="alignments disagree"):
        agree(fits)


def test_what_takes_long_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 30.0])
    monkeypatch.setattr("tests.bench.measure.time.perf_counter", lambda: next(ticks))
    measured = Measured()
    assert measured.take("slow", lambda: 7) == 7
    assert measured.times == {"slow": [30.0]}
