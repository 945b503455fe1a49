"""A log that is advanced version by version says what one says that is opened afresh."""

from __future__ import annotations

from random import Random

import pytest

import o2c_mining.log.event_log
from o2c_mining import bootstrap
from o2c_mining.log.event_log import EventLog
from tests.conftest import soak
from tests.history.compare import figures, said_by_log, unlike
from tests.history.world import World, quick_machine, small_world

COMPANIES = 6
LENSES = ("order", "payment")
LOADS = 4


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(soak(1, 60)))
def test_many_small_steps_end_where_one_long_one_does(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(o2c_mining.log.event_log, "HELD_BYTES", -1)  # as with a log too large to be held
    random = Random(seed)
    with quick_machine(one_engine=False), small_world(lenses=LENSES) as world:
        live(world, random, days=12)
        world.extract()
        log: EventLog | None = None
        taken = 0
        for load in range(LOADS):
            if load == 2:
                world.change_mapping()
            live(world, random, days=3)
            world.extract()
            log = bootstrap.open_log(world.workspace, previous=log)
            taken += log.base is not None
            if load in (1, LOADS - 1):
                same_as_afresh(world, log, ("order",) if load == 1 else LENSES)
            else:
                said_by_log(log, "order")  # people look at it, so something is in memory that must follow
        assert taken, "no step built on the one before"


def live(world: World, random: Random, *, days: int) -> None:
    for _ in range(days):
        for company in range(1, COMPANIES + 1):
            kind, a, b, c = (random.randrange(100) for _ in range(4))
            world.erp.do(company, (kind, a, b, c))
        world.erp.clock.tick(1_800)


def same_as_afresh(world: World, log: EventLog, lenses: tuple[str, ...]) -> None:
    afresh = bootstrap.open_log(world.workspace)
    assert (log.as_of, log.snapshot.number) == (afresh.as_of, afresh.snapshot.number)
    for lens in lenses:
        assert not unlike(said_by_log(log, lens), said_by_log(afresh, lens)), lens
        assert figures(log, lens) == figures(afresh, lens), lens
