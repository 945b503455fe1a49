"""A workspace works in a folder of any name, or is refused at once with one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from o2c_mining.cli.main import main

NAMES = ['a b\'s #1 (50%) & "c"', "äöü ß 日本 a\u0308", "a*b?c", "{x,y};$HOME=`z`", "C:", " - ", "x" * 200]
REFUSED = ["a[b]", "a]b", "a|b", "a^b", "a\\b", "a%20b", "a\nb", "a\x7fb"]
CSV = (
    "case,activity,time,team\n1,Create Order,2026-01-01T08:00:00Z,Sales\n1,Post Invoice,2026-01-02T08:00:00Z,Billing\n"
    "2,Create Order,2026-01-03T08:00:00Z,Sales\n"
)


@pytest.fixture
def o2c(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs one command in this process: its JSON, or its message where it is refused."""

    def run(*arguments: str | Path) -> Any:
        code = main([str(argument) for argument in (*arguments, "--json")])
        printed = capsys.readouterr()
        return json.loads(printed.out) if code == 0 else (code, printed.err)

    return run


@pytest.mark.parametrize("name", NAMES)
def test_every_command_works_there(tmp_path: Path, name: str, o2c: Any) -> None:
    work, file = tmp_path / name / "work", tmp_path / name / "log.csv"
    other = tmp_path / "axb" / "work"
    other.mkdir(parents=True)
    assert len(o2c("init", work)["written"]) == 4
    file.write_text(CSV, encoding="utf-8")
    loaded = o2c("-w", work, "import", file, "--accept", "--case-type", "order")
    assert loaded["refreshed_cases"] == 2, loaded
    file.write_text(CSV + "2,Post Invoice,2026-01-05T08:00:00Z,Billing\n", encoding="utf-8")
    assert o2c("-w", work, "import", file, "--accept", "--case-type", "order")["refreshed_cases"] == 1
    assert o2c("-w", work, "summary")["events"] == 4
    assert {edge["count"] for edge in o2c("-w", work, "map")["edges"]} == {2}
    assert o2c("-w", work, "store", "compact")["tables"]
    assert o2c("-w", work, "alerts", "list") == {"alerts": []}
    backup = tmp_path / name / "backup.tar"
    assert o2c("-w", work, "store", "backup", backup)["version"] == 3
    restored = tmp_path / name / "again"
    assert o2c("-w", restored, "store", "restore", backup)["backed_up_version"] == 3
    assert o2c("-w", restored, "summary")["events"] == 4
    assert not list(other.iterdir())


@pytest.mark.parametrize("name", REFUSED, ids=repr)
def test_it_is_refused_at_once_and_nothing_is_written(tmp_path: Path, name: str, o2c: Any) -> None:
    work, good = tmp_path / name / "work", tmp_path / "good"
    o2c("init", good)
    o2c("-w", good, "store", "backup", tmp_path / "backup.tar")
    for command in (
        ("init", work),
        ("demo", work, "--no-serve"),
        ("-w", work, "summary"),
        ("-w", work, "store", "restore", tmp_path / "backup.tar"),
    ):
        code, message = o2c(*command)
        assert code == 2
        (line,) = message.strip().splitlines()
        assert "which the event store cannot have; expected" in line
        assert not (tmp_path / name).exists()
    good.rename(tmp_path / "moved")
    (tmp_path / name).mkdir()
    (tmp_path / "moved").rename(work)
    assert "rename the folder" in o2c("-w", work, "import", tmp_path / "log.csv")[1]
    assert not (work / "store").exists()
