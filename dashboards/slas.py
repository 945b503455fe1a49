"""Deadlines of the workspace, as far as a chart can show them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboards.data import Desk, clock_of
from dashboards.view import Focus
from o2c_mining.calendar import Target
from o2c_mining.monitor.sla import Sla, load_slas, target_of


@dataclass(frozen=True, slots=True)
class SlaLine:
    """A deadline in words, and its length in seconds of working and of calendar time (``None`` where it has none)."""

    text: str
    working_seconds: float | None
    calendar_seconds: float | None

    def seconds(self, working: bool) -> float | None:
        """Where the line stands."""
        return self.working_seconds if working else self.calendar_seconds


def sla_of(here: Desk, focus: Focus) -> SlaLine | None:
    """The deadline whose clock starts with the path's first step, if there is one."""
    from_, path, to = focus.id.partition(">")
    if not path:
        return None
    fitting = [sla for sla in _slas(str(here.workspace.root)) if from_ in sla.start]
    exact = [sla for sla in fitting if to in sla.stop]
    if not fitting:
        return None
    sla = (exact or fitting)[0]
    target = target_of(sla)
    until = "" if exact else f" to {sla.stop[0]}"
    return SlaLine(f"SLA {target}{until}", *_lengths(target, clock_of(here, here.has_calendar).day_seconds))


def _lengths(target: Target, working_day: float) -> tuple[float | None, float | None]:
    """Nominal length; a deadline in days ends with a day, so it is this long for a start at the day's end."""
    if target.unit == "wd":
        return target.amount * working_day, None
    if target.unit == "wh":
        return target.amount * 3600, None
    return None, target.amount * (3600 if target.unit == "h" else 86_400)


@st.cache_data(ttl=30, show_spinner=False)
def _slas(root: str) -> tuple[Sla, ...]:
    return load_slas(Path(root) / "slas")
