"""What the deadlines say about a log, at any time, without touching an alert."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from o2c_mining.calendar import WorkCalendar
from o2c_mining.log.event_log import EventLog
from o2c_mining.monitor import read
from o2c_mining.monitor.clocks import Verdict, clocks
from o2c_mining.monitor.evaluate import calendar_of
from o2c_mining.monitor.sla import Sla, rule_version


@dataclass(frozen=True, slots=True)
class RuleVerdicts:
    """Clocks of a rule by verdict; ``late`` are those breached that were stopped after all."""

    rule: str
    version: str
    as_of: datetime
    complete_to: datetime | None
    verdicts: dict[str, int]
    late: int


def verdicts(
    log: EventLog, slas: Sequence[Sla], calendars: Mapping[str, WorkCalendar], *, only: str | None = None
) -> tuple[RuleVerdicts, ...]:
    """One line per rule, in the order of ``slas``; every verdict is listed, also with none."""
    lines = []
    for sla in slas:
        if only not in (None, sla.id):
            continue
        complete, _ = read.complete_to(log, sla)
        cases = read.case_times(log, sla)
        found = clocks(cases, sla, calendar_of(calendars, sla), complete_to=complete, as_of=log.as_of)
        counted = Counter(clock.verdict for clock in found)
        late = sum(clock.verdict is Verdict.BREACHED and clock.stopped_at is not None for clock in found)
        by_verdict = {verdict.value: counted[verdict] for verdict in Verdict}
        lines.append(RuleVerdicts(sla.id, rule_version(sla), log.as_of, complete, by_verdict, late))
    return tuple(lines)
