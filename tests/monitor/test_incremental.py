"""Looking only at what changed gives the same alerts as looking at everything again."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from o2c_mining.monitor.inbox import AlertView
from tests.micro import at
from tests.monitor.company import Company, Event, goods_issue, invoice, sla

EXAMPLES = int(os.environ.get("O2C_TEST_EXAMPLES", "8"))
ORDER: Event = ("o", "Create Order", "2026-03-01 08:00", ["o1"])
MONDAY = at("2026-03-02 08:00")
HOURS = st.integers(0, 10 * 24)
CHANGE = st.tuples(st.sampled_from(["issue", "issue", "invoice", "cancel", "undo"]), st.integers(1, 4), HOURS)
LOAD = st.tuples(st.lists(CHANGE, min_size=1, max_size=4), st.integers(0, 14 * 24))


def events_of(changes: list[tuple[str, int, int]]) -> tuple[dict[str, Event], set[str]]:
    """Events of a load by id (a later change of the same event wins), and which of them are deletions."""
    events: dict[str, Event] = {}
    deleted: set[str] = set()
    for kind, number, hours in changes:
        when = (MONDAY + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M")
        event = goods_issue(f"d{number}", when) if kind == "issue" else invoice(f"i{number}", when)
        if kind == "cancel":
            event = (f"d{number}:x", "Cancel Delivery", when, [f"d{number}"])
        events[event[0]] = event
        deleted.discard(event[0])
        if kind == "undo":
            deleted.add(event[0])
    return events, deleted


def told(alerts: tuple[AlertView, ...]) -> list[tuple[object, ...]]:
    return [
        (a.rule, a.object_id, a.state, a.level, a.health, a.reason, a.since, a.due_at, a.stopped_at, a.episode)
        for a in alerts
    ]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(LOAD, min_size=2, max_size=4))
def test_incremental_equals_full(loads: list[tuple[list[tuple[str, int, int]], int]]) -> None:
    rule = sla(at_risk=50, backfill="all")
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        quick, slow = Company(Path(one)), Company(Path(other))
        read_to = 0
        for changes, further in loads:
            events, deleted = events_of(changes)
            read_to += further
            watermark = (MONDAY + timedelta(hours=read_to)).strftime("%Y-%m-%d %H:%M")
            log = quick.load(*events.values(), ORDER, watermark=watermark, deleted=sorted(deleted))
            first = quick.evaluate(log, rule)
            second = slow.evaluate(log, rule, full=True)
            assert told(quick.alerts()) == told(slow.alerts())
            assert (first.changes, first.unknown, first.health) == (second.changes, second.unknown, second.health)
            assert [(a.key, a.occasion) for a in quick.actions()] == [(a.key, a.occasion) for a in slow.actions()]
        quick.state.close()
        slow.state.close()
