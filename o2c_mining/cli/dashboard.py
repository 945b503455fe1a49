"""``o2c dashboard``: serve the screens of a workspace on this machine until interrupted."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.errors import ConfigError, DeliveryError

HOST = "127.0.0.1"
PORT = 8501
WORKSPACE_VARIABLE = "O2C_WORKSPACE"
_START_SECONDS = 60.0
_STOP_SECONDS = 5.0


def dashboard(
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="Port to listen on.")] = PORT,
    host: Annotated[str, typer.Option("--host", metavar="H", help="Address to listen on.")] = HOST,
) -> int:
    """Serve the dashboards of the workspace until Ctrl-C."""
    return serve(common.workspace().root, host=host, port=port, tell=common.note)


def serve(workspace: Path, *, host: str = HOST, port: int = PORT, tell: Callable[[str], None]) -> int:
    """Run the screens until Ctrl-C; ``tell`` gets the address once they answer. Returns the exit code.

    Raises
    ------
    ConfigError
        If the port is taken, the address is not one of this machine, or the screens are not installed.
    DeliveryError
        If the server does not answer in time.
    """
    check_free(host, port)
    command = server_command(host, port)
    process = subprocess.Popen(command, env=server_environment(workspace, os.environ), start_new_session=True)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        _wait_until_ready(process, host, port)
        tell(f"dashboards: http://{_shown(host)}:{port}  (Ctrl-C stops)")
        return _exit_code(process.wait())
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)
        _stop(process)


def server_command(host: str, port: int) -> list[str]:
    """The command that starts the server; settings that must hold are flags, looks come from the screens' own file."""
    found = importlib.util.find_spec("dashboards")
    if found is None or found.origin is None:
        raise ConfigError("the screens are not installed; expected the package `dashboards`; install o2c-mining again")
    flags = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "logger.level": "warning",
    }
    app = Path(found.origin).parent / "app.py"
    return [sys.executable, "-m", "streamlit", "run", str(app), *(f"--{name}={value}" for name, value in flags.items())]


def server_environment(workspace: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of the server: ours, plus where the workspace is."""
    return {**environment, WORKSPACE_VARIABLE: str(workspace.resolve())}


def check_free(host: str, port: int) -> None:
    """Refuse a port that something else listens on, and an address this machine does not have."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except socket.gaierror as error:
        raise ConfigError(f"unknown host {host!r}; expected an address of this machine; use --host {HOST}") from error
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"cannot listen on {host}:{port} ({error}); expected a free port of this machine; "
            "stop what uses it or choose another with --port"
        ) from error


def _wait_until_ready(process: subprocess.Popen[bytes], host: str, port: int) -> None:
    health = f"http://{_shown(host)}:{port}/_stcore/health"
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(health, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise DeliveryError(
        f"the dashboard server did not answer on {health}; expected it within {_START_SECONDS:.0f} seconds; "
        "read its output above and try again"
    )


def _shown(host: str) -> str:
    """The address a browser on this machine can open."""
    named = {"0.0.0.0": HOST, "": HOST, "::": "[::1]"}.get(host, host)
    return f"[{named}]" if ":" in named and not named.startswith("[") else named


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _exit_code(code: int) -> int:
    return 0 if code in {0, -signal.SIGINT, -signal.SIGTERM} else 3
