"""Ctrl-C while the database engine works ends a command as Ctrl-C elsewhere does."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from o2c_mining import bootstrap
from o2c_mining.cli.main import main
from o2c_mining.errors import LogError

STOPPED = "stopped; what was committed is kept, the next run goes on from there\n"
ENDLESS = """
import sys
from o2c_mining import bootstrap
from o2c_mining.cli.main import main
from o2c_mining.log.engine import connect

def endless(*_, **__):
    print("begun", flush=True)
    engine = connect()
    engine.execute("SET threads = 1")  # with several it hears of the signal when it next hands out work
    engine.execute("SELECT sum(sin(range)) FROM range(1000000000000)").fetchall()

bootstrap.open_workspace = endless
sys.exit(main(["summary"]))
"""


def _hear_interrupts() -> None:
    """A shell that starts the tests in the background makes its children deaf to SIGINT; a user's terminal does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_a_query_that_runs_is_stopped(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=_hear_interrupts,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            time.sleep(1)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, said) == (130, STOPPED)


def _refused() -> LogError:
    error = LogError("the rows cannot be read")
    error.__cause__ = duckdb.InvalidInputException("reading the schema failed: KeyboardInterrupt: ")
    return error


@pytest.mark.parametrize(
    "error", [RuntimeError("Query interrupted"), duckdb.InterruptException("INTERRUPT Error: Interrupted!"), _refused()]
)
def test_however_the_engine_tells_of_it(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(bootstrap, "open_workspace", fails)
    assert main(["-w", str(tmp_path), "summary"]) == 130
    assert capsys.readouterr().err == STOPPED


def test_another_fault_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(bootstrap, "open_workspace", fails)
    assert main(["-w", str(tmp_path), "summary"]) == 2
    assert "unexpected fault: RuntimeError: something else" in capsys.readouterr().err
