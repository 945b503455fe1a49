"""Files that bring the same rows: a row goes when no file says it any more, and the newest statement holds."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from o2c_mining.bootstrap import export_log, open_store
from o2c_mining.cli.main import main
from o2c_mining.errors import LogError
from o2c_mining.exchange.imported import TABLES, ImportedLog
from o2c_mining.exchange.load import Loaded, load
from o2c_mining.log.compaction import compact
from o2c_mining.log.engine import scan
from o2c_mining.log.refusals import refusals
from o2c_mining.log.schema import E2O, EVENTS, KEYS, LOADED, O2O, OBJECT_CHANGES, OBJECTS
from o2c_mining.log.store import Store
from tests.conftest import soak
from tests.exchange.logs import load as load_files
from tests.exchange.logs import tables, workspace

Rows = dict[tuple[str, ...], tuple[object, ...]]
File = dict[str, Rows]  # per table what a file says of each key
DAY = datetime(2026, 1, 5, 10, tzinfo=UTC)
_SCHEMAS = {"events": EVENTS, "objects": OBJECTS, "e2o": E2O, "o2o": O2O, "object_changes": OBJECT_CHANGES}
_VALUES = {
    "events": ("activity", "source_seq"),
    "objects": ("object_type", "region"),
    "e2o": (),
    "o2o": ("quantity",),
    "object_changes": ("new_value",),
}
_numbers = itertools.count()


def _keys(table: str) -> list[tuple[str, ...]]:
    objects = ["o0", "o1", "o2"]
    keys: dict[str, list[tuple[str, ...]]] = {
        "events": [(f"e{n}",) for n in range(5)],
        "objects": [(name,) for name in objects],
        "e2o": [(f"e{n}", name, "") for n in range(5) for name in objects[:2]],
        "o2o": [("o0", name, q) for name in objects[1:] for q in ("", "bills")],
        "object_changes": [(name, "region", "0") for name in objects],
    }
    return keys[table]


_VALUE = {
    "events": st.sampled_from([("A",), ("B",)]),
    "objects": st.sampled_from([("order", None), ("order", "x"), ("order", "y")]),
    "e2o": st.just(()),
    "o2o": st.sampled_from([(None,), (1.5,)]),
    "object_changes": st.sampled_from([("x",), ("y",)]),
}


def _file() -> st.SearchStrategy[File]:
    return st.fixed_dictionaries(
        {table: st.dictionaries(st.sampled_from(_keys(table)), _VALUE[table], max_size=5) for table in TABLES}
    )


def time_of(event_id: str) -> datetime:
    """Two events share each moment."""
    return DAY + timedelta(hours=int(event_id[1:]) // 2)


def imported(name: str, file: Mapping[str, Rows]) -> ImportedLog:
    """The file as its reader would hand it over."""
    tables = {}
    for table, rows in file.items():
        said = []
        for place, (key, values) in enumerate(rows.items()):
            row: dict[str, Any] = dict(zip(KEYS[table], key, strict=True))
            row |= dict(zip(_VALUES[table], values, strict=False))
            if table == "events":
                row |= {"time": time_of(key[0]), "source_seq": place, "source_key": f"row {place}"}
                row |= {"source_table": name, "precision": "second", "attributes": [("place", "here")]}
            if table in ("events", "objects"):
                row["system"] = name
            if table == "object_changes":
                row["time"] = DAY
            said.append(row)
        schema = pa.schema([field for field in _SCHEMAS[table] if field.name not in LOADED])
        if table == "objects":
            schema = schema.append(pa.field("region", pa.string()))
        tables[table] = pa.Table.from_pylist(said, schema=schema)
    return ImportedLog(name, tables, {table: rows.num_rows for table, rows in tables.items()}, placed=True)


def bring(store: Store, name: str, file: Mapping[str, Rows]) -> Loaded:
    with store.writer() as writer:
        loaded = load(writer, imported(name, file), store.root.parent / name)
        if loaded.changed:
            writer.commit(loaded.batches)
    return loaded


def held(store: Store, table: str) -> Rows:
    """What the log holds now, by an own query."""
    files = store.snapshot().files(table)
    if not files:
        return {}
    key = ", ".join(KEYS[table])
    rows = (
        duckdb.connect()
        .sql(f"SELECT * FROM {scan(files)} QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY ingest_seq DESC) = 1")
        .to_arrow_table()
        .to_pylist()
    )
    found: Rows = {}
    for row in rows:
        if row["op"] != "D":
            names = tuple("0" if name == "time" else str(row[name]) for name in KEYS[table])
            found[names] = tuple(row.get(name) for name in _VALUES[table])
    return found


def with_places(file: File) -> File:
    """Events as the log holds them: with their place among those of the same moment and object."""
    objects = {
        key: {object_id for event_id, object_id, _ in file["e2o"] if event_id == key[0]} for key in file["events"]
    }
    several = {time_of(key[0]) for key, found in objects.items() if len(found) > 1}
    placed: Rows = {}
    seen: dict[object, int] = {}
    for key, values in file["events"].items():
        moment = time_of(key[0])
        group = (moment, None if moment in several else min(objects[key], default=None))
        placed[key] = (*values, seen.get(group, 0))
        seen[group] = seen.get(group, 0) + 1
    return {**file, "events": placed}


class Statements:
    """Who says what, in the order in which it was said; written without a look at the store.

    The place of an event is taken from the file whose statement holds; it is no statement of its own.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, tuple[str, ...]], dict[str, tuple[object, ...]]] = {}
        self._holders: dict[tuple[str, tuple[str, ...]], str] = {}

    def say(self, name: str, file: File) -> None:
        for table in TABLES:
            for key, values in file[table].items():
                self._one(table, key, name, values)
            for (of, key), said in self._said.items():
                gone = of == table and key not in file[table] and said.pop(name, None) is not None
                if gone and said and self._holders[of, key] == name:
                    self._holders[of, key] = list(said)[-1]

    def _one(self, table: str, key: tuple[str, ...], name: str, values: tuple[object, ...]) -> None:
        said = self._said.setdefault((table, key), {})
        holder = self._holders[table, key] if said else name
        words = 1 if table == "events" else len(values)
        if holder == name:
            said[name] = values
            self._holders[table, key] = name
        elif name not in said or said[name][:words] != values[:words]:
            said.pop(name, None)
            if said[holder][:words] != values[:words]:
                said[holder] = said.pop(holder)
                self._holders[table, key] = name
            said[name] = values

    def now(self, table: str) -> Rows:
        return {key: said[self._holders[of, key]] for (of, key), said in self._said.items() if of == table and said}


