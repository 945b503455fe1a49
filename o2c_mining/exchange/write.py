"""Any event log out: whole files, moved into place when they are complete."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from o2c_mining.errors import ConfigError, LogError
from o2c_mining.exchange.collect import Report
from o2c_mining.exchange.content import Content, Flat
from o2c_mining.exchange.ocel_out import OcelOut, ocel_out
from o2c_mining.exchange.write_flat import write_csv, write_parquet, write_xes
from o2c_mining.exchange.write_ocel import write_ocel_json, write_ocel_sqlite, write_ocel_xml

FORMATS = ("ocel-json", "ocel-xml", "ocel-sqlite", "xes", "csv", "parquet")
# One lens, one row per case and event; the others hold the log as it is. A parquet file is flat, a folder is not.
FLAT = frozenset({"xes", "csv", "parquet"})
TABLES = "tables"
_OCEL: dict[str, Callable[[Path, OcelOut], None]] = {
    "ocel-json": write_ocel_json,
    "ocel-xml": write_ocel_xml,
    "ocel-sqlite": write_ocel_sqlite,
}
_LENS: dict[str, Callable[[Path, Flat], None]] = {"xes": write_xes, "csv": write_csv, "parquet": write_parquet}
_SUFFIXES = {
    ".json": "ocel-json",
    ".jsonocel": "ocel-json",
    ".xml": "ocel-xml",
    ".xmlocel": "ocel-xml",
    ".sqlite": "ocel-sqlite",
    ".sqlite3": "ocel-sqlite",
    ".db": "ocel-sqlite",
    ".xes": "xes",
    ".csv": "csv",
    ".parquet": "parquet",
}


def format_of(path: Path, asked: str | None) -> str:
    """The format asked for, else the one the name tells; ``parquet`` to a folder is the log's own tables.

    Raises
    ------
    ConfigError
        If neither says it.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    found = asked or _SUFFIXES.get(suffix, "parquet" if not suffix else None)
    if found not in FORMATS:
        raise ConfigError(
            f"cannot tell the format of {path.name} ({asked or 'unknown suffix'}); expected one of "
            f"{', '.join(FORMATS)}; give it with --format"
        )
    return TABLES if found == "parquet" and suffix != ".parquet" else found


def write(
    path: Path, format_: str, log: Content | Flat, report: Report | None = None
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Write a log; returns the rows written and what the reader of the file should know."""
    notes: list[str] = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(log, Flat):
            _whole(path, lambda target: _LENS[format_](target, log))
            if log.shared_events:
                notes.append(
                    f"{log.shared_events:,} rows repeat events that belong to several cases of lens {log.lens}; "
                    "an OCEL format keeps each once"
                )
        elif format_ == TABLES:
            _tables(path, log)
        else:
            out = ocel_out(log)
            _whole(path, lambda target: _OCEL[format_](target, out))
    except OSError as error:
        raise LogError(
            f"{path} cannot be written ({error.strerror or error}); expected a writable place; choose another path"
        ) from error
    counts = log.counts()
    if report is not None:
        report(path.name, counts.get("events", 0))
    return counts, tuple(notes)


def _whole(path: Path, fill: Callable[[Path], None]) -> None:
    """Fill a file beside its place and move it there, so that no half file is ever seen."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        target = Path(folder) / "whole"
        fill(target)
        if path.suffix.lower() == ".gz":
            packed = Path(folder) / "packed"
            with target.open("rb") as source, gzip.open(packed, "wb") as file:
                shutil.copyfileobj(source, file)
            target = packed
        target.replace(path)


def _tables(folder: Path, content: Content) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; expected a folder, or a name ending in .parquet; choose another")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "events.parquet").exists():
        raise ConfigError(f"{folder} holds other files; expected an empty folder or an earlier export; choose another")
    folder.mkdir(exist_ok=True)
    for name in ("attribute_types", "object_changes", "o2o", "e2o", "objects", "events"):
        table = getattr(content, name)
        _whole(folder / f"{name}.parquet", lambda target, table=table: pq.write_table(table, target))  # type: ignore[misc]
