"""Evaluate one deadline rule: read its clocks, move its alerts, write their actions, all in one transaction.

Only objects that were touched since the last evaluation, and open clocks whose time has come, are looked at; the result
equals that of looking at all of them. Evaluating twice changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from o2c_mining.calendar import WorkCalendar
from o2c_mining.errors import ConfigError, O2CError
from o2c_mining.log.event_log import EventLog
from o2c_mining.log.failpoints import failpoint
from o2c_mining.monitor import read
from o2c_mining.monitor.apply import Evaluating, apply_clocks
from o2c_mining.monitor.clocks import Clock, Verdict, clocks
from o2c_mining.monitor.leadership import check_lease
from o2c_mining.monitor.lifecycle import Condition
from o2c_mining.monitor.sla import Sla, rule_version
from o2c_mining.monitor.system_alerts import report_errors, report_late_sources, undecided
from o2c_mining.state.database import State
from o2c_mining.state.models import Alert, AlertState, Evaluation, Health, OpenClock, Rule

_IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What one evaluation of a rule did: ``objects`` looked at, ``changes`` written, ``unknown`` clocks undecided."""

    rule: str
    health: Health
    objects: int
    changes: int
    unknown: int
    message: str | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which objects have to be looked at; ``ids`` ``None`` means all."""

    ids: frozenset[str] | None
    is_baseline: bool


def evaluate(
    state: State,
    log: EventLog,
    sla: Sla,
    calendar: WorkCalendar,
    *,
    targets: Mapping[str, str],
    now: datetime,
    fence: int | None = None,
    full: bool = False,
) -> Evaluated:
    """Bring the alerts of one rule up to date with the log.

    A rule that cannot be evaluated keeps its alerts as they are; after three failures that is an alert of its own.

    Parameters
    ----------
    state
        Where alerts are kept.
    log
        The newest log, not one of an earlier time.
    sla, calendar
        The rule and the working time it counts.
    targets
        Channel name → where it leads, as people read it.
    now
        The wall clock, for the record; verdicts never depend on it.
    fence
        Token of the monitor's lease; when the lease was lost nothing is written.
    full
        Look at every object again.

    Raises
    ------
    DeliveryError
        If the lease was lost to another monitor meanwhile.
    """
    version = rule_version(sla)
    try:
        read.check_activities(log, sla)
        complete, behind = read.complete_to(log, sla)
        plan = _plan(state, log, sla, version, calendar, complete, full=full)
        cases = read.case_times(log, sla, plan.ids)
        found = clocks(cases, sla, calendar, complete_to=complete, as_of=log.as_of)
        raised = [clock.object_id for clock in found if clock.condition is not Condition.CLEAR]
        named = read.documents(log, sla, raised)
    except O2CError as error:
        return _failed(state, log, sla, version, str(error), now=now, fence=fence)
    run = Evaluating(
        sla=sla,
        version=version,
        calendar_version=calendar.version,
        timezone=calendar.timezone,
        targets=targets,
        documents=named,
        at=complete or log.as_of,
        snapshot=log.snapshot.number,
        now=now,
        is_baseline=plan.is_baseline,
    )
    cancelled = frozenset(case.object_id for case in cases if case.is_cancelled)
    with state.write() as session:
        check_lease(session, fence, now)
        changes = apply_clocks(session, run, found, cancelled, plan.ids)
        _remember_open(session, sla.id, found, plan.ids)
        unknown = undecided(session, sla.id, complete_to=complete, as_of=log.as_of)
        late = behind if unknown or complete is None else ()
        report_late_sources(session, sla.id, late, now=now, snapshot=run.snapshot)
        report_errors(session, sla.id, None, now=now, snapshot=run.snapshot)
        failed = (Alert.rule == sla.id, Alert.health == Health.ERROR)
        session.execute(update(Alert).where(*failed).values(health=Health.OK))
        health = Health.NODATA if complete is None else Health.LATE if unknown else Health.OK
        done = Evaluated(sla.id, health, len(cases), changes, unknown)
        _record(session, log, version, done, complete, now)
        _remember_rule(session, log, run)
        failpoint("evaluate.decided")
    return done


def calendar_of(calendars: Mapping[str, WorkCalendar], sla: Sla) -> WorkCalendar:
    """The rule's calendar; ``""`` is the company's."""
    calendar = calendars.get(sla.calendar or "")
    if calendar is None:
        named = ", ".join(sorted(name for name in calendars if name)) or "none"
        raise ConfigError(
            f"the SLA '{sla.id}' counts by the calendar '{sla.calendar or '(company)'}'; there are: {named}; "
            "add a file to calendars/ or set [company] calendar in o2c.toml"
        )
    return calendar


def _plan(
    state: State,
    log: EventLog,
    sla: Sla,
    version: str,
    calendar: WorkCalendar,
    complete: datetime | None,
    *,
    full: bool,
) -> _Plan:
    with state.read() as session:
        rule = session.get(Rule, sla.id)
        if rule is None or rule.version != version:
            return _Plan(None, is_baseline=True)
        touched = None
        if not full and rule.store_epoch == log.snapshot.store_epoch and rule.refresh_seq <= log.snapshot.number:
            touched = read.touched_since(log, sla, rule.refresh_seq)
        if touched is None:
            return _Plan(None, is_baseline=False)
        ripe = select(OpenClock.object_id).where(OpenClock.rule == sla.id)
        if rule.calendar_version == calendar.version:
            ripe = ripe.where(OpenClock.check_after <= (complete or log.as_of).astimezone(UTC))
        uncertain = select(Alert.object_id).where(
            Alert.rule == sla.id,
            Alert.state != AlertState.RESOLVED,
            (Alert.missing > 0) | (Alert.health == Health.LATE) | (Alert.state != AlertState.FIRING),
        )
        return _Plan(frozenset([*touched, *session.scalars(ripe), *session.scalars(uncertain)]), is_baseline=False)


def _remember_open(session: Session, rule: str, found: Iterable[Clock], ids: Collection[str] | None) -> None:
    """Clocks that still run, so that the next evaluation knows which ones time alone can change."""
    if ids is None:
        session.execute(delete(OpenClock).where(OpenClock.rule == rule))
    else:
        for some in _portions(sorted(ids)):
            session.execute(delete(OpenClock).where(OpenClock.rule == rule, OpenClock.object_id.in_(some)))
    rows = [
        OpenClock(
            rule=rule,
            object_id=clock.object_id,
            since=clock.since,
            due_at=clock.due_at,
            check_after=clock.check_after,
        )
        for clock in found
        if clock.stopped_at is None or clock.verdict is Verdict.UNKNOWN
    ]
    session.add_all(rows)


def _remember_rule(session: Session, log: EventLog, run: Evaluating) -> None:
    rule = session.get(Rule, run.sla.id)
    if rule is None:
        rule = Rule(id=run.sla.id)
        session.add(rule)
    if run.is_baseline:
        rule.baselined_at = run.now
    rule.version, rule.calendar_version, rule.title = run.version, run.calendar_version, run.sla.title
    rule.refresh_seq, rule.store_epoch = log.snapshot.number, log.snapshot.store_epoch


def _record(
    session: Session, log: EventLog, version: str, done: Evaluated, complete: datetime | None, now: datetime
) -> None:
    session.add(
        Evaluation(
            rule=done.rule,
            rule_version=version,
            at=now,
            as_of=log.as_of,
            watermark=complete,
            snapshot=log.snapshot.number,
            health=done.health,
            message=done.message,
            objects=done.objects,
            changes=done.changes,
            unknown=done.unknown,
        )
    )


def _failed(
    state: State, log: EventLog, sla: Sla, version: str, message: str, *, now: datetime, fence: int | None
) -> Evaluated:
    """Keep every alert as it is and say that it could not be judged."""
    with state.write() as session:
        check_lease(session, fence, now)
        unresolved = (Alert.rule == sla.id, Alert.state != AlertState.RESOLVED)
        session.execute(update(Alert).where(*unresolved).values(health=Health.ERROR))
        report_errors(session, sla.id, message, now=now, snapshot=log.snapshot.number)
        done = Evaluated(sla.id, Health.ERROR, 0, 0, 0, message)
        _record(session, log, version, done, None, now)
    return done


def _portions(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[n : n + _IDS_AT_ONCE] for n in range(0, len(ids), _IDS_AT_ONCE)]
