"""What is in the log?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from o2c_mining.analysis.process_map import shared_events
from o2c_mining.log.event_log import EventLog
from o2c_mining.log.refusals import refusals
from o2c_mining.log.validate import validate
from o2c_mining.trace.select import ObjectFilter, select, variants_ranked


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of the whole log and of one lens.

    ``objects_without_event`` are objects of the lens' type that no event reaches: they are no cases. ``quarantined``
    are rows that were refused and wait to be mended, each once.
    """

    events: int
    objects: dict[str, int]
    relations: int
    object_relations: int
    lens: str
    cases: int
    open_cases: int
    objects_without_event: int
    shared_events: int
    activities: int
    variants: int
    first_event: datetime | None
    last_event: datetime | None
    sources: dict[str, int]
    quarantined: int
    findings: dict[str, int]
    version: int
    watermarks: dict[str, datetime]


def summary(log: EventLog, chosen: ObjectFilter | None = None) -> Summary:
    """Count events, objects, relations, cases and variants.

    Everything loaded counts, impossible times included, unless the log was opened for an earlier ``as_of`` or the
    filter chooses cases: then their events and the objects of the cases. ``relations`` are event-object references,
    ``object_relations`` object-object relations. Quarantine and findings are always those of the whole log.
    """
    chosen = chosen or ObjectFilter()
    rows = log.reader.rows
    traces = select(log, chosen)
    events = log.reader.table("events_current") if log.stored_traces_hold else log.events
    objects, e2o, o2o = log.objects, log.e2o, log.o2o
    if chosen != ObjectFilter(lens=chosen.lens):
        events = events.semi_join(traces.pairs, "event_id")
        objects = objects.semi_join(traces.members, "object_id")
        e2o = e2o.semi_join(traces.pairs, "event_id")
        o2o = o2o.filter(o2o.source_id.isin(traces.members.object_id), o2o.target_id.isin(traces.members.object_id))
    totals = rows(
        events.aggregate(
            events=events.count(),
            activities=events.activity.nunique(),
            first_event=events.time.min(),
            last_event=events.time.max(),
        )
    )[0]
    types = rows(objects.group_by("object_type").aggregate(n=objects.count()).order_by("object_type"))
    systems = rows(events.group_by("system").aggregate(n=events.count()).order_by("system"))
    cases = rows(traces.cases.aggregate(n=traces.cases.count(), still_open=traces.cases.closed_at.isnull().sum()))[0]
    shared = shared_events(traces)
    ranked = variants_ranked(traces.cases)
    findings = validate(log)
    counted = {row["object_type"]: row["n"] for row in types}
    return Summary(
        events=totals["events"],
        objects=counted,
        relations=log.reader.count(e2o),
        object_relations=log.reader.count(o2o),
        lens=traces.lens.object_type,
        cases=cases["n"],
        open_cases=cases["still_open"] or 0,
        objects_without_event=counted.get(traces.lens.object_type, 0) - cases["n"],
        shared_events=shared,
        activities=totals["activities"],
        variants=log.reader.count(ranked),
        first_event=totals["first_event"],
        last_event=totals["last_event"],
        sources={str(row["system"]): row["n"] for row in systems},
        quarantined=refusals(log.snapshot).num_rows,
        findings={
            severity: sum(finding.count for finding in findings if finding.severity == severity)
            for severity in ("error", "warning")
        },
        version=log.snapshot.number,
        watermarks=log.snapshot.watermarks(),
    )
