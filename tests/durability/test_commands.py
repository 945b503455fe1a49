"""``o2c store`` as people call it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from o2c_mining.cli.main import main
from o2c_mining.log.store import Store
from tests.durability.writers import load_numbered


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Three loads of the same source."""
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "o2c.toml").write_text("[store]\nkeep_versions = 1\n")
    for number in (1, 2, 3):
        load_numbered(folder / "store", number)
    return folder


def o2c(capsys: pytest.CaptureFixture[str], workspace: Path, *arguments: str) -> tuple[int, str, str]:
    code = main(["-w", str(workspace), "store", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def as_json(capsys: pytest.CaptureFixture[str], workspace: Path, *arguments: str) -> Any:
    code, out, err = o2c(capsys, workspace, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_versions_are_listed_with_what_they_brought(capsys: pytest.CaptureFixture[str], workspace: Path) -> None:
    assert o2c(capsys, workspace, "pin", "2", "--reason", "audit")[0] == 0
    found = as_json(capsys, workspace, "versions")["versions"]
    assert [(v["version"], v["sources"], v["accepted"], v["kept"], v["pinned"]) for v in found] == [
        (1, ["loads"], 7, True, None),
        (2, ["loads"], 7, True, "audit"),
        (3, ["loads"], 7, True, None),
    ]
    assert "pinned: audit" in o2c(capsys, workspace, "versions")[1]
    assert o2c(capsys, workspace, "unpin", "2")[0] == 0
    assert o2c(capsys, workspace, "unpin", "2")[0] == 4


def test_compact_says_first_what_it_would_do(capsys: pytest.CaptureFixture[str], workspace: Path) -> None:
    planned = as_json(capsys, workspace, "compact", "--dry-run")
    assert [(item["table"], item["files_before"], item["files_after"]) for item in planned["tables"]] == [
        ("e2o", 3, None),
        ("events", 3, None),
    ]
    assert Store(workspace / "store").snapshot().number == 3
    done = as_json(capsys, workspace, "compact")
    assert [(item["table"], item["files_before"], item["files_after"]) for item in done["tables"]] == [
        ("e2o", 3, 1),
        ("events", 3, 1),
    ]
    assert done["version"] == 4
    assert done["freed"] == {"versions": [], "files": 0, "bytes": 0}, "younger than a week"
    assert "no table has small files to gather" in o2c(capsys, workspace, "compact")[1]


def test_an_empty_store_is_no_fault(capsys: pytest.CaptureFixture[str], workspace: Path) -> None:
    shutil.rmtree(workspace / "store")
    assert "the store is empty" in o2c(capsys, workspace, "versions")[1]
    assert o2c(capsys, workspace, "compact", "--dry-run")[0] == 0
    assert o2c(capsys, workspace, "compact")[0] == 0
    code, _, err = o2c(capsys, workspace, "backup", str(workspace.parent / "b"))
    assert code == 4 and err.startswith("error: the event store is empty")
    assert not list(workspace.parent.glob("b*"))


def test_what_is_asked_wrongly_is_one_line(capsys: pytest.CaptureFixture[str], workspace: Path) -> None:
    for arguments, code in (
        (("pin", "9", "--reason", "x"), 4),
        (("pin", "0", "--reason", "x"), 4),
        (("pin", "1", "--reason", ""), 4),
        (("restore", str(workspace.parent / "nothing.tar")), 4),
        (("restore", str(workspace)), 4),
        (("backup", str(workspace)), 2),
    ):
        found, _, err = o2c(capsys, workspace, *arguments)
        assert (found, err.count("\n")) == (code, 1), arguments
        assert err.startswith("error: ") and err.count(";") >= 2
