"""``o2c check`` as people and programs see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from o2c_mining.cli.main import main
from o2c_mining.log.store import Store
from tests import micro
from tests.log.test_findings import PLANTED


def workspace(root: Path, *, error: bool) -> Path:
    """An order whose payment comes at the moment of its invoice; with ``error`` an event of an unknown order."""
    events = [
        ("e1", "Create Order", "2026-01-05 09:00", ["o1"]),
        ("e2", "Confirm Order", "2026-01-05 09:00", ["o1"]),
        ("e3", "Create Order", "2026-01-06 09:00", ["lost"] if error else ["o1"]),
    ]
    (root / "o2c.toml").write_text("", encoding="utf-8")
    micro.load(root, events=events, objects=[("o1", "order", 100), ("o2", "order", 100)], precision={"e3": "day"})
    return root


def test_findings_are_grouped_by_severity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-w", str(workspace(tmp_path, error=True)), "check"]) == 1
    lines = capsys.readouterr().out.splitlines()
    errors, notes = (next(n for n, line in enumerate(lines) if line.startswith(word)) for word in ("ERRORS", "NOTES"))
    assert errors < notes and not any(line.startswith("WARNINGS") for line in lines)
    assert lines[errors + 3].split() == ["dangling", "event", "reference", "1", "e2o", "lost"]
    assert any(line.strip().startswith("to mend it: load the object") for line in lines[errors:notes])
    assert any(line.strip() == "erp: Create Order: 1 of 2" for line in lines[notes:])


@pytest.mark.parametrize("error", [True, False])
def test_the_exit_code_says_whether_an_error_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: bool
) -> None:
    assert main(["-w", str(workspace(tmp_path, error=error)), "check", "--json"]) == (1 if error else 0)
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {(f["rule"], f["severity"], f["table"], f["count"], f["example"]) for f in found} == {
        ("equal stamps", "note", "events", 1, "o1"),
        ("day-only stamps", "note", "events", 1, "e3"),
        *([("dangling event reference", "error", "e2o", 1, "lost")] if error else []),
    }
    assert all(f["why"] and f["mend"] for f in found)


def test_every_finding_is_explained_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs/findings.md").read_text(encoding="utf-8").lower()
    names = {rule for _, expected in PLANTED for rule, _, _ in expected}
    assert len(names) > 20
    for name in names | {"exact duplicate", "clock skew", "gap in a stream", "drop in volume"}:
        assert name in page, name


def test_rows_that_the_newest_load_refused_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row without a time and one without an activity are in no table of the log; once mended they are no finding."""
    (tmp_path / "o2c.toml").write_text("limits.parse_memory_mb = 0\n", encoding="utf-8")
    path = tmp_path / "orders.csv"
    day = "2026-01-05T"

    def waiting(*rows: str) -> tuple[list[dict[str, object]], int]:
        """The findings and the quarantined rows of the summary, once a file of these rows is imported."""
        path.write_text("case,activity,time\n" + "".join(f"1,{row}\n" for row in rows), encoding="utf-8")
        answers = []
        for asked in (["import", str(path)], ["check"], ["summary"]):
            assert main(["-w", str(tmp_path), *asked, "--json"]) == 0
            answers.append(json.loads(capsys.readouterr().out))
        return answers[1]["findings"], answers[2]["quarantined"]

    good, late = f"A,{day}10:00Z", f"C,{day}12:00Z"
    (found,), quarantined = waiting(good, "B,", f",{day}11:00Z", late)
    assert (found["rule"], found["severity"], found["table"], found["count"]) == ("refused row", "warning", "events", 2)
    assert found["example"] == "orders.csv, row 3: the time cannot be read as the mapping says"
    assert found["parts"] == [{"name": "orders.csv", "count": 2, "of": 4}]
    assert quarantined == 2
    # one is mended, the other stands elsewhere now
    (found,), quarantined = waiting(good, f"B,{day}10:30Z", late, f",{day}11:00Z")
    assert (found["count"], quarantined) == (1, 1)
    assert found["example"] == "orders.csv, row 5: the row names no activity"
    # the log does not change, but nothing waits any more
    assert waiting(good, f"B,{day}10:30Z", late) == ([], 0)
    # and the same file again is no version
    versions = len(Store(tmp_path / "store").snapshot().history())
    assert waiting(good, f"B,{day}10:30Z", late) == ([], 0)
    assert len(Store(tmp_path / "store").snapshot().history()) == versions
