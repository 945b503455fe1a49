"""Any event log in: find out what a file is and read it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from o2c_mining.config import Limits
from o2c_mining.exchange.collect import Report
from o2c_mining.exchange.detect import detect, fits
from o2c_mining.exchange.imported import ImportedLog
from o2c_mining.exchange.read_ocel_csv import read_ocel_csv
from o2c_mining.exchange.read_ocel_json import read_ocel_json
from o2c_mining.exchange.read_ocel_sqlite import read_ocel_sqlite
from o2c_mining.exchange.read_ocel_xml import read_ocel_xml
from o2c_mining.exchange.read_xes import read_xes

_OCEL = {
    "ocel-json": read_ocel_json,
    "ocel-xml": read_ocel_xml,
    "ocel-sqlite": read_ocel_sqlite,
    "ocel-csv": read_ocel_csv,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """How to read files: what the user said, and what answers questions the files leave open."""

    format: str = "auto"
    case_type: str | None = None
    mapping: Path | None = None
    accept: bool = False
    timezone: str | None = None  # the company's, where it is configured


def read_log(path: Path, limits: Limits, asked: Asked, report: Report | None = None) -> ImportedLog:
    """The event log in a file.

    Raises
    ------
    LogError
        If it is no event log, is damaged or too large, or a table leaves open how to read it.
    """
    kind = detect(path, limits)
    fits(kind, asked.format, path)
    with _no_collection():
        return _read(path, kind, limits, asked, report)


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


def _read(path: Path, kind: str, limits: Limits, asked: Asked, report: Report | None) -> ImportedLog:
    if kind == "xes":
        return read_xes(path, limits, case_type=asked.case_type or "case", report=report)
    if kind in _OCEL:
        return _OCEL[kind](path, limits, report=report)
    if kind == "tables":
        from o2c_mining.exchange.read_tables import read_tables

        return read_tables(path, limits)
    from o2c_mining.exchange.read_flat import read_flat

    return read_flat(path, kind, limits, asked, report)
