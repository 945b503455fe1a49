"""The one place that puts the pieces together: workspace, store, log, sources, clock.

``open_log`` is the only door to a log; the command line and the dashboards both come through it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from o2c_mining.config import Config, load_config
from o2c_mining.errors import ConfigError, ConnectorError, LogError
from o2c_mining.log.place import refuse_folder

if TYPE_CHECKING:
    import pyarrow as pa

    from o2c_mining.connect import Completeness
    from o2c_mining.exchange.load import Loaded
    from o2c_mining.exchange.read import Asked
    from o2c_mining.log.event_log import EventLog, Scope, Settings
    from o2c_mining.log.store import Batch, Store
    from o2c_mining.state.database import State
    from o2c_mining.trace.select import ObjectFilter

CONFIG_FILE = "o2c.toml"
REFERENCE = "order_to_cash.bpmn"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with its settings."""

    root: Path
    config: Config

    @property
    def store_path(self) -> Path:
        """Folder of the Delta tables."""
        return self.root / "store"

    def path(self, relative: str) -> Path:
        """A path of the configuration, relative to the workspace."""
        return (self.root / relative).resolve()


@dataclass(frozen=True, slots=True)
class Progress:
    """Called while sources are read: what is being done and how many rows were read so far."""

    report: Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Extracted:
    """What an extraction loaded."""

    batches: tuple[Batch, ...]
    watermark: datetime | None
    refreshed_cases: int
    version: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import loaded, and what its reader should know about the files."""

    batches: tuple[Batch, ...]
    notes: tuple[str, ...]
    refreshed_cases: int
    version: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    path: Path
    format: str
    rows: dict[str, int]
    notes: tuple[str, ...]


def open_workspace(path: Path) -> Workspace:
    """Read a workspace's settings; refuses a folder without ``o2c.toml`` or in which no store can lie."""
    root = path.resolve()
    refuse_folder(root)
    return Workspace(root, load_config(root / CONFIG_FILE))


def init_workspace(path: Path, *, own_reference: bool = True) -> list[Path]:
    """Write a commented, working workspace; files that exist already are left alone. Returns what was written.

    Without ``own_reference`` the workspace follows the shipped reference model, also when that is mended later.
    """
    from o2c_mining.calendar.file import default_calendar_text
    from o2c_mining.monitor.sla import default_sla_text

    refuse_folder(path)
    texts = {
        CONFIG_FILE: resources.files("o2c_mining.templates").joinpath("o2c.toml").read_text(encoding="utf-8"),
        "calendars/company.yaml": default_calendar_text(),
        "slas/goods_issue_to_invoice.yaml": default_sla_text(),
    }
    if own_reference:
        texts[f"reference/{REFERENCE}"] = packaged_reference().read_text(encoding="utf-8")
    written = []
    for name, text in texts.items():
        target = path / name
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return written


def packaged_reference() -> Path:
    """The reference model that is shipped."""
    return Path(str(resources.files("o2c_mining.conformance").joinpath("reference", REFERENCE)))


def reference_model(workspace: Workspace) -> Path:
    """The workspace's own reference model where it has one, else the shipped one."""
    own = workspace.path(workspace.config.reference)
    return own if own.is_file() else packaged_reference()


def settings_of(workspace: Workspace) -> Settings:
    """Configuration, calendar and lanes that the workspace's figures depend on."""
    from o2c_mining.calendar.file import load_calendar
    from o2c_mining.log.event_log import Settings
    from o2c_mining.trace.lanes import lanes

    name = workspace.config.company.calendar
    calendar = load_calendar(workspace.path(f"calendars/{name}.yaml")) if name is not None else None
    return Settings(workspace.config, calendar, lanes(reference_model(workspace)))


def open_store(workspace: Workspace) -> Store:
    """The workspace's event store."""
    from o2c_mining.log.store import Store

    return Store(workspace.store_path, workspace.config.limits.memory_mb)


