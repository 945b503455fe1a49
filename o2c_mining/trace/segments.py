"""The segments of a lens in memory, coded for speed: what the map and the ledger add up.

One row per event of a case, in order of edge and time: quantiles of rows in order and sums of groups that lie together
cost half of those of rows that lie anyhow. A log that continues an open one (``EventLog.base``) shares its rows and
adds those of the cases that changed since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from o2c_mining.log.event_log import EventLog
from o2c_mining.log.money import minor_or_null
from o2c_mining.log.table_reader import TableReader
from o2c_mining.trace.codes import group_codes
from o2c_mining.trace.lens import Lens
from o2c_mining.trace.stored import live, superseded

WHOLE_CASE = 1_000_000_000
"""``position`` of the end of a case: whole numbers add up to the same in whatever order."""
AT_ONCE = 12_000_000
"""Events that are put in order at once; of a larger log one part after the other."""


@dataclass(frozen=True, slots=True)
class Coded:
    """Tables of a lens by case number and kind; ``suffix`` names them in the reader."""

    suffix: str
    members: ir.Table
    cases: ir.Table
    pairs: ir.Table
    kinds: ir.Table
    variants: ir.Table


def stored_tables(log: EventLog, lens: Lens) -> Coded:
    """The stored traces of a lens: cases in memory, the rest as it lies in the store."""
    kind, reader = lens.object_type, log.reader
    gone = superseded(reader, kind)
    read = {name: live(reader.table(f"{name}_versions"), gone, kind) for name in ("membership", "cases", "pairs")}
    stored = reader.table("kinds_versions")
    kinds = reader.materialize("kinds", stored.mutate(**group_codes(stored)))
    valued = read["cases"].mutate(reporting_minor=minor_or_null(log.settings, read["cases"]))
    cases = _continued(log, lens, f"cases:{kind}", valued)
    known = reader.table("variants_versions")
    variants = reader.materialize(f"variants:{kind}", known.filter(known.lens == kind))
    return Coded(kind, read["membership"], cases, read["pairs"], kinds, variants)


def segments(log: EventLog, lens: Lens, coded: Coded) -> ir.Table:
    """The segments: case_no, kind, edge, cell, seconds, working_seconds, value, agreed, position and flags.

    ``seconds`` is null for the last event of a case; ``value`` is the case's in minor units of the reporting
    currency; ``agreed`` is the share of the segment that lies before the due date; ``position`` the relative place in
    the case, of ``WHOLE_CASE``. Codes are those of ``codes.group_codes``.
    """
    name = f"segments:{coded.suffix}"
    found = log.reader.known(name)
    if found is not None:
        return found
    base = None if log.base is None else log.base.reader.known(name)
    if log.base is None or base is None:
        return log.reader.gather(name, [_in_order(log, coded, part(coded.pairs)) for part in _parts(log, coded)])
    fresh = coded.pairs.filter(coded.pairs.refresh_seq > log.base.snapshot.number)
    return _beside(log, lens, name, base, log.reader.materialize(f"{name}+", _in_order(log, coded, fresh)))


def segments_of_cases(log: EventLog, lens: Lens, coded: Coded, cases: ir.Table) -> ir.Table:
    """The segments of some cases (column case_no).

    Those of a large log are looked up part by part, as they lie: a table of the cases of one part stays in the cache of
    the processor, one of all cases does not.
    """
    found = segments(log, lens, coded)
    chosen = cases.select("case_no")
    parts = [part(found).join(part(chosen), "case_no") for part in _parts(log, coded)]
    return parts[0] if len(parts) == 1 else ibis.union(*parts)


def _parts(log: EventLog, coded: Coded) -> list[Callable[[ir.Table], ir.Table]]:
    """Ways to take a part of a table with case numbers, so that no part has many more than ``AT_ONCE`` events."""
    name = f"parts:{coded.suffix}"
    if name not in log.prepared:
        log.prepared[name] = _divided(log, coded)
    found: list[Callable[[ir.Table], ir.Table]] = log.prepared[name]
    return found


def _divided(log: EventLog, coded: Coded) -> list[Callable[[ir.Table], ir.Table]]:
    cases = coded.cases
    found = log.reader.rows(
        cases.aggregate(first=cases.case_no.min(), last=cases.case_no.max(), events=cases.events.sum())
    )[0]
    count = -(-int(found["events"] or 0) // AT_ONCE)
    if count <= 1:
        return [lambda table: table]
    first, last = int(found["first"]), int(found["last"])
    step = -(-(last + 1 - first) // count)

    def within(start: int) -> Callable[[ir.Table], ir.Table]:
        return lambda table: table.filter(table.case_no >= start, table.case_no < start + step)

    return [within(start) for start in range(first, last + 1, step)]


def _in_order(log: EventLog, coded: Coded, pairs: ir.Table) -> ir.Table:
    """Pairs as segments, in order of edge and time."""
    kinds = coded.kinds
    cases = coded.cases.select("case_no", "events", value="reporting_minor")
    joined = pairs.join(kinds.select("kind", "edge", "cell"), "kind").join(cases, "case_no")
    whole = joined.next_time.delta(joined.time, unit="microsecond").cast("float64")
    to_due = joined.due_at.delta(joined.time, unit="microsecond").cast("float64").fill_null(0.0)
    within = ibis.greatest(ibis.least(to_due, whole), ibis.literal(0.0))
    columns = {} if log.settings.calendar is None else {"working_seconds": joined.working_seconds}
    return joined.select(
        "case_no",
        "kind",
        "edge",
        "cell",
        "value",
        "first_in_case",
        "first_in_cell",
        "first_of_activity",
        seconds=whole / 1_000_000,
        agreed=ibis.ifelse(whole > 0, within / whole, 0.0).cast("float32"),
        position=((joined.seq + 1) / (joined.events + 1) * WHOLE_CASE).round().cast("int32"),
        is_start=joined.seq == 0,
        **columns,
    ).order_by("edge", "seconds")


def shared_occurrences(log: EventLog, lens: Lens, coded: Coded) -> ir.Table | None:
    """Events that belong to several cases, once per case: case_no, kind, event_id; ``None`` where there are none."""
    pairs = coded.pairs.filter(coded.pairs.is_shared).select("case_no", "kind", "event_id", "refresh_seq")
    found = _continued(log, lens, f"shared:{coded.suffix}", pairs)
    return found if log.reader.count(found) else None


def _continued(log: EventLog, lens: Lens, name: str, whole: ir.Table) -> ir.Table:
    """The expression in memory: computed whole, or what is new of it beside the rows of an open earlier version."""
    base, reader = log.base, log.reader
    held = None if base is None else base.reader.known(name)
    if base is None or held is None:
        return reader.materialize(name, whole)
    fresh = whole.filter(whole.refresh_seq > base.snapshot.number)
    return _beside(log, lens, name, held, reader.materialize(f"{name}+", fresh))


def _beside(log: EventLog, lens: Lens, name: str, held: ir.Table, fresh: ir.Table) -> ir.Table:
    """Rows of an open earlier version whose cases still hold, and new ones, as one."""
    assert log.base is not None
    new = {column: ibis.null(type_) for column, type_ in fresh.schema().items() if column not in held.columns}
    held = held.mutate(**new).select(*fresh.columns)  # a load may bring an attribute that no object had before
    gone = _replaced(log.reader, log.base, lens)
    return log.reader.view(name, ibis.union(held.anti_join(gone, "case_no"), fresh))


def _replaced(reader: TableReader, base: EventLog, lens: Lens) -> ir.Table:
    touched = reader.table("touched_versions")
    since = touched.filter(
        touched.lens == lens.object_type, touched.refresh_seq > base.snapshot.number, touched.replaces.notnull()
    )
    return reader.materialize(f"replaced:{lens.object_type}", since.select(case_no="replaces"))
