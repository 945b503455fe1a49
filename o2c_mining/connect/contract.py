"""The contract suite: a connector is done when it passes it. We export it; a plugin's author subclasses it in a test.

::

    from o2c_mining.connect.contract import ConnectorContract

    class TestMine(ConnectorContract):
        connector = my_package.connector

        def source(self, folder):
            ...  # write a small source with at least two rows in every stream you can
            return {"url": f"sqlite:///{folder}/source.sqlite"}

Every check is a plain method with asserts, so any test runner works.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from o2c_mining.connect.cases import Row, load_cases, problems, rows_of
from o2c_mining.connect.catalog import Catalog, load_catalog
from o2c_mining.connect.completeness import completeness
from o2c_mining.connect.engine import quoted
from o2c_mining.connect.protocol import OpenSource, Options, Stream
from o2c_mining.connect.registry import AnyConnector, parse_options
from o2c_mining.connect.run import SourceResult, extract_source
from o2c_mining.log.schema import KEYS
from o2c_mining.log.store import Store


@dataclass(frozen=True)
class ContractSource:
    """A source as the suite configures it."""

    name: str
    connector: str
    options: Mapping[str, object] = field(default_factory=dict)
    url: str | None = None
    path: str | None = None


class ConnectorContract:
    """Subclass it, name the connector, and write a small source into the given folder."""

    connector: AnyConnector

    def source(self, folder: Path) -> Mapping[str, object]:
        """Write a source below ``folder`` and return the options that open it; asked again, it writes the same."""
        raise NotImplementedError

    def test_every_stream_has_a_key(self) -> None:
        """A row without key could neither be updated nor recognised."""
        for table in load_catalog(self.connector.folder).tables:
            assert table.key, f"{table.name} has no key"

    def test_every_column_says_what_it_means(self) -> None:
        """Tables and columns carry their meaning in ``sources.yml``."""
        for table in load_catalog(self.connector.folder).tables:
            assert table.meaning.strip(), f"{table.name} has no meaning"
            assert table.touches, f"{table.name} does not say which entities it touches"
            for column in table.columns:
                assert column.meaning.strip(), f"{table.name}.{column.name} has no meaning"

    def test_every_sql_file_has_a_header(self) -> None:
        """Grain, key and meaning; for an activity also its time and what a reversal does."""
        for file in load_catalog(self.connector.folder).files:
            wanted = ["grain", "key", "meaning"]
            wanted += ["activity", "time", "reversal", "objects"] if file.kind == "events" else []
            missing = [name for name in wanted if not file.header.get(name)]
            assert not missing, f"{file.kind}/{file.name}.sql lacks {', '.join(missing)} in its header"
            assert len(file.sql.splitlines()) <= 100, f"{file.kind}/{file.name}.sql has more than 100 lines"

    def test_one_file_per_activity(self) -> None:
        """A file's name is its activity's, so a reader finds it."""
        for file in load_catalog(self.connector.folder).of_kind("events"):
            assert file.header["activity"].lower().replace(" ", "_") == file.name

    def test_cases_hold(self, tmp_path: Path) -> None:
        """What follows from the rows of every case is what its author wrote down."""
        cases = load_cases(self.connector.folder)
        assert cases, "there is no case under cases/"
        options = self.source(tmp_path)
        found = {case.name: problems(self.connector, case, required_options=options) for case in cases}
        assert not any(found.values()), {name: texts for name, texts in found.items() if texts}

    def test_every_activity_has_a_case(self) -> None:
        """An activity nobody worked an example for is not understood."""
        expected = {
            row["activity"]
            for case in load_cases(self.connector.folder)
            for row in case.expect.events or []
            if "activity" in row
        }
        known = {file.header["activity"] for file in load_catalog(self.connector.folder).of_kind("events")}
        assert known <= expected, f"no case expects {', '.join(sorted(known - expected))}"

    def test_extraction_resumes_at_every_page(self, tmp_path: Path) -> None:
        """Whatever page a run stops at, going on from its cursor brings the rest; rows may repeat, none is lost."""
        options = self._options(tmp_path)
        for stream in self.connector.streams(options):
            whole, cursors = self._read(stream, options, tmp_path, None)
            for count, cursor in cursors:
                rest, _ = self._read(stream, options, tmp_path, cursor)
                assert set(whole) <= set(whole[:count]) | set(rest), f"{stream.name} lost rows after {cursor}"

    def test_second_run_adds_nothing(self, tmp_path: Path) -> None:
        """Extraction is idempotent, in increments and in full."""
        self._extract(tmp_path)
        for full in (False, True):
            again = self._extract(tmp_path, full=full)
            added = {batch.stream: batch.accepted for batch in again.streams if batch.accepted}
            assert not added, f"a second run ({full=}) added {added}"

    def test_every_row_is_accounted_for(self, tmp_path: Path) -> None:
        """Accepted, quarantined and duplicate rows add up to those read."""
        for batch in self._extract(tmp_path).streams:
            assert batch.accepted + batch.quarantined + batch.duplicate == batch.read, batch

    def test_the_source_counts_what_was_loaded(self, tmp_path: Path) -> None:
        """After an extraction the source's own totals leave no difference; before it, all of them are missing."""
        settings = ContractSource("contract", self.connector.name, self.source(tmp_path))
        before = completeness(settings, self.connector, Store(tmp_path / "store").snapshot(), base=tmp_path)
        assert any(row.in_source for row in before), "the source counts nothing"
        assert all(row.difference == row.in_source - row.duplicate for row in before)
        self._extract(tmp_path)
        after = completeness(settings, self.connector, Store(tmp_path / "store").snapshot(), base=tmp_path)
        assert not [row for row in after if row.difference], after

    def test_events_are_sound(self, tmp_path: Path) -> None:
        """Ids are unique, times are UTC with a precision, every reference meets an object that exists."""
        self._extract(tmp_path)
        events, objects, references, relations = (self._rows(tmp_path, t) for t in ("events", "objects", "e2o", "o2o"))
        ids = [row["event_id"] for row in events]
        assert ids and len(ids) == len(set(ids))
        assert all(row["time"].utcoffset().total_seconds() == 0 for row in events)
        assert {row["precision"] for row in events} <= {"second", "minute", "day"}
        assert {row["resource_kind"] for row in events} <= {"human", "technical", "unknown"}
        held = {row["object_id"] for row in objects}
        assert all(row["object_id"] in held and row["event_id"] in set(ids) for row in references)
        assert {row["event_id"] for row in references} == set(ids), "an event refers to no object"
        dangling = [row for row in relations if not {row["source_id"], row["target_id"]} <= held]
        assert not dangling, f"relations to objects that do not exist: {dangling[:3]}"

    def _options(self, folder: Path) -> Options:
        return parse_options(self.connector, dict(self.source(folder)), source="contract")

    def _read(
        self, stream: Stream, options: Options, base: Path, after: str | None
    ) -> tuple[list[str], list[tuple[int, str | None]]]:
        rows: list[str] = []
        cursors: list[tuple[int, str | None]] = []
        with self.connector.open(options, base=base) as opened:
            source: OpenSource = opened
            for page in source.pages(stream, after):
                rows += [str(row) for row in page.rows.to_pylist()]
                cursors.append((len(rows), page.cursor))
        return rows, cursors

    def _extract(self, folder: Path, *, full: bool = False) -> SourceResult:
        source = ContractSource("contract", self.connector.name, self.source(folder))
        with Store(folder / "store").writer() as writer:
            result = extract_source(source, self.connector, writer, base=folder, full=full)
            if result.batches:
                writer.commit(result.batches)
        return result

    def _rows(self, folder: Path, table: str) -> list[Row]:
        """Current rows: the newest version of each key, unless deleted."""
        files = Store(folder / "store").snapshot().files(table)
        if not files:
            return []
        read = [pq.read_table(file, partitioning=None) for file in files]
        versions = pa.concat_tables(read, promote_options="default").sort_by("ingest_seq").to_pylist()
        newest = {tuple(row[name] for name in KEYS[table]): row for row in versions}
        return [row for row in newest.values() if row["op"] != "D"]


def write_sqlite(folder: Path, catalog: Catalog, given: Mapping[str, Sequence[Row]]) -> Path:
    """A SQLite database with all tables of a catalog and the given rows, as a source for the suite."""
    path = folder / "source.sqlite"
    if path.exists():
        return path
    connection = sqlite3.connect(path)
    try:
        for table in catalog.tables:
            names = ", ".join(quoted(name) for name in table.schema.names)
            connection.execute(f"CREATE TABLE {quoted(table.name)} ({names})")
            rows = rows_of(table, given.get(table.name, ())).to_pylist()
            marks = ", ".join("?" for _ in table.columns)
            connection.executemany(
                f"INSERT INTO {quoted(table.name)} VALUES ({marks})",
                [tuple(map(_stored, row.values())) for row in rows],
            )
        connection.commit()
    finally:
        connection.close()
    return path


def _stored(value: Any) -> Any:
    """A value as a program stores it in SQLite: moments as naive UTC text, decimals as text."""
    if hasattr(value, "isoformat"):
        return value.replace(tzinfo=None).isoformat(" ") if hasattr(value, "hour") else value.isoformat()
    return str(value) if type(value).__name__ == "Decimal" else value
