"""The generator's logs are whole, the same every time, and hold what it says they hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from o2c_mining.analysis.summary import summary
from o2c_mining.bootstrap import import_files, init_workspace, open_log, open_workspace
from o2c_mining.exchange.read import Asked
from o2c_mining.trace.select import ObjectFilter, select
from tests.bench.generate import Generated, add_events, generate
from tests.bench.scenarios import catalogue
from tests.bench.ways import VARIANTS

EVENTS = 7_000


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Generated]:
    """A small log with the flat table beside it."""
    folder = tmp_path_factory.mktemp("generated") / "log"
    return folder, generate(folder, EVENTS, 7, flat=True)


def columns(folder: Path, table: str, *names: str) -> list[tuple[object, ...]]:
    """Rows of a table."""
    read = pq.read_table(folder / f"{table}.parquet", columns=list(names))
    return list(zip(*(read[name].to_pylist() for name in names), strict=True))


def test_the_catalogue_has_distinct_variants_in_order_of_the_flow() -> None:
    scenarios = catalogue(VARIANTS)
    assert len({scenario.activities for scenario in scenarios}) == VARIANTS
    assert sum(not scenario.closed for scenario in scenarios) == 252
    for scenario in scenarios:
        assert scenario.activities[0] == "Create Order"
        known = {step.document for step in scenario.steps}
        assert {document for relation in scenario.relations for document in relation} <= known
        reached = {(0, 0)} | {target for _, target in scenario.relations}
        assert reached == known, "a document nothing leads to would be in no case"


def test_the_same_seed_gives_the_same_log_and_another_one_another(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        generate(tmp_path / name, 2_000, seed)
    for table in ("events", "objects", "e2o", "o2o"):
        first, again, other = (pq.read_table(tmp_path / name / f"{table}.parquet") for name in "abc")
        assert first.equals(again)
        assert not first.equals(other)


def test_every_reference_resolves_and_ids_are_unique(written: tuple[Path, Generated]) -> None:
    folder, _ = written
    events = [row[0] for row in columns(folder, "events", "event_id")]
    types = dict(columns(folder, "objects", "object_id", "object_type"))
    assert len(set(events)) == len(events)
    assert {event for event, _ in columns(folder, "e2o", "event_id", "object_id")} == set(events)
    assert {thing for _, thing in columns(folder, "e2o", "event_id", "object_id")} == set(types)
    related = columns(folder, "o2o", "source_id", "target_id")
    assert {(types[a], types[b]) for a, b in related} == {
        ("order", "delivery"),
        ("order", "invoice"),
        ("delivery", "invoice"),
        ("invoice", "payment"),
    }


def test_payments_settle_what_is_cleared_and_invoices_bill_the_order(written: tuple[Path, Generated]) -> None:
    folder, _ = written
    amounts = dict(columns(folder, "objects", "object_id", "amount_minor"))
    types = dict(columns(folder, "objects", "object_id", "object_type"))
    activity = dict(columns(folder, "events", "event_id", "activity"))
    paid: Counter[object] = Counter()
    for source, target, amount in columns(folder, "o2o", "source_id", "target_id", "amount_minor"):
        assert amount == (amounts[target] if types[target] == "payment" else None)
        paid[source] += amount or 0
    done: dict[object, set[object]] = {}
    for event, thing in columns(folder, "e2o", "event_id", "object_id"):
        done.setdefault(thing, set()).add(activity[event])
    cleared = [thing for thing, activities in done.items() if "Clear Invoice" in activities]
    assert len(cleared) > 250
    assert all(paid[invoice] == amounts[invoice] > 0 for invoice in cleared)
    billed: Counter[object] = Counter()
    order_of = {b: a for a, b in columns(folder, "o2o", "source_id", "target_id")}
    for invoice in (thing for thing, kind in types.items() if kind == "invoice"):
        if "Cancel Invoice" not in done[invoice]:
            order = order_of[invoice]
            billed[order_of.get(order, order)] += amounts[invoice]
    assert all(billed[order] <= amounts[order] for order in billed)
    assert sum(billed[order] == amounts[order] for order in billed) > 350


def test_what_is_imported_counts_as_the_generator_counted(written: tuple[Path, Generated], tmp_path: Path) -> None:
    folder, expected = written
    init_workspace(tmp_path)
    workspace = open_workspace(tmp_path)
    import_files(workspace, [folder], Asked())
    log = open_log(workspace)
    found = summary(log)
    assert found.events == expected.events == pytest.approx(EVENTS, rel=0.1)
    assert found.objects == expected.objects
    assert found.relations == expected.relations
    assert found.object_relations == expected.object_relations
    assert (found.lens, found.cases, found.open_cases) == ("order", expected.cases, expected.open_cases)
    assert found.variants == expected.variants
    assert found.shared_events == 0
    assert found.findings["error"] == 0
    third = log.reader.count(select(log, ObjectFilter(where=(("region", ("EMEA",)),))).cases)
    assert third == pytest.approx(expected.cases / 3, rel=0.2)

    add_events(folder, tmp_path / "more", 50)
    import_files(workspace, [tmp_path / "more"], Asked())
    later = summary(open_log(workspace))
    assert later.events == expected.events + 50
    assert later.objects == expected.objects
    assert later.relations == expected.relations + 50
    assert later.cases == expected.cases
