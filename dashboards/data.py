"""Every figure a page shows, asked of the core once per (load, scope, as-of, filter) and then remembered.

A log is opened once per load and shared; every question reads it through a cursor of its own, because a session that
is clicked again starts its next run while the last one still waits for an answer. A new load is noticed by its number,
without opening anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar, cast

import streamlit as st

from dashboards.cards import CARDS
from dashboards.trends import trends
from dashboards.wording import CALENDAR, Clock, working_clock
from o2c_mining.analysis.avoidable import Avoidable, avoidable
from o2c_mining.analysis.case_story import CaseStory, case_story
from o2c_mining.analysis.durations import Duration, durations
from o2c_mining.analysis.filter_choices import Choice, filter_choices
from o2c_mining.analysis.handoffs import Ledger, handoffs
from o2c_mining.analysis.kpi_series import Series, kpi_series
from o2c_mining.analysis.kpis import Kpi, kpis
from o2c_mining.analysis.log_span import log_span
from o2c_mining.analysis.member_ids import member_ids
from o2c_mining.analysis.process_map import ProcessMap, process_map
from o2c_mining.analysis.step_times import StepTimes, step_times
from o2c_mining.analysis.variants import Variants, variants
from o2c_mining.bootstrap import CONFIG_FILE, Workspace, open_log, open_workspace, version_of
from o2c_mining.calendar.local_day import day_of
from o2c_mining.trace.refresh import known_types
from o2c_mining.trace.select import ObjectFilter, Traces, select

T = TypeVar("T")
_KEPT_LOGS = 2
TREND_MONTHS = 6
_KEPT_FIGURES = 400
_newest: dict[str, Traces] = {}  # a large log is continued from the version that is open


@dataclass(frozen=True, slots=True)
class Desk:
    """What one browser session works with: the workspace and its log, opened at one load."""

    workspace: Workspace
    base: Traces  # all cases of the default lens; ``base.log`` is the log, shared: ask it through ``asking()`` only
    number: int

    def asking(self) -> Traces:
        """The same on a cursor of its own, for one question."""
        return replace(self.base, log=replace(self.base.log, reader=self.base.log.reader.cursor()))

    @property
    def lens(self) -> str:
        """The default lens."""
        return self.base.lens.object_type

    @property
    def zone(self) -> str:
        """The company's time zone."""
        return self.workspace.config.company.timezone

    @property
    def currency(self) -> str:
        """The reporting currency."""
        return self.workspace.config.company.currency

    @property
    def known_types(self) -> tuple[str, ...]:
        """Object types of the log."""
        log = self.base.log
        return _remember(self, "types", (), lambda: tuple(known_types(self.asking().log.reader, log.objects)))

    @property
    def span(self) -> tuple[date, date]:
        """First and last day of the log in the company's zone."""
        found = _remember(self, "span", (), lambda: log_span(self.asking().log))
        return day_of(found[0], self.zone), day_of(found[1], self.zone) + timedelta(days=1)

    @property
    def has_calendar(self) -> bool:
        """Whether working time can be told."""
        return self.base.log.settings.calendar is not None


def workspace_root() -> Path:
    """Where the workspace is: handed over by ``o2c dashboard``, else the current folder."""
    return Path(os.environ.get("O2C_WORKSPACE") or ".").resolve()


def newest_number() -> int:
    """Number of the newest complete load; looked up at most every few seconds."""
    return _newest_number(str(workspace_root()))


@st.cache_data(ttl=4, show_spinner=False)
def _newest_number(root: str) -> int:
    return version_of(open_workspace(Path(root)))


def desk() -> Desk:
    """The session's desk, opened anew when a newer load was asked for."""
    number = st.session_state.get("_number") or newest_number()
    kept: Desk | None = st.session_state.get("_desk")
    if kept is None or kept.number != number:
        kept = opened(number)
        st.session_state["_desk"] = kept
        st.session_state["_number"] = number
    return kept


def opened(number: int) -> Desk:
    """The workspace at a load, shared by all sessions."""
    root = workspace_root()
    return _shared_desk(str(root), number, (root / CONFIG_FILE).stat().st_mtime_ns)


@st.cache_resource(max_entries=_KEPT_LOGS, show_spinner="Opening the event log …")
def _shared_desk(root: str, number: int, settings_changed: int) -> Desk:
    workspace = open_workspace(Path(root))
    before = _newest.get(root)
    log = open_log(workspace, known_at=number or None, previous=None if before is None else before.log)
    _newest[root] = select(log, ObjectFilter())
    return Desk(workspace, _newest[root], number)


