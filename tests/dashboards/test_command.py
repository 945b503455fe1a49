"""``o2c dashboard``: says where it is, refuses a taken port, ends cleanly on Ctrl-C."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from o2c_mining.cli.dashboard import check_free, server_command, server_environment
from o2c_mining.cli.main import main
from o2c_mining.errors import ConfigError


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_taken_port_is_refused_in_one_line(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code = main(["-w", str(workspace), "dashboard", "--port", str(taken.getsockname()[1])])
    line = capsys.readouterr().err
    assert code == 2
    assert line.count("\n") == 1
    assert "expected a free port" in line
    assert "--port" in line


def test_an_unknown_host_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown host"):
        check_free("no-such-host.invalid", 8501)


def test_a_folder_that_is_no_workspace_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-w", str(tmp_path), "dashboard"]) == 2
    assert "no o2c.toml" in capsys.readouterr().err


def test_the_server_listens_on_this_machine_and_reports_nothing() -> None:
    command = server_command("127.0.0.1", 8600)
    assert "--server.address=127.0.0.1" in command
    assert "--browser.gatherUsageStats=false" in command
    assert "--client.showErrorDetails=none" in command
    assert server_environment(Path("x"), {"A": "1"})["A"] == "1"


def _hear_interrupts() -> None:
    """A shell that starts the tests in the background makes its children deaf to SIGINT; a user's terminal does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_it_prints_the_address_and_ends_cleanly_when_interrupted(workspace: Path, tmp_path: Path) -> None:
    port = _free_port()
    log = tmp_path / "output.txt"
    command = [sys.executable, "-m", "o2c_mining", "-w", str(workspace), "dashboard", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, preexec_fn=_hear_interrupts)
        try:
            deadline = time.monotonic() + 120
            while f"http://127.0.0.1:{port}" not in log.read_text(encoding="utf-8"):
                assert process.poll() is None and time.monotonic() < deadline, log.read_text(encoding="utf-8")
                time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait(10)
    assert "Traceback" not in log.read_text(encoding="utf-8")
    check_free("127.0.0.1", port)
