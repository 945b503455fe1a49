"""Which files are called the system of what came from them, and how that travels."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

SYSTEM = "o2c:system"  # an attribute of events and objects whose file named no system


def files_of(events: pa.Table) -> frozenset[str]:
    """Files that are called the system of their events, for they named none."""
    same = events.filter(pc.equal(events["system"], events["source_table"]))
    return frozenset(pc.unique(same["system"]).to_pylist())


def said_as(name: str, value: object, files: frozenset[str]) -> str:
    """The name an attribute goes out by: what a file did not say is marked as ours."""
    return SYSTEM if name == "system" and value in files else name
