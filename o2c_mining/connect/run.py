"""One extraction of one source: rows into staging page by page, then the log's versions, appended but not committed.

``bootstrap`` calls it like this, once per run::

    with store.writer() as writer:
        staged = [stage_source(source, connector, writer, base=root) for source, connector in asked]
        results = [transform_source(*pair, writer, rows) for pair, rows in zip(asked, staged)]
        results += [linked for pair in configured if (linked := link_source(*pair, writer)) is not None]
        refresh_traces(writer, touched=[result.touched for result in results])
        batches = [batch for result in results for batch in result.batches]
        if batches:
            writer.commit(batches)

Staging is committed on the way, while nothing is appended to the log yet; the log's tables become visible with the last
commit. A run killed before it leaves its staged rows behind, and the next run derives what follows from them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from o2c_mining.connect.catalog import load_catalog
from o2c_mining.connect.engine import arrow, engine
from o2c_mining.connect.linker import LINK, append_links, load_known
from o2c_mining.connect.protocol import Options
from o2c_mining.connect.registry import AnyConnector, parse_options
from o2c_mining.connect.staging import COMMIT_ROWS, Commits, Progress, stage
from o2c_mining.connect.transform import transform
from o2c_mining.log.store import Batch, Writer
from o2c_mining.log.versions import note_objects


class SourceSettings(Protocol):
    """A source as ``o2c.toml`` configures it."""

    @property
    def name(self) -> str:
        """The source's own name: it begins every id of its objects."""
        ...

    @property
    def connector(self) -> str:
        """Which connector reads it."""
        ...

    @property
    def url(self) -> str | None:
        """Address of a database or service; becomes option ``url``."""
        ...

    @property
    def path(self) -> str | None:
        """A file or folder; becomes option ``path``."""
        ...

    @property
    def options(self) -> Mapping[str, object]:
        """The connector's further options."""
        ...


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What one source brought in this run.

    ``streams`` are the totals to show; ``batches`` is what the caller still has to commit; ``touched`` has one row per
    object (``object_id``) whose traces must be refreshed; ``watermark`` says up to when the source is complete.
    """

    source: str
    streams: tuple[Batch, ...]
    batches: tuple[Batch, ...]
    touched: pa.Table
    watermark: datetime | None


def silent(source: str, stream: str, rows: int) -> None:
    """A progress listener that shows nothing."""


@dataclass(frozen=True, slots=True)
class StagedSource:
    """A source whose rows lie in staging: totals per stream, and up to when they are complete."""

    streams: tuple[Batch, ...]
    watermark: datetime | None


def stage_source(
    source: SourceSettings,
    connector: AnyConnector,
    writer: Writer,
    *,
    base: Path,
    full: bool = False,
    progress: Progress = silent,
    commit_rows: int = COMMIT_ROWS,
) -> StagedSource:
    """Read what is new in a source into staging and commit it, at the latest after ``commit_rows`` changed rows.

    What was read before a failure is kept. Nothing may have been appended to the log by this writer before.

    Raises
    ------
    ConfigError
        If an option is unknown.
    ConnectorError
        If the source cannot be read; ``permanent`` when a retry is pointless.
    """
    options = options_of(source, connector)
    commits = Commits(writer, commit_rows)
    totals: list[Batch] = []
    try:
        with engine(writer) as connection, connector.open(options, base=base) as opened:
            for stream in connector.streams(options):
                after = None if full else writer.base.cursor(source.name, stream.name)
                staged = stage(connection, source.name, stream, opened, commits, after=after, progress=progress)
                totals.append(staged.batch())
            watermark = opened.watermark()
    finally:
        commits.finish()
    return StagedSource(tuple(totals), watermark)


def transform_source(
    source: SourceSettings, connector: AnyConnector, writer: Writer, staged: StagedSource, *, full: bool = False
) -> SourceResult:
    """Append to the log what follows from the staged rows; the caller commits ``batches`` together with the traces.

    Raises
    ------
    ConnectorError
        Permanent: if an SQL file cannot run or its result breaks the contract; then nothing was appended.
    """
    options = options_of(source, connector)
    with engine(writer) as connection:
        load = transform(
            connection,
            writer,
            source.name,
            load_catalog(connector.folder),
            connector.reference_tables(options),
            full=full,
            watermark=staged.watermark,
        )
    moved = load.changed > 0 or load.batch.cursor != writer.base.cursor(source.name, load.batch.stream)
    news = moved or staged.watermark != writer.base.watermarks().get(source.name)
    return SourceResult(
        source.name, (*staged.streams, load.batch), (load.batch,) if news else (), load.touched, staged.watermark
    )


def extract_source(
    source: SourceSettings, connector: AnyConnector, writer: Writer, *, base: Path, full: bool = False
) -> SourceResult:
    """Stage and transform one source; with several, stage them all before the first is transformed."""
    staged = stage_source(source, connector, writer, base=base, full=full)
    return transform_source(source, connector, writer, staged, full=full)


def link_source(source: SourceSettings, connector: AnyConnector, writer: Writer) -> SourceResult | None:
    """Renew the links of a source to the documents of others; ``None`` where its connector links nothing or nothing
    changed since the last time."""
    options = options_of(source, connector)
    linker = connector.linker(options)
    if linker is None:
        return None
    upto = writer.next_seq(0) - 1
    before = writer.base.cursor(source.name, LINK)
    rules = f"{linker.version} {options!r}"
    if before is not None and json.loads(before) == {"seq": upto, "rules": rules}:
        return None
    with engine(writer) as connection:
        links = linker.link(source.name, load_known(connection, writer, source.name, linker.object_types))
        appended = append_links(connection, writer, source.name, links)
        connection.execute("CREATE OR REPLACE TEMP TABLE touched_objects (object_id VARCHAR)")
        for table, difference in appended:
            note_objects(connection, writer, table, difference)
        touched = arrow(connection, "SELECT DISTINCT object_id FROM touched_objects ORDER BY 1")
    accepted = sum(difference.changed for _, difference in appended)
    unchanged = sum(difference.unchanged for _, difference in appended)
    cursor = json.dumps({"seq": writer.next_seq(0) - 1, "rules": rules})
    batch = Batch(source.name, LINK, cursor, None, accepted + unchanged, accepted, 0, unchanged)
    return SourceResult(source.name, (batch,), (batch,), touched, None)


def options_of(source: SourceSettings, connector: AnyConnector) -> Options:
    """The connector's options; ``url`` and ``path`` of the source are options like any other."""
    given = {"url": source.url, "path": source.path}
    return parse_options(
        connector, {**source.options, **{key: value for key, value in given.items() if value}}, source=source.name
    )