@pytest.mark.soak
@settings(max_examples=soak(6, 1500), deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(st.lists(st.tuples(st.sampled_from(["jan", "feb", "mar"]), _file(), st.booleans()), min_size=2, max_size=6))
def test_files_that_overlap(tmp_path: Path, loads: list[tuple[str, File, bool]]) -> None:
    store, statements = Store(tmp_path / str(next(_numbers)) / "store"), Statements()
    states: list[tuple[int, dict[str, Rows]]] = []
    for name, file, tidy in loads:
        before = {table: held(store, table) for table in TABLES}
        loaded = bring(store, name, file)
        statements.say(name, with_places(file))
        now = {table: statements.now(table) for table in TABLES}
        assert {table: held(store, table) for table in TABLES} == now
        assert {batch.stream: batch.read for batch in loaded.batches if batch.read} == {
            table: len(rows) for table, rows in file.items() if rows
        }
        for batch in loaded.batches:
            assert batch.deleted == len(before[batch.stream].keys() - now[batch.stream].keys())
        if loaded.touched is not None:
            assert _changed(before, now) <= set(loaded.touched["object_id"].to_pylist())
        assert bring(store, name, file).changed == 0, "what is loaded already adds nothing"
        states.append((store.snapshot().number, now))
        if tidy:
            with store.writer() as writer:
                compact(writer, lambda *_: None, small_bytes=10**9)
    files = {name: file for name, file, _ in loads}
    for name in files:  # nothing remains of what nobody says
        bring(store, name, {table: {} for table in TABLES})
    assert all(held(store, table) == {} for table in TABLES)


def _changed(before: Mapping[str, Rows], now: Mapping[str, Rows]) -> set[str]:
    """Objects of which something changed."""
    found = set[str]()
    events = {key[0] for key, _ in before["events"].items() ^ now["events"].items()}
    for table, at in (("objects", (0,)), ("e2o", (1,)), ("o2o", (0, 1)), ("object_changes", (0,))):
        for key, _ in before[table].items() ^ now[table].items():
            found.update(key[place] for place in at)
    return found | {key[1] for rows in (before, now) for key in rows["e2o"] if key[0] in events}


def _only(table: str, rows: Rows) -> File:
    return {**{name: {} for name in TABLES}, table: rows}


def test_a_row_that_both_files_bring_is_counted_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    both: Rows = {("e0",): ("A",)}
    bring(store, "jan", _only("events", both))
    (again,) = bring(store, "feb", _only("events", {("e4",): ("A",), **both})).batches
    assert (again.read, again.accepted, again.duplicate) == (2, 1, 1)


def test_a_row_above_all_others_writes_only_itself(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    rows: Rows = {("e2",): ("A",), ("e3",): ("B",), ("e4",): ("A",)}
    bring(store, "jan", _only("events", rows))
    loaded = bring(store, "jan", _only("events", {("e0",): ("A",), **rows}))
    assert loaded.changed == 1
    assert (
        bring(store, "jan", _only("events", {("e3",): ("B",), ("e2",): ("A",), ("e0",): ("A",), **rows})).changed == 2
    )


def test_an_unrelated_row_of_the_same_moment_brings_no_old_value_back(tmp_path: Path) -> None:
    """The place of an event moves with the rows above it: that is no new statement of the event."""
    store = Store(tmp_path / "store")
    bring(store, "jan", _only("events", {("e0",): ("A",), ("e1",): ("old",)}))
    bring(store, "feb", _only("events", {("e1",): ("corrected",)}))
    bring(store, "jan", _only("events", {("e1",): ("old",)}))
    assert held(store, "events") == {("e1",): ("corrected", 0)}
    bring(store, "jan", _only("events", {("e0",): ("B",), ("e1",): ("old",)}))
    assert held(store, "events")[("e1",)] == ("corrected", 0)


def test_a_row_of_another_order_moves_nobody(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    events: Rows = {("e0",): ("A",), ("e1",): ("B",)}
    references: Rows = {("e0", "o0", ""): (), ("e1", "o1", ""): ()}
    bring(store, "jan", {**_only("events", {("e1",): events[("e1",)]}), "e2o": {("e1", "o1", ""): ()}})
    loaded = bring(store, "jan", {**_only("events", events), "e2o": references})
    assert [(batch.stream, batch.accepted) for batch in loaded.batches] == [("events", 1), ("e2o", 1)]


def test_the_same_rows_in_an_export_of_ours_are_no_news(tmp_path: Path) -> None:
    where = workspace(tmp_path / "w")
    (tmp_path / "jan.csv").write_text("case,activity,time\n1,A,2026-01-05\n1,B,2026-01-05\n2,A,2026-01-05\n", "utf-8")
    load_files(where, tmp_path / "jan.csv", accept=True)
    export_log(where, tmp_path / "x.json", "ocel-json")
    again = load_files(where, tmp_path / "x.json")
    assert {batch.stream: batch.duplicate for batch in again.batches} == {"events": 3, "objects": 2, "e2o": 3}


def test_refused_rows_of_two_files_of_one_name(tmp_path: Path) -> None:
    where = workspace(tmp_path / "w")
    paths = [tmp_path / folder / "t.csv" for folder in "abc"]
    for path, bad in zip(paths, (2, 1, 0), strict=True):
        path.parent.mkdir()
        rows = [f"{path.parent.name}{n},A,{'' if n < bad else '2026-01-05T10:00Z'}\n" for n in range(4)]
        path.write_text("case,activity,time\n" + "".join(rows), "utf-8")
    waiting = []
    for path in paths:
        load_files(where, path)
        waiting.append(refusals(open_store(where).snapshot()).num_rows)
    assert waiting == [2, 3, 3]
    before = open_store(where).snapshot().number
    for path in paths:
        assert load_files(where, path).version == before, "an unchanged file changes nothing"


def test_a_file_that_is_withdrawn_takes_back_what_only_it_says(tmp_path: Path) -> None:
    root = tmp_path / "w"
    where = workspace(root)
    jan, feb = tmp_path / "jan.csv", tmp_path / "feb.csv"
    jan.write_text("case,activity,time\n1,A,2026-01-05T10:00Z\n1,B,2026-01-06T10:00Z\n", "utf-8")
    feb.write_text("case,activity,time\n1,B,2026-01-06T10:00Z\n2,A,\n", "utf-8")
    load_files(where, jan, feb)
    jan.unlink()
    assert main(["-w", str(root), "import", str(jan), "--withdraw"]) == 0
    assert [row["activity"] for row in tables(where)["events"]] == ["B"]
    assert main(["-w", str(root), "import", str(jan), "--withdraw"]) == 4
    assert refusals(open_store(where).snapshot()).num_rows == 1
    assert main(["-w", str(root), "import", str(feb), "--withdraw"]) == 0
    assert refusals(open_store(where).snapshot()).num_rows == 0
    with pytest.raises(LogError, match="holds no event"):
        tables(where)


def test_what_goes_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    bring(store, "jan", _only("events", {(f"e{n}",): ("A",) for n in range(5)}))
    loaded = bring(store, "jan", _only("events", {("e1",): ("A",)}))
    assert [note.split(";")[0] for note in loaded.notes] == [
        "4 events are in the file no more and were deleted, it holds 1"
    ]
    assert [batch.deleted for batch in loaded.batches] == [4]


def test_a_type_changes_where_no_other_file_speaks_of_the_object(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    bring(store, "jan", _only("objects", {("o0",): ("case", None)}))
    bring(store, "jan", _only("objects", {("o0",): ("order", None)}))
    assert held(store, "objects") == {("o0",): ("order", None)}
    bring(store, "feb", _only("objects", {("o0",): ("order", None)}))
    with pytest.raises(LogError, match="jan calls 'o0' a case, the log a order"):
        bring(store, "jan", _only("objects", {("o0",): ("case", None)}))
