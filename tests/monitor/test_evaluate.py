"""Evaluations over a real store: what is raised, what is taken back, what is written with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from o2c_mining.state import audit
from o2c_mining.state.database import State
from o2c_mining.state.models import Action, AlertTransition, AuditRecord, OpenClock
from tests.calendar.calendars import calendar
from tests.micro import at
from tests.monitor.company import BERLIN, Company, goods_issue, invoice, sla
from tests.state.databases import either_state, postgres_server

__all__ = ["either_state", "postgres_server"]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


def history(company: Company, watermark: str = "2026-03-20 00:00"):  # type: ignore[no-untyped-def]
    return company.load(
        goods_issue("d1", "2026-03-02 10:00"),
        invoice("i1", "2026-03-03 15:59"),
        goods_issue("d2", "2026-03-02 10:00"),
        invoice("i2", "2026-03-06 10:00"),
        goods_issue("d3", "2026-03-02 11:00"),
        goods_issue("d4", "2026-03-09 10:00"),
        ("c4", "Cancel Delivery", "2026-03-12 10:00", ["d4"]),
        goods_issue("d5", "2026-03-09 10:00"),
        invoice("i5", "2026-03-05 10:00"),
        goods_issue("d6", "2026-03-19 10:00"),
        ("x7", "Create Delivery", "2026-03-02 10:00", ["d7"]),
        watermark=watermark,
    )


def brief(company: Company) -> list[tuple[str, str, str | None]]:
    return [(alert.object_id, alert.state, alert.reason) for alert in company.alerts()]


def test_the_alerts_are_the_goods_issues_invoiced_late_or_not_at_all(company: Company) -> None:
    done = company.evaluate(history(company))
    assert (done.health, done.changes, done.unknown) == ("ok", 2, 0)
    assert brief(company) == [("d2", "resolved", "stopped_late"), ("d3", "firing", None)]
    late, waiting = company.alerts()
    assert (late.since, late.due_at) == (at("2026-03-02 10:00"), at("2026-03-03 16:00"))
    assert (late.stopped_at, late.resolved_at) == (at("2026-03-06 10:00"), at("2026-03-06 10:00"))
    assert (waiting.stopped_at, waiting.money, waiting.currency) == (None, "100.00", "EUR")
    assert [(ref["object_type"], ref["number"]) for ref in late.documents] == [
        ("delivery", "D2"),
        ("invoice", "I2"),
        ("order", "O2"),
    ]


def test_only_what_still_waits_gets_an_action_when_a_rule_is_new(company: Company) -> None:
    company.evaluate(history(company))
    (action,) = company.actions()
    assert (action.state, action.occasion, action.target) == ("PROPOSED", "breached", "actions.jsonl")
    assert action.title == "Delivered, not invoiced: D3"
    assert action.text == (
        "D3 waits since 2026-03-02 12:00 CET, due 2026-03-03 17:00 CET: 100.00 EUR (delivery D3, order O3)"
    )


def test_a_digest_tells_of_history_once(company: Company) -> None:
    rule = sla(backfill="digest")
    log = history(company)
    company.evaluate(log, rule)
    company.evaluate(log, rule, full=True)
    (digest,) = company.actions()
    assert (digest.occasion, digest.alert) == ("digest", None)
    assert "2 past breaches of 'Delivered, not invoiced' were found, 1 of them still wait" in digest.text
    assert "delivery D3" in digest.text
    log = company.load(goods_issue("d8", "2026-03-20 10:00"), watermark="2026-03-30 00:00")
    company.evaluate(log, rule)
    assert [(a.occasion, a.title) for a in company.actions() if a.alert] == [
        ("breached", "Delivered, not invoiced: D6"),
        ("breached", "Delivered, not invoiced: D8"),
    ] or sorted(a.title[-2:] for a in company.actions() if a.alert) == ["D6", "D8"]


def test_everything_is_told_when_asked_for(company: Company) -> None:
    company.evaluate(history(company), sla(backfill="all"))
    assert sorted((a.occasion, a.title[-2:]) for a in company.actions()) == [("breached", "D3"), ("history", "D2")]


def test_evaluating_twice_changes_nothing(company: Company, either_state: State) -> None:
    company.state = either_state
    log = history(company)
    company.evaluate(log)
    before = (company.alerts(), company.actions())
    for full in (False, True):
        assert company.evaluate(log, full=full).changes == 0
    assert (company.alerts(), company.actions()) == before


def test_a_late_source_leaves_the_question_open_and_says_so(company: Company) -> None:
    log = company.load(
        goods_issue("d1", "2026-03-02 10:00"),
        ("n", "Create Order", "2026-03-09 10:00", ["o9"]),
        watermark="2026-03-03 12:00",
    )
    done = company.evaluate(log)
    assert (done.health, done.unknown, done.changes) == ("late", 1, 0)
    (late,) = company.alerts()
    assert (late.rule, late.object_id, late.state) == ("source_late", "erp", "firing")
    log = company.load(("n2", "Create Order", "2026-03-09 11:00", ["o9"]), watermark="2026-03-09 12:00")
    done = company.evaluate(log)
    assert (done.health, done.unknown, done.changes) == ("ok", 0, 1)
    assert [(a.rule, a.state) for a in company.alerts()] == [
        ("goods_issue_to_invoice", "firing"),
        ("source_late", "resolved"),
    ]


def test_time_alone_raises_an_alert_when_the_source_was_read_further(company: Company) -> None:
    log = company.load(goods_issue("d1", "2026-03-02 10:00"), watermark="2026-03-02 12:00")
    assert company.evaluate(log).changes == 0
    log = company.load(("n", "Create Order", "2026-03-02 12:30", ["o9"]), watermark="2026-03-03 16:01")
    done = company.evaluate(log)
    assert (done.objects, done.changes) == (1, 1)
    assert brief(company) == [("d1", "firing", None)]


def test_an_invoice_that_arrives_late_takes_the_alert_back(company: Company) -> None:
    company.evaluate(company.load(goods_issue("d1", "2026-03-02 10:00"), watermark="2026-03-05 00:00"))
    log = company.load(invoice("i1", "2026-03-03 12:00"), watermark="2026-03-05 00:00")
    company.evaluate(log)
    (alert,) = company.alerts()
    assert (alert.state, alert.reason, alert.retracted) == ("resolved", "late_data", True)
    assert [action.occasion for action in company.actions()] == ["breached", "retracted"]


def test_a_late_invoice_ends_the_alert_in_event_time(company: Company) -> None:
    company.evaluate(company.load(goods_issue("d1", "2026-03-02 10:00"), watermark="2026-03-05 00:00"))
    company.evaluate(company.load(invoice("i1", "2026-03-05 12:00"), watermark="2026-03-10 00:00"))
    (alert,) = company.alerts()
    assert (alert.state, alert.reason, alert.resolved_at) == ("resolved", "stopped_late", at("2026-03-05 12:00"))
    assert [action.occasion for action in company.actions()] == ["breached"]


def test_an_invoice_taken_back_opens_another_episode(company: Company) -> None:
    company.evaluate(history(company))
    company.evaluate(company.load(invoice("i2", "2026-03-06 10:00"), deleted=["i2:post"], watermark="2026-03-21 00:00"))
    episodes = [(a.episode, a.state) for a in company.alerts() if a.object_id == "d2"]
    assert episodes == [(1, "resolved"), (2, "firing")]


def test_a_goods_issue_that_vanished_is_gone_after_the_second_look(company: Company) -> None:
    company.evaluate(company.load(goods_issue("d1", "2026-03-02 10:00"), watermark="2026-03-05 00:00"))
    log = company.load(
        ("x", "Create Delivery", "2026-03-01 10:00", ["d1"]),
        goods_issue("d1", "2026-03-02 10:00"),
        deleted=["d1:gi"],
        watermark="2026-03-05 00:00",
    )
    assert company.evaluate(log).changes == 0
    assert company.evaluate(log).changes == 1
    assert brief(company) == [("d1", "resolved", "case_gone")]


def test_a_changed_rule_starts_anew_and_a_changed_text_does_not(company: Company) -> None:
    log = history(company)
    company.evaluate(log)
    assert company.evaluate(log, sla(title="Another title", owner="someone")).changes == 0
    done = company.evaluate(log, sla(target="2wd"))
    assert done.changes == 3
    assert [(a.object_id, a.state, a.due_at) for a in company.alerts()] == [
        ("d2", "resolved", at("2026-03-04 16:00")),
        ("d3", "firing", at("2026-03-04 16:00")),
    ]
    old = [a for a in company.alerts(all_versions=True) if a.episode == 1 and a.object_id == "d3"]
    assert [(a.state, a.reason) for a in old] == [("resolved", "rule_changed")]
    assert "resolved" not in {action.occasion for action in company.actions()}


def test_a_changed_calendar_moves_open_clocks_only_and_is_audited(company: Company) -> None:
    log = history(company)
    company.evaluate(log)
    holiday = calendar("Europe/Berlin", d2026_03_03=())
    holiday = type(holiday)(holiday.name, holiday.timezone, holiday.week, holiday.exceptions, version="2")
    company.evaluate(log, cal=holiday)
    due = {a.object_id: a.due_at for a in company.alerts()}
    assert due == {"d2": at("2026-03-03 16:00"), "d3": at("2026-03-04 16:00")}
    with company.state.read() as session:
        (moved,) = session.scalars(select(AuditRecord)).all()
        assert (moved.action, moved.subject[-1]) == ("due date moved", "1")
        assert audit.first_break(session) is None


def test_a_rule_that_cannot_be_judged_keeps_its_alerts_and_complains_the_third_time(company: Company) -> None:
    company.evaluate(history(company))
    rule = sla(target="1wd")
    log = company.load(goods_issue("d9", "2026-03-20 00:00"), precision={"d9:gi": "day"}, watermark="2026-03-21 00:00")
    hours = sla(target="8h", version=1)
    results = [company.evaluate(log, hours) for _ in range(3)]
    assert [(r.health, r.changes) for r in results] == [("error", 0)] * 3
    assert "only know the day" in str(results[0].message)
    states = {(a.rule, a.object_id): (a.state, a.health) for a in company.alerts()}
    assert states[("goods_issue_to_invoice", "d3")] == ("firing", "error")
    assert states[("evaluation_error", "goods_issue_to_invoice")] == ("firing", "ok")
    assert company.evaluate(log, rule).health == "ok"
    states = {(a.rule, a.object_id): (a.state, a.health) for a in company.alerts()}
    assert states[("goods_issue_to_invoice", "d3")] == ("firing", "ok")
    assert states[("evaluation_error", "goods_issue_to_invoice")] == ("resolved", "ok")


def test_every_transition_has_the_actions_it_says(company: Company) -> None:
    company.evaluate(history(company), sla(backfill="all"))
    company.evaluate(company.load(invoice("i3", "2026-03-03 12:00"), watermark="2026-03-21 00:00"), sla(backfill="all"))
    with company.state.read() as session:
        for transition in session.scalars(select(AlertTransition)):
            rows = session.scalars(select(Action).where(Action.transition_id == transition.id)).all()
            assert len(rows) == transition.actions


def test_money_comes_from_the_items_when_the_delivery_has_none(company: Company) -> None:
    from tests.micro import load, open_micro

    store = load(
        company.root,
        events=[goods_issue("d1", "2026-03-02 10:00")],
        objects=[
            ("o1", "order", 900_00),
            ("l1", "order_item", 300_00),
            ("l2", "order_item", 50_00),
            ("d1", "delivery", None),
        ],
        relations=[("o1", "l1"), ("o1", "l2"), ("o1", "d1"), ("l1", "d1"), ("l2", "d1")],
        amounts={("l1", "d1"): 120_00, ("l2", "d1"): 50_00, ("o1", "d1"): 900_00},
        watermark=at("2026-03-05 00:00"),
    )
    company.evaluate(open_micro(store))
    (alert,) = company.alerts()
    assert (alert.money, alert.currency) == ("170.00", "EUR")


def test_open_clocks_are_remembered_until_they_are_decided(company: Company) -> None:
    company.evaluate(history(company), sla(at_risk=50))
    with company.state.read() as session:
        rows = {row.object_id: row.check_after for row in session.scalars(select(OpenClock))}
    assert rows == {"d3": None, "d6": at("2026-03-20 08:30")}
    assert BERLIN.version == "1"


@pytest.mark.parametrize("wrong", [{"start": "Post Good Issue"}, {"stop": "Post Invoyce"}])
def test_a_misspelt_activity_keeps_the_alerts_as_they_are(company: Company, wrong: dict[str, str]) -> None:
    log = history(company)
    company.evaluate(log)
    before = brief(company)
    done = company.evaluate(log, sla(**wrong))
    assert done.health == "error"
    assert next(iter(wrong.values())) in (done.message or "")
    assert [alert for alert in brief(company) if alert[0].startswith("d")] == before
