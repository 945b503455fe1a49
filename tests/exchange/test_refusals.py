"""Why a file or a row is refused: what is wrong with it, what was expected, what to do."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from o2c_mining.bootstrap import init_workspace
from o2c_mining.cli.main import main
from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.apart import read_apart
from o2c_mining.exchange.read import Asked
from o2c_mining.maintenance import upkeep
from tests.exchange.hostile import read, refused
from tests.exchange.logs import load, refused_rows, workspace

BYTES = random.Random(20260105).randbytes(5000)
GOOD = "case,activity,time\n1,A,2026-01-05T10:00Z\n"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": ""}, "the event has no id"),
        ({"type": " "}, "the event has no activity"),
        ({"time": ""}, "the event has no time"),
        ({"time": "MMXXVI-01-05"}, "the event has a time that cannot be read ('MMXXVI-01-05'; expected ISO 8601)"),
        ({"id": "", "type": "", "time": None}, "the event has no id and no activity and no time"),
    ],
)
def test_a_refused_event_says_what_it_lacks(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    good = {"id": "e1", "type": "A", "time": "2026-01-05T10:00:00Z"}
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"objects": [], "events": [good, good | {"id": "e2"} | fields]}), encoding="utf-8")
    assert [row.reason for row in refused_rows(read(path))] == [reason]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 200_000, "is a list in JSON"),
        (b"[1,2,3]", "is a list in JSON"),
        (b'[ {"id": 1} ]', "is a list in JSON"),
        (BYTES, "is no event log"),
        (b'{"objects": [], "events": [{"id": ' + b"9" * 5000 + b"}]}", "a number has more than 4,300 digits"),
        (b"case,activity,,time\n1,A,,2026-01-05T10:00Z\n", "column 3 of 4, after 'activity', has no name"),
        (b",activity,time\n1,A,2026-01-05T10:00Z\n", "column 1 of 3 has no name"),
    ],
)
def test_a_refused_file_says_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "log"
    path.write_bytes(content)
    refused(path, words)


def test_a_table_may_begin_with_a_bracket_or_hold_a_control_character(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(GOOD.replace("case", "[case id]").replace("A,", "\x01A\x02,"), encoding="utf-8")
    assert read(path).tables["events"].num_rows == 1


def test_what_may_not_be_read_is_refused_like_what_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    init_workspace(tmp_path / "w")
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    (tmp_path / "folder").mkdir()

    def denied(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", denied)  # root may read everything
        with pytest.raises(LogError, match=r"folder cannot be read \(Permission denied\); expected a file"):
            read_apart(tmp_path / "folder", Limits(), Asked(), tmp_path)
    # what the command line looks at before the file is opened
    monkeypatch.setattr("os.access", lambda path, *_, **__: not str(path).endswith(".csv"))
    assert main(["-w", str(tmp_path / "w"), "import", str(tmp_path / "a.csv")]) == 0
    assert main(["-w", str(tmp_path / "w"), "import", str(tmp_path / "b.csv")]) == 4
    assert "b.csv cannot be read (No such file or directory)" in capsys.readouterr().err


def test_an_empty_store_names_both_ways_to_fill_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init_workspace(tmp_path)
    assert main(["-w", str(tmp_path), "summary"]) == 4
    assert "run `o2c extract`, or `o2c import` a file" in capsys.readouterr().err


def test_a_pin_of_no_version_names_those_there_are(tmp_path: Path) -> None:
    where = workspace(tmp_path / "w")
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    load(where, tmp_path / "a.csv")
    with pytest.raises(LogError, match="version 99 is not in the store; expected a number from 1 to 1") as error:
        upkeep.pin(where, 99, "audit", now=datetime(2026, 1, 5, tzinfo=UTC))
    assert "o2c store versions" in str(error.value) and "--known-at" not in str(error.value)