def open_log(
    workspace: Workspace,
    *,
    scope: Scope | None = None,
    as_of: datetime | date | None = None,
    known_at: int | datetime | date | None = None,
    previous: EventLog | None = None,
    may_lack_events: bool = False,
) -> EventLog:
    """Open the log: the only door to read it.

    Parameters
    ----------
    workspace
        From ``open_workspace``.
    scope
        Which cases the reader may see; part of every cache key.
    as_of
        Event time: nothing later exists. A day counts to its end in the company's time zone. Default: the newest event
        with a possible time.
    known_at
        Commit number, moment or day, to its end as well: what had been loaded then. Default: the newest complete load.
    previous
        An earlier version of this log that is still open: a large log then reads only what changed since.
    may_lack_events
        Whether a log of nothing but objects is opened too.

    Raises
    ------
    LogError
        If the store is empty or cannot be read.
    """
    from o2c_mining.log.event_log import EVERYTHING, open_event_log

    zone = workspace.config.company.timezone
    loaded = known_at if known_at is None or isinstance(known_at, int) else _moment(known_at, zone)
    happened = None if as_of is None else _moment(as_of, zone)
    snapshot = open_store(workspace).snapshot(loaded)
    settings = settings_of(workspace)
    seen = scope or EVERYTHING
    return open_event_log(
        snapshot, settings, scope=seen, as_of=happened, previous=previous, may_lack_events=may_lack_events
    )


def _moment(when: datetime | date, zone: str) -> datetime:
    """A moment as it is, a day as its end."""
    from o2c_mining.calendar.local_day import end_of_day

    return when if isinstance(when, datetime) else end_of_day(when, zone)


def version_of(workspace: Workspace) -> int:
    """Number of the newest complete load, without opening the log."""
    return open_store(workspace).snapshot().number


def open_state(workspace: Workspace) -> State:
    """The database of alerts and actions, brought to the newest schema."""
    from o2c_mining.state import database

    return database.open_state(workspace.config.state.url, root=workspace.root)


def extract(
    workspace: Workspace, names: Sequence[str] = (), *, full: bool = False, progress: Progress | None = None
) -> Extracted:
    """Load increments of the configured sources; what they changed in the log becomes visible in one commit.

    Raises
    ------
    ConfigError
        If no source is configured, a name is unknown, or a source's file does not exist.
    ConnectorError
        If a source cannot be reached or lacks what its connector needs. Sources before it stay loaded.
    """
    from o2c_mining.connect import connector_named, link_source, stage_source, transform_source
    from o2c_mining.trace.refresh import refresh

    sources = workspace.config.source
    if not sources:
        raise ConfigError("no source is configured; expected at least one [[source]] in o2c.toml; add one")
    known = [source.name for source in sources]
    for name in names:
        if name not in known:
            raise ConfigError(f"unknown source {name!r}; configured are: {', '.join(known)}; correct the name")
    settings = settings_of(workspace)
    store = open_store(workspace)
    failure: ConfigError | ConnectorError | None = None

    def report(source: str, stream: str, rows: int) -> None:
        if progress is not None:
            progress.report(f"{source} {stream}", rows)

    with store.writer() as writer:
        staged = []
        for source in sources:
            if names and source.name not in names:
                continue
            connector = connector_named(source.connector)
            try:
                read = stage_source(source, connector, writer, base=workspace.root, full=full, progress=report)
            except (ConfigError, ConnectorError) as error:
                failure = error
                break
            staged.append((source, connector, read))
        results = [transform_source(source, connector, writer, rows, full=full) for source, connector, rows in staged]
        linked = [link_source(source, connector_named(source.connector), writer) for source in sources]
        results += [result for result in linked if result is not None]
        refreshed = refresh(writer, settings, _together([result.touched for result in results]))
        batches = [batch for result in results for batch in result.batches]
        totals = [batch for result in results for batch in result.streams]
        if batches or (refreshed and totals):
            writer.commit(batches or totals[-1:])
    if failure is not None:
        raise failure
    snapshot = store.snapshot()
    marks = snapshot.watermarks().values()
    return Extracted(tuple(totals), min(marks, default=None), refreshed, snapshot.number)


def certificate(workspace: Workspace) -> list[Completeness]:
    """Per configured source and stream: what the source counts now against what the newest version of the log holds.

    Raises
    ------
    ConfigError
        If a source's file or folder does not exist.
    ConnectorError
        If a source cannot be reached or read.
    """
    from o2c_mining.connect import completeness, connector_named

    snapshot = open_store(workspace).snapshot()
    return [
        row
        for source in workspace.config.source
        for row in completeness(source, connector_named(source.connector), snapshot, base=workspace.root)
    ]


