"""The header of an object-centric CSV file."""

from __future__ import annotations

# How its columns are called: today's names, those of the first pm4py releases.
NAMES = {
    "ocel:eid": "id",
    "event_id": "id",
    "ocel:activity": "activity",
    "event_activity": "activity",
    "ocel:timestamp": "time",
    "event_timestamp": "time",
}


def is_ocel_header(names: list[str]) -> bool:
    """Whether a header is that of an object-centric table."""
    return {"id", "activity", "time"} <= {NAMES.get(name, "") for name in names}
