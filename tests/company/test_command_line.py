"""The contract of the command line: shapes, options before and after, exit codes, one clear line on errors."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.company.conftest import run_o2c

SHAPES = {
    "summary": {
        "events", "objects", "relations", "lens", "cases", "open_cases", "activities", "variants", "first_event",
        "last_event", "sources", "quarantined", "findings",
    },
    "map": {"lens", "cases", "shared_events", "nodes", "edges"},
    "variants": {"lens", "cases", "total", "variants"},
    "handoffs": {"lens", "as_of", "total_seconds", "total_value_days", "currency", "rows"},
    "conformance": {
        "model", "lens", "cases", "fitting_cases", "undecidable_cases", "fitness", "precision", "deviations",
    },
    "kpis": {"as_of", "from", "to", "kpis"},
    "check": {"certificate", "findings"},
    "cases": {"lens", "total", "cases"},
}  # fmt: skip
ROWS = {
    ("map", "nodes"): {"activity", "events", "occurrences", "cases"},
    ("map", "edges"): {"from", "to", "count", "cases", "median_seconds", "p90_seconds", "sum_seconds"},
    ("variants", "variants"): {"rank", "cases", "share", "activities"},
    ("handoffs", "rows"): {
        "from_team", "to_team", "from_system", "to_system", "from_activity", "to_activity", "cause", "count",
        "median_seconds", "p90_seconds", "sum_seconds", "value_days", "cost", "handoff",
    },
    ("conformance", "deviations"): {"kind", "activity", "cases", "share", "value", "extra_seconds"},
    ("kpis", "kpis"): {
        "id", "title", "value", "unit", "numerator", "denominator", "low", "high", "excluded", "formula", "source",
    },
}  # fmt: skip


def _json(*arguments: str | Path) -> Any:
    return json.loads(run_o2c(*arguments, "--json").stdout)


@pytest.mark.parametrize("command", sorted(SHAPES))
def test_json_has_the_agreed_shape(company: Path, command: str) -> None:
    found = _json("-w", company, command)
    assert SHAPES[command] <= set(found)
    for (name, rows), keys in ROWS.items():
        if name == command:
            assert found[rows]
            assert keys <= set(found[rows][0])


def test_options_stand_before_or_after_the_command(company: Path) -> None:
    before = run_o2c("--json", "-w", company, "summary").stdout
    after = run_o2c("summary", "--json", "--workspace", company).stdout
    by_environment = run_o2c("summary", "--json", env={**os.environ, "O2C_WORKSPACE": str(company)}).stdout
    assert before == after == by_environment


def test_durations_and_case(company: Path) -> None:
    found = _json("-w", company, "durations", "Post Goods Issue", "Post Invoice")
    assert {"from", "to", "completed", "open", "median_seconds", "median_ci", "p90_seconds"} <= set(found)
    low, high = found["median_ci"]
    assert low <= found["median_seconds"] <= high
    number = _json("-w", company, "cases", "--limit", "1")["cases"][0]["number"]
    (story,) = _json("-w", company, "case", number)["cases"]
    assert story["number"] == number
    assert all(event["source_table"] and event["source_key"] for event in story["events"])


def test_as_of_shows_the_past(company: Path) -> None:
    now, then = _json("-w", company, "summary"), _json("-w", company, "summary", "--as-of", "2026-03-02")
    assert then["events"] < now["events"]
    assert "2026-03-02T00:00:00+00:00" < then["last_event"] < "2026-03-02T23:00:00+00:00", "all of that day in Berlin"
    assert _json("-w", company, "summary", "--known-at", str(now["version"])) == now


def test_the_first_and_the_last_day_of_all_are_days(company: Path) -> None:
    whole = _json("-w", company, "kpis")
    options = ("--from", "0001-01-01", "--to", "9999-12-31", "--as-of", "9999-12-31")
    assert {kpi["id"] for kpi in _json("-w", company, "kpis", *options)["kpis"]} == {k["id"] for k in whole["kpis"]}
    cases = _json("-w", company, "map")["cases"]
    assert _json("-w", company, "map", "--from", "0001-01-01", "--to", "9999-12-31")["cases"] == cases


def test_a_filter_keeps_whole_cases(company: Path) -> None:
    everything = _json("-w", company, "variants")
    some = _json("-w", company, "variants", "--with", "Cancel Order")
    rest = _json("-w", company, "variants", "--without", "Cancel Order")
    assert some["cases"] + rest["cases"] == everything["cases"]
    assert all("Cancel Order" in variant["activities"] for variant in some["variants"])
    third = _json("-w", company, "variants", "--variant", "3")
    assert third["variants"][0]["activities"] == everything["variants"][2]["activities"]


def test_extracting_again_adds_nothing(company: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(company, copy)
    before = _json("-w", copy, "summary")
    found = _json("-w", copy, "extract")
    assert {batch["accepted"] for batch in found["batches"]} == {0}
    after = _json("-w", copy, "summary")
    assert {k: v for k, v in after.items() if k != "version"} == {k: v for k, v in before.items() if k != "version"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nonsense",), 2, "nonsense"),
        (("summary", "--lens", "invoce"), 2, "unknown object type 'invoce'; the log has:"),
        (("map", "--where", "region"), 2, "expected attribute=value"),
        (("map", "--where", "regoin=DACH"), 2, "unknown attribute 'regoin'"),
        (("map", "--with", "Ship It"), 2, "unknown activity 'Ship It'"),
        (("map", "--from", "yesterday"), 2, "expected YYYY-MM-DD"),
        (("map", "--from", "2026-02-01", "--to", "2026-01-01"), 2, "is not after"),
        (("summary", "--as-of", "noon"), 2, "expected ISO 8601"),
        (("summary", "--as-of", "2026-W01"), 2, "'2026-W01' is no time; expected ISO 8601"),
        (("summary", "--from", "2026-W01-1"), 2, "is no day; expected YYYY-MM-DD"),
        (("summary", "--as-of", "0001-01-01T00:00:00+05:00"), 2, "expected ISO 8601 in the years 1 to 9999 UTC"),
        (("summary", "--as-of", "9999-12-31T23:59:59-05:00"), 2, "expected ISO 8601 in the years 1 to 9999 UTC"),
        (("summary", "--as-of", "0001-01-01"), 4, "nothing happened up to"),
        (("summary", "--as-of", "1999-01-01"), 4, "nothing happened up to"),
        (("summary", "--known-at", "9999"), 4, "version 9999 is not in the store"),
        (("variants", "--variant", "100000"), 2, "variant 100000 does not exist"),
        (("kpis", "dos"), 2, "unknown KPI 'dos'"),
        (("handoffs", "--time", "lunch"), 2, "expected working or calendar"),
        (("case", "SO-NOPE"), 2, "no document has the number 'SO-NOPE'"),
        (("extract", "sap"), 2, "unknown source 'sap'; configured are: tryton, bank"),
        (("durations", "Post Goods Issue", "Fly"), 2, "unknown activity 'Fly'"),
    ],
)
def test_wrong_use_gets_one_line_and_a_code(company: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = run_o2c("-w", company, *arguments, check=False)
    assert done.returncode == code
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert words in line
    assert line.count(";") >= 2, "what is wrong; what was expected; what to do"
    assert done.stdout == ""


def test_no_workspace_and_bad_settings(tmp_path: Path) -> None:
    done = run_o2c("-w", tmp_path, "summary", check=False)
    assert done.returncode == 2
    assert "is no workspace" in done.stderr
    run_o2c("init", tmp_path)
    done = run_o2c("-w", tmp_path, "summary", check=False)
    assert (done.returncode, "the event store is empty" in done.stderr) == (4, True)
    (tmp_path / "o2c.toml").write_text('[company]\ncurency = "EUR"\n', encoding="utf-8")
    done = run_o2c("-w", tmp_path, "summary", check=False)
    assert done.returncode == 2
    assert "did you mean 'currency'?" in done.stderr


def test_help_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from o2c_mining.cli.main import main; main(['--help']); "
        "heavy = ('pandas', 'pm4py', 'duckdb', 'ibis', 'pyarrow', 'sqlalchemy', 'streamlit'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_a_fault_of_the_system_is_one_line_too(tmp_path: Path) -> None:
    run_o2c("init", tmp_path)
    (tmp_path / "store").write_text("not a folder", encoding="utf-8")
    (tmp_path / "o2c.toml").write_text(
        '[[source]]\nname = "bank"\nconnector = "bank_statements"\npath = "bank"\n', encoding="utf-8"
    )
    (tmp_path / "bank").mkdir()
    done = run_o2c("-w", tmp_path, "extract", check=False)
    assert done.returncode in (2, 3, 4)
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_summary_of_chosen_cases_counts_only_theirs(company: Path) -> None:
    whole = _json("-w", company, "summary")
    some, rest = (_json("-w", company, "summary", option, "Cancel Order") for option in ("--with", "--without"))
    assert some["cases"] + rest["cases"] == whole["cases"]
    assert some["objects"]["order"] + rest["objects"]["order"] == whole["objects"]["order"]
    assert 0 < some["events"] < whole["events"]


def test_every_analysis_takes_the_same_filters() -> None:
    for command in ("summary", "map", "variants", "handoffs", "durations", "cases", "kpis", "conformance", "export"):
        shown = run_o2c(command, "--help").stdout
        for option in ("--lens", "--from", "--to", "--where", "--with", "--without", "--variant"):
            assert f"  {option} " in shown, (command, option)
