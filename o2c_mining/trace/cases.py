"""When did each case open and end, which variant is it, and where does it stand?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.log.schema import BASE_OBJECT_COLUMNS
from o2c_mining.trace.lens import Lens
from o2c_mining.trace.steps import Steps


def cases_of(
    steps: Steps,
    objects: ir.Table,
    lens: Lens,
    numbers: ir.Table,
    ends: ir.Table,
    sequences: ir.Table,
    variants: ir.Table,
    pairs: ir.Table,
    kinds: ir.Table,
) -> ir.Table:
    """One row per case that has an event: when, how it ended, its variant, where it stands, the object's attributes."""
    stands = steps.keep("stands", _stands(pairs, kinds))
    told = steps.keep("told", _told_by(sequences, variants))
    # one join at a time: DuckDB 2.0 fails where a join of coded columns is built on another one (duckdb#24807)
    found = steps.keep("cases_1", sequences.join(told, "sequence").drop("sequence"))
    for step, other in enumerate((numbers, ends, stands), 2):
        found = steps.keep(f"cases_{step}", found.join(other, "case_no"))
    cases = steps.keep("cases", _with_attributes(objects, lens, found))
    steps.forget("stands", "told", *(f"cases_{step}" for step in (1, 2, 3, 4)))
    return cases


def _stands(pairs: ir.Table, kinds: ir.Table) -> ir.Table:
    """Where each case stands after its last event: case_no, last_kind, last_due_at, last_work_clock."""
    last = pairs.semi_join(kinds.filter(kinds.next_activity.isnull()), "kind")
    return last.select("case_no", last_kind="kind", last_due_at="due_at", last_work_clock="work_clock")


def _told_by(sequences: ir.Table, variants: ir.Table) -> ir.Table:
    """The variant of each sequence: sequence, variant_no, variant_id."""
    example = sequences.group_by("sequence").aggregate(case_no=sequences.case_no.min())
    return example.join(variants.select("case_no", "variant_no", "variant_id"), "case_no").drop("case_no")


def _with_attributes(objects: ir.Table, lens: Lens, found: ir.Table) -> ir.Table:
    attributes = [name for name in objects.columns if name not in BASE_OBJECT_COLUMNS]
    own = objects.filter(objects.object_type == lens.object_type)
    own = own.select("number", "amount_minor", "currency", *attributes, case_id=own.object_id)
    table = found.join(own, "case_id")
    return table.select(
        "case_no",
        "case_id",
        "number",
        "variant_no",
        "variant_id",
        "opened_at",
        "last_event_at",
        "end_kind",
        "events",
        "order_known",
        "first_work_clock",
        "last_kind",
        "last_due_at",
        "last_work_clock",
        "amount_minor",
        "currency",
        *attributes,
        lens=ibis.literal(lens.object_type),
        closed_at=ibis.ifelse(table.end_kind.notnull(), table.last_event_at, ibis.null("timestamp('UTC', 6)")),
    )
