"""Which stored trace rows hold? Those of cases whose number no later refresh replaced."""

from __future__ import annotations

import ibis.expr.types as ir

from o2c_mining.log.table_reader import TableReader


def superseded(reader: TableReader, lens: str) -> ir.Table | None:
    """Numbers of cases that a later refresh built anew: case_no; ``None`` where there are none."""
    touched = reader.table("touched_versions")
    replaced = touched.filter(touched.lens == lens, touched.replaces.notnull()).select(case_no="replaces")
    gone = reader.materialize(f"superseded_{lens}", replaced.distinct())
    return gone if reader.size(f"superseded_{lens}") else None


def live(stored: ir.Table, gone: ir.Table | None, lens: str) -> ir.Table:
    """Rows of a stored trace table that hold now."""
    mine = stored.filter(stored.lens == lens)
    return mine if gone is None else mine.anti_join(gone, "case_no")
