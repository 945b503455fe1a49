"""What a rule says when it found something, and how a query for offending rows becomes that."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from o2c_mining.log.table_reader import TableReader

SEVERITIES = ("error", "warning", "note")
"""An error makes figures wrong, a warning makes some doubtful, a note limits what they can say."""
_MOST_PARTS = 10


@dataclass(frozen=True, slots=True)
class Part:
    """How much of a finding concerns one activity, system or type; ``of`` is how many rows there could be."""

    name: str
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Rows of one table that break a rule; ``example`` is the id of one of them, ``parts`` where most of them are."""

    rule: str
    severity: str  # error | warning | note
    table: str
    count: int
    example: str
    why: str
    mend: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A query for offending rows and what to say about them; ``example`` names the column that tells them apart.

    ``part`` names the column by which the finding is divided.
    """

    name: str
    severity: str
    table: str
    offending: ir.Table
    example: str
    why: str
    mend: str
    part: str | None = None


def finding(reader: TableReader, rule: Rule) -> Finding | None:
    """Run a rule; nothing where no row breaks it."""
    rows = rule.offending
    measures = {"count": rows.count(), "example": rows[rule.example].cast("string").min()}
    if rule.part is None:
        (total,) = reader.rows(rows.aggregate(**measures).mutate(total=ibis._["count"], least=ibis._.example))
        parts: tuple[Part, ...] = ()
        if not total["count"]:
            return None
    else:
        grouped = rows.group_by(name=rows[rule.part].cast("string")).aggregate(**measures)
        grouped = grouped.mutate(total=grouped["count"].sum().over(), least=grouped.example.min().over())
        most = reader.rows(grouped.order_by(ibis.desc("count"), "name").limit(_MOST_PARTS))
        if not most:
            return None
        total = most[0]
        parts = tuple(Part(str(row["name"]), row["count"], row["total"]) for row in most)
    least = str(total["least"] or "")
    return Finding(rule.name, rule.severity, rule.table, total["total"], least, rule.why, rule.mend, parts)
