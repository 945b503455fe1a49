"""Are single rows possible? Times, ids, activities, money: rules that need nothing but the row itself."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from o2c_mining.calendar.working import EARLIEST
from o2c_mining.log.event_log import possible_times
from o2c_mining.log.findings.finding import Finding
from o2c_mining.log.findings.tables import Tables
from o2c_mining.log.money import CURRENCIES
from o2c_mining.log.schema import PRECISIONS, UNKNOWN_TYPE
from o2c_mining.log.table_reader import TableReader


@dataclass(frozen=True, slots=True)
class RowRule:
    """A condition on one row; all conditions on a table are counted in one pass over it."""

    name: str
    severity: str
    broken: ir.BooleanValue
    example: ir.StringValue
    why: str
    mend: str


def impossible_rows(tables: Tables) -> list[Finding]:
    """Rows that cannot be as they are."""
    reader = tables.log.reader
    return [
        *_count(reader, "events", tables.events, _events(tables)),
        *_count(reader, "objects", tables.objects, _objects(tables)),
        *_count(reader, "o2o", tables.o2o, _relations(reader, tables.o2o)),
    ]


def _count(reader: TableReader, table: str, rows: ir.Table, rules: list[RowRule]) -> list[Finding]:
    measures: dict[str, ir.Scalar] = {}
    for number, rule in enumerate(rules):
        broken = rule.broken.fill_null(False)
        measures[f"count_{number}"] = broken.cast("int64").sum()
        measures[f"example_{number}"] = rule.example.min(where=broken)
    found = reader.rows(rows.aggregate(**measures))[0]
    return [
        Finding(
            rule.name,
            rule.severity,
            table,
            found[f"count_{number}"],
            str(found[f"example_{number}"] or ""),
            rule.why,
            rule.mend,
        )
        for number, rule in enumerate(rules)
        if found[f"count_{number}"]
    ]


def _events(tables: Tables) -> list[RowRule]:
    events = tables.events
    return [
        RowRule(
            "missing time",
            "error",
            events.time.isnull(),
            events.event_id,
            "an event without a time has no place in any order",
            "map a time column, or quarantine the rows",
        ),
        RowRule(
            "time in the future",
            "warning",
            ~possible_times(events, tables.loaded),
            events.event_id,
            "it is more than a day later than its own load; it is kept out of the traces",
            "check the source's clock and time zone",
        ),
        RowRule(
            "time before 1990",
            "warning",
            events.time < ibis.literal(EARLIEST),
            events.event_id,
            "mostly an empty date read as a number; its case lasts for decades, its working time begins in 1990",
            "map empty dates to nothing",
        ),
        RowRule(
            "start after end",
            "warning",
            events.start_time > events.time,
            events.event_id,
            "an activity cannot end before it starts; its processing time is negative",
            "check which column is the start, and the clocks of both stamps",
        ),
        RowRule(
            "unknown precision",
            "error",
            ~events.precision.isin(PRECISIONS),
            events.event_id,
            "the order of events depends on how exact their times are",
            f"use one of {', '.join(PRECISIONS)}",
        ),
        RowRule(
            "empty id",
            "error",
            _empty(events.event_id),
            events.activity,
            "rows without an id cannot be told apart or corrected later",
            "map a key column",
        ),
        RowRule(
            "empty activity",
            "error",
            _empty(events.activity),
            events.event_id,
            "an event must say what happened",
            "map an activity, or name the rows in the connector's SQL",
        ),
    ]


def _objects(tables: Tables) -> list[RowRule]:
    objects = tables.objects
    config = tables.log.settings.config
    priced = objects.amount_minor.notnull()
    known = ~objects.currency.isin(_unlisted(tables.log.reader, objects))
    rated = [config.company.currency, *(config.rates.per_unit if config.rates is not None else ())]
    return [
        RowRule(
            "empty object id",
            "error",
            _empty(objects.object_id),
            objects.object_type,
            "relations to an empty id join things that have nothing in common",
            "leave empty references out",
        ),
        RowRule(
            "empty object type",
            "error",
            _empty(objects.object_type),
            objects.object_id,
            "no lens can take the object as a case",
            "map an object type",
        ),
        RowRule(
            "unknown object type",
            "warning",
            objects.object_type == UNKNOWN_TYPE,
            objects.object_id,
            "objects whose type their file leaves empty are kept under this one, whatever they are",
            "give each object its type in the file, and import it again",
        ),
        RowRule(
            "unknown currency",
            "warning",
            priced & (_empty(objects.currency) | ~known),
            objects.object_id,
            "an amount without an ISO 4217 currency cannot be added to others",
            "map the currency column, or state the currency of the source",
        ),
        RowRule(
            "currency without a rate",
            "warning",
            priced & known & ~objects.currency.isin(rated),
            objects.object_id,
            f"figures in {config.company.currency} are refused while it is in the log",
            "add [rates] with a date to o2c.toml",
        ),
    ]


def _relations(reader: TableReader, o2o: ir.Table) -> list[RowRule]:
    known = ~o2o.currency.isin(_unlisted(reader, o2o))
    return [
        RowRule(
            "relation to itself",
            "warning",
            o2o.source_id == o2o.target_id,
            o2o.source_id,
            "no document follows from itself; quantities and amounts along it count twice",
            "check which columns name the preceding and the following document",
        ),
        RowRule(
            "empty end of a relation",
            "error",
            _empty(o2o.source_id) | _empty(o2o.target_id),
            o2o.source_id.fill_null("") + ibis.literal(" -> ") + o2o.target_id.fill_null(""),
            "relations to an empty id join things that have nothing in common",
            "leave empty references out",
        ),
        RowRule(
            "unknown currency",
            "warning",
            o2o.amount_minor.notnull() & (_empty(o2o.currency) | ~known),
            o2o.source_id,
            "an amount without an ISO 4217 currency cannot be added to others",
            "map the currency column, or state the currency of the source",
        ),
    ]


def _unlisted(reader: TableReader, rows: ir.Table) -> list[str]:
    """Currencies of these rows that ISO 4217 does not have: a few, where the list has hundreds."""
    found = {row["currency"] for row in reader.rows(rows.select("currency").distinct())}
    return sorted(found - CURRENCIES - {None}) or [""]


def _empty(column: ir.StringValue) -> ir.BooleanValue:
    """Null or blank. Only a text that begins below all that can be seen may be blank: few have to be stripped."""
    return column.isnull() | ibis.ifelse(column < "!", column.strip() == "", False)