def use_newest() -> None:
    """From the next run on, show the newest load."""
    _newest_number.clear()
    st.session_state.pop("_number", None)


def map_of(here: Desk, chosen: ObjectFilter, working: bool) -> ProcessMap:
    """The process map of the chosen cases."""
    return _remember(here, "map", (chosen, working), lambda: process_map(_chosen(here, chosen), working=working))


def variants_of(here: Desk, chosen: ObjectFilter, limit: int) -> Variants:
    """The most frequent variants of the chosen cases."""
    return _remember(here, "variants", (chosen, limit), lambda: variants(_chosen(here, chosen), limit))


def ledger_of(here: Desk, chosen: ObjectFilter, working: bool) -> Ledger:
    """The handoff ledger of the chosen cases."""
    return _remember(here, "ledger", (chosen, working), lambda: handoffs(_chosen(here, chosen), working=working))


def ranking_of(here: Desk, chosen: ObjectFilter, working: bool, limit: int) -> Avoidable:
    """The ledger as a ranking of avoidable euro-days."""
    return avoidable(ledger_of(here, chosen, working), limit)


def kpis_of(here: Desk, chosen: ObjectFilter) -> tuple[Kpi, ...]:
    """The figures of the cards, for the filter's period."""
    return _remember(here, "kpis", (chosen,), lambda: kpis(here.asking().log, _for_orders(here, chosen), CARDS).kpis)


def series_of(here: Desk, chosen: ObjectFilter) -> dict[str, Series] | None:
    """The figures of the cards month by month; ``None`` while they are still being computed."""

    def answer() -> dict[str, Series]:
        return {one.id: one for one in kpi_series(here.asking().log, _for_orders(here, chosen), CARDS, TREND_MONTHS)}

    return trends().ask(_key(here, "series", (chosen,)), answer)


def step_times_of(here: Desk, chosen: ObjectFilter, from_: str, to: str, working: bool) -> StepTimes:
    """Times of one path, binned."""
    day = clock_of(here, working).day_seconds
    key = (chosen, from_, to, working)
    return _remember(
        here,
        "steps",
        key,
        lambda: step_times(_chosen(here, chosen), from_, to, working=working, day_seconds=day),
    )


def duration_of(here: Desk, chosen: ObjectFilter, from_: str, to: str, working: bool) -> Duration:
    """Time between two activities with open cases counted."""
    key = (chosen, from_, to, working)
    return _remember(here, "durations", key, lambda: durations(_chosen(here, chosen), from_, to, working=working))


def member_ids_of(here: Desk, chosen: ObjectFilter) -> frozenset[str]:
    """Every document that belongs to a chosen case."""
    return _remember(here, "ids", (chosen,), lambda: member_ids(_chosen(here, chosen)))


def choices_of(here: Desk, lens: str) -> tuple[Choice, ...]:
    """Attributes the cases of a lens can be chosen by."""
    return _remember(here, "choices", (lens,), lambda: filter_choices(here.asking().log, lens))


def stories_of(here: Desk, number: str, lens: str) -> tuple[CaseStory, ...]:
    """The cases a document belongs to."""
    return _remember(here, "story", (number, lens), lambda: case_story(here.asking().log, number, lens))


def clock_of(here: Desk, working: bool) -> Clock:
    """The unit durations are shown in."""
    calendar = here.base.log.settings.calendar
    if not working or calendar is None:
        return CALENDAR
    return working_clock(calendar.day_seconds)


def _chosen(here: Desk, chosen: ObjectFilter) -> Traces:
    return select(here.asking().log, chosen)


def _for_orders(here: Desk, chosen: ObjectFilter) -> ObjectFilter:
    """The same choice for figures that follow orders: another lens' own attributes are named with their type."""
    lens = chosen.lens or here.lens
    if lens == "order":
        return chosen
    where = tuple((name if "." in name else f"{lens}.{name}", values) for name, values in chosen.where)
    return replace(chosen, lens="order", where=where, variant=None)


def _remember(here: Desk, question: str, key: tuple[object, ...], answer: Callable[[], T]) -> T:
    return cast(T, _answers(_key(here, question, key), answer))


def _key(here: Desk, question: str, key: tuple[object, ...]) -> str:
    log = here.base.log
    return repr((str(here.workspace.root), here.number, log.scope, log.as_of.isoformat(), question, key))


@st.cache_data(max_entries=_KEPT_FIGURES, show_spinner=False)
def _answers(whole: str, _answer: Callable[[], object]) -> object:
    return _answer()
