"""Whether an event belongs to several cases can change for a case that no load speaks of: stored traces know it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from o2c_mining import bootstrap
from o2c_mining.analysis.process_map import process_map
from o2c_mining.exchange.read import Asked
from o2c_mining.log.store import Store
from o2c_mining.trace import refresh as refresh_module
from o2c_mining.trace.select import ObjectFilter, lens_named, select
from tests.conftest import soak
from tests.history.compare import said_by_log, said_by_reference, unlike
from tests.history.world import quick_machine, tables_of
from tests.micro import load, open_micro

LENSES = ("order",)
EDGES = (("order", "delivery"), ("delivery", "invoice"), ("order", "invoice"), ("invoice", "payment"))
STEPS = {"order": "Create Order", "delivery": "Post Goods Issue", "invoice": "Post Invoice", "payment": "Apply Payment"}
_STEP = timedelta(hours=6)


@dataclass
class Company:
    """What a log should say, and the workspace that a folder with it is imported into, again after every change."""

    root: Path
    types: dict[str, str] = field(default_factory=dict)
    events: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    refers: set[tuple[str, str]] = field(default_factory=set)
    relations: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        kept = ", ".join(f'"{lens}"' for lens in LENSES)
        (self.root / "o2c.toml").write_text(f"lenses = [{kept}]\nlimits.parse_memory_mb = 0\n", encoding="utf-8")
        self.workspace = bootstrap.open_workspace(self.root)

    def happens(self, name: str, *objects: str) -> None:
        """An event on objects, six hours after the one before."""
        when = datetime(2026, 1, 5, tzinfo=UTC) + _STEP * len(self.events)
        self.events[name] = (STEPS[self.types[objects[0]]], when)
        self.refers |= {(name, one) for one in objects}

    def bring(self) -> int:
        """Import it as it is now; returns how many cases were refreshed."""
        folder = self.root / "log"
        folder.mkdir(exist_ok=True)
        rows = {
            "events": [(name, activity, when) for name, (activity, when) in sorted(self.events.items())],
            "objects": sorted(self.types.items()),
            "e2o": [(*pair, "") for pair in sorted(self.refers)],
            "o2o": [(*pair, "") for pair in sorted(self.relations)],
        }
        columns = {
            "events": pa.schema(
                [("event_id", pa.string()), ("activity", pa.string()), ("time", pa.timestamp("us", "UTC"))]
            ),
            "objects": pa.schema([("object_id", pa.string()), ("object_type", pa.string())]),
            "e2o": pa.schema([(name, pa.string()) for name in ("event_id", "object_id", "qualifier")]),
            "o2o": pa.schema([(name, pa.string()) for name in ("source_id", "target_id", "qualifier")]),
        }
        for name, schema in columns.items():
            values = [dict(zip(schema.names, row, strict=True)) for row in rows[name]]
            pq.write_table(pa.Table.from_pylist(values, schema), folder / f"{name}.parquet")
        return bootstrap.import_files(self.workspace, [folder], Asked()).refreshed_cases

    def check(self) -> None:
        """Stored traces, traces built anew and the slow reference say the same."""
        tables = tables_of(bootstrap.open_store(self.workspace).snapshot())
        stored = bootstrap.open_log(self.workspace)
        said = {lens: said_by_log(stored, lens) for lens in LENSES}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(refresh_module, "TRACE_VERSION", -1)  # what is stored counts for nothing now
            anew = bootstrap.open_log(self.workspace)
            for lens in LENSES:
                assert not unlike(said[lens], said_by_log(anew, lens)), lens
                assert not unlike(said[lens], said_by_reference(tables, anew, lens, lens_named(anew, lens))), lens

    def counted(self, activity: str) -> tuple[int, int]:
        """Events and occurrences of an activity on the map of orders."""
        found = process_map(select(bootstrap.open_log(self.workspace), ObjectFilter(lens="order"))).nodes
        return next((node.events, node.occurrences) for node in found if node.activity == activity)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """Two orders; a delivery and an invoice of the first, an event on each document. A third order stands apart."""
    with quick_machine():
        made = Company(tmp_path)
        made.types = {"o1": "order", "o2": "order", "o3": "order", "d1": "delivery", "i1": "invoice"}
        made.relations = {("o1", "d1"), ("d1", "i1")}
        for name in made.types:
            made.happens(f"e_{name}", name)
        yield made


def test_a_new_relation_puts_an_event_into_a_second_case(company: Company) -> None:
    company.bring()
    assert company.counted("Post Goods Issue") == (1, 1)
    company.relations.add(("o2", "d1"))
    assert company.bring() == 2, "the order that gained the delivery, and the one that shares its events now"
    assert company.counted("Post Goods Issue") == (1, 2)
    assert company.counted("Post Invoice") == (1, 2), "farther along the flow"
    company.check()


def test_a_relation_that_goes_leaves_an_event_to_one_case(company: Company) -> None:
    company.relations.add(("o2", "d1"))
    company.bring()
    company.relations.remove(("o2", "d1"))
    assert company.bring() == 2
    company.check()


def test_a_case_that_shares_an_event_over_another_object_is_refreshed(company: Company) -> None:
    """The second order gains a delivery no other order has, but its event refers to the first order's invoice too."""
    company.types["d2"] = "delivery"
    company.happens("both", "d2", "i1")
    company.bring()
    company.check()
    company.relations.add(("o2", "d2"))
    assert company.bring() == 2, "the order that gained the delivery, and the first one, which no change speaks of"
    company.check()
    company.relations.remove(("o2", "d2"))
    company.bring()
    company.check()


