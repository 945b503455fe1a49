"""One commit, all or nothing; old versions stay readable; damage at the end is survived."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from o2c_mining.errors import LogError
from o2c_mining.log.durable import log_entry, versions_on_disk
from o2c_mining.log.reader import open_reader
from o2c_mining.log.schema import TABLES
from o2c_mining.log.store import Batch, Snapshot, Store
from tests.micro import at


def _object(name: str, seq: int, **more: object) -> dict[str, object]:
    return {"object_id": name, "object_type": "order", "op": "I", "ingest_seq": seq, "batch_id": 1, **more}


def _load(store: Store, *names: str, commit: bool = True, **more: object) -> None:
    with store.writer() as writer:
        first = writer.next_seq(len(names))
        rows = [_object(name, first + i, **more) for i, name in enumerate(names)]
        writer.append("objects", pa.Table.from_pylist(rows))
        if commit:
            writer.commit([Batch("erp", "orders", cursor=names[-1], watermark=at("2026-01-01"), read=len(names))])


def _names(snapshot: Snapshot) -> list[str]:
    reader = open_reader({"objects": (snapshot.files("objects"), TABLES["objects"])})
    return sorted(row["object_id"] for row in reader.rows(reader.table("objects").select("object_id")))


def test_what_is_not_committed_is_invisible_and_undone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _load(store, "a")
    _load(store, "lost", commit=False)
    assert _names(store.snapshot()) == ["a"]
    _load(store, "b")
    assert _names(store.snapshot()) == ["a", "b"]
    assert store.snapshot().number == 2


def test_a_table_of_an_undone_first_load_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _load(store, "lost", commit=False)
    assert store.snapshot().number == 0
    _load(store, "a")
    assert _names(store.snapshot()) == ["a"]


def test_every_version_stays_readable(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in "abc":
        _load(store, name)
    assert [_names(store.snapshot(n)) for n in (1, 2, 3)] == [["a"], ["a", "b"], ["a", "b", "c"]]
    second = store.snapshot(2).committed_at
    assert second is not None
    assert store.snapshot(second).number == 2
    with pytest.raises(LogError, match="version 9 is not in the store; expected a number from 1 to 3"):
        store.snapshot(9)


def test_ingest_seq_increases_over_loads_and_undone_ones(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _load(store, "a", "b")
    with store.writer() as writer:
        assert writer.next_seq(3) == 3
        assert writer.next_seq(1) == 6


def test_a_cursor_is_read_back_with_the_data_it_belongs_to(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _load(store, "a")
    _load(store, "b")
    assert store.snapshot().cursor("erp", "orders") == "b"
    assert store.snapshot(1).cursor("erp", "orders") == "a"
    assert store.snapshot().cursor("erp", "other") is None


@pytest.mark.parametrize("damage", ["truncate", "zeros", "remove data"])
def test_a_commit_damaged_by_a_power_cut_falls_back_to_the_one_before(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    _load(store, "a")
    _load(store, "b")
    newest = versions_on_disk(tmp_path / "objects")[-1]
    entry = log_entry(tmp_path / "objects", newest)
    if damage == "truncate":
        entry.write_text(entry.read_text()[:40])
    elif damage == "zeros":
        entry.write_bytes(b"\0" * entry.stat().st_size)
    else:
        added = [json.loads(line)["add"]["path"] for line in entry.read_text().splitlines() if '"add"' in line]
        (tmp_path / "objects" / added[0]).unlink()
    assert _names(store.snapshot()) == ["a"]
    _load(store, "c")
    after = store.snapshot()
    assert _names(after) == ["a", "c"]
    assert after.store_epoch == 1
    with store.writer() as writer:
        assert writer.next_seq(1) == 4, "the sequence of a lost row is never used again"


def test_a_damaged_batches_entry_is_the_end_of_that_commit_only(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _load(store, "a")
    _load(store, "b")
    entry = log_entry(tmp_path / "batches", versions_on_disk(tmp_path / "batches")[-1])
    entry.write_bytes(b"\0" * entry.stat().st_size)
    assert _names(store.snapshot()) == ["a"]
    _load(store, "c")
    assert _names(store.snapshot()) == ["a", "c"]


def test_new_columns_widen_a_table_and_a_changed_type_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _load(store, "a")
    _load(store, "b", region="DACH")
    reader = open_reader({"objects": (store.snapshot().files("objects"), TABLES["objects"])})
    assert {row["region"] for row in reader.rows(reader.table("objects"))} == {None, "DACH"}
    with pytest.raises(LogError, match=r"column region of table objects is list.*; expected"):
        _load(store, "c", region=[1, 2])
    assert _names(store.snapshot()) == ["a", "b"]


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    waited = threading.Event()
    order: list[str] = []

    def second() -> None:
        with Store(tmp_path).writer(on_wait=waited.set):
            order.append("second")

    with store.writer():
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_pinned_snapshot_does_not_change_while_others_write(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _load(store, "a")
    pinned = store.snapshot()
    _load(store, "b")
    assert _names(pinned) == ["a"]


def test_a_damaged_first_commit_leaves_an_empty_store_that_can_be_filled(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _load(store, "a")
    entry = log_entry(tmp_path / "objects", versions_on_disk(tmp_path / "objects")[-1])
    entry.write_bytes(b"\0" * entry.stat().st_size)
    assert store.snapshot().number == 0
    _load(store, "b")
    assert _names(store.snapshot()) == ["b"]


def test_a_store_of_another_contract_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("o2c_mining.log.store.CONTRACT_VERSION", 1)
        patch.setattr("o2c_mining.log.snapshot.CONTRACT_VERSION", 1)
        with Store(tmp_path).writer() as writer:
            writer.commit([Batch("erp", "orders")])
    with pytest.raises(LogError, match=r"contract 1 by another version .*expected contract 2"):
        Store(tmp_path).snapshot()
