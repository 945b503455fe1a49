"""Rows of ``batches`` are on the disk before anything says that they are there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from o2c_mining.log import durable
from o2c_mining.log.checkpoint import last_checkpoint
from o2c_mining.log.commits import write_commits
from o2c_mining.log.compaction import compact
from o2c_mining.log.schema import BATCHES
from o2c_mining.log.snapshot import read_version
from o2c_mining.log.store import Store
from tests.durability.writers import load_once

HUNDRED = 100  # with every hundredth entry delta-rs thinks of a checkpoint


def commit(number: int) -> pa.Table:
    row = {"commit": number, "committed_at": datetime(2026, 1, 1, tzinfo=UTC), "source": "shop", "stream": "orders"}
    return pa.Table.from_pylist([row], schema=BATCHES)


def numbers(batches: Path, version: int) -> list[int]:
    return sorted(read_version(batches, version)["commit"].to_pylist())


def test_rows_are_appended_or_written_anew(tmp_path: Path) -> None:
    assert [write_commits(tmp_path, commit(number)) for number in (1, 2, 3)] == [0, 1, 2]
    version = write_commits(tmp_path, pa.concat_tables([commit(1), commit(2)]), anew=True)
    assert (numbers(tmp_path, 2), numbers(tmp_path, version)) == ([1, 2, 3], [1, 2])


@pytest.mark.parametrize("anew", [False, True])
def test_a_file_is_flushed_before_an_entry_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anew: bool
) -> None:
    write_commits(tmp_path, commit(1))
    flushed: dict[str, list[int]] = {}
    monkeypatch.setattr(
        durable, "sync_path", lambda path: flushed.setdefault(path.name, durable.versions_on_disk(tmp_path))
    )
    version = write_commits(tmp_path, commit(2), anew=anew)
    ((file, _),) = durable.added_files(tmp_path, version) or []
    assert flushed[file.name] == flushed[tmp_path.name] == [0], "the file and its name, while there is no entry yet"


@pytest.mark.parametrize("anew", [False, True])
def test_an_entry_that_lost_lines_is_not_whole(tmp_path: Path, anew: bool) -> None:
    for number in (1, 2, 3):
        version = write_commits(tmp_path, commit(number), anew=anew and number == 3)
    assert durable.version_is_whole(tmp_path, version)
    entry = durable.log_entry(tmp_path, version)
    lines = entry.read_text(encoding="utf-8").strip().split("\n")
    assert len(lines) == (4 if anew else 2)
    for left in range(len(lines)):
        entry.write_text("\n".join(lines[:left]), encoding="utf-8")
        assert not durable.version_is_whole(tmp_path, version), f"{left} of {len(lines)} lines"


def test_commits_are_gathered_at_every_hundredth_entry_too(tmp_path: Path) -> None:
    root = tmp_path / "store"
    load_once(root, "a")
    load_once(root, "a")
    batches = root / "batches"
    row = read_version(batches, durable.versions_on_disk(batches)[-1]).slice(1)  # said again: a commit is its number
    while durable.versions_on_disk(batches)[-1] < HUNDRED - 3:
        durable.sync_version(batches, write_commits(batches, row))
    with Store(root).writer() as writer:
        assert compact(writer, lambda table, rows: None)
    newest = durable.versions_on_disk(batches)[-1]
    assert newest == HUNDRED - 1, "the commit and, behind it, all commits in one file"
    assert last_checkpoint(batches) == newest
    assert len(durable.added_files(batches, newest) or []) == 1
    assert Store(root).snapshot().number == 3
