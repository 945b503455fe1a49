"""Compaction changes files, never what the log says, now or earlier; retention removes what the rule lets go only."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from o2c_mining.analysis.process_map import process_map
from o2c_mining.analysis.summary import summary
from o2c_mining.config import Retention, load_config
from o2c_mining.errors import ConfigError, LogError
from o2c_mining.log import compaction, retention
from o2c_mining.log.durable import log_entry
from o2c_mining.log.event_log import open_event_log
from o2c_mining.log.snapshot import Snapshot
from o2c_mining.log.store import Store
from o2c_mining.trace.select import ObjectFilter, select
from tests.durability.invariants import assert_same_content, rows_of, stored
from tests.durability.writers import EVENTS, load_once
from tests.micro import load, one_order, settings

KEEP_ALL = Retention()
SOON = datetime.now(UTC) + timedelta(days=1)
LATER = datetime.now(UTC) + timedelta(days=30)


def silent(what: str, count: int) -> None:
    pass


def compact(store: Store, **options: Any) -> list[compaction.Compacted]:
    with store.writer() as writer:
        return compaction.compact(writer, silent, **options)


def clean_up(store: Store, rule: Retention, now: datetime, *, dry_run: bool = False) -> retention.Freed:
    with store.writer() as writer:
        return retention.clean_up(writer.base, rule, now=now, dry_run=dry_run, report=silent)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An order that is changed twice, and others that come later: five versions."""
    folder = tmp_path_factory.mktemp("built")
    one_order(folder)
    load(folder, events=[("e8", "Confirm Order", "2026-01-20 09:00", ["o1"])], objects=[])
    load(folder, events=[("e9", "Create Order", "2026-01-21 09:00", ["o2"])], objects=[("o2", "order", 7_00)])
    load(folder, events=[("e8", "Confirm Order", "2026-01-20 09:00", ["o1"])], objects=[], deleted=["e8"])
    load(folder, events=[("e10", "Cancel Order", "2026-01-22 09:00", ["o2"])], objects=[])
    return folder


@pytest.fixture
def store(built: Path, tmp_path: Path) -> Store:
    """A copy of it."""
    shutil.copytree(built / "store", tmp_path / "store")
    return Store(tmp_path / "store")


def said(snapshot: Snapshot) -> list[Any]:
    """What the log says at a version."""
    log = open_event_log(snapshot, settings())
    maps = [process_map(select(log, ObjectFilter(lens=lens))) for lens in ("order", "invoice")]
    return [replace(summary(log, ObjectFilter(lens="order")), version=0), *maps]


def test_the_log_says_the_same_now_and_earlier(store: Store, tmp_path: Path) -> None:
    before = {number: said(store.snapshot(number)) for number in range(1, 6)}
    content, loaded = stored(store.snapshot()), store.snapshot().committed_at
    due = {number: touched_after(store.snapshot(), number) for number in range(6)}
    done = {item.table: item for item in compact(store)}
    assert store.snapshot().number == 6
    assert store.snapshot().committed_at == loaded, "a compaction brings no data"
    assert said(store.snapshot()) == before[5]
    assert {number: said(store.snapshot(number)) for number in range(1, 6)} == before
    assert_same_content(stored(store.snapshot()), content)
    assert {number: touched_after(store.snapshot(), number) for number in range(6)} == due, "a monitor sees the same"
    assert done["events"].files_before == 5 and done["events"].rows_dropped == 0
    assert done["pairs"].rows_dropped > 0, "traces of earlier refreshes are left to the earlier versions"
    assert {len(store.snapshot().files(table)) for table in done} == {1}
    assert compact(store) == [], "a second compaction finds nothing to do"
    load(tmp_path, events=[("e11", "Create Order", "2026-01-23 09:00", ["o3"])], objects=[("o3", "order", 1_00)])
    assert len(rows_of(store.snapshot(), "events")) == 12, "loading goes on"


