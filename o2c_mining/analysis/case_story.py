"""What happened to this document? Its whole story, with the source rows behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis

from o2c_mining.errors import AnalysisError
from o2c_mining.log.event_log import EventLog
from o2c_mining.log.money import major
from o2c_mining.trace.select import ObjectFilter, Traces, select


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """One event of the case; ``elapsed_seconds`` runs to the next one or, in an open case, to ``as_of``."""

    time: datetime
    precision: str
    activity: str
    team: str
    resource: str | None
    system: str
    elapsed_seconds: float | None
    enabled_by: str | None
    handoff: bool
    objects: tuple[str, ...]
    source_table: str | None
    source_key: str | None


@dataclass(frozen=True, slots=True)
class StoryObject:
    """A document of the case."""

    object_id: str
    object_type: str
    number: str | None
    amount: str | None
    currency: str | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseStory:
    """A case of the lens that the document belongs to."""

    lens: str
    case_id: str
    number: str | None
    end_kind: str | None
    opened_at: datetime
    closed_at: datetime | None
    objects: tuple[StoryObject, ...]
    events: tuple[StoryEvent, ...]


def case_story(log: EventLog, number: str, lens: str | None = None) -> tuple[CaseStory, ...]:
    """Every case that a document number (or object id) belongs to, oldest first; a collective invoice has several.

    Raises
    ------
    AnalysisError
        If no document has that number, or none of that number is in a case of the lens.
    """
    objects = log.objects
    found = log.reader.rows(
        objects.filter((objects.number == number) | (objects.object_id == number)).select("object_id", "object_type")
    )
    if not found:
        raise AnalysisError(
            f"no document has the number {number!r}; expected a number or object id of this log; "
            "`o2c cases` lists the cases"
        )
    traces = select(log, ObjectFilter(lens=lens))
    ids = [row["object_id"] for row in found]
    holding = traces.members.filter(traces.members.object_id.isin(ids)).select("case_id").distinct()
    cases = log.reader.rows(traces.cases.semi_join(holding, "case_id").order_by("opened_at", "case_id"))
    if not cases:
        kinds = ", ".join(sorted({row["object_type"] for row in found}))
        raise AnalysisError(
            f"{number!r} ({kinds}) is in no case of lens {traces.lens.object_type}; expected a document of its flow; "
            f"try --lens {sorted({row['object_type'] for row in found})[0]}"
        )
    return tuple(_story(traces, row) for row in cases)


def _story(traces: Traces, case: dict[str, object]) -> CaseStory:
    log = traces.log
    members = traces.members.filter(traces.members.case_id == case["case_id"])
    documents = log.reader.rows(
        log.objects.semi_join(members, "object_id").order_by("object_type", "number", "object_id")
    )
    names = {row["object_id"]: row["number"] or row["object_id"] for row in documents}
    pairs = traces.pairs.filter(traces.pairs.case_id == case["case_id"])
    facts = log.events.select("event_id", "precision", "resource", "source_table", "source_key")
    enablers = pairs.select(seq=pairs.seq + 1, enabling=pairs.enabled_activity, by_handoff=pairs.handoff)
    steps = pairs.join(facts, "event_id").left_join(enablers, "seq")
    referred = log.e2o.semi_join(pairs, "event_id").select("event_id", "object_id").distinct()
    objects_of: dict[str, list[str]] = {}
    for row in log.reader.rows(referred.order_by("event_id", "object_id")):
        objects_of.setdefault(row["event_id"], []).append(names.get(row["object_id"], row["object_id"]))
    events = tuple(
        StoryEvent(
            time=row["time"],
            precision=row["precision"],
            activity=row["activity"],
            team=row["team"],
            resource=row["resource"],
            system=row["system"],
            elapsed_seconds=row["elapsed_seconds"],
            enabled_by=row["enabling"],
            handoff=bool(row["by_handoff"]),
            objects=tuple(objects_of.get(row["event_id"], ())),
            source_table=row["source_table"],
            source_key=row["source_key"],
        )
        for row in log.reader.rows(steps.order_by(ibis.asc("seq")))
    )
    return CaseStory(
        lens=traces.lens.object_type,
        case_id=str(case["case_id"]),
        number=None if case["number"] is None else str(case["number"]),
        end_kind=None if case["end_kind"] is None else str(case["end_kind"]),
        opened_at=case["opened_at"],  # type: ignore[arg-type]
        closed_at=case["closed_at"],  # type: ignore[arg-type]
        objects=tuple(
            StoryObject(
                object_id=row["object_id"],
                object_type=row["object_type"],
                number=row["number"],
                amount=None if row["amount_minor"] is None else major(row["amount_minor"], row["currency"] or "EUR"),
                currency=row["currency"],
                due_at=row["due_at"],
            )
            for row in documents
        ),
        events=events,
    )
