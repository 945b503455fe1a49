"""A backup made under load comes back as it was; a changed one is refused; a kill leaves no half of anything."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from o2c_mining import bootstrap
from o2c_mining.analysis.process_map import process_map
from o2c_mining.analysis.summary import summary
from o2c_mining.errors import ConfigError, LogError
from o2c_mining.log.store import Store
from o2c_mining.maintenance.backup import backup
from o2c_mining.maintenance.restore import restore
from o2c_mining.trace.select import ObjectFilter, select
from tests.conftest import soak
from tests.durability import work
from tests.durability.invariants import assert_same_content, stored
from tests.durability.writers import write_until
from tests.micro import load, one_order

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 4, 1, tzinfo=UTC)


def silent(what: str, count: int) -> None:
    pass


def o2c(workspace: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "o2c_mining", "-w", str(workspace), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120)


def answers(workspace: Path) -> list[Any]:
    """What people would see, now and as known earlier."""
    opened = bootstrap.open_workspace(workspace)
    logs = [bootstrap.open_log(opened, known_at=number) for number in (None, 3)]
    counts = [replace(summary(log, ObjectFilter(lens="order")), version=0) for log in logs]
    return [*counts, *(process_map(select(log, ObjectFilter(lens="order"))) for log in logs)]


def all_of(workspace: Path) -> dict[str, Counter[str]]:
    return stored(Store(workspace / "store").snapshot())


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with a few loads, an alert database and settings."""
    folder = tmp_path_factory.mktemp("company") / "company"
    folder.mkdir()
    (folder / "o2c.toml").write_text('lenses = ["order", "invoice"]\n')
    one_order(folder)
    for number in range(4):
        more = [(f"more{number}", "Confirm Order", f"2026-02-0{number + 1} 09:00", [f"o{number + 1}"])]
        load(folder, events=more, objects=[(f"o{number + 1}", "order", 5_00)])
    (folder / "slas").mkdir()
    (folder / "slas" / "late.yaml").write_text("# nothing yet\n")
    bootstrap.open_state(bootstrap.open_workspace(folder)).close()
    yield folder