def test_a_case_that_lost_its_last_event_stays_without_one(store: Store, tmp_path: Path) -> None:
    event = ("e20", "Create Order", "2026-02-01 09:00", ["o9"])
    load(tmp_path, events=[event], objects=[("o9", "order", 1_00)])
    load(tmp_path, events=[event], objects=[], deleted=["e20"])
    before = said(store.snapshot())
    compact(store)
    (row,) = [row for row in rows_of(store.snapshot(), "touched") if row["case_id"] == "o9"]
    assert row["case_no"] is None
    load(tmp_path, events=[("e21", "Create Order", "2026-01-10 09:00", ["o8"])], objects=[("o8", "order", 1_00)])
    load(tmp_path, events=[("e21", "Create Order", "2026-01-10 09:00", ["o8"])], objects=[], deleted=["e21"])
    assert said(store.snapshot())[1:] == before[1:]


def touched_after(snapshot: Snapshot, number: int) -> set[tuple[str, str]]:
    return {(r["lens"], r["case_id"]) for r in rows_of(snapshot, "touched") if r["refresh_seq"] > number}


def test_rewritten_files_are_sorted_and_files_that_are_large_stay(store: Store) -> None:
    compact(store)
    (pairs,) = store.snapshot().files("pairs")
    order = [(row["lens"], row["case_no"], row["seq"]) for row in pq.read_table(pairs).to_pylist()]
    assert order == sorted(order)
    (events,) = store.snapshot().files("events")
    times = pq.read_table(events)["time"].to_pylist()
    assert times == sorted(times)
    load(store.root.parent, events=[("e12", "Create Order", "2026-01-24 09:00", ["o1"])], objects=[])
    load(store.root.parent, events=[("e13", "Create Order", "2026-01-24 09:00", ["o1"])], objects=[])
    large = Path(events).stat().st_size
    compact(store, small_bytes=large)
    assert events in store.snapshot().files("events")


def test_who_reads_is_not_disturbed(store: Store) -> None:
    opened = store.snapshot()
    before = {table: rows_of(opened, table) for table in opened.versions}
    compact(store)
    clean_up(store, Retention(keep_versions=1), SOON)
    assert {table: rows_of(opened, table) for table in opened.versions} == before


def test_the_rule_decides_what_stays_and_pins_overrule_it(store: Store, tmp_path: Path) -> None:
    compact(store)
    load(tmp_path, events=[("e11", "Create Order", "2026-01-23 09:00", ["o3"])], objects=[("o3", "order", 1_00)])
    two = Retention(keep_versions=2)
    assert clean_up(store, KEEP_ALL, LATER).versions == ()
    assert clean_up(store, two, SOON).versions == (), "a reader may have them open for a week"
    assert clean_up(store, Retention(keep_days=60), LATER).versions == ()
    before = {number: said(store.snapshot(number)) for number in (2, 6, 7)}
    with store.writer():
        retention.pin(store.root, store.snapshot(2), "audit 2026", now=SOON)
    planned = clean_up(store, two, LATER, dry_run=True)
    assert store.snapshot(1).number == 1, "a dry run removes nothing"
    freed = clean_up(store, two, LATER)
    assert freed == planned
    assert freed.versions == (1, 3, 4, 5)
    assert freed.files > 0
    assert {number: said(store.snapshot(number)) for number in (2, 6, 7)} == before
    for gone in (1, 3, 4, 5):
        with pytest.raises(LogError, match=f"version {gone} was removed by the retention rule; expected .*versions"):
            store.snapshot(gone)
    times = {row["commit"]: row["committed_at"] for row in store.snapshot().history()}
    assert isinstance(times[3], datetime)
    with pytest.raises(LogError, match="version 3 was removed"):
        store.snapshot(times[3])
    with pytest.raises(LogError, match="version 5 is not pinned; pinned are: 2"):
        retention.unpin(store.root, 5)
    with store.writer():
        retention.unpin(store.root, 2)
    assert clean_up(store, two, LATER).versions == (2,)
    assert {number: said(store.snapshot(number)) for number in (6, 7)} == {6: before[6], 7: before[7]}


