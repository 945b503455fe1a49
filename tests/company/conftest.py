"""The committed sample company, loaded once through the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from o2c_mining.bootstrap import Workspace, open_log, open_workspace
from o2c_mining.log.event_log import EventLog

# A company of one's own, unpacked as the recipe writes it, can be put in place of the committed one.
OWN = os.environ.get("O2C_TEST_COMPANY")
SAMPLE = Path(OWN) if OWN else Path(__file__).resolve().parents[2] / "event_logs" / "tryton_company"


def run_o2c(*arguments: str | Path, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program as a user would."""
    command = [sys.executable, "-m", "o2c_mining", *(str(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)
    if check and done.returncode:
        raise AssertionError(f"o2c {' '.join(command[3:])} ended with {done.returncode}: {done.stderr}")
    return done


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace made by ``o2c demo``; tests that write take a copy."""
    folder = tmp_path_factory.mktemp("company") / "demo"
    if OWN:
        shutil.copytree(SAMPLE, folder / "source")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("O2C_")}
    run_o2c("demo", folder, "--no-serve", env=environment)
    yield folder


@pytest.fixture(scope="session")
def truth() -> dict[str, Any]:
    """What the recipe planted."""
    found: dict[str, Any] = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def workspace(company: Path) -> Workspace:
    """The workspace's settings."""
    return open_workspace(company)


@pytest.fixture(scope="session")
def log(workspace: Workspace) -> EventLog:
    """Its log."""
    return open_log(workspace)
