"""The scheduler: one monitor at a time, rounds that go on after a failure, a clean stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from o2c_mining.errors import ConfigError, ConnectorError, DeliveryError
from o2c_mining.log.event_log import EventLog
from o2c_mining.monitor.channels.file import FileChannel
from o2c_mining.monitor.deliver import Sending
from o2c_mining.monitor.evaluate import evaluate
from o2c_mining.monitor.loop import Monitor, Round, run, run_once
from o2c_mining.state import leases
from tests.monitor.company import BERLIN, TARGETS, Company, goods_issue, sla


def wall() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


def monitor(company: Company, log: EventLog, extract: Callable[[], str | None] = lambda: None) -> Monitor:
    return Monitor(
        state=company.state,
        slas=[sla()],
        calendars={"": BERLIN},
        channels={"sink": FileChannel("sink", company.root / "actions.jsonl")},
        extract=extract,
        open_log=lambda: log,
        version=lambda: log.snapshot.number,
        sending=Sending(holder=leases.holder_name(), clock=wall),
    )


def late(company: Company) -> EventLog:
    return company.load(goods_issue("d1", "2026-03-02 10:00"), watermark="2026-03-05 00:00")


def test_a_round_reads_judges_and_delivers(company: Company) -> None:
    read: list[str] = []
    watcher = monitor(company, late(company), lambda: read.append("read"))
    done = run_once(watcher)
    assert read == ["read"]
    assert (done.evaluations[0].changes, done.delivered.delivered) == (1, 1)
    assert len((company.root / "actions.jsonl").read_bytes().splitlines()) == 1
    again = run_once(watcher)
    assert (again.evaluations[0].changes, again.delivered.delivered) == (0, 0)


def test_a_second_monitor_is_refused_while_the_first_leads(company: Company) -> None:
    watcher = monitor(company, late(company))
    with company.state.write() as session:
        leases.acquire(session, "monitor", "elsewhere:7", now=wall(), seconds=60)
    with pytest.raises(ConfigError, match="another monitor runs on this workspace"):
        run_once(watcher)
    with company.state.write() as session:
        leases.release(session, "monitor", "elsewhere:7", now=wall())
    assert run_once(watcher).delivered.delivered == 1


def test_a_monitor_that_lost_its_lease_writes_nothing(company: Company) -> None:
    log = late(company)
    with company.state.write() as session:
        fence = leases.acquire(session, "monitor", "a:1", now=wall(), seconds=60)
    with company.state.write() as session:
        leases.acquire(session, "monitor", "b:2", now=wall() + timedelta(seconds=61), seconds=600)
    with pytest.raises(DeliveryError, match="another monitor took over"):
        evaluate(company.state, log, sla(), BERLIN, targets=TARGETS, now=wall(), fence=fence)
    assert company.alerts() == ()


def test_the_loop_goes_on_after_a_failure_and_stops_when_asked(company: Company) -> None:
    stop = threading.Event()
    done: list[Round] = []
    calls: list[int] = []

    def extract() -> str | None:
        calls.append(1)
        if len(calls) == 1:
            raise ConnectorError("the source is down; expected an answer; try later")
        return None

    def report(finished: Round) -> None:
        done.append(finished)
        if len(done) == 2:
            stop.set()

    run(monitor(company, late(company), extract), every_seconds=0.01, stop=stop, report=report)
    assert (len(calls), [one.delivered.delivered for one in done]) == (3, [1, 0])
    with company.state.write() as session:
        assert leases.acquire(session, "monitor", "next:1", now=wall(), seconds=60) is not None


def test_a_version_is_looked_at_twice_and_then_left_alone(company: Company) -> None:
    stop = threading.Event()
    done: list[Round] = []

    def report(finished: Round) -> None:
        done.append(finished)
        if len(done) == 4:
            stop.set()

    run(monitor(company, late(company)), every_seconds=0.0, stop=stop, report=report)
    assert [len(one.evaluations) for one in done] == [1, 1, 0, 0]


def test_a_long_round_keeps_its_lease(company: Company) -> None:
    log = late(company)
    waited = threading.Event()

    def extract() -> str | None:
        waited.wait(1.5)
        return None

    watcher = replace(monitor(company, log, extract), lease_seconds=0.6)
    assert run_once(watcher).delivered.delivered == 1


def test_the_alerts_of_a_removed_rule_end_without_a_word(company: Company) -> None:
    watcher = monitor(company, late(company))
    run_once(watcher)
    done = run_once(replace(watcher, slas=[]))
    assert done.delivered.delivered == 0
    assert [(a.state, a.reason) for a in company.alerts(all_versions=True)] == [("resolved", "rule_removed")]
    run_once(watcher)
    assert [(a.episode, a.state) for a in company.alerts(all_versions=True)] == [(1, "resolved"), (2, "firing")]


def test_a_rule_with_an_unknown_calendar_says_which_there_are(company: Company) -> None:
    watcher = replace(monitor(company, late(company)), slas=[sla(calendar="night")])
    with pytest.raises(ConfigError, match="counts by the calendar 'night'; there are: none"):
        run_once(watcher)
