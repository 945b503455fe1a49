"""Sending what the outbox holds, with a channel and a clock that obey the test."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from o2c_mining.errors import ConfigError, DeliveryError
from o2c_mining.monitor import decisions
from o2c_mining.monitor.channels.protocol import EndpointGoneError, Message
from o2c_mining.monitor.deliver import LEASE_SECONDS, SCHEDULE, Delivered, Sending, deliver
from o2c_mining.monitor.inbox import list_actions, list_alerts, list_stopped
from o2c_mining.state import audit
from o2c_mining.state.database import State
from o2c_mining.state.models import Action, ActionState, Alert, AuditRecord
from tests.state.databases import either_state, postgres_server

__all__ = ["either_state", "postgres_server"]
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass(slots=True)
class FakeClock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class FakeChannel:
    name: str = "sink"
    kind: str = "fake"
    target: str = "nowhere"
    sent: Counter[str] = field(default_factory=Counter)
    fail: Callable[[int], Exception | None] = lambda n: None
    seconds: float = 0.0

    def send(self, message: Message, *, now: datetime) -> str:
        if self.seconds:
            time.sleep(self.seconds)
        problem = self.fail(sum(self.sent.values()))
        self.sent[message.key] += 1
        if problem is not None:
            raise problem
        return "ok"


@dataclass(slots=True)
class Office:
    state: State
    clock: FakeClock
    channel: FakeChannel

    def put(self, key: str, **changes: object) -> None:
        """An action and the firing alert it belongs to."""
        alert = str(changes.pop("alert", f"rule:{key}:1"))
        values: dict[str, object] = {
            "key": key,
            "alert_id": alert,
            "rule": "rule",
            "name": "ask",
            "kind": "notify",
            "occasion": "breached",
            "channel": "sink",
            "target": "nowhere",
            "state": ActionState.PROPOSED,
            "attempts": 0,
            "fence": 0,
            "payload": {"type": "alert.breached", "title": key, "text": key, "data": {}},
            "dry_run": False,
            "next_attempt_at": self.clock.now,
            "created_at": self.clock.now,
        }
        with self.state.write() as session:
            if session.get(Alert, alert) is None:
                session.add(
                    Alert(
                        id=alert,
                        rule="rule",
                        rule_version="1",
                        fingerprint=key,
                        episode=1,
                        title="t",
                        state="firing",
                        level="breached",
                        severity="warning",
                        object_type="delivery",
                        object_id=alert,
                        since=START,
                        details={},
                        opened_at=START,
                        updated_at=START,
                    )
                )
                session.flush()
            session.add(Action(**{**values, **changes}))

    def resolve(self, alert: str, reason: str = "stopped_late") -> None:
        with self.state.write() as session:
            session.execute(update(Alert).where(Alert.id == alert).values(state="resolved", reason=reason))

    def deliver(self, **changes: object) -> Delivered:
        options: dict[str, object] = {"holder": "test:1", "clock": self.clock, "jitter": lambda: 1.0, **changes}
        return deliver(self.state, {"sink": self.channel}, Sending(**options))  # type: ignore[arg-type]

    def row(self, key: str) -> Action:
        with self.state.read() as session:
            return session.scalars(select(Action).where(Action.key == key)).one()

    def states(self) -> dict[str, str]:
        return {view.key: view.state for view in list_actions(self.state)}


@pytest.fixture
def office(either_state: State) -> Office:
    return Office(either_state, FakeClock(), FakeChannel())


def test_a_success_is_recorded_and_not_repeated(office: Office) -> None:
    office.put("a")
    assert office.deliver() == Delivered(delivered=1)
    assert office.deliver() == Delivered()
    row = office.row("a")
    assert (row.state, row.attempts, row.outcome, row.sent_at) == ("DELIVERED", 1, "ok", START)
    with office.state.read() as session:
        assert [entry.action for entry in session.scalars(select(AuditRecord))] == ["action delivered"]
        assert audit.first_break(session) is None


def test_failures_follow_the_schedule_of_standard_webhooks_and_end_dead(office: Office) -> None:
    office.put("a")
    office.channel.fail = lambda n: DeliveryError("503")
    waits = []
    for _ in SCHEDULE:
        before = office.clock.now
        office.deliver()
        row = office.row("a")
        if row.state == "DEAD":
            break
        waits.append((row.next_attempt_at - before).total_seconds())
        office.clock.now = row.next_attempt_at - timedelta(seconds=1)
        assert office.deliver() == Delivered()
        office.clock.now = row.next_attempt_at
    assert waits == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert (row.state, row.attempts) == ("DEAD", 10)
    assert office.channel.sent == Counter({"a": 10})


def test_the_target_s_wish_to_wait_longer_is_granted(office: Office) -> None:
    office.put("a")
    office.channel.fail = lambda n: DeliveryError("429", retry_after=600)
    office.deliver()
    assert office.row("a").next_attempt_at == START + timedelta(seconds=600)


def test_a_permanent_failure_is_not_repeated_but_can_be_replayed(office: Office) -> None:
    office.put("a")
    office.channel.fail = lambda n: DeliveryError("550", permanent=True) if n == 0 else None
    assert office.deliver() == Delivered(dead=1)
    with office.state.write() as session:
        decisions.replay(session, "a", by="anna", now=office.clock.now)
    assert office.deliver() == Delivered(delivered=1)
    assert office.channel.sent == Counter({"a": 2})


def test_a_wrong_configuration_is_tried_again_like_any_failure(office: Office) -> None:
    office.put("a")
    office.channel.fail = lambda n: ConfigError("the secret is not set") if n == 0 else None
    assert office.deliver() == Delivered(retry=1)
    office.clock.pass_seconds(5)
    assert office.deliver() == Delivered(delivered=1)


def test_a_target_that_is_gone_stops_its_channel_until_it_is_released(office: Office) -> None:
    office.put("a")
    office.put("b")
    office.channel.fail = lambda n: EndpointGoneError("410") if n == 0 else None
    assert office.deliver() == Delivered(dead=1)
    assert office.states() == {"a": "DEAD", "b": "PROPOSED"}
    assert [row.name for row in list_stopped(office.state)] == ["channel:sink"]
    assert [(a.rule, a.state) for a in list_alerts(office.state, rule="actions_stopped", now=START)] == [
        ("actions_stopped", "firing")
    ]
    with office.state.write() as session:
        decisions.release(session, "channel:sink", by="anna", now=START)
    assert office.deliver() == Delivered(delivered=1)
    assert [a.state for a in list_alerts(office.state, rule="actions_stopped", now=START)] == ["resolved"]


def test_the_kill_switch_stops_everything_at_once(office: Office) -> None:
    for key in "abc":
        office.put(key)

    def stop_now(n: int) -> None:
        if n == 0:
            with office.state.write() as session:
                decisions.stop(session, "actions", by="anna", reason="test", now=START)

    office.channel.fail = stop_now
    assert office.deliver() == Delivered(delivered=1)
    assert office.deliver() == Delivered()
    with office.state.write() as session:
        decisions.release(session, "actions", by="anna", now=START)
    office.channel.fail = lambda n: None
    assert office.deliver() == Delivered(delivered=2)


def test_too_many_actions_open_the_breaker_and_a_person_closes_it(office: Office) -> None:
    for n in range(8):
        office.put(f"k{n}")
    assert office.deliver(per_hour=5) == Delivered(delivered=5, held=1)
    office.clock.pass_seconds(7200)
    assert office.deliver(per_hour=5) == Delivered()
    with office.state.write() as session:
        decisions.release(session, "rule:rule", by="anna", now=office.clock.now)
    assert office.deliver(per_hour=5) == Delivered(delivered=3)


def test_what_is_no_longer_true_is_not_sent(office: Office) -> None:
    office.put("a")
    office.resolve("rule:a:1")
    assert office.deliver() == Delivered(cancelled=1)
    assert "no longer needed: the alert is resolved (stopped_late)" in str(office.row("a").outcome)


def test_a_retraction_is_sent_only_where_something_had_been_sent(office: Office) -> None:
    office.put("a")
    office.put("b")
    office.channel.fail = lambda n: None
    with office.state.write() as session:
        session.execute(update(Action).where(Action.key == "b").values(next_attempt_at=START + timedelta(days=1)))
    office.deliver()
    for key in "ab":
        office.resolve(f"rule:{key}:1", "late_data")
        office.put(f"r{key}", alert=f"rule:{key}:1", occasion="retracted")
    office.clock.pass_seconds(86_400)
    office.deliver()
    assert office.states() == {"a": "DELIVERED", "ra": "DELIVERED", "b": "CANCELLED", "rb": "CANCELLED"}


def test_a_silence_lets_actions_wait_and_then_asks_again(office: Office) -> None:
    office.put("a")
    office.put("b")
    with office.state.write() as session:
        until = START + timedelta(hours=8)
        decisions.silence(session, rule=None, object_id="rule:a:1", until=until, by="anna", reason="known", now=START)
    assert office.deliver() == Delivered(delivered=1, held=1)
    office.clock.pass_seconds(8 * 3600)
    assert office.deliver() == Delivered(delivered=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": None, "object_id": None}, "nothing to silence"),
        ({"until": START + timedelta(days=31)}, "within the next 30 days"),
        ({"until": START}, "within the next 30 days"),
        ({"reason": " "}, "has no reason"),
    ],
)
def test_a_silence_needs_a_subject_an_end_and_a_reason(
    office: Office, options: dict[str, object], message: str
) -> None:
    values: dict[str, object] = {
        "rule": "rule",
        "object_id": None,
        "until": START + timedelta(hours=1),
        "by": "a",
        "reason": "r",
        "now": START,
    }
    with pytest.raises(ConfigError, match=message), office.state.write() as session:
        decisions.silence(session, **{**values, **options})  # type: ignore[arg-type]


def test_a_dry_run_passes_every_check_and_sends_nothing(office: Office) -> None:
    office.put("a", dry_run=True)
    assert office.deliver() == Delivered(cancelled=1)
    assert office.row("a").outcome == "dry run: would have been sent to nowhere"
    assert not office.channel.sent


def test_what_needs_approval_waits_for_it(office: Office) -> None:
    for key in "abc":
        office.put(key, state=ActionState.AWAITING_APPROVAL, expires_at=START + timedelta(hours=72))
    assert office.deliver() == Delivered()
    with office.state.write() as session:
        decisions.approve(session, "a", by="anna", now=START)
        decisions.reject(session, "b", by="anna", reason="no", now=START)
    assert office.deliver() == Delivered(delivered=1)
    office.clock.pass_seconds(72 * 3600)
    office.deliver()
    assert office.states() == {"a": "DELIVERED", "b": "CANCELLED", "c": "EXPIRED"}
    with pytest.raises(ConfigError, match="expected AWAITING_APPROVAL"), office.state.write() as session:
        decisions.approve(session, "c", by="anna", now=START)


def test_a_channel_that_was_removed_leaves_its_actions_waiting(office: Office) -> None:
    office.put("a", channel="old")
    assert office.deliver() == Delivered(held=1)
    assert office.row("a").outcome == "o2c.toml has no channel 'old'"


def test_a_claim_of_a_dead_sender_is_taken_over_when_its_lease_ends(office: Office) -> None:
    office.put("a")
    with office.state.write() as session:
        session.execute(
            update(Action).values(
                state="SENDING",
                attempts=1,
                fence=1,
                holder="elsewhere:1",
                lease_until=START + timedelta(seconds=LEASE_SECONDS),
            )
        )
    assert office.deliver() == Delivered()
    office.clock.pass_seconds(LEASE_SECONDS)
    assert office.deliver() == Delivered(delivered=1)
    assert (office.row("a").attempts, office.row("a").fence) == (2, 2)


def test_a_sender_that_lost_its_lease_does_not_record(office: Office) -> None:
    office.put("a")

    def steal(n: int) -> None:
        if n == 0:
            with office.state.write() as session:
                session.execute(update(Action).values(fence=Action.fence + 1, holder="other:2"))

    office.channel.fail = steal
    office.deliver()
    row = office.row("a")
    assert (row.state, row.holder) == ("SENDING", "other:2")


def test_senders_at_once_send_everything_once(office: Office) -> None:
    keys = [f"k{n:03}" for n in range(60)]
    for key in keys:
        office.put(key)
    office.channel.seconds = 0.002
    problems: list[BaseException] = []

    def work(name: str) -> None:
        try:
            deliver(
                office.state,
                {"sink": office.channel},
                Sending(holder=f"{name}:1", clock=office.clock, per_hour=1000),
            )
        except BaseException as error:  # noqa: BLE001 - shown below
            problems.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert office.channel.sent == Counter(keys)
    assert set(office.states().values()) == {"DELIVERED"}


def test_stopping_leaves_the_rest_for_later(office: Office) -> None:
    for key in "abc":
        office.put(key)
    sending = Sending(holder="test:1", clock=office.clock)
    deliver(office.state, {"sink": office.channel}, sending, should_stop=lambda: sum(office.channel.sent.values()) >= 1)
    assert sorted(office.states().values()) == ["DELIVERED", "PROPOSED", "PROPOSED"]
