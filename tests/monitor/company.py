"""Deliveries with goods issues and invoices, and a monitor over them, for tests of the monitor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from o2c_mining.calendar import WorkCalendar
from o2c_mining.config import Config
from o2c_mining.documents import parse_document
from o2c_mining.log.event_log import EventLog, Settings
from o2c_mining.monitor.evaluate import Evaluated, evaluate
from o2c_mining.monitor.inbox import ActionView, AlertView, list_actions, list_alerts
from o2c_mining.monitor.sla import Sla
from o2c_mining.state.database import State, open_state
from tests.calendar.calendars import calendar
from tests.micro import LANES, at, load, open_micro

BERLIN: WorkCalendar = calendar("Europe/Berlin")
SETTINGS = Settings(config=Config(lenses=("delivery",)), lanes=LANES)
NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
TARGETS = {"sink": "actions.jsonl", "mail": "billing@example.com"}

SLA = """
id: goods_issue_to_invoice
title: Delivered, not invoiced
object_type: delivery
start: Post Goods Issue
stop: Post Invoice
target: 1wd
backfill: open
actions:
  - name: ask
    channel: sink
    subject: "${title}: ${number}"
    text: "${number} waits since ${since}, due ${due_at}: ${amount} ${currency} (${documents})"
"""


def sla(**changes: object) -> Sla:
    """The usual deadline with other values."""
    base = parse_document(SLA, Sla, source="test")
    return Sla.model_validate({**base.model_dump(exclude_unset=True), **changes})


Event = tuple[str, str, str, Sequence[str]]


@dataclass(slots=True)
class Company:
    """A workspace that is loaded step by step and evaluated after each."""

    root: Path
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.state = open_state("sqlite:///state.db", root=self.root)

    def load(
        self,
        *events: Event,
        watermark: str | None = None,
        deleted: Sequence[str] = (),
        precision: dict[str, str] | None = None,
        amounts: Mapping[str, int] | None = None,
    ) -> EventLog:
        """Load events; delivery ``d1`` belongs to order ``o1`` and invoice ``i1``, ``i1a`` is another invoice of it."""
        objects = sorted({name for _, _, _, referred in events for name in referred})
        kinds = {"o": "order", "d": "delivery", "i": "invoice"}
        relations = [(f"o{name[1:]}", name) for name in objects if name[0] == "d"]
        relations += [(f"d{name[1]}", name) for name in objects if name[0] == "i"]
        named = {name for pair in relations for name in pair} | set(objects)
        store = load(
            self.root,
            events=events,
            objects=[(name, kinds[name[0]], (amounts or {}).get(name, 100_00)) for name in sorted(named)],
            relations=relations,
            deleted=deleted,
            precision=precision,
            watermark=at(watermark) if watermark else None,
            with_settings=SETTINGS,
        )
        return open_micro(store, with_settings=SETTINGS)

    def evaluate(
        self, log: EventLog, rule: Sla | None = None, cal: WorkCalendar = BERLIN, **options: bool
    ) -> Evaluated:
        """One evaluation."""
        return evaluate(self.state, log, rule or sla(), cal, targets=TARGETS, now=NOW, **options)

    def alerts(self, **options: object) -> tuple[AlertView, ...]:
        """What the list shows, by rule and object."""
        found = list_alerts(self.state, now=NOW, **options)  # type: ignore[arg-type]
        return tuple(sorted(found, key=lambda alert: (alert.rule, alert.object_id, alert.episode)))

    def actions(self) -> tuple[ActionView, ...]:
        """What the outbox holds, oldest first."""
        return tuple(sorted(list_actions(self.state), key=lambda row: (row.alert or "", row.name, row.occasion)))


def goods_issue(delivery: str, when: str) -> Event:
    """Goods leave the house."""
    return (f"{delivery}:gi", "Post Goods Issue", when, [delivery])


def invoice(name: str, when: str) -> Event:
    """An invoice is posted."""
    return (f"{name}:post", "Post Invoice", when, [name])
