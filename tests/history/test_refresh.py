"""A load refreshes the cases that could have changed, no others, and the traces are those of a full rebuild."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from o2c_mining import bootstrap
from o2c_mining.trace import refresh as refresh_module
from o2c_mining.trace.lens import lens_of
from o2c_mining.trace.select import lens_named
from tests import reference
from tests.conftest import soak
from tests.history.compare import said_by_log, said_by_reference, unlike
from tests.history.erp import KINDS
from tests.history.oracle import COLUMNS, Tables
from tests.history.world import World, quick_machine, small_world, tables_of

COMPANIES = 6
LENSES = ("order", "payment")
TYPES = ("order", "order_item", "invoice", "payment")
LOADS = 2
# What moves documents between cases is tried as often as everything else together.
MOVING = [KINDS.index(kind) for kind in ("bill line", "move line")]
CALM = [index for index, kind in enumerate(KINDS) if kind not in ("begin", "commit", "wait")]
_OBJECTS = {
    "events": (),
    "objects": ("object_id",),
    "e2o": ("object_id",),
    "o2o": ("source_id", "target_id"),
    "object_changes": ("object_id",),
}


def changed_objects(before: Tables, after: Tables) -> set[str]:
    """Objects that a difference between two states speaks of, and those that share an event with another reference."""
    found: set[str] = set()
    events: set[str] = set()
    for table, names in _OBJECTS.items():
        old, new = ({_row(table, row): row for row in tables[table]} for tables in (before, after))
        for key in old.keys() ^ new.keys():
            row = old.get(key) or new[key]
            found.update(str(row[name]) for name in names)
            if table in ("events", "e2o"):
                events.add(str(row["event_id"]))
    references = [(row["event_id"], row["object_id"]) for tables in (before, after) for row in tables["e2o"]]
    return found | {name for event, name in references if event in events}


def _row(table: str, row: Mapping[str, object]) -> str:
    return str([(name, row.get(name)) for name in COLUMNS[table]])


def cases_with(objects: set[str], before: Tables, after: Tables) -> int:
    """Cases over all lenses that one of the objects belongs to, or did, and those that hold an event of a document
    that came into one of these, or left it: whether it is shared may have changed."""
    found = set()
    for lens in LENSES:
        was, now = (_members(lens, tables) for tables in (before, after))
        hit = {case for members in (was, now) for case, inside in members.items() if inside & objects}
        moved = set[str]().union(*(was.get(case, set()) ^ now.get(case, set()) for case in hit))
        refers = [(row["event_id"], row["object_id"]) for row in after["e2o"]]
        events = {event for event, name in refers if name in moved}
        shared = {name for event, name in refers if event in events}
        hit |= {case for case, inside in now.items() if inside & shared}
        found |= {(lens, case) for case in hit}
    return len(found)


def _members(lens: str, tables: Tables) -> dict[str, set[str]]:
    """The objects of each case."""
    types = {row["object_id"]: row["object_type"] for row in tables["objects"]}
    relations = [(row["source_id"], row["target_id"]) for row in tables["o2o"]]
    edges = lens_of(lens, TYPES).edges
    return {case: reference.members(case, types, relations, edges) for case, kind in types.items() if kind == lens}


@pytest.mark.soak
@settings(
    max_examples=soak(4, 100),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_small_load_refreshes_what_it_touches_and_equals_a_rebuild(seed: int) -> None:
    random = Random(seed)
    with quick_machine(), small_world(lenses=LENSES) as world:
        for company in range(1, COMPANIES + 1):
            for kind in ("enter order", "add line", "enter order", "add line"):
                live(world, random, company, KINDS.index(kind))
            for kind in ("enter invoice", "enter invoice", "bill line", "pay", "bill line"):
                live(world, random, company, KINDS.index(kind))
            for invoice in range(2):
                world.erp.pay_also(company, 0, invoice)
        world.extract()
        total = sum(len(rows) for rows in world.meaning().values())
        few = 0
        for _ in range(LOADS):
            before = world.meaning()
            for _ in range(random.randint(1, 3)):
                live(world, random, random.randint(1, COMPANIES), random.choice(random.choice((CALM, MOVING))))
            if random.randrange(2):
                world.erp.pay_also(random.randint(1, COMPANIES), random.randrange(100), random.randrange(100))
            world.erp.clock.tick(60)
            refreshed = world.extract().refreshed_cases
            after = world.meaning()
            could = cases_with(changed_objects(before, after), before, after)
            assert refreshed <= could, (refreshed, could)
            few += refreshed < total / 4
        assert few, "a load of three rows that refreshes everything tells nothing"
        same_as_rebuilt(world)


def live(world: World, random: Random, company: int, kind: int) -> None:
    world.erp.do(company, (kind, random.randrange(100), random.randrange(100), random.randrange(100)))


def same_as_rebuilt(world: World) -> None:
    """Stored traces, traces built anew, and the slow reference say the same."""
    stored = bootstrap.open_log(world.workspace)
    tables = tables_of(world.snapshot())
    with pytest.MonkeyPatch.context() as patch:
        said = {lens: said_by_log(stored, lens) for lens in LENSES}
        patch.setattr(refresh_module, "TRACE_VERSION", -1)  # what is stored counts for nothing now
        rebuilt = bootstrap.open_log(world.workspace)
        for lens in LENSES:
            anew = said_by_log(rebuilt, lens)
            assert not unlike(said[lens], anew), lens
            assert not unlike(anew, said_by_reference(tables, rebuilt, lens, lens_named(rebuilt, lens))), lens
