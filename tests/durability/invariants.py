"""What must hold in a store whatever happened to the process that wrote it."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from o2c_mining.log.claims import claims_of
from o2c_mining.log.event_log import Settings
from o2c_mining.log.schema import KEYS
from o2c_mining.log.snapshot import Snapshot
from o2c_mining.log.store import STAGING, Batch, Store
from o2c_mining.trace.refresh import refresh

Row = dict[str, Any]
_TRACES = ("membership", "cases", "pairs")
_KINDS = {"cases": ("last_kind",), "pairs": ("kind",)}  # an object may have an attribute of that name too


def rows_of(snapshot: Snapshot, table: str) -> list[Row]:
    """All rows of a table, read without the project's own reader."""
    files = snapshot.files(table)
    if not files:
        return []
    read = [pq.read_table(file, partitioning=None) for file in files]
    return list(pa.concat_tables(read, promote_options="permissive").to_pylist())


@dataclass(slots=True)
class Witness:
    """Remembers what a store has shown as committed, and sees to it that it stays."""

    folder: Path
    number: int = 0
    rows: dict[int, tuple[str, str]] = field(default_factory=dict)
    slowest: float = 0.0

    def check(self, promised: int) -> Snapshot:
        """Open the store as any reader would; ``promised`` is the last commit that somebody was told of."""
        began = time.monotonic()
        snapshot = Store(self.folder / "store").snapshot()
        self.slowest = max(self.slowest, time.monotonic() - began)
        assert snapshot.number >= max(self.number, promised), "a commit that was promised is lost"
        self.number = snapshot.number
        now = versions_of(snapshot)
        lost = {seq for seq, row in self.rows.items() if now.get(seq) != row}
        assert not lost, f"{len(lost)} stored versions are gone or changed, e.g. {sorted(lost)[:3]}"
        assert max(now, default=0) <= snapshot.last_seq, "a number was handed out that the commit does not know"
        self.rows = now
        for row in snapshot.history():
            assert row["read"] == row["accepted"] + row["quarantined"] + row["duplicate"], row  # type: ignore[operator]
        for stream in ("document", "line"):
            staged = [row["changed_at"] for row in rows_of(snapshot, f"{STAGING}/shop/{stream}") if row["_op"] != "D"]
            cursor = snapshot.cursor("shop", stream)
            stored = max(staged, default=None)
            found = json.loads(cursor)["value"] if cursor is not None else None
            assert found == (str(stored)[:19] if stored is not None else None), "the cursor is not where the rows end"
        return snapshot


def versions_of(snapshot: Snapshot) -> dict[int, tuple[str, str]]:
    """Every version of every row by its number: where it is and what it says. Checks the history of every key."""
    found: dict[int, tuple[str, str]] = {}
    staged = [(name, ("_key",), "_") for name in snapshot.versions if name.startswith(f"{STAGING}/")]
    logged = [(name, keys, "") for name, keys in KEYS.items()]
    claims = [(claims_of(name), (*keys, "entity_key"), "") for name, keys in KEYS.items()]
    for table, keys, mark in (*logged, *claims, *staged):
        seq, op = (mark + "seq", mark + "op") if mark else ("ingest_seq", "op")
        last: dict[tuple[Any, ...], str] = {}
        for row in sorted(rows_of(snapshot, table), key=lambda row: int(row[seq])):
            assert row[seq] not in found, f"number {row[seq]} was used twice"
            key = tuple(row[name] for name in keys)
            found[row[seq]] = (table, _anywhere(f"{key} {row[op]} {_text(row)}"))
            before = last.get(key, "D")
            assert (row[op] == "I") == (before == "D"), f"{table} {key}: {row[op]} after {before}"
            last[key] = row[op]
    return found


def content_of(folder: Path) -> dict[str, Counter[str]]:
    """Everything a store says, without what depends on when it was said."""
    snapshot = Store(folder / "store").snapshot()
    result = {f"versions of {table}": Counter[str]() for table, _ in versions_of(snapshot).values()}
    for table, text in versions_of(snapshot).values():
        result[f"versions of {table}"][text] += 1
    return result | current_rows(snapshot) | traces_of(snapshot)


def current_rows(snapshot: Snapshot) -> dict[str, Counter[str]]:
    """The rows that are true now."""
    result = {}
    for table, keys in KEYS.items():
        newest = {tuple(row[k] for k in keys): row for row in sorted(rows_of(snapshot, table), key=_seq)}
        result[table] = Counter(_text(row) for row in newest.values() if row["op"] != "D")
    return result


def stored(snapshot: Snapshot) -> dict[str, Counter[str]]:
    """Every version of every row with its number, and the traces."""
    rows = {
        table: Counter(json.dumps(row, default=str, sort_keys=True) for row in rows_of(snapshot, table))
        for name in KEYS
        for table in (name, claims_of(name))
    }
    return rows | traces_of(snapshot)


def traces_of(snapshot: Snapshot) -> dict[str, Counter[str]]:
    """Trace rows that no later refresh replaced, with names in place of numbers."""
    replaced = {row["replaces"] for row in rows_of(snapshot, "touched")}
    names = {row["case_no"]: row["case_id"] for row in rows_of(snapshot, "cases")}
    kinds = {row["kind"]: str({k: v for k, v in row.items() if k != "kind"}) for row in rows_of(snapshot, "kinds")}
    return {
        table: Counter(
            _text(row | {"case_no": names[row["case_no"]]} | {name: kinds[row[name]] for name in _KINDS.get(table, ())})
            for row in rows_of(snapshot, table)
            if row["case_no"] not in replaced
        )
        for table in _TRACES
    }


def assert_same_content(found: dict[str, Counter[str]], expected: dict[str, Counter[str]]) -> None:
    """Equal, or the rows that differ."""
    assert found.keys() == expected.keys()
    for what, rows in expected.items():
        missing, more = rows - found[what], found[what] - rows
        assert not missing and not more, f"{what}: missing {list(missing)[:3]}, too much {list(more)[:3]}"


def check_traces_equal_a_full_rebuild(folder: Path, settings: Settings, scratch: Path) -> None:
    """Build all traces anew in a copy and compare."""
    copy = scratch / "rebuilt"
    shutil.copytree(folder / "store", copy)
    before = traces_of(Store(copy).snapshot())
    with Store(copy).writer() as writer:
        writer.set_lenses("none of these")
        refresh(writer, settings, [])
        writer.commit([Batch("test", "rebuild")])
    assert before == traces_of(Store(copy).snapshot())
    shutil.rmtree(copy)


def _seq(row: Row) -> int:
    return int(row["ingest_seq"])


def _text(row: Row) -> str:
    hidden = {"ingest_seq", "batch_id", "op", "refresh_seq", "variant_no", "_seq", "_batch"}
    return _anywhere(json.dumps({k: v for k, v in row.items() if k not in hidden}, default=str, sort_keys=True))


def _anywhere(text: str) -> str:
    """Without where an imported file lay."""
    return re.sub(r"@[0-9a-f]{12}", "", text)
