"""On which day of the company did something happen?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from o2c_mining.calendar.working import EARLIEST

Span: TypeAlias = tuple[datetime, datetime]
_HALF_DAY = 12 * 3600
_MINUTE = timedelta(minutes=1)


def local_day(
    time: ir.TimestampValue, day_only: ir.BooleanValue, zone: str, span: tuple[datetime, datetime]
) -> ir.DateValue:
    """The date of a moment in the company's zone; of a day-only stamp, the day it says.

    A day is stored as its midnight, in its source's zone or in UTC: noon of it lies in that day everywhere.
    """
    shift = ibis.ifelse(day_only, _HALF_DAY, _offset(time, ZoneInfo(zone), *span))
    return (time + shift.as_interval("s")).date()


def _offset(time: ir.TimestampValue, zone: ZoneInfo, first: datetime, last: datetime) -> ir.IntegerValue:
    """Seconds east of UTC at a moment, as one branch per change of the zone's offset between two moments."""
    branches = []
    before, until = max(first, EARLIEST), last
    while before < until:
        after = min(before + timedelta(days=7), until)
        if _seconds(before, zone) != _seconds(after, zone):
            low, high = before, after
            while high - low > _MINUTE:
                middle = low + (high - low) // 2
                low, high = (middle, high) if _seconds(middle, zone) == _seconds(before, zone) else (low, middle)
            change = high.replace(second=0, microsecond=0)
            branches.append((time < ibis.literal(change), _seconds(before, zone)))
        before = after
    final = ibis.literal(_seconds(until, zone), "int32")
    return ibis.cases(*branches, else_=final) if branches else final


def _seconds(moment: datetime, zone: ZoneInfo) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
