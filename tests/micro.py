"""Small logs written by hand, loaded through the real store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from o2c_mining.config import Company, Config
from o2c_mining.log.event_log import EventLog, Settings, open_event_log
from o2c_mining.log.store import Batch, Store
from o2c_mining.trace.refresh import refresh

LANES = {
    "Create Order": "Sales",
    "Confirm Order": "Sales",
    "Cancel Order": "Sales",
    "Create Delivery": "Warehouse",
    "Post Goods Issue": "Warehouse",
    "Create Invoice": "Billing",
    "Post Invoice": "Billing",
    "Receive Payment": "Customer",
    "Clear Invoice": "Receivables",
}


def at(text: str) -> datetime:
    """``"2026-01-05 09:00"`` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def settings(**company: object) -> Settings:
    """Settings with the lanes of the micro logs."""
    return Settings(config=Config(company=Company.model_validate(company)), lanes=LANES)


def load(
    root: Path,
    *,
    events: Sequence[tuple[str, str, str, Sequence[str]]],
    objects: Sequence[tuple[str, str, int | None]],
    relations: Sequence[tuple[str, str]] = (),
    deleted: Sequence[str] = (),
    with_settings: Settings | None = None,
    precision: dict[str, str] | None = None,
    attributes: dict[str, dict[str, object]] | None = None,
    due: dict[str, datetime] | None = None,
    amounts: dict[tuple[str, str], int] | None = None,
    watermark: datetime | None = None,
) -> Store:
    """Append rows: events ``(id, activity, time, objects)``, objects ``(id, type, amount_minor)``, relations."""
    store = Store(root / "store")
    with store.writer() as writer:
        op = "U" if writer.number > 1 else "I"
        common = {"op": op, "batch_id": writer.number, "entity_key": ""}

        def seq() -> int:
            return writer.next_seq(1)

        writer.append(
            "events",
            pa.Table.from_pylist(
                [
                    {
                        "event_id": name,
                        "activity": activity,
                        "time": at(when),
                        "precision": (precision or {}).get(name, "second"),
                        "source_seq": position,
                        "system": "erp",
                        "resource_kind": "human",
                        **common,
                        "ingest_seq": seq(),
                        "op": "D" if name in deleted else op,
                    }
                    for position, (name, activity, when, _) in enumerate(events)
                ]
            ),
        )
        writer.append(
            "e2o",
            pa.Table.from_pylist(
                [
                    {
                        "event_id": name,
                        "object_id": o,
                        "qualifier": "",
                        **common,
                        "ingest_seq": seq(),
                        "op": "D" if name in deleted else op,
                    }
                    for name, _, _, referred in events
                    for o in referred
                ]
            ),
        )
        writer.append(
            "objects",
            pa.Table.from_pylist(
                [
                    {
                        "object_id": name,
                        "object_type": kind,
                        "number": name.upper(),
                        "system": "erp",
                        "amount_minor": amount,
                        "currency": "EUR",
                        "due_at": (due or {}).get(name),
                        **common,
                        "ingest_seq": seq(),
                        **(attributes or {}).get(name, {}),
                    }
                    for name, kind, amount in objects
                ]
            ),
        )
        if relations:
            writer.append(
                "o2o",
                pa.Table.from_pylist(
                    [
                        {
                            "source_id": a,
                            "target_id": b,
                            "qualifier": "",
                            "amount_minor": (amounts or {}).get((a, b)),
                            "currency": "EUR",
                            **common,
                            "ingest_seq": seq(),
                        }
                        for a, b in relations
                    ]
                ),
            )
        touched = {o for _, _, _, referred in events for o in referred}
        touched |= {name for name, _, _ in objects} | {o for pair in relations for o in pair}
        refresh(writer, with_settings or settings(), touched)
        writer.commit([Batch("erp", "all", watermark=watermark, read=len(events), accepted=len(events))])
    return store


def open_micro(store: Store, *, as_of: datetime | None = None, with_settings: Settings | None = None) -> EventLog:
    """The log of a micro store."""
    return open_event_log(store.snapshot(), with_settings or settings(), as_of=as_of)


def one_order(root: Path, **options: object) -> Store:
    """An order with a delivery and an invoice, paid: 7 events over nine days."""
    return load(
        root,
        events=[
            ("e1", "Create Order", "2026-01-05 09:00", ["o1"]),
            ("e2", "Confirm Order", "2026-01-05 11:00", ["o1"]),
            ("e3", "Create Delivery", "2026-01-05 11:00", ["d1"]),
            ("e4", "Post Goods Issue", "2026-01-06 10:00", ["d1"]),
            ("e5", "Create Invoice", "2026-01-06 10:00", ["i1"]),
            ("e6", "Post Invoice", "2026-01-09 15:00", ["i1"]),
            ("e7", "Clear Invoice", "2026-01-14 09:00", ["i1"]),
        ],
        objects=[("o1", "order", 100_00), ("d1", "delivery", None), ("i1", "invoice", 100_00)],
        relations=[("o1", "d1"), ("d1", "i1")],
        **options,  # type: ignore[arg-type]
    )
