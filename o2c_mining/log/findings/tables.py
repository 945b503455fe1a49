"""What the rules look at: everything loaded, also what an earlier point in time would hide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir

from o2c_mining.log.event_log import EventLog, possible_times
from o2c_mining.log.findings.local_days import local_day

FLOW = ("order", "delivery", "invoice", "payment")


@dataclass(frozen=True, slots=True)
class Tables:
    """Current rows of the log; ``loaded`` is the moment of the newest load.

    ``span`` reaches from the first to the last possible time.
    """

    log: EventLog
    events: ir.Table
    objects: ir.Table
    e2o: ir.Table
    o2o: ir.Table
    loaded: datetime
    span: tuple[datetime, datetime]

    def dated(self) -> ir.Table:
        """Events with a possible time."""
        return self.events.filter(self.events.time.notnull(), possible_times(self.events, self.loaded))

    def day(self, time: ir.TimestampValue, day_only: ir.BooleanValue) -> ir.DateValue:
        """The company's day of a time of the log."""
        return local_day(time, day_only, self.log.settings.config.company.timezone, self.span)

    def flow(self) -> ir.Table:
        """Related documents of the flow: ``source_*`` and ``target_*`` with ``id, type, born, day, day_only, system``.

        A document is born with its first event. Computed once per log, for several rules need it.
        """
        births = self.log.reader.materialize("findings_births", self._births())
        columns = [name for name in births.columns if name != "object_id"]
        before = births.select(source_id=births.object_id, **{f"source_{name}": births[name] for name in columns})
        after = births.select(target_id=births.object_id, **{f"target_{name}": births[name] for name in columns})
        related = self.o2o.select("source_id", "target_id").distinct()
        pairs = related.join(before, "source_id").join(after, "target_id")
        return self.log.reader.materialize("findings_flow", pairs.filter(pairs.source_type != pairs.target_type))

    def _births(self) -> ir.Table:
        objects = self.objects.filter(self.objects.object_type.isin(FLOW)).select("object_id", type="object_type")
        events = self.dated()
        events = events.select("event_id", "time", "system", day_only=day_only(events))
        seen = self.e2o.select("event_id", "object_id").join(events, "event_id")
        first = seen.group_by("object_id").aggregate(
            born=seen.time.min(),
            day_only=seen.day_only.argmin(seen.time),
            system=seen.system.fill_null("").argmin(seen.time),
        )
        return first.join(objects, "object_id").mutate(day=self.day(first.born, first.day_only))


def day_only(events: ir.Table) -> ir.BooleanValue:
    """Whether of an event's time only the day is known."""
    return events.precision.fill_null("second") == "day"


def tables_of(log: EventLog) -> Tables:
    """Everything loaded into a log."""
    reader = log.reader
    events, objects, e2o, o2o = (reader.table(f"{name}_current") for name in ("events", "objects", "e2o", "o2o"))
    loaded = log.snapshot.committed_at or datetime.now(UTC)
    possible = events.filter(possible_times(events, loaded))
    first = reader.rows(possible.aggregate(first=possible.time.min()))[0]["first"]
    return Tables(log, events, objects, e2o, o2o, loaded, (first or log.newest, log.newest))


def label(*columns: ir.Value) -> ir.StringValue:
    """``"erp: Create Order"``."""
    first, *rest = (column.cast("string").fill_null("unknown") for column in columns)
    text = first
    for part in rest:
        text = text + ibis.literal(": ") + part
    return text
