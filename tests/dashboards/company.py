"""A small company made for the screens: 90 orders of 12 customers over nine months, the same on every run."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from o2c_mining.bootstrap import init_workspace, open_workspace, settings_of
from tests.micro import load

REGIONS = ("Benelux", "DACH", "France")
ORDERS = 90
CONFIG = """
[company]
name = "Screen Ltd"
timezone = "Europe/Berlin"
currency = "EUR"
calendar = "company"
annual_rate = "0.08"

[[channel]]
name = "sink"
kind = "file"
options = { path = "actions.jsonl" }

[[target]]
kpi = "order_to_cash"
value = "40"
"""

Event = tuple[str, str, str, list[str]]


def build_workspace(root: Path) -> Path:
    """Write the workspace and load its log."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "o2c.toml").write_text(CONFIG, encoding="utf-8")
    init_workspace(root)
    events: list[Event] = []
    objects: list[tuple[str, str, int | None]] = []
    relations: list[tuple[str, str]] = []
    due: dict[str, datetime] = {}
    amounts: dict[tuple[str, str], int] = {}
    dice = random.Random(7)
    for number in range(ORDERS):
        _order(number, dice, events, objects, relations, due, amounts)
    attributes: dict[str, dict[str, object]] = {name: {"region": None} for name, _, _ in objects}
    for customer in range(12):
        objects.append((f"c{customer}", "customer", None))
        attributes[f"c{customer}"] = {"region": REGIONS[customer % 3]}
    objects.sort(key=lambda one: one[1] != "customer")
    load(
        root,
        events=events,
        objects=objects,
        relations=relations,
        attributes=attributes,
        due=due,
        amounts=amounts,
        with_settings=settings_of(open_workspace(root)),
    )
    return root


def _order(
    number: int,
    dice: random.Random,
    events: list[Event],
    objects: list[tuple[str, str, int | None]],
    relations: list[tuple[str, str]],
    due: dict[str, datetime],
    amounts: dict[tuple[str, str], int],
) -> None:
    """One order's life; every ninth is cancelled, late ones stay open."""
    order, delivery, invoice, payment = (f"{kind}{number}" for kind in ("o", "d", "i", "p"))
    value = dice.randrange(500_00, 20_000_00)
    now = datetime(2026, 1, 5, 8, tzinfo=UTC) + timedelta(days=3 * number, hours=dice.random() * 8)
    last = datetime(2026, 10, 1, tzinfo=UTC)

    def happen(activity: str, hours: float, *on: str) -> None:
        nonlocal now
        now += timedelta(hours=hours * (0.5 + dice.random()))
        if now < last:
            events.append((f"e{len(events)}", activity, now.strftime("%Y-%m-%d %H:%M"), list(on)))

    objects.append((order, "order", value))
    relations.append((order, f"c{number % 12}"))
    happen("Create Order", 0, order)
    if number % 9 == 0:
        happen("Cancel Order", 30, order)
        return
    if number % 4 == 1:
        happen("Change Order", 6, order)
    happen("Confirm Order", 40 if number % 3 == 1 else 5, order)
    objects.append((delivery, "delivery", value))
    relations.append((order, delivery))
    happen("Create Delivery", 3, delivery)
    happen("Pick Goods", 8, delivery)
    happen("Pack Goods", 2, delivery)
    happen("Post Goods Issue", 5, delivery)
    objects.append((invoice, "invoice", value))
    relations.append((delivery, invoice))
    happen("Create Invoice", 100, invoice)
    happen("Post Invoice", 2, invoice)
    due[invoice] = now + timedelta(days=14)
    if number % 5 == 2:
        happen("Create Dunning", 24 * 20, invoice)
        happen("Send Dunning", 3, invoice)
    objects.append((payment, "payment", value))
    relations.append((invoice, payment))
    amounts[(invoice, payment)] = value
    happen("Receive Payment", 24 * 16, payment, invoice)
    happen("Apply Payment", 20, payment, invoice)
    happen("Clear Invoice", 1, invoice)
