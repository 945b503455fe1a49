"""Is the log consistent? Each check is a query for the offending rows; bad data are findings, not exceptions."""

from __future__ import annotations

from o2c_mining.log.event_log import EventLog
from o2c_mining.log.findings.causes import effects_before_causes
from o2c_mining.log.findings.duplicates import exact_duplicates
from o2c_mining.log.findings.finding import SEVERITIES, Finding, finding
from o2c_mining.log.findings.gaps import holes_in_streams
from o2c_mining.log.findings.references import missing_amounts, references
from o2c_mining.log.findings.refused import refused_rows
from o2c_mining.log.findings.rows import impossible_rows
from o2c_mining.log.findings.skew import clock_skew
from o2c_mining.log.findings.stamps import day_only_stamps, equal_stamps
from o2c_mining.log.findings.tables import HELPERS, tables_of


def validate(log: EventLog) -> tuple[Finding, ...]:
    """Run every check over everything loaded; returns only rules that found something, errors first.

    What each rule means is said in docs/findings.md.
    """
    tables = tables_of(log)
    flow = tables.flow()
    rules = [*references(tables), exact_duplicates(tables), equal_stamps(tables), *effects_before_causes(flow)]
    found = [
        *refused_rows(log.snapshot),
        *impossible_rows(tables),
        *missing_amounts(tables),
        *day_only_stamps(tables),
        *(told for rule in rules if (told := finding(log.reader, rule)) is not None),
        *clock_skew(log.reader, flow),
        *holes_in_streams(tables),
    ]
    log.reader.drop(*HELPERS)
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))
