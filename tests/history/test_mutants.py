"""Four faults of published loaders, and one of our own past, planted in our code: histories tell each of them.

The faults are those of Airbyte's issues 85918 (the cursor is read in another snapshot than the rows), 14732 (rows of
the same moment), 21500 (OFFSET paging while rows move) and 9668 (long transactions commit below the cursor). Three nets
catch such rows here: the order of cursor and key within one snapshot, the lookback, and the comparison of keys and
stamps. A fault is planted with the other nets taken away; the code as it is, with the same nets away, passes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from o2c_mining.connect import sql_source, staging
from o2c_mining.connect.protocol import Page, Stream
from o2c_mining.connect.sql_source import SqlSource
from tests.history.erp import KINDS
from tests.history.world import World, differences, quick_machine, small_world, tables_of

HISTORIES = 6
PLAIN = ("enter order", "add line", "change amount", "confirm", "enter invoice", "post invoice", "wait", "wait")
LONG = (*PLAIN, "begin", "commit", "commit")
_PAGES = SqlSource.pages


class Busy:
    """People who go on working between two pages of a load."""

    def __init__(self, world: World, random: Random, kinds: tuple[str, ...]) -> None:
        self.world, self.random = world, random
        self.kinds = [KINDS.index(kind) for kind in kinds]
        self.left = 0  # how often a load is still disturbed

    def work(self) -> None:
        """One thing happens; seldom a minute passes with it, so that moments are shared."""
        kind = self.random.choice(self.kinds)
        if KINDS[kind] == "wait":
            self.world.erp.clock.tick(self.random.choice((1, 60)))
        else:
            company = self.random.choice((1, 2))  # one goes on while the other is in a long transaction
            self.world.erp.do(company, (kind, self.random.randrange(100), self.random.randrange(100), 1))

    def meanwhile(self) -> None:
        """Between two pages."""
        if self.left > 0:
            self.left -= 1
            for _ in range(6):
                self.work()

    @property
    def pages(self) -> Callable[[SqlSource, Stream, str | None], Iterator[Page]]:
        """As the product reads them, with work in between."""

        def read(source: SqlSource, stream: Stream, after: str | None) -> Iterator[Page]:
            for page in _PAGES(source, stream, after):
                self.meanwhile()
                yield page

        return read


Patch = Callable[[pytest.MonkeyPatch, Busy], None]


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with quick_machine():
        yield


def no_lookback(patch: pytest.MonkeyPatch, busy: Busy) -> None:
    patch.setattr(sql_source, "LOOKBACK_SECONDS", 0)
    patch.setattr(sql_source, "LOOKBACK_COUNT", 0)


def no_comparison(patch: pytest.MonkeyPatch, busy: Busy) -> None:
    patch.setattr(SqlSource, "keys", lambda self, stream: None)


def no_stamps(patch: pytest.MonkeyPatch, busy: Busy) -> None:
    patch.setattr(staging, "_stamps", lambda stream: [])


def lost(seed: int, kinds: tuple[str, ...], patches: tuple[Patch, ...], *, jumps: bool = False) -> bool:
    """Whether a random history, loaded while people work, ends with a log that is not what the ERP says."""
    random = Random(seed)
    with pytest.MonkeyPatch.context() as patch, small_world(page_rows=3) as world:
        busy = Busy(world, random, kinds)
        patch.setattr(SqlSource, "pages", busy.pages)
        for plant in patches:
            plant(patch, busy)
        for round_ in range(4):
            for _ in range(8):
                busy.work()
            if jumps and round_ == 2:
                world.erp.clock.jump(-86_400)
            busy.left = 4
            world.extract(traces=False)
        busy.left = 0
        world.erp.commit_all()
        world.extract(traces=False)
        return bool(differences(tables_of(world.snapshot()), world.meaning()))


# The faults


def cursor_of_another_snapshot(patch: pytest.MonkeyPatch, busy: Busy) -> None:
    """MAX(cursor) is asked for after the rows were read, when the source has moved on."""
    read = SqlSource.pages

    def pages(source: SqlSource, stream: Stream, after: str | None) -> Iterator[Page]:
        for page in read(source, stream, after):
            order = source._cursor(source._catalog.table(stream.name))
            if page.cursor is not None and order is not None:
                _next_snapshot(source)
                query = sa.select(sa.func.max(order)).select_from(sa.table(stream.name))
                newest = source._connection.execute(query).scalar_one()
                page = replace(page, cursor=json.dumps({**json.loads(page.cursor), "value": str(newest)}))
            yield page

    patch.setattr(SqlSource, "pages", pages)


def after_instead_of_from(patch: pytest.MonkeyPatch, busy: Busy) -> None:
    """``>`` where ``>=`` belongs: a load starts after the cursor's moment."""
    start = SqlSource._look_back

    def look_back(source: SqlSource, table: Any, value: object) -> object:
        found = start(source, table, value)
        return f"{found}\x01" if isinstance(found, str) else found

    patch.setattr(SqlSource, "_look_back", look_back)


