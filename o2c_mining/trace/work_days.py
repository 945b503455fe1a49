"""How much working time had passed at each event, by the company's calendar?"""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from o2c_mining.calendar.working import EARLIEST, LATEST, WorkCalendar, day_table
from o2c_mining.log.table_reader import TableReader

_LONG = 3653  # days, ten years
_DAY_SCHEMA = pa.schema(
    [("utc_date", pa.date32()), ("clock_before", pa.float64())]
    + [(f"w{n}_{edge}", pa.float64()) for n in (1, 2, 3) for edge in ("start", "end")]
)


def register_work_days(reader: TableReader, events: ir.Table, calendar: WorkCalendar | None) -> ir.Table | None:
    """The working windows of every day on which something happened, as a table the expressions can join.

    Where the events span more than ten years, days without one are left out: a single stamp of another century would
    else cost all days between. Below that, first and last are found quicker than the days.
    """
    if calendar is None:
        return None
    rows = [row._asdict() for row in day_table(calendar, _days(reader, events))]
    return reader.register("work_days", pa.Table.from_pylist(rows, schema=_DAY_SCHEMA))


def _days(reader: TableReader, events: ir.Table) -> list[date]:
    span = reader.rows(events.aggregate(first=events.time.min(), last=events.time.max()))[0]
    if span["first"] is None:
        return []
    first, last = (min(max(span[end], EARLIEST), LATEST).date() for end in ("first", "last"))
    if (last - first).days < _LONG:
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]
    day = _on_the_clock(events.time).cast("timestamp").date()
    days = events.filter(events.time.notnull()).select(day=day).distinct()
    return sorted(row["day"] for row in reader.rows(days))


def with_work_clock(rows: ir.Table, work_days: ir.Table | None) -> ir.Table:
    """Rows with a column ``time``, and their ``work_clock`` in seconds as ``calendar.work_clock`` has it.

    Null without a calendar. Before 1990 and after 2200 the clock stands still: of a segment that begins before 1990
    the working time since 1990 counts.
    """
    if work_days is None:
        return rows.mutate(work_clock=ibis.null("float64"))
    moment = _on_the_clock(rows.time).cast("timestamp")
    dated = rows.mutate(_day=moment.date(), _second=moment.delta(moment.truncate("D"), unit="microsecond") / 1_000_000)
    joined = dated.left_join(work_days, dated._day == work_days.utc_date)
    clock, second = joined.clock_before, joined._second
    for n in (1, 2, 3):
        start, end = joined[f"w{n}_start"], joined[f"w{n}_end"]
        clock = clock + ibis.greatest(ibis.least(second, end) - start, ibis.literal(0.0))
    return joined.mutate(work_clock=clock).select(*rows.columns, "work_clock")


def _on_the_clock(time: ir.TimestampValue) -> ir.TimestampValue:
    """The nearest moment at which the clock of working time runs."""
    bounded: ir.TimestampValue = ibis.least(ibis.greatest(time, ibis.literal(EARLIEST)), ibis.literal(LATEST))
    return bounded
