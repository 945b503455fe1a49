"""A case is refreshed also when what changed lies outside it, or when nothing changed but the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

import o2c_mining.log.store
import o2c_mining.trace.refresh
from o2c_mining import bootstrap
from o2c_mining.trace.select import ObjectFilter, select
from tests.history.erp import text
from tests.history.world import World, quick_machine, small_world


class MovedClock:
    """The machine's clock where a test wants it."""

    now_is = datetime(2026, 1, 1, tzinfo=UTC)

    @classmethod
    def now(cls, zone: object) -> datetime:
        return cls.now_is


@pytest.fixture
def world() -> Iterator[World]:
    with quick_machine(), small_world() as made:
        yield made


def activities(world: World, lens: str) -> list[tuple[str, str]]:
    log = bootstrap.open_log(world.workspace)
    pairs = select(log, ObjectFilter(lens=lens)).pairs
    return [(row["activity"], str(row["due_at"])) for row in log.reader.rows(pairs.order_by("case_id", "seq"))]


def test_only_a_due_date_of_the_case_itself_counts(world: World) -> None:
    erp = world.erp.connection
    erp.execute(
        "INSERT INTO invoice VALUES (1, '2026-01-01 08:00:00', NULL, NULL, '2026-02-01', '2026-01-01 08:00:00')"
    )
    erp.execute("INSERT INTO payment VALUES (1, '2026-01-03 08:00:00', '2026-01-03 08:00:00')")
    erp.execute("INSERT INTO allocation VALUES (1, 1, 5, '2026-01-03 08:00:00')")
    world.extract()
    assert activities(world, "payment") == [("Apply Payment", "None")], "the invoice is no part of the payment's case"
    assert {due for _, due in activities(world, "invoice")} == {"2026-02-01 00:00:00+00:00"}
    erp.execute("UPDATE invoice SET due_on = '2026-03-01', changed_at = '2026-01-04 08:00:00'")
    assert world.extract().refreshed_cases == 1, "the invoice"
    assert {due for _, due in activities(world, "invoice")} == {"2026-03-01 00:00:00+00:00"}


def test_an_event_that_was_too_far_ahead_arrives_as_time_passes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(o2c_mining.log.store, "datetime", MovedClock)
    monkeypatch.setattr(o2c_mining.trace.refresh, "datetime", MovedClock)
    day = datetime(2026, 1, 1, 8)  # noqa: DTZ001
    MovedClock.now_is = day.replace(tzinfo=UTC)
    erp = world.erp.connection
    for number, confirmed in ((1, day + timedelta(days=5)), (2, None)):
        erp.execute(
            "INSERT INTO sale VALUES (?, 'draft', ?, ?, NULL, NULL, ?)",
            (number, text(day), text(confirmed) if confirmed else None, text(day)),
        )
    world.extract()
    assert [name for name, _ in activities(world, "order")] == ["Create Order"] * 2
    for days, expected in ((3, 2), (6, 3)):
        MovedClock.now_is = (day + timedelta(days=days)).replace(tzinfo=UTC)
        stamp = text(day + timedelta(days=days))
        erp.execute("UPDATE sale SET channel = 'shop', changed_at = ? WHERE id = 2", (stamp,))
        erp.execute("UPDATE factor SET factor = ?", (100 + days,))
        world.extract()
        assert len(activities(world, "order")) == expected
    assert [name for name, _ in activities(world, "order")] == ["Create Order", "Confirm Order", "Create Order"]
