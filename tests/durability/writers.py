"""Processes that only load: every commit says how many rows the log has after it."""

from __future__ import annotations

import threading
from pathlib import Path

import pyarrow as pa

from o2c_mining.log.store import Batch, Store, Writer
from tests.micro import at

EVENTS = 7


def load_once(root: Path, who: str) -> int:
    """Append ``EVENTS`` events and twice as many references; returns the commit's number."""
    with Store(root).writer() as writer:
        name = f"{who}{writer.number}"
        _append(writer, who, [f"{name}-{index}" for index in range(EVENTS)])
        return writer.commit([Batch(who, "rows", read=EVENTS, accepted=EVENTS)]).number


def _append(writer: Writer, who: str, names: list[str]) -> None:
    first = writer.next_seq(3 * len(names))
    common = {"op": "I", "batch_id": writer.number, "row_hash": who, "entity_key": who}
    moment = at("2026-01-05 09:00")
    events = [
        {"event_id": name, "activity": who, "time": moment, "ingest_seq": seq, **common}
        for seq, name in enumerate(names, first)
    ]
    references = [
        {"event_id": name, "object_id": end, "qualifier": "", "ingest_seq": seq, **common}
        for seq, (name, end) in enumerate(((n, e) for n in names for e in "ab"), first + len(names))
    ]
    writer.append("events", pa.Table.from_pylist(events))
    writer.append("e2o", pa.Table.from_pylist(references))


def write_until(root: Path, stop: threading.Event) -> None:
    """Load until told to stop."""
    while not stop.is_set():
        load_once(root, "busy")


def load_numbered(root: Path, number: int) -> None:
    """The load of that number: always the same rows; its cursor says that it is there."""
    with Store(root).writer() as writer:
        _append(writer, f"load{number}", [f"load{number}-{index}" for index in range(EVENTS)])
        writer.commit([Batch("loads", "rows", cursor=str(number), read=EVENTS, accepted=EVENTS)])


def loads_done(root: Path) -> int:
    """How many numbered loads the store has."""
    return int(Store(root).snapshot().cursor("loads", "rows") or 0)