@pytest.fixture
def copy(company: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(company, tmp_path / "company")
    return tmp_path / "company"


@pytest.mark.parametrize("name", ["backup", "backup.tar"])
def test_a_backup_comes_back_elsewhere_as_it_was(company: Path, tmp_path: Path, name: str) -> None:
    made = o2c(company, "store", "backup", str(tmp_path / name))
    assert made.returncode == 0, made.stderr
    done = o2c(tmp_path / "elsewhere", "store", "restore", str(tmp_path / name), "--json")
    assert done.returncode == 0, done.stderr
    assert answers(tmp_path / "elsewhere") == answers(company)
    assert_same_content(all_of(tmp_path / "elsewhere"), all_of(company))
    assert (tmp_path / "elsewhere" / "slas" / "late.yaml").read_text() == "# nothing yet\n"
    assert sqlite3.connect(tmp_path / "elsewhere" / "state.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)
    before, after = Store(company / "store").snapshot(), Store(tmp_path / "elsewhere" / "store").snapshot()
    assert (after.number, after.last_seq) == (before.number + 1, before.last_seq)
    assert after.store_epoch > before.store_epoch, "the monitor must evaluate everything anew"
    assert after.committed_at == before.committed_at, "a restore brings no data"


@pytest.mark.soak
def test_a_backup_under_load_is_one_version(tmp_path: Path) -> None:
    folder = tmp_path / "busy"
    work.prepare(folder, ())
    stop = threading.Event()
    writer = threading.Thread(target=write_until, args=(folder / "store", stop))
    writer.start()
    try:
        for trial in range(soak(3, 20)):
            while not Store(folder / "store").snapshot().number > trial:
                stop.wait(0.05)
            done = backup(bootstrap.open_workspace(folder), tmp_path / f"b{trial}", now=NOW, report=silent)
            restore(tmp_path / f"b{trial}", tmp_path / f"r{trial}", force=False, now=NOW, report=silent)
            restored = Store(tmp_path / f"r{trial}" / "store")
            now = Store(folder / "store").snapshot(done.version)
            assert sorted(_names(restored.snapshot())) == sorted(_names(now))
            assert sorted(_names(restored.snapshot(1))) == sorted(_names(Store(folder / "store").snapshot(1)))
    finally:
        stop.set()
        writer.join()


def _names(snapshot: Any) -> list[str]:
    from tests.durability.invariants import rows_of

    return [f"{row['event_id']} {row['ingest_seq']}" for row in rows_of(snapshot, "events")]


@pytest.mark.parametrize("form", ["backup", "backup.tar"])
def test_a_flipped_byte_anywhere_is_refused_in_one_line(company: Path, tmp_path: Path, form: str) -> None:
    made = tmp_path / form
    backup(bootstrap.open_workspace(company), made, now=NOW, report=silent)
    dice = random.Random(11)
    files = sorted(path for path in made.rglob("*") if path.is_file()) if made.is_dir() else [made]
    names = [path for path in files if path.stat().st_size]
    for _ in range(25):
        file = dice.choice(names)
        content = bytearray(file.read_bytes())
        at = dice.randrange(len(content))
        if form.endswith(".tar") and not _matters(file, at):
            continue
        content[at] ^= 1 << dice.randrange(8)
        good = file.read_bytes()
        file.write_bytes(content)
        bad = file, content
        with pytest.raises(LogError, match=r"is not restored: .*; expected .*; use another backup"):
            restore(made, tmp_path / "elsewhere", force=False, now=NOW, report=silent)
        assert not (tmp_path / "elsewhere" / "store").exists()
        file.write_bytes(good)
    bad[0].write_bytes(bad[1])
    refused = o2c(tmp_path / "elsewhere", "store", "restore", str(made))
    assert refused.returncode == 4
    assert refused.stderr.startswith("error: ") and refused.stderr.count("\n") == 1


def _matters(tar: Path, at: int) -> bool:
    """Whether a byte is part of a file's content; headers have sums of their own, padding says nothing."""
    import tarfile

    with tarfile.open(tar) as opened:
        return any(m.offset_data <= at < m.offset_data + m.size for m in opened.getmembers())


def test_what_is_there_is_replaced_only_by_force_and_kept_aside(copy: Path, tmp_path: Path) -> None:
    backup(bootstrap.open_workspace(copy), tmp_path / "backup", now=NOW, report=silent)
    kept = all_of(copy)
    with Store(copy / "store").writer() as writer:
        writer.next_seq(1000)
        from o2c_mining.log.store import Batch

        writer.commit([Batch("erp", "later")])
        writer.commit([Batch("erp", "later")])
    newer = Store(copy / "store").snapshot()
    with pytest.raises(ConfigError, match=r"has a store or a state database already .*--force"):
        restore(tmp_path / "backup", copy, force=False, now=NOW, report=silent)
    done = restore(tmp_path / "backup", copy, force=True, now=NOW, report=silent)
    after = Store(copy / "store").snapshot()
    assert_same_content(all_of(copy), kept)
    assert after.number > newer.number and after.last_seq >= newer.last_seq, "no number is used twice"
    assert done.replaced is not None
    assert Store(done.replaced / "store").snapshot().number == newer.number
    with pytest.raises(ConfigError, match="exists; expected a name that is free"):
        backup(bootstrap.open_workspace(copy), tmp_path / "backup", now=NOW, report=silent)


def test_a_running_monitor_is_not_robbed_of_its_state(copy: Path, tmp_path: Path) -> None:
    from o2c_mining.monitor.leadership import LEADER
    from o2c_mining.state import leases

    backup(bootstrap.open_workspace(copy), tmp_path / "backup", now=NOW, report=silent)
    state = bootstrap.open_state(bootstrap.open_workspace(copy))
    with state.write() as session:
        leases.acquire(session, LEADER, leases.holder_name(), now=NOW, seconds=60)
    state.close()
    with pytest.raises(ConfigError, match="a monitor runs on this workspace"):
        restore(tmp_path / "backup", copy, force=True, now=NOW, report=silent)


@pytest.mark.parametrize("point", ["backup.copied", "restore.copied", "restore.moved_aside", "restore.in_place"])
def test_a_kill_leaves_no_half_backup_and_a_restore_can_be_repeated(copy: Path, tmp_path: Path, point: str) -> None:
    made = tmp_path / "backup"
    if point.startswith("backup."):
        killed = o2c(copy, "store", "backup", str(made), O2C_FAILPOINT=point)
        assert killed.returncode == -signal.SIGKILL
        assert not made.exists()
        assert o2c(copy, "store", "backup", str(made)).returncode == 0
        return
    expected = all_of(copy)
    backup(bootstrap.open_workspace(copy), made, now=NOW, report=silent)
    killed = o2c(copy, "store", "restore", str(made), "--force", O2C_FAILPOINT=point)
    assert killed.returncode == -signal.SIGKILL
    if point == "restore.copied":
        assert_same_content(all_of(copy), expected)
    assert o2c(copy, "store", "restore", str(made), "--force").returncode == 0
    assert_same_content(all_of(copy), expected)
    assert not list(copy.glob(".restoring*"))
