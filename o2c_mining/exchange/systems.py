"""Which files are called the system of what came from them, and how that travels."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.log.event_log import EventLog
from o2c_mining.log.same import FILE

SYSTEM = "o2c:system"  # an attribute of events and objects whose file named no system


def files_of(log: EventLog) -> frozenset[str]:
    """Files that are called the system of their events or objects, for they named none."""
    events, objects = log.reader.table("events_current"), log.objects
    own = objects.entity_key.startswith(ibis.literal(FILE) + objects.system + "@")
    found: list[ir.Table] = [events.filter(events.system == events.source_table), objects.filter(own)]
    names = ibis.union(*(table.select("system") for table in found), distinct=True)
    return frozenset(str(row["system"]) for row in log.reader.rows(names))


def said_as(name: str, value: object, files: frozenset[str]) -> str:
    """The name an attribute goes out by: what a file did not say is marked as ours."""
    return SYSTEM if name == "system" and value in files else name