def test_a_pin_needs_a_reason(store: Store) -> None:
    with store.writer(), pytest.raises(LogError, match="a pin has no reason"):
        retention.pin(store.root, store.snapshot(2), "  ", now=SOON)


def test_what_a_killed_writer_left_goes_when_it_is_old(store: Store) -> None:
    left = store.root / "events" / "part-left-behind.parquet"
    left.write_bytes(b"nobody names me")
    assert clean_up(store, KEEP_ALL, datetime.now(UTC)).files == 0
    os.utime(left, (0, 0))
    assert clean_up(store, KEEP_ALL, datetime.now(UTC)).files == 1
    assert not left.exists()


def test_a_commit_that_is_damaged_after_a_clean_up_is_undone(store: Store, tmp_path: Path) -> None:
    compact(store)
    for file in (store.root / "batches").rglob("*"):
        os.utime(file, (0, 0))
    assert clean_up(store, Retention(keep_versions=1), LATER).files > 0
    content = stored(store.snapshot())
    load(tmp_path, events=[("e11", "Create Order", "2026-01-23 09:00", ["o3"])], objects=[("o3", "order", 1_00)])
    before = store.snapshot()
    entry = log_entry(store.root / "events", before.versions["events"])
    entry.write_bytes(bytes(entry.stat().st_size))
    assert_same_content(stored(store.snapshot()), content)
    number = load_once(store.root, "erp")
    after = store.snapshot()
    assert number == after.number == 7
    assert after.store_epoch == before.store_epoch + 1
    assert min(r["ingest_seq"] for r in rows_of(after, "events") if r["entity_key"] == "erp") > before.last_seq


def test_any_order_of_loads_compactions_and_clean_ups(tmp_path: Path) -> None:
    """Every version that is kept says what it said when it was made, against a list kept beside."""
    dice = random.Random(5)
    store = Store(tmp_path / "store")
    known: dict[int, Counter[str]] = {0: Counter()}
    removed: set[int] = set()
    for _ in range(60):
        what = dice.choice(("load", "load", "load", "compact", "clean up", "pin"))
        newest = store.snapshot().number
        if what == "load" or newest == 0:
            known[load_once(store.root, "erp")] = Counter()
            newest = store.snapshot().number
            known[newest] = known[max(n for n in known if n < newest)].copy()
            known[newest].update(f"erp{newest}-{index}" for index in range(EVENTS))
        elif what == "compact" and compact(store, small_bytes=dice.choice((3_000, 10_000_000))):
            known[newest + 1] = known[newest]
        elif what == "clean up":
            removed |= set(clean_up(store, Retention(keep_versions=dice.randint(1, 9)), LATER).versions)
        elif what == "pin" and newest not in removed:
            with store.writer():
                retention.pin(store.root, store.snapshot(), "because", now=SOON)
    assert removed and len(removed) < len(known) - 2
    del known[0]
    for number, names in known.items():
        if number in removed:
            with pytest.raises(LogError, match="was removed"):
                store.snapshot(number)
        else:
            assert Counter(row["event_id"] for row in rows_of(store.snapshot(number), "events")) == names


def test_a_source_must_not_be_called_like_the_store_itself(tmp_path: Path) -> None:
    (tmp_path / "o2c.toml").write_text('[[source]]\nname = "store"\nconnector = "tryton"\n')
    with pytest.raises(ConfigError, match="a source is called store"):
        load_config(tmp_path / "o2c.toml")
    (tmp_path / "o2c.toml").write_text("[store]\nkeep_days = 0\n")
    with pytest.raises(ConfigError, match="keep_days"):
        load_config(tmp_path / "o2c.toml")
