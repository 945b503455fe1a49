"""While the monitor loops in another process and loads come in, the screens' questions run without an error."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from dashboards import data
from o2c_mining.bootstrap import open_workspace, settings_of, version_of
from o2c_mining.trace.select import ObjectFilter
from tests.micro import load

QUERIES = 200
SESSIONS = 4
FIRST_DAY = date(2026, 1, 1)


def _ask(number: int) -> tuple[int, int]:
    """One question as a session would ask it, each with its own filter, so that none is answered from a cache."""
    here = data.opened(data.newest_number())
    lens = "invoice" if number % 3 == 0 else "order"
    region = (("customer.region", ("DACH", "France")),) if number % 2 and lens == "order" else ()
    chosen = ObjectFilter(lens=lens, start=FIRST_DAY + timedelta(days=number % 50), where=region)
    if number % 4 == 0:
        return here.number, data.map_of(here, chosen, True).cases
    if number % 4 == 1:
        return here.number, len(data.ledger_of(here, chosen, False).rows)
    if number % 4 == 2:
        return here.number, data.variants_of(here, chosen, 5).cases
    return here.number, data.step_times_of(here, chosen, "Post Invoice", "Receive Payment", True).count


def _load_orders(root: Path, stop: threading.Event) -> None:
    """A new order every other second, through the real store."""
    settings = settings_of(open_workspace(root))
    for number in range(1000, 2000):
        if stop.wait(2):
            return
        load(
            root,
            events=[(f"x{number}", "Create Order", "2026-09-20 08:00", [f"o{number}"])],
            objects=[(f"o{number}", "order", 100_00)],
            with_settings=settings,
        )


@pytest.mark.slow
def test_200_queries_run_while_the_monitor_loops(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "company"
    shutil.copytree(workspace, root)
    monkeypatch.setenv("O2C_WORKSPACE", str(root))
    before = version_of(open_workspace(root))
    log = tmp_path / "monitor.txt"
    stop = threading.Event()
    loads = threading.Thread(target=_load_orders, args=(root, stop))
    command = [sys.executable, "-m", "o2c_mining", "-w", str(root), "monitor", "--every", "0.1"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            _until_it_judged(log, process)
            loads.start()
            with ThreadPoolExecutor(max_workers=SESSIONS) as pool:
                answers = list(pool.map(_ask, range(QUERIES)))
            assert process.poll() is None, log.read_text(encoding="utf-8")
        finally:
            stop.set()
            process.terminate()
            process.wait(60)
            if loads.ident is not None:
                loads.join()
    assert len(answers) == QUERIES
    assert all(answer > 0 for _, answer in answers)
    assert max(number for number, _ in answers) > before, "no query saw a newer load"
    assert log.read_text(encoding="utf-8").count("actions:") > 5


def _until_it_judged(log: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while "actions:" not in log.read_text(encoding="utf-8"):
        assert process.poll() is None and time.monotonic() < deadline, log.read_text(encoding="utf-8")
        time.sleep(0.2)
