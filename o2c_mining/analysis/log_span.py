"""From when to when does the log tell?"""

from __future__ import annotations

from datetime import datetime

from o2c_mining.log.event_log import EventLog


def log_span(log: EventLog) -> tuple[datetime, datetime]:
    """Time of the first event and ``as_of``."""
    first: datetime = log.reader.rows(log.events.aggregate(first=log.events.time.min()))[0]["first"]
    return first, log.as_of
