"""Which rows are true now: the newest version of each key that is not a deletion."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir


def current(versions: ir.Table, keys: Sequence[str]) -> ir.Table:
    """Keep the newest version of every key and drop the keys whose newest version is a deletion.

    Versions are ordered by ``ingest_seq``, which is strictly increasing and never reused; load times play no part.

    Parameters
    ----------
    versions
        A table with ``op`` (``I``, ``U``, ``D``) and ``ingest_seq``.
    keys
        Columns that name the thing a row is a version of.

    Returns
    -------
    Table
        One row per key with the columns of ``versions``; unordered.
    """
    window = ibis.window(group_by=list(keys), order_by=ibis.desc("ingest_seq"))
    ranked = versions.mutate(_rank=ibis.row_number().over(window))
    return ranked.filter(ranked._rank == 0, ranked["op"] != "D").drop("_rank")  # ``.op`` is a method of ibis tables
