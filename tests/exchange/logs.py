"""A small log with everything a log can hold, and what two logs must have in common to be the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from o2c_mining.bootstrap import Workspace, import_files, open_log, open_workspace
from o2c_mining.exchange.imported import ImportedLog
from o2c_mining.exchange.read import Asked
from o2c_mining.log.event_log import Settings
from o2c_mining.log.store import Batch, Store
from o2c_mining.trace.refresh import refresh

LOADED = {"entity_key", "op", "ingest_seq", "batch_id", "row_hash"}
KEYS = {
    "events": ("event_id",),
    "objects": ("object_id",),
    "e2o": ("event_id", "object_id", "qualifier"),
    "o2o": ("source_id", "target_id", "qualifier"),
    "object_changes": ("object_id", "field", "time"),
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def workspace(root: Path, config: str = "") -> Workspace:
    """A workspace that keeps no traces: what is tested here is in the tables. Files are read in this process."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "o2c.toml").write_text("lenses = []\nlimits.parse_memory_mb = 0\n" + config, encoding="utf-8")
    return open_workspace(root)


def load(where: Workspace, *paths: Path, **asked: Any) -> Any:
    return import_files(where, paths, Asked(**asked))


def refused_rows(log: ImportedLog) -> list[Any]:
    """The rows that a reader refused, with ``table``, ``key``, ``rule`` and ``reason``."""
    return [SimpleNamespace(**row) for row in log.refused.to_pylist()]


def tables(where: Workspace, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """Every table of a log as sorted rows, without what a load adds; an empty value is no value."""
    log = open_log(where, **options)
    found = {}
    for name, key in KEYS.items():
        rows = log.reader.execute(log.reader.table(f"{name}_current")).to_pylist()
        kept = [
            {
                k: sorted(v) if k == "attributes" else v
                for k, v in row.items()
                if k not in LOADED and v not in (None, [])
            }
            for row in rows
        ]
        found[name] = sorted(kept, key=lambda row: tuple(str(row.get(part, "")) for part in key))
    return found


def rich(root: Path) -> Workspace:
    """Orders, items, deliveries and invoices with attributes of every type, odd names and values, and histories."""
    where = workspace(root)
    common = {"op": "I", "entity_key": "erp:1"}
    events = [
        {"event_id": "e1", "activity": "Create Order", "time": at("2026-01-05 09:00:00.123456"), "offset_minutes": 60,
         "precision": "second", "resource": "anna", "resource_kind": "human", "team": "Sales", "system": "erp",
         "source_table": "sale", "source_key": "17",
         "attributes": [("channel", "web"), ("items", "3"), ("weight", "2.5")]},
        {"event_id": "e2", "activity": "Change Order", "time": at("2026-01-05 00:00"), "precision": "day",
         "old_value": "10.00", "new_value": "=12,00", "resource": "edi", "resource_kind": "technical", "system": "erp",
         "attributes": [("channel", "007"), ("urgent", "true"),
                        ("note", "two\nlines & <tags> \"quoted\" 'single'\ttab")]},
        {"event_id": "e3", "activity": "Post Goods Issue", "time": at("2026-01-06 10:00"),
         "start_time": at("2026-01-06 08:30"), "offset_minutes": -330, "precision": "minute", "system": "erp",
         "resource_kind": "human", "attributes": [("seen", "2026-01-06T10:00:00Z"), ("ünïcode €", "日本")]},
        {"event_id": "e4", "activity": "Post Invoice", "time": at("2026-01-06 10:00"), "precision": "second",
         "system": "billing", "resource_kind": "human"},
        {"event_id": "e5", "activity": "post invoice", "time": at("2026-01-07 10:00"), "precision": "second",
         "system": "billing", "resource_kind": "human", "attributes": [("total amount", "99999999999999999999")]},
    ]  # fmt: skip
    objects = [
        {"object_id": "o:1", "object_type": "order", "number": "SO-1", "system": "erp", "amount_minor": 12345,
         "currency": "EUR", "due_at": at("2026-02-05 00:00"), "region": "DACH", "weight": 2.5, "lines": 3, "vip": True,
         "promised": at("2026-01-09 00:00"), "status": "shipped", "odd name, (really)": "x",
         "wanted": date(2026, 1, 8)},
        {"object_id": "o:2", "object_type": "order", "system": "erp", "weight": -0.1, "vip": False, "region": ""},
        {"object_id": "d1", "object_type": "delivery", "system": "erp", "weight": 1e-7, "status": "done"},
        {"object_id": "i1", "object_type": "invoice", "number": "0042", "system": "billing", "amount_minor": -5,
         "currency": "JPY"},
        {"object_id": "c1", "object_type": "customer", "system": "erp", "region": "DACH"},
    ]  # fmt: skip
    e2o = [("e1", "o:1", ""), ("e1", "c1", "placed by"), ("e2", "o:1", ""), ("e3", "d1", ""), ("e4", "i1", "posts"),
           ("e4", "d1", ""), ("e5", "i1", "")]  # fmt: skip
    o2o = [
        {"source_id": "o:1", "target_id": "d1", "qualifier": "", "quantity": 3.0, "unit": "pcs"},
        {"source_id": "d1", "target_id": "i1", "qualifier": "bills", "amount_minor": 12345, "currency": "EUR"},
        {"source_id": "d1", "target_id": "i1", "qualifier": "", "method": "reference", "confidence": 0.9},
        {"source_id": "o:1", "target_id": "c1", "qualifier": "customer"},
    ]
    changes = [
        # new values of an attribute: OCEL can say it
        {"object_id": "o:1", "field": "status", "time": at("2026-01-05 09:00"), "precision": "second",
         "new_value": "open"},
        {"object_id": "o:1", "field": "status", "time": at("2026-01-06 09:00"), "precision": "second",
         "old_value": "open", "new_value": "shipped"},
        # who changed it, to day precision, of a field that is no attribute: OCEL cannot
        {"object_id": "o:1", "field": "price", "time": at("2026-01-05 00:00"), "precision": "day", "old_value": "10.00",
         "new_value": "12.00", "resource": "anna"},
        {"object_id": "d1", "field": "weight", "time": at("2026-01-06 00:00"), "precision": "second",
         "old_value": "5", "new_value": "other"},
    ]  # fmt: skip
    store = Store(where.store_path)
    with store.writer() as writer:
        for name, rows in (
            ("events", [{"source_seq": 10 + n, **row} for n, row in enumerate(events)]),
            ("objects", objects),
            ("e2o", [{"event_id": e, "object_id": o, "qualifier": q} for e, o, q in e2o]),
            ("o2o", o2o),
            ("object_changes", changes),
        ):
            names = dict.fromkeys(name for row in rows for name in row)
            seq = writer.next_seq(len(rows))
            filled = [
                {n: row.get(n) for n in names} | common | {"ingest_seq": seq + i, "batch_id": 1}
                for i, row in enumerate(rows)
            ]
            table = pa.Table.from_pylist(filled)
            if name == "events":
                kept = table.column_names.index("attributes")
                values = [row["attributes"] for row in filled]
                table = table.set_column(kept, "attributes", pa.array(values, pa.map_(pa.string(), pa.string())))
            writer.append(name, table)
        refresh(writer, Settings(where.config), {row["object_id"] for row in objects})
        writer.commit([Batch("erp", "all", read=5, accepted=5)])
    return where