def import_files(
    workspace: Workspace, paths: Sequence[Path], asked: Asked, *, progress: Progress | None = None
) -> Imported:
    """Load event logs from files; all of them become visible in one commit, or none.

    Raises
    ------
    LogError
        If a file is refused; nothing is loaded then.
    """
    from o2c_mining.exchange.apart import read_apart
    from o2c_mining.exchange.load import load
    from o2c_mining.exchange.refused import keep_refused
    from o2c_mining.log.scratch import scratch
    from o2c_mining.trace.refresh import refresh

    limits = workspace.config.limits
    loads: list[Loaded] = []
    notes: list[str] = []
    refreshed = 0
    store = open_store(workspace)
    with store.writer() as writer:
        for path in paths:
            with scratch(writer.root) as folder:
                imported = read_apart(path, limits, asked, folder, progress.report if progress is not None else None)
                loads.append(load(writer, imported, path))
            notes += [f"{path.name}: {text}" for text in loads[-1].notes]
        batches = tuple(batch for loaded in loads for batch in loaded.batches)
        if keep_refused(writer, loads, changed=any(loaded.changed for loaded in loads)):
            refreshed = refresh(writer, settings_of(workspace), _together([loaded.touched for loaded in loads]))
            writer.commit(batches)
    return Imported(batches, tuple(notes), refreshed, store.snapshot().number)


def withdraw_files(workspace: Workspace, paths: Sequence[Path]) -> Imported:
    """Take back what files brought, by the paths they were imported from; they need not be there any more.

    What others say of the same rows stays. All of it becomes visible in one commit, or none.

    Raises
    ------
    LogError
        If a file brought nothing that is in the log now.
    """
    from o2c_mining.exchange.collect import Collector
    from o2c_mining.exchange.load import load
    from o2c_mining.exchange.refused import keep_refused
    from o2c_mining.trace.refresh import refresh

    loads: list[Loaded] = []
    store = open_store(workspace)
    with store.writer() as writer:
        for path in paths:
            nothing = Collector(path.name, workspace.config.limits).finish()
            loads.append(load(writer, nothing, path))
            if not loads[-1].changed:
                raise LogError(
                    f"{path} brought nothing that is in the log; expected the path from which a file was imported; "
                    "correct it, `o2c store versions` names the files"
                )
        keep_refused(writer, loads, changed=True)
        refreshed = refresh(writer, settings_of(workspace), _together([loaded.touched for loaded in loads]))
        batches = tuple(batch for loaded in loads for batch in loaded.batches)
        writer.commit(batches)
    return Imported(batches, (), refreshed, store.snapshot().number)


def _together(touched: Sequence[pa.Table | None]) -> pa.Table | None:
    """Objects whose traces must be refreshed; none are named where the log was empty and everything must be."""
    import pyarrow as pa

    tables = [rows.select(["object_id"]) for rows in touched if rows is not None]
    if len(tables) < len(touched):
        return None
    return pa.concat_tables(tables) if tables else pa.table({"object_id": pa.array([], pa.string())})


def export_log(
    workspace: Workspace,
    path: Path,
    format_: str,
    *,
    chosen: ObjectFilter | None = None,
    as_of: datetime | date | None = None,
    known_at: int | datetime | date | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write the log, or the chosen cases of a lens, to a file.

    Raises
    ------
    LogError
        If the log is empty, or holds something the format cannot say.
    """
    from o2c_mining.exchange.content import content_of, dated_ahead, flat_of
    from o2c_mining.exchange.write import FLAT, write
    from o2c_mining.trace.select import ObjectFilter, select

    log = open_log(workspace, as_of=as_of, known_at=known_at, may_lack_events=format_ not in FLAT)
    whole = chosen is None or chosen == ObjectFilter(lens=chosen.lens)
    report = progress.report if progress is not None else None
    if format_ in FLAT:
        traces = select(log, chosen)
        flat = flat_of(log, traces.lens.object_type, traces.cases, traces.pairs)
        counts, notes = write(path, format_, flat, report)
        ahead = dated_ahead(log, None if whole else traces.members, everything=as_of is None)
        if ahead:
            what = "1 event is" if ahead == 1 else f"{ahead:,} events are"
            kept = "; an OCEL format keeps all" if as_of is None else ""
            notes = (*notes, f"{what} left out: a time in the future is in no case{kept}")
        return Exported(path, format_, counts, notes)
    members = None if whole else select(log, chosen).members
    content = content_of(log, members, everything=as_of is None)
    return Exported(path, format_, *write(path, format_, content, report))
