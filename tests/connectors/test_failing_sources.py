"""What a user sees when a source is not there, is damaged, or does not answer: a code and exactly one line."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from o2c_mining.connect.engine import engine
from tests.connectors.workspace import Ran, SmallWorkspace, small_workspace


@pytest.fixture
def small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> SmallWorkspace:
    return small_workspace(tmp_path, capsys)


def the_line(ran: Ran) -> str:
    """The one line of stderr; an empty line before or after it is a second one."""
    assert ran.err.endswith("\n")
    (line,) = ran.err.removesuffix("\n").split("\n")
    assert line.startswith("error: ")
    assert line.count(";") >= 2, "what is wrong; what was expected; what to do"
    assert ran.out == ""
    return line


def test_missing_database_is_a_wrong_setting(small: SmallWorkspace) -> None:
    small.database.unlink()
    ran = small.run("extract")
    assert ran.code == 2
    line = the_line(ran)
    assert str(small.database) in line
    assert "expected the database named in 'url'" in line


def test_missing_statement_folder_is_a_wrong_setting_and_the_erp_stays_loaded(small: SmallWorkspace) -> None:
    (small.root / "bank" / "S1.xml").unlink()
    (small.root / "bank").rmdir()
    ran = small.run("extract")
    assert ran.code == 2
    assert str(small.root / "bank") in the_line(ran)
    assert small.run("summary", "--json").json["events"] > 0


@pytest.mark.parametrize("damage", ["truncated", "short", "emptied", "overwritten", "holes"])
def test_damaged_database_is_refused_and_named(small: SmallWorkspace, damage: str) -> None:
    whole = small.database.read_bytes()
    assert len(whole) > 20_000
    small.database.write_bytes(
        {
            "truncated": whole[: len(whole) // 2],
            "short": whole[:60],
            "emptied": b"",
            "overwritten": b"this is no database\n" * 2_000,
            "holes": whole[:4096] + b"\xa5" * (len(whole) - 4096),
        }[damage]
    )
    ran = small.run("extract")
    assert ran.code == 4
    line = the_line(ran)
    assert str(small.database) in line
    assert "later" not in line


def test_server_that_does_not_answer_is_worth_a_retry(small: SmallWorkspace) -> None:
    settings = small.root / "o2c.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("sqlite:///source.sqlite", "postgresql://me:secret@127.0.0.1:9/erp"))
    ran = small.run("extract")
    assert ran.code == 3
    line = the_line(ran)
    assert "127.0.0.1:9" in line
    assert "secret" not in line


def test_stderr_stays_empty_when_all_goes_well(small: SmallWorkspace) -> None:
    ran = small.run("extract")
    assert (ran.code, ran.err) == (0, "")


def test_other_faults_are_no_interrupt() -> None:
    with pytest.raises(RuntimeError, match="something else"), engine():
        raise RuntimeError("something else")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Query interrupted"),
        duckdb.InterruptException("INTERRUPT Error: Interrupted!"),
        duckdb.InvalidInputException(
            "reading the schema of the object registered as 'page' failed: KeyboardInterrupt: "
        ),
    ],
)
def test_every_way_in_which_the_engine_tells_of_an_interrupt(error: Exception) -> None:
    with pytest.raises(KeyboardInterrupt), engine():
        raise error