def test_a_reference_more_or_less(company: Company) -> None:
    company.bring()
    company.refers.add(("e_i1", "o2"))
    company.bring()
    company.check()
    company.refers.remove(("e_i1", "o2"))
    company.bring()
    company.check()
    company.refers |= {("e_o3", "o2"), ("e_o3", "i1")}
    company.bring()
    company.refers -= {("e_o3", "o3")}
    company.bring()
    company.check()


@pytest.mark.parametrize("first_on", ["o4", "d4"])
def test_a_load_of_events_alone_begins_a_case_that_had_none(company: Company, first_on: str) -> None:
    """A case without events is not stored, nor are its documents: it is found along its relations."""
    company.types |= {"o4": "order", "d4": "delivery"}
    company.relations.add(("o4", "d4"))
    company.bring()
    company.check()
    company.happens("first", first_on)
    assert company.bring() == 1
    company.check()
    company.happens("second", "d4")
    assert company.bring() == 1, "now every order has a case, and the stored members say which"
    company.check()


def test_an_object_that_goes_and_comes_back_with_its_relations_left_behind(company: Company) -> None:
    company.types["d2"] = "delivery"
    company.relations |= {("o2", "d2"), ("d2", "i1")}
    company.happens("both", "d2", "d1")
    company.bring()
    company.check()
    for name in ("d2", "o2", "i1"):
        kind = company.types.pop(name)
        company.bring()
        company.check()
        company.types[name] = kind
        company.bring()
        company.check()


def test_an_event_that_goes_and_comes_back_with_its_references_left_behind(company: Company) -> None:
    company.refers.add(("e_i1", "o2"))
    company.bring()
    kept = company.events.pop("e_i1")
    company.bring()
    company.check()
    company.events["e_i1"] = kept
    company.bring()
    company.check()


def test_an_object_that_becomes_one_of_another_type(tmp_path: Path) -> None:
    """An import refuses it, a source may do it: the delivery is no part of the second order's case any more."""
    events = [(f"e{n}", step, f"2026-01-0{n} 09:00", [name]) for n, (step, name) in enumerate(
        [("Create Order", "o1"), ("Create Order", "o2"), ("Post Goods Issue", "d2"), ("Post Invoice", "i1")], 1
    )]  # fmt: skip
    relations = [("o1", "i1"), ("o2", "d2"), ("d2", "i1")]
    kinds = {"o1": "order", "o2": "order", "d2": "delivery", "i1": "invoice"}
    store = load(tmp_path, events=events, objects=[(n, k, 1) for n, k in kinds.items()], relations=relations)
    assert shared(store) == {("o1", "e4"), ("o2", "e4")}
    load(tmp_path, events=[], objects=[("d2", "payment", 1)])
    assert shared(store) == set()
    load(tmp_path, events=[], objects=[("d2", "delivery", 1)])
    assert shared(store) == {("o1", "e4"), ("o2", "e4")}


def shared(store: Store) -> set[tuple[str, str]]:
    """Case and event of the pairs of orders that say so."""
    log = open_micro(store)
    return {
        (row["case_id"], row["event_id"])
        for row in log.reader.rows(select(log, ObjectFilter(lens="order")).pairs)
        if row["is_shared"]
    }


@pytest.mark.soak
@settings(
    max_examples=soak(3, 200),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_changes_stored_traces_equal_traces_built_anew(seed: int) -> None:
    random = Random(seed)
    with quick_machine(), TemporaryDirectory() as folder:
        company = Company(Path(folder))
        for kind in STEPS:
            company.types |= {f"{kind[0]}{n}": kind for n in range(3)}
        for name in company.types:
            company.happens(f"e_{name}", name)
        for n in range(4):
            company.happens(f"e_{n}", *random.sample(sorted(company.types), 2))
        for _ in range(5):
            company.relations ^= {random.choice(links(company.types))}
        gone: dict[str, str] = {}
        lost: dict[str, tuple[str, datetime]] = {}
        for _ in range(4):
            for _ in range(random.randint(1, 3)):
                change(company, random, gone, lost)
            company.bring()
            company.check()


def change(company: Company, random: Random, gone: dict[str, str], lost: dict[str, tuple[str, datetime]]) -> None:
    """One relation, reference, object or event comes or goes; what refers to what went stays."""
    types = company.types | gone
    choice = random.randrange(8)
    if choice < 3:
        company.relations ^= {random.choice(links(types))}
    elif choice < 5:
        company.refers ^= {(random.choice(sorted(company.events | lost)), random.choice(sorted(types)))}
    elif choice == 5 and gone:
        name = random.choice(sorted(gone))
        company.types[name] = gone.pop(name)
    elif choice == 6:
        name = random.choice([name for name in sorted(company.types) if not name.endswith("0")])
        gone[name] = company.types.pop(name)
    elif choice == 7:
        here, there = (company.events, lost) if len(lost) < 2 else (lost, company.events)
        name = random.choice(sorted(here))
        there[name] = here.pop(name)


def links(types: dict[str, str]) -> list[tuple[str, str]]:
    """Relations there may be."""
    return [(a, b) for a in types for b in types if (types[a], types[b]) in EDGES]
