"""Every question that may be asked of a log, asked once."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from datetime import date, timedelta
from types import CodeType
from typing import Any

import ibis

from o2c_mining.analysis.case_story import case_story
from o2c_mining.analysis.durations import durations
from o2c_mining.analysis.filter_choices import filter_choices
from o2c_mining.analysis.handoffs import handoffs
from o2c_mining.analysis.kpi_series import kpi_series
from o2c_mining.analysis.kpis import kpis
from o2c_mining.analysis.kpis.invoices import invoices
from o2c_mining.analysis.log_span import log_span
from o2c_mining.analysis.member_ids import member_ids
from o2c_mining.analysis.process_map import process_map
from o2c_mining.analysis.step_times import step_times
from o2c_mining.analysis.summary import summary
from o2c_mining.analysis.variants import variants
from o2c_mining.calendar.working import WorkCalendar
from o2c_mining.conformance.conformance import conformance
from o2c_mining.conformance.reference import reference_model
from o2c_mining.documents import parse_document
from o2c_mining.exchange.content import content_of, dated_ahead, flat_of
from o2c_mining.log.attribute_types import attribute_types
from o2c_mining.log.event_log import EventLog
from o2c_mining.log.validate import validate
from o2c_mining.monitor.read import case_times, check_activities, complete_to, documents, touched_since
from o2c_mining.monitor.sla import Sla, default_sla_text
from o2c_mining.monitor.verdicts import verdicts
from o2c_mining.trace.select import ObjectFilter, refuse_silent_lens, select, unfiltered
from tests.engines.compare import sorted_rows

ASKED_IN = ("o2c_mining.analysis", "o2c_mining.conformance", "o2c_mining.exchange", "o2c_mining.monitor",
            "o2c_mining.log", "o2c_mining.trace")  # fmt: skip
# These write into the state of alerts; what they ask of the log is asked through `monitor.read`.
WRITES = {"o2c_mining.monitor.evaluate.evaluate"}

SOME = ObjectFilter(lens="order", with_=("Post Invoice",), without=("Cancel Order",))


SLA = parse_document(default_sla_text(), Sla, source="the shipped deadline")


def _calendars(log: EventLog) -> dict[str, WorkCalendar]:
    assert log.settings.calendar is not None
    return {"": log.settings.calendar}


def _content(log: EventLog) -> dict[str, Any]:
    found = content_of(log, select(log, SOME).members, everything=False)
    return {
        "events": sorted_rows(found.events, "event_id"),
        "objects": sorted_rows(found.objects, "object_id"),
        "e2o": sorted_rows(found.e2o, "event_id", "object_id", "qualifier"),
        "o2o": sorted_rows(found.o2o, "source_id", "target_id", "qualifier"),
    }


def _flat(log: EventLog) -> list[Any]:
    traces = select(log, SOME)
    found = flat_of(log, "order", traces.cases, traces.pairs)
    return [found.lens, found.shared_events, found.cases, found.events]


def _invoices(log: EventLog) -> Any:
    found = invoices(select(log), log.as_of - timedelta(days=90))
    return sorted_rows(log.reader.execute(found), "object_id")


def _story(log: EventLog) -> Any:
    numbers = unfiltered(log, select(log).lens).select("number").order_by(ibis.asc("number")).limit(1)
    return case_story(log, log.reader.rows(numbers)[0]["number"])


QUESTIONS: dict[str, Callable[[EventLog], Any]] = {
    "summary": summary,
    "summary of some": lambda log: summary(log, SOME),
    "durations": lambda log: durations(select(log), "Post Goods Issue", "Post Invoice", working=True),
    "durations in calendar time": lambda log: durations(select(log), "Create Order", "Clear Invoice"),
    "filter choices": lambda log: filter_choices(log, "order"),
    "case story": _story,
    "kpis": kpis,
    "kpis of a period": lambda log: kpis(log, ObjectFilter(start=date(2026, 2, 1), end=date(2026, 5, 1))),
    "kpi series": lambda log: kpi_series(log, ObjectFilter(), ("dso_period_end",), months=1),
    "invoices": _invoices,
    "log span": log_span,
    "member ids": lambda log: member_ids(select(log, SOME)),
    "map": lambda log: process_map(select(log)),
    "map of some": lambda log: process_map(select(log, SOME)),
    "variants": lambda log: variants(select(log), 20),
    "handoffs": lambda log: handoffs(select(log)),
    "step times": lambda log: step_times(select(log), "Post Goods Issue", "Create Invoice", working=True),
    "conformance": lambda log: conformance(select(log), reference_model("order")),
    "content": _content,
    "flat": _flat,
    "attribute types": lambda log: sorted_rows(attribute_types(log), "of", "type", "name"),
    "dated ahead": lambda log: dated_ahead(log, select(log, SOME).members, everything=True),
    "findings": validate,
    "case times": lambda log: case_times(log, SLA),
    "complete to": lambda log: complete_to(log, SLA),
    "documents": lambda log: documents(log, SLA, [c.object_id for c in case_times(log, SLA)[:5]]),
    "touched since": lambda log: sorted(touched_since(log, SLA, 0) or ()),
    "activities": lambda log: check_activities(log, SLA),
    "verdicts": lambda log: verdicts(log, [SLA], _calendars(log)),
    "silent lens": lambda log: refuse_silent_lens(log, select(log).lens),
}


def asking_functions() -> dict[CodeType, str]:
    """Every public function that asks something of a log or of traces."""
    found = {}
    for package in ASKED_IN:
        for info in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
            module = importlib.import_module(info.name)
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if function.__module__ != module.__name__ or name.startswith("_"):
                    continue
                kinds = {str(one.annotation) for one in inspect.signature(function).parameters.values()}
                if kinds & {"EventLog", "Traces"} and f"{module.__name__}.{name}" not in WRITES:
                    found[function.__code__] = f"{module.__name__}.{name}"
    return found
