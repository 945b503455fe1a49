"""``kill -9`` at random moments and named steps of evaluating and delivering: nothing is lost, nothing doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from standardwebhooks.webhooks import Webhook

from o2c_mining.state import audit
from o2c_mining.state.database import open_state
from o2c_mining.state.models import Action, Alert, AlertTransition
from tests.monitor.company import Company, Event, goods_issue
from tests.monitor.crash_child import SECRET
from tests.monitor.receiver import Receiver, flaky, receiving

KILLS = 10
DELIVERIES = 150
SEED = 20260302
POINTS = ("evaluate.decided", "deliver.claimed", "deliver.sent", "deliver.recorded")


def test_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    first = datetime(2026, 3, 2, 9, tzinfo=UTC)
    issues: list[Event] = []
    for n in range(DELIVERIES):
        when = first + timedelta(hours=n * 2)
        issues.append(goods_issue(f"d{n}", when.strftime("%Y-%m-%d %H:%M")))
    company = Company(tmp_path)
    company.load(*issues, watermark="2026-03-02 00:00")
    company.state.close()

    killed = 0
    with receiving(Receiver(answer=flaky(SEED))) as receiver:
        for kill in range(KILLS):
            point = f"{POINTS[kill // 2 % len(POINTS)]}:{dice.randint(1, 9)}" if kill % 2 else ""
            child = start(tmp_path, receiver.url, point)
            if not point:
                time.sleep(dice.uniform(0.0, 1.2))
                child.kill()
            killed += child.wait(timeout=120) == -signal.SIGKILL
            child.stdout.close()  # type: ignore[union-attr]
        child = start(tmp_path, receiver.url)
        assert child.wait(timeout=120) == 0
        child.stdout.close()  # type: ignore[union-attr]
    assert killed >= KILLS // 2
    copies = check(tmp_path, receiver)
    print(f"{killed} kills, {len(receiver.requests)} requests, at most {copies} copies of an action")


def start(root: Path, url: str, point: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.monitor.crash_child", str(root), url]
    environment = {**os.environ, "O2C_FAILPOINT": point}
    here = Path(__file__).parents[2]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=here, env=environment)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def check(root: Path, receiver: Receiver) -> int:
    began = time.monotonic()
    state = open_state("sqlite:///state.db", root=root)
    assert time.monotonic() - began < 5
    with state.read() as session:
        assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert audit.first_break(session) is None
        alerts = list(session.scalars(select(Alert).where(Alert.rule == "goods_issue_to_invoice")))
        actions = list(session.scalars(select(Action)))
        transitions = list(session.scalars(select(AlertTransition)))
        counted = select(Action.transition_id, func.count()).group_by(Action.transition_id)
        written = {row[0]: row[1] for row in session.execute(counted)}
    state.close()
    assert len(alerts) == len({alert.object_id for alert in alerts})
    assert {action.alert_id for action in actions} == {alert.id for alert in alerts}
    assert len(actions) == len(alerts) == DELIVERIES
    assert {transition.id: transition.actions for transition in transitions if transition.actions} == written
    assert {action.state for action in actions} == {"DELIVERED"}
    assert set(receiver.effects) == {action.key for action in actions}
    for request in receiver.requests:
        Webhook(SECRET).verify(request.body, request.headers)
    return max(receiver.effects.values())
