"""Whatever happens in a company, and however it is loaded: the log holds what a full load of today would give.

A run is the life of several companies that share nothing but the ERP, the loads and the store, so each run is as many
histories. Every load is compared with what the ERP's rows mean in plain Python; at the end the store is compared row
by row with one that was extracted in full, and its traces with those of that store and with the slow reference.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from o2c_mining import bootstrap
from o2c_mining.exchange.read import Asked
from o2c_mining.log.schema import KEYS
from o2c_mining.maintenance import upkeep
from o2c_mining.trace.refresh import known_types
from o2c_mining.trace.select import lens_named
from tests.conftest import soak
from tests.history.compare import said_by_log, said_by_reference, unlike
from tests.history.erp import KINDS
from tests.history.world import World, content, differences, quick_machine, tables_of

COMPANIES = 20
ENTER_ORDER, ENTER_INVOICE, PAY = (KINDS.index(name) for name in ("enter order", "enter invoice", "pay"))
LENSES = (("order", "payment"), ("order_item", "invoice"))  # two a run: refreshing one costs as much as all else
DAY = st.integers(0, 2**32 - 1)  # the seed of what every company does


class Histories(RuleBasedStateMachine):
    """Companies live, someone extracts now and then, and things change that nobody planned for."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.root = Path(self.stack.enter_context(TemporaryDirectory(prefix="o2c-history-")))
        self.files = Path(self.stack.enter_context(TemporaryDirectory(prefix="o2c-files-")))  # in no workspace
        self.world: World
        self.lived = 0
        self.loads = 0
        self.imported = 0
        self.happened: list[str] = []

    @initialize(seed=DAY)
    def begin(self, seed: int) -> None:
        self.world = World(self.root, lenses=LENSES[seed % 2])
        self.stack.callback(self.world.erp.close)
        for company in range(1, COMPANIES + 1):
            for kind in (ENTER_ORDER, ENTER_INVOICE, PAY):
                self.world.erp.do(company, (kind, company, company, company))
        self.live(seed, days=2)

    def live(self, seed: int, *, days: int, companies: int = COMPANIES) -> None:
        random = Random(seed)
        for _ in range(days):
            for company in range(1, companies + 1):
                kind, a, b, c = (random.randrange(100) for _ in range(4))
                self.happened.append(self.world.erp.do(company, (kind, a, b, c)))
        self.lived += days

    @rule(seed=DAY)
    def a_day(self, seed: int) -> None:
        self.live(seed, days=1)

    @rule(seed=DAY)
    def a_week(self, seed: int) -> None:
        self.live(seed, days=4)

    @rule(seconds=st.sampled_from([-7_200, -86_400 * 20, -600, 600, 86_400 * 3]))
    def the_clock_jumps(self, seconds: int) -> None:
        self.world.erp.clock.jump(seconds)
        self.happened.append(f"the clock jumps by {seconds} s")

    @precondition(lambda self: self.lived > 4)
    @rule(seed=DAY)
    def the_clock_is_a_century_ahead_for_a_moment(self, seed: int) -> None:
        self.world.erp.clock.jump(86_400 * 36_525)
        self.live(seed, days=1, companies=2)
        self.world.erp.clock.jump(-86_400 * 36_525)

    @rule(factor=st.sampled_from([100, 1_000]))
    def a_lookup_changes(self, factor: int) -> None:
        self.world.erp.set_factor(factor)

    @precondition(lambda self: self.lived > 3 and not self.world.erp.has_note_column)
    @rule()
    def the_erp_gets_a_column(self) -> None:
        self.world.erp.add_note_column()
        self.happened.append("the ERP gets a column")

    @precondition(lambda self: self.lived > 3)
    @rule()
    def the_mapping_changes(self) -> None:
        self.world.change_mapping()
        self.happened.append(f"mapping {self.world.version}")

    @precondition(lambda self: self.lived > 2)
    @rule(number=st.integers(1, 9))
    def a_file_is_imported(self, number: int) -> None:
        self.imported = number
        self.import_file(self.world.workspace)
        self.happened.append(f"file {number}")

    def import_file(self, workspace: bootstrap.Workspace) -> None:
        path = self.files / "tickets.csv"
        rows = [
            f"T{n % 3},{('Open', 'Work', 'Close')[n // 3 % 3]},2026-01-{1 + n:02d} 10:00:00"
            for n in range(self.imported)
        ]
        path.write_text("\n".join(["case,activity,timestamp", *rows]) + "\n", encoding="utf-8")
        asked = Asked(case_type="order", accept=True, timezone="UTC")
        bootstrap.import_files(workspace, [path], asked)

    @precondition(lambda self: self.loads > 1)
    @rule()
    def the_store_is_compacted(self) -> None:
        self.loads = 0
        said = tables_of(self.world.snapshot())
        upkeep.compact(
            self.world.workspace, dry_run=False, now=datetime.now(UTC), report=lambda *_: None, on_wait=lambda: None
        )
        after = tables_of(self.world.snapshot())
        assert {name: content(rows) for name, rows in after.items()} == {n: content(r) for n, r in said.items()}
        self.happened.append("compact")

    @precondition(lambda self: self.lived > 1)
    @rule(full=st.sampled_from([False, False, False, True]))
    def extract(self, full: bool) -> None:
        self.lived = 0
        self.loads += 1
        self.world.extract(full=full)
        self.happened.append("extract --full" if full else "extract")
        self.check_rows()

    def check_rows(self) -> None:
        held = {
            table: [row for row in rows if row["entity_key"].startswith("erp:")]
            for table, rows in tables_of(self.world.snapshot()).items()
        }
        found = differences(held, self.world.meaning())
        assert not found, (found, self.happened)

    def teardown(self) -> None:
        try:
            if self.happened:
                self.world.erp.commit_all()
                self.world.extract()
                self.check_rows()
                self.check_against_a_full_load()
        finally:
            self.stack.close()

    def check_against_a_full_load(self) -> None:
        with TemporaryDirectory(prefix="o2c-history-") as folder:
            fresh = self.world.extract_afresh(Path(folder))
            if self.imported:
                self.import_file(fresh)
            here, there = tables_of(self.world.snapshot()), tables_of(bootstrap.open_store(fresh).snapshot())
            for table in KEYS:
                assert content(here[table]) == content(there[table]), (table, self.happened)
            left, right = bootstrap.open_log(self.world.workspace), bootstrap.open_log(fresh)
            assert left.as_of == right.as_of
            for lens in set(self.world.lenses) & set(known_types(right.reader, right.objects)):
                stored, rebuilt = said_by_log(left, lens), said_by_log(right, lens)
                assert not unlike(stored, rebuilt), (lens, unlike(stored, rebuilt), self.happened)
                slow = said_by_reference(there, right, lens, lens_named(right, lens))
                assert not unlike(rebuilt, slow), (lens, unlike(rebuilt, slow), self.happened)


@pytest.mark.soak
def test_histories_end_as_a_full_load_would() -> None:
    runs = soak(200, 5_000) // COMPANIES
    with quick_machine():
        run_state_machine_as_test(
            Histories,
            settings=settings(
                max_examples=runs,
                stateful_step_count=14,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