def moments_without_keys(patch: pytest.MonkeyPatch, busy: Busy) -> None:
    """The next page starts after the last moment, whatever rows share it."""
    patch.setattr(sql_source, "_after", lambda ordering, last: ordering[0] > last[0])


def offset_paging(patch: pytest.MonkeyPatch, busy: Busy) -> None:
    """Pages are counted off, each read on its own, while rows move to the end."""
    read = SqlSource.pages

    def pages(source: SqlSource, stream: Stream, after: str | None) -> Iterator[Page]:
        table = source._catalog.table(stream.name)
        order = source._cursor(table)
        if order is None or stream.name == "change_log":
            yield from read(source, stream, after)
            return
        state = json.loads(after) if after else None
        query = source._select(table, order).order_by(order, *[sa.column(name) for name in table.key])
        if state is not None:
            query = query.where(order >= source._look_back(table, state["value"]))
        offset = 0
        while True:
            rows = source._connection.execute(query.limit(3).offset(offset)).fetchall()
            if not rows:
                return
            yield Page(source._to_arrow(table, rows), source._written(table, rows[-1][-1], state))
            offset += len(rows)
            busy.meanwhile()
            _next_snapshot(source)

    patch.setattr(SqlSource, "pages", pages)


def _next_snapshot(source: SqlSource) -> None:
    raw = source._connection.connection.driver_connection
    assert raw is not None
    raw.execute("COMMIT")
    raw.execute("BEGIN")


CASES = {
    "cursor of another snapshot": (cursor_of_another_snapshot, PLAIN, (no_lookback, no_comparison), False),
    "after instead of from": (after_instead_of_from, PLAIN, (no_lookback, no_comparison), False),
    "moments without keys": (moments_without_keys, PLAIN, (no_lookback, no_comparison), False),
    "offset paging": (offset_paging, PLAIN, (no_lookback, no_comparison), False),
    "commits below the cursor": (no_lookback, LONG, (no_comparison,), False),
    "clock set back": (no_stamps, PLAIN, (), True),
}


@pytest.mark.parametrize("name", CASES)
def test_a_planted_fault_is_found(name: str) -> None:
    fault, kinds, nets, jumps = CASES[name]
    found = (seed for seed in range(HISTORIES) if lost(seed, kinds, (*nets, fault), jumps=jumps))
    seed = next(found, None)
    assert seed is not None, f"{HISTORIES} histories did not tell the fault"
    assert not lost(seed, kinds, nets, jumps=jumps), "the code as it is loses rows too: the history proves nothing"


def test_the_comparison_of_keys_and_stamps_heals_all_of_them_at_once() -> None:
    faults = (no_lookback, offset_paging, cursor_of_another_snapshot, after_instead_of_from, moments_without_keys)
    assert not lost(0, LONG, faults, jumps=True)
