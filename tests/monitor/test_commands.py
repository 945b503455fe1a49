"""The commands on a workspace: what they print, what they change, how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from o2c_mining.bootstrap import init_workspace, open_workspace, settings_of
from o2c_mining.cli.main import main
from tests.micro import at, load
from tests.monitor.company import goods_issue, invoice

CONFIG = """
lenses = ["delivery"]
[company]
timezone = "Europe/Berlin"
calendar = "company"
[[channel]]
name = "sink"
kind = "file"
options = { path = "actions.jsonl" }
"""
Command = Callable[..., Any]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "o2c.toml").write_text(CONFIG, encoding="utf-8")
    init_workspace(tmp_path)
    load(
        tmp_path,
        events=[
            goods_issue("d1", "2026-03-02 10:00"),
            invoice("i1", "2026-03-06 10:00"),
            goods_issue("d2", "2026-03-02 11:00"),
        ],
        objects=[("d1", "delivery", 100_00), ("i1", "invoice", 100_00), ("d2", "delivery", 250_50)],
        relations=[("d1", "i1")],
        watermark=at("2026-03-10 00:00"),
        with_settings=settings_of(open_workspace(tmp_path)),
    )
    return tmp_path


@pytest.fixture
def o2c(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*words: str, code: int = 0) -> Any:
        assert main([*words, "-w", str(workspace), "--json"]) == code
        captured = capsys.readouterr()
        return json.loads(captured.out) if code == 0 else captured.err

    return run


def test_from_the_log_to_a_delivered_action(workspace: Path, o2c: Command) -> None:
    done = o2c("monitor", "--once", "--no-extract")
    assert done["evaluations"][0]["changes"] == 2
    assert done["actions"]["delivered"] == 1
    alerts = o2c("alerts", "list")["alerts"]
    agreed = {"id", "rule", "state", "health", "severity", "object_type", "object_id", "since", "due_at", "money"}
    assert all(agreed | {"actions", "currency"} <= set(alert) for alert in alerts)
    assert [(a["object_id"], a["state"], a["money"], a["currency"]) for a in alerts] == [
        ("d2", "firing", "250.50", "EUR"),
        ("d1", "resolved", "100.00", "EUR"),
    ]
    assert alerts[0]["due_at"] == "2026-03-03T16:00:00+00:00"
    (action,) = o2c("actions", "list")["actions"]
    assert {"key", "alert", "kind", "target", "state", "attempts", "dry_run", "outcome"} <= set(action)
    assert (action["state"], action["attempts"], action["alert"]) == ("DELIVERED", 1, alerts[0]["id"])
    line = json.loads((workspace / "actions.jsonl").read_text(encoding="utf-8"))
    assert line["id"] == action["key"]
    assert o2c("actions", "show", action["key"][:10])["payload"]["title"] == line["title"]


def test_deciding_about_alerts_and_actions(o2c: Command) -> None:
    o2c("alerts", "evaluate")
    assert o2c("actions", "stop", "--reason", "test") == {"switch": "actions", "stopped": True}
    assert o2c("monitor", "--once", "--no-extract")["actions"]["delivered"] == 0
    assert o2c("actions", "list")["stopped"][0]["name"] == "actions"
    o2c("actions", "stop", "--release")
    assert o2c("alerts", "ack", "D2", "--by", "anna")["acked_by"] == "anna"
    o2c("alerts", "silence", "D2", "--for", "8h", "--reason", "known")
    assert o2c("monitor", "--once", "--no-extract")["actions"]["held"] == 1
    (alert,) = o2c("alerts", "list", "--state", "firing")["alerts"]
    assert (alert["acked_by"], alert["silenced_until"] is None) == ("anna", False)


def test_replaying_sends_the_same_key_again(workspace: Path, o2c: Command) -> None:
    o2c("monitor", "--once", "--no-extract")
    key = o2c("actions", "list")["actions"][0]["key"]
    assert o2c("actions", "replay", key[:12]) == {"replayed": [key]}
    assert o2c("monitor", "--once", "--no-extract")["actions"]["delivered"] == 1
    lines = (workspace / "actions.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [key, key]


def test_verdicts_of_another_day_change_nothing(o2c: Command) -> None:
    (rule,) = o2c("alerts", "evaluate", "--as-of", "2026-03-03T12:00:00Z")["rules"]
    assert rule["verdicts"] == {"met": 0, "breached": 0, "running": 2, "at_risk": 0, "unknown": 0}
    assert o2c("alerts", "list")["alerts"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["monitor", "--once", "--as-of", "2026-03-01"], "does not look into the past"),
        (["alerts", "list", "--state", "burning"], "expected one of pending, firing, recovering, resolved"),
        (["alerts", "ack", "nothing"], "no alert fits 'nothing'"),
        (["alerts", "silence", "D2"], "expected either --for 8h or --until TIME"),
        (["alerts", "evaluate", "--rule", "x"], "slas/ has: goods_issue_to_invoice"),
        (["actions", "show", "zz"], "no action begins with 'zz'"),
        (["actions", "replay"], "expected either a KEY or --dead"),
        (["actions", "stop", "--release"], "'actions' is not stopped"),
    ],
)
def test_wrong_use_is_told_in_one_line(o2c: Command, words: list[str], message: str) -> None:
    said = o2c(*words, code=2)
    assert message in said
    assert said.startswith("error: ") and said.count("\n") == 1


def test_a_source_that_is_down_is_said_and_the_rest_goes_on(
    workspace: Path, o2c: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workspace / "o2c.toml"
    source = '[[source]]\nname = "erp"\nconnector = "tryton"\nurl = "sqlite:////nowhere/company.sqlite"\n'
    path.write_text(CONFIG + source, encoding="utf-8")
    assert main(["monitor", "--once", "-w", str(workspace), "--json"]) == 3
    captured = capsys.readouterr()
    done = json.loads(captured.out)
    assert done["problem"].startswith("erp: ")
    assert captured.err.startswith("error: erp: ")
    assert done["actions"]["delivered"] == 1


def test_a_target_that_is_down_ends_with_3_and_is_tried_again(workspace: Path, o2c: Command) -> None:
    (workspace / "actions.jsonl").mkdir()
    assert "1 actions did not reach their target" in o2c("monitor", "--once", "--no-extract", code=3)
    (workspace / "actions.jsonl").rmdir()
    (action,) = o2c("actions", "list", "--state", "retry")["actions"]
    o2c("actions", "replay", action["key"])
    assert o2c("monitor", "--once", "--no-extract")["actions"]["delivered"] == 1


def test_the_loop_ends_cleanly_on_sigterm(workspace: Path) -> None:
    command = [sys.executable, "-m", "o2c_mining", "monitor", "--no-extract", "--every", "0.2", "-w", str(workspace)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    sink = workspace / "actions.jsonl"
    until = time.monotonic() + 60
    while not sink.exists() and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, "stopped" in out) == (0, True), err
    assert "Traceback" not in err
