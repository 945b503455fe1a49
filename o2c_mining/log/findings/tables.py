"""What the rules look at: everything loaded, also what an earlier point in time would hide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir

from o2c_mining.log.event_log import EventLog, possible_times
from o2c_mining.log.findings.local_days import local_day

FLOW = ("order", "delivery", "invoice", "payment")
HELPERS = tuple(f"findings_{name}" for name in ("references", "births", "flow", "repeated", "suspects"))
"""What several rules share, computed once and dropped when all have run."""


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

    def references(self) -> ir.Table:
        """References beside the event and the object they name, the texts joined once for all rules: ``event_no``,
        ``object_no``, ``lost_id``, ``time``, ``system``, ``day_only``, ``dated``, ``has_event``, ``has_reference``.

        The numbers are the ``ingest_seq`` of event and object, null where there is none: then ``lost_id`` is the
        object's id. Events that nothing refers to have a row without a reference, references of no event one without
        an event.
        """
        events = self.events
        facts = events.select(
            "event_id",
            "time",
            "system",
            event_no="ingest_seq",
            day_only=day_only(events),
            dated=(events.time.notnull() & possible_times(events, self.loaded)).fill_null(False),
            has_event=ibis.literal(True),
        )
        named = self.e2o.select(reference="event_id", object_id="object_id", has_reference=ibis.literal(True))
        beside = facts.outer_join(named, facts.event_id == named.reference)
        objects = self.objects.select(known_id="object_id", object_no="ingest_seq")
        joined = beside.left_join(objects, beside.object_id == objects.known_id)
        found = joined.select(
            "event_no",
            "object_no",
            "time",
            "system",
            "day_only",
            "dated",
            lost_id=ibis.ifelse(joined.object_no.isnull(), joined.object_id, ibis.null("string")),
            has_event=joined.has_event.fill_null(False),
            has_reference=joined.has_reference.fill_null(False),
        )
        return self.log.reader.materialize("findings_references", found)

    def _births(self) -> ir.Table:
        objects = self.objects.filter(self.objects.object_type.isin(FLOW))
        objects = objects.select("object_id", type="object_type", object_no="ingest_seq")
        seen = self.references()
        seen = seen.filter(seen.dated, seen.object_no.notnull())
        first = seen.group_by("object_no").aggregate(
            born=seen.time.min(),
            day_only=seen.day_only.argmin(seen.time),
            system=seen.system.fill_null("").argmin(seen.time),
        )
        born = first.join(objects, "object_no").drop("object_no")
        return born.mutate(day=self.day(born.born, born.day_only))


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
