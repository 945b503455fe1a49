"""What was planted is found, and nothing else: recall 1.0 and no false find for every kind of fault."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from o2c_mining.analysis.handoffs import handoffs
from o2c_mining.analysis.kpis import kpis
from o2c_mining.analysis.kpis.invoices import invoices
from o2c_mining.bootstrap import Workspace, open_state
from o2c_mining.conformance.conformance import conformance
from o2c_mining.conformance.reference import reference_model
from o2c_mining.log.event_log import EventLog
from o2c_mining.log.money import major
from o2c_mining.monitor.inbox import list_alerts
from o2c_mining.trace.select import ObjectFilter, select


def _same(what: str, planted: Iterable[object], found: Iterable[object]) -> None:
    """Print recall and false finds, and insist on 1.0 and none."""
    wanted, got = set(planted), set(found)
    assert wanted, f"the company has no planted {what}"
    recall = len(wanted & got) / len(wanted)
    print(f"{what}: {len(wanted)} planted, {len(got)} found, recall {recall:.3f}, {len(got - wanted)} false")
    assert not wanted - got, f"{what} missed: {sorted(map(str, wanted - got))[:5]}"
    assert not got - wanted, f"{what} found falsely: {sorted(map(str, got - wanted))[:5]}"


def test_alerts_are_the_goods_issues_invoiced_too_late(workspace: Workspace, truth: dict[str, Any]) -> None:
    state = open_state(workspace)
    now = datetime.fromisoformat(truth["meta"]["as_of"])
    alerts = list_alerts(state, rule="goods_issue_to_invoice", now=now)
    state.close()
    late = truth["late_invoiced_goods_issues"]
    _same("late goods issue", (row["shipment"] for row in late), (alert.number for alert in alerts))
    planted = {(r["shipment"], _time(r["goods_issue_at"]), _time(r["due_at"]), _time(r["invoiced_at"])) for r in late}
    found = {(a.number, a.since, a.due_at, a.stopped_at) for a in alerts}
    _same("goods issue, due and invoice time", planted, found)
    waiting = {row["shipment"] for row in late if row["invoiced_at"] is None}
    _same("goods issue still waiting", waiting, (a.number for a in alerts if a.state == "firing"))


def test_invoices_before_shipment_are_deviations_of_that_name(log: EventLog, truth: dict[str, Any]) -> None:
    found = conformance(select(log), reference_model("order"))
    documents = [
        d for deviation in found.deviations if deviation.kind == "invoice before shipment" for d in deviation.documents
    ]
    orders = [
        n for deviation in found.deviations if deviation.kind == "invoice before shipment" for n in deviation.numbers
    ]
    _same("invoice before shipment", (row["invoice"] for row in truth["invoices_before_shipment"]), documents)
    _same("order invoiced before shipment", (row["order"] for row in truth["invoices_before_shipment"]), orders)


def test_cancelled_orders(log: EventLog, truth: dict[str, Any]) -> None:
    cases = select(log).cases
    found = log.reader.rows(cases.filter(cases.end_kind == "cancelled").select("number"))
    _same("cancelled order", truth["cancelled_orders"], (row["number"] for row in found))


def test_short_paid_invoices_are_open_with_the_rest(log: EventLog, truth: dict[str, Any]) -> None:
    table = invoices(select(log), log.as_of)
    rows = log.reader.rows(table.filter(table.cleared_at.isnull(), table.applied > 0, ~table.is_credit_note))
    planted = ((row["invoice"], row["open_amount"]) for row in truth["short_paid_invoices"])
    _same("short-paid invoice", planted, ((r["number"], major(r["value"] - r["applied"], "EUR")) for r in rows))


def test_partial_deliveries_are_found_and_conform(log: EventLog, truth: dict[str, Any]) -> None:
    traces = select(log)
    issues = traces.pairs.filter(traces.pairs.activity == "Post Goods Issue")
    counted = issues.group_by("case_id").aggregate(n=issues.count())
    several = counted.filter(counted.n > 1).join(traces.cases, "case_id").select("number")
    planted = set(truth["partial_delivery_orders"])
    # an order whose remainder is not delivered yet has one goods issue so far
    found = {row["number"] for row in log.reader.rows(several)}
    assert found <= planted
    deliveries = traces.members.filter(traces.members.object_type == "delivery")
    per_case = deliveries.group_by("case_id").aggregate(n=deliveries.count())
    orders = per_case.filter(per_case.n > 1).join(traces.cases, "case_id").select("number")
    _same("partial delivery", planted, (row["number"] for row in log.reader.rows(orders)))
    judged = conformance(traces, reference_model("order"))
    deviating = {number for deviation in judged.deviations for number in deviation.numbers}
    assert not planted & deviating


def test_the_two_planted_handoffs_lead_our_side_of_the_ledger(log: EventLog, truth: dict[str, Any]) -> None:
    planted = {(row["from_team"], row["to_team"]) for row in truth["slow_handoffs"]}
    for working in (True, False):
        ledger = handoffs(select(log), working=working)
        leading = [(row.from_team, row.to_team) for row in ledger.rows[:2]]
        print("leading handoffs:", leading, [round(row.ours_value_days) for row in ledger.rows[:3]])
        assert set(leading) == planted


def test_touchless_orders(log: EventLog, truth: dict[str, Any]) -> None:
    (kpi,) = kpis(log, ids=["touchless_orders"]).kpis
    assert kpi.numerator == len(truth["touchless_orders"])


def test_collective_invoices_are_in_every_case_of_theirs(log: EventLog, truth: dict[str, Any]) -> None:
    traces = select(log)
    names = log.objects.filter(log.objects.object_type == "invoice").select("object_id", invoice=log.objects.number)
    if "kind" in log.objects.columns:
        notes = log.objects.filter(log.objects["kind"] == "credit_note").select("object_id")
        names = names.anti_join(notes, "object_id")
    inside = traces.members.join(names, "object_id").join(traces.cases.select("case_id", "number"), "case_id")
    orders: dict[str, set[str]] = {}
    for row in log.reader.rows(inside.select("invoice", "number")):
        if row["invoice"] is not None:
            orders.setdefault(row["invoice"], set()).add(row["number"])
    found = {(invoice, *sorted(numbers)) for invoice, numbers in orders.items() if len(numbers) > 1}
    _same("collective invoice", ((r["invoice"], *sorted(r["orders"])) for r in truth["collective_invoices"]), found)


def test_bank_bookings_are_linked_right_and_nearly_all(log: EventLog, truth: dict[str, Any]) -> None:
    entries = log.objects.filter(log.objects.object_type == "bank_entry").select(
        target_id="object_id", reference="number"
    )
    bills = log.objects.filter(log.objects.object_type == "invoice").select(source_id="object_id", invoice="number")
    links = log.o2o.join(entries, "target_id").join(bills, "source_id")
    found = {(r["reference"], r["invoice"]) for r in log.reader.rows(links.select("reference", "invoice"))}
    planted = {
        (booking["account_servicer_reference"], invoice["number"])
        for booking in truth["bank_bookings"]
        for invoice in booking["invoices"]
    }
    wrong = found - planted
    share = len(found & planted) / len(planted)
    print(f"bank links: {len(planted)} planted, {len(found)} found, {share:.3%} of them, {len(wrong)} wrong")
    assert not wrong, sorted(wrong)[:5]
    assert share >= 0.98


def test_filters_of_the_ledger_partition_it(log: EventLog) -> None:
    whole = handoffs(select(log))
    cases = select(log).cases
    regions = [row["region"] for row in log.reader.rows(cases.select("region").distinct()) if row["region"]]
    assert len(regions) > 1
    parts = [handoffs(select(log, ObjectFilter(where=(("region", (region,)),)))) for region in regions]
    assert sum(part.cases for part in parts) == whole.cases
    assert sum(part.total_value_days for part in parts) == pytest.approx(whole.total_value_days)
    for part in (whole, *parts):
        assert sum(row.sum_seconds for row in part.rows) == pytest.approx(part.total_seconds, abs=1e-3)
        assert sum(row.value_days for row in part.rows) == pytest.approx(part.total_value_days, rel=1e-12)


def test_the_screen_of_the_demo_says_what_was_found(company: Path) -> None:
    assert (company / "actions.jsonl").stat().st_size > 0


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
