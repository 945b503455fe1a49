"""Any event log in: find out what a file is and read it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from o2c_mining.config import Limits
from o2c_mining.exchange.collect import Report
from o2c_mining.exchange.detect import detect, fits
from o2c_mining.exchange.imported import ImportedLog, refuse_empty


@dataclass(frozen=True, slots=True)
class Asked:
    """How to read files: what the user said, and what answers questions the files leave open."""

    format: str = "auto"
    case_type: str | None = None
    mapping: Path | None = None
    accept: bool = False
    timezone: str | None = None  # the company's, where it is configured


Reader: TypeAlias = Callable[[Path, Limits, Asked, Report | None, Path | None], ImportedLog]


def read_log(
    path: Path, limits: Limits, asked: Asked, report: Report | None = None, spill: Path | None = None
) -> ImportedLog:
    """The event log in a file; where a folder ``spill`` is given, its rows are kept in Arrow files there.

    Raises
    ------
    LogError
        If it is no event log, is damaged or too large, holds not one event and not one object, or a table leaves
        open how to read it.
    """
    kind = detect(path, limits)
    fits(kind, asked.format, path)
    read = reader_of(kind)
    with _no_collection():
        log = read(path, limits, asked, report, spill)
    refuse_empty(log)
    return log


@contextmanager
def _no_collection() -> Iterator[None]:
    """Rows are many and refer to nothing: looking for cycles among them takes a third of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def reader_of(kind: str) -> Reader:
    """What reads files of a kind. It is loaded when it is asked for: each brings libraries of its own."""
    if kind == "xes":
        from o2c_mining.exchange.read_xes import read_xes

        return lambda path, limits, asked, report, spill: read_xes(
            path, limits, case_type=asked.case_type or "case", report=report, spill=spill
        )
    if kind == "tables":
        from o2c_mining.exchange.read_tables import read_tables

        return lambda path, limits, asked, report, spill: read_tables(path, limits)
    if kind.startswith("ocel"):
        read_ocel = _ocel_reader_of(kind)
        return lambda path, limits, asked, report, spill: read_ocel(path, limits, report=report, spill=spill)
    from o2c_mining.exchange.read_flat import read_flat

    return lambda path, limits, asked, report, spill: read_flat(path, kind, limits, asked, report, spill)


def _ocel_reader_of(kind: str) -> Callable[..., ImportedLog]:
    if kind == "ocel-json":
        from o2c_mining.exchange.read_ocel_json import read_ocel_json

        return read_ocel_json
    if kind == "ocel-xml":
        from o2c_mining.exchange.read_ocel_xml import read_ocel_xml

        return read_ocel_xml
    if kind == "ocel1-xml":
        from o2c_mining.exchange.read_ocel1_xml import read_ocel1_xml

        return read_ocel1_xml
    if kind == "ocel-sqlite":
        from o2c_mining.exchange.read_ocel_sqlite import read_ocel_sqlite

        return read_ocel_sqlite
    from o2c_mining.exchange.read_ocel_csv import read_ocel_csv

    return read_ocel_csv
