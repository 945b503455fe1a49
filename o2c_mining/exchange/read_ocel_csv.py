"""OCEL 1.0 as CSV, as pm4py writes it: one row per event, one column per object type with a list of ids."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.collect import Report
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.limits import blocks, opened
from o2c_mining.exchange.ocel import OcelCollector
from o2c_mining.exchange.ocel_header import NAMES, is_ocel_header
from o2c_mining.exchange.scan_csv import count_records
from o2c_mining.exchange.table import RawBytes

_LONGEST_CELL = 4 * 1024 * 1024
_TYPE, _ATTRIBUTE = "ocel:type:", "event_"
_NONE = "['']"
_ID = re.compile(r"'([^'\\]*(?:\\.[^'\\]*)*)'|\"([^\"\\]*(?:\\.[^\"\\]*)*)\"")


def read_ocel_csv(
    path: Path, limits: Limits, *, report: Report | None = None, spill: Path | None = None
) -> ImportedLog:
    """The log of an object-centric CSV file. An id that stands in columns of two types is told apart by its type.

    Raises
    ------
    LogError
        If a row is damaged, or an independent count finds other numbers of rows or references.
    """
    log = OcelCollector(path.name, limits, report, spill)
    log.is_typed = False
    types: dict[str, dict[str, None]] = {}
    rows = _rows(path, limits)
    header = [name.strip() for name in next(rows, [])]
    if not is_ocel_header(header):
        raise LogError(
            f"{path.name} does not begin with the columns of OCEL; expected ocel:eid, ocel:activity, ocel:timestamp in "
            "its first row; mend it"
        )
    roles = [NAMES.get(name) for name in header]
    kinds = [
        None
        if role or (name.startswith((_ATTRIBUTE, "ocel:")) and not name.startswith(_TYPE))
        else name.removeprefix(_TYPE)
        for name, role in zip(header, roles, strict=True)
    ]
    if any(name.startswith(_TYPE) for name in header):
        kinds = [kind if name.startswith(_TYPE) else None for name, kind in zip(header, kinds, strict=True)]
    owners: dict[str, str] = {}
    shared: set[str] = set()
    for row in _rows_below(path, limits):  # first the types, for an id may have two
        for kind, cell in zip(kinds, row, strict=False):
            if kind is not None:
                for identity in filter(str.strip, _ids(cell)):
                    if owners.setdefault(identity, kind) != kind:
                        shared.add(identity)
    owners.clear()
    quoted = 0
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise LogError(
                f"{path.name}, row {number} has {len(row)} cells; expected {len(header)} as in the header; mend the row"
            )
        values = dict(zip(roles, row, strict=True))
        references = []
        attributes = {}
        for name, role, kind, cell in zip(header, roles, kinds, row, strict=True):
            if kind is not None:
                quoted += _count_ids(cell)
                log.empty_references += cell == _NONE
                for identity in _ids(cell):
                    known = f"{kind}:{identity}" if identity in shared else identity
                    if identity.strip():
                        types.setdefault(kind, {}).setdefault(known)
                    references.append((known, ""))
            elif role is None and cell:
                attributes[name.removeprefix(_ATTRIBUTE)] = cell
        log.event(values["id"] or "", values["activity"] or "", values["time"] or "", attributes, references)
    for kind, identities in types.items():
        for identity in identities:
            log.object(identity, kind, (), ())
    if shared:
        log.note(f"{len(shared):,} ids stand in columns of two types and are told apart by their type")
    imported = log.finish()
    records = count_records(blocks(path, limits)) - 1
    account_for(imported, {"events": records, "e2o": quoted}, by="a scan of the cells")
    return imported


def _rows_below(path: Path, limits: Limits) -> Iterator[list[str]]:
    rows = _rows(path, limits)
    next(rows, None)
    return rows


def _rows(path: Path, limits: Limits) -> Iterator[list[str]]:
    csv.field_size_limit(_LONGEST_CELL)
    try:
        with opened(path, limits) as source:
            text = io.TextIOWrapper(io.BufferedReader(RawBytes(source)), encoding="utf-8-sig", newline="")
            yield from (row for row in csv.reader(text, strict=True) if row)
    except UnicodeDecodeError as error:
        raise LogError(f"{path.name} is not UTF-8 ({error.reason}); expected UTF-8; save it as UTF-8") from error
    except csv.Error as error:
        raise LogError(
            f"{path.name} is no readable CSV ({error}); expected quoted cells to end; mend the row"
        ) from error


def _ids(cell: str) -> list[str]:
    """The ids of a cell: ``['a', 'b']``, or one id written bare; ``['']`` is how some write a list of none."""
    if cell == _NONE:
        return []
    if not cell.startswith("["):
        return [cell] if cell.strip() else []
    if cell.startswith("['") and cell.endswith("']") and '"' not in cell and "\\" not in cell:
        parts = cell[2:-2].split("', '")
        if not any("'" in part for part in parts):
            return parts
    try:
        found = ast.literal_eval(cell)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise LogError(f"{cell[:60]!r} is no list of ids; expected ['a', 'b']; mend the cell") from error
    return [str(identity) for identity in found]


def _count_ids(cell: str) -> int:
    """The same count by the quotes in the cell."""
    if cell == _NONE:
        return 0
    if not cell.startswith("["):
        return 1 if cell.strip() else 0
    quoted = sum(1 for _ in _ID.finditer(cell))
    bare = [part for part in _ID.sub("", cell[1:-1]).split(",") if part.strip()]
    return quoted + len(bare)
