"""What a log says of its cases, as plain values that two logs, or a log and the slow reference, can be compared by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from o2c_mining.analysis.handoffs import handoffs
from o2c_mining.analysis.process_map import process_map
from o2c_mining.analysis.variants import variants
from o2c_mining.log.event_log import EventLog
from o2c_mining.trace.select import ObjectFilter, select
from tests import reference

Row = dict[str, Any]
Said = dict[str, list[str]]
_CASE = ("case_id", "number", "opened_at", "last_event_at", "closed_at", "end_kind", "events", "amount_minor")
_PAIR = (
    "case_id",
    "seq",
    "event_id",
    "activity",
    "team",
    "next_event_id",
    "enabled_by_event_id",
    "is_end",
    "elapsed_seconds",
    "due_at",
    "is_shared",
)


def said_by_log(log: EventLog, lens: str) -> Said:
    """Cases, pairs, members, variants and the counts of the map of a lens as the log gives them."""
    chosen = select(log, ObjectFilter(lens=lens))
    rows = log.reader.rows
    found = rows(chosen.pairs)
    placed = {(row["case_id"], row["seq"]): row["event_id"] for row in found}
    for row in found:
        row["next_event_id"] = placed.get((row["case_id"], row["seq"] + 1))
        row["enabled_by_event_id"] = placed.get((row["case_id"], row["enabled_seq"]))
    counted = variants(chosen)
    return {
        "cases": _lines(rows(chosen.cases.select(*_CASE)), _CASE),
        "pairs": _lines(found, _PAIR),
        "members": sorted(f"{row['case_id']} {row['object_id']}" for row in rows(chosen.members)),
        "variants": sorted(f"{variant.cases} x {variant.activities}" for variant in counted.variants),
        "map": sorted(f"{node.activity} {node.events} {node.occurrences}" for node in process_map(chosen).nodes),
    }


def said_by_reference(tables: Mapping[str, Sequence[Row]], log: EventLog, lens: str, notion: object) -> Said:
    """The same from the rows of the tables, in plain Python."""
    limit = log.as_of
    seen = {name: list(rows) for name, rows in tables.items()}
    seen["events"] = [row for row in seen["events"] if row["time"] <= limit]
    made = reference.traces(seen, notion, as_of=limit, lanes=log.settings.lanes)  # type: ignore[arg-type]
    occurrences = Counter(row["activity"] for row in made.pairs)
    events = Counter(activity for _, activity in {(row["event_id"], row["activity"]) for row in made.pairs})
    return {
        "cases": _lines(made.cases, _CASE),
        "pairs": _lines(made.pairs, _PAIR),
        "members": sorted(f"{case} {name}" for case, name in made.members),
        "variants": sorted(f"{count} x {activities}" for activities, count in made.variants.items()),
        "map": sorted(f"{name} {events[name]} {count}" for name, count in occurrences.items()),
    }


def figures(log: EventLog, lens: str) -> list[str]:
    """The map, the variants and the ledger of handoffs, as people see them."""
    chosen = select(log, ObjectFilter(lens=lens))
    found = process_map(chosen)
    ledger = handoffs(chosen)
    counted = variants(chosen)
    return [
        *sorted(map(repr, found.nodes)),
        *sorted(map(repr, found.edges)),
        *sorted(map(repr, counted.variants)),
        *sorted(map(repr, ledger.rows)),
        f"{ledger.total_seconds:.6f} {ledger.total_value_days}",
    ]


def unlike(left: Said, right: Said) -> dict[str, tuple[list[str], list[str]]]:
    """What only one of two says."""
    found = {}
    for name, lines in left.items():
        if lines != right[name]:
            a, b = Counter(lines), Counter(right[name])
            found[name] = (sorted(a - b), sorted(b - a))
    return found


def _lines(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    return sorted("; ".join(f"{name}={_plain(row.get(name))}" for name in names) for row in rows)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.6f}"
    return value
