"""Which rows are true now: the newest version of each key that is not a deletion."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from o2c_mining.log.table_reader import TableReader


def current(reader: TableReader, versions: ir.Table, keys: Sequence[str], *, name: str) -> ir.Table:
    """Keep the newest version of every key and drop the keys whose newest version is a deletion.

    Versions are ordered by ``ingest_seq``, which is strictly increasing and never reused; load times play no part. A
    key has several versions only where one of them is an update or a deletion, so only such keys are compared: in a
    log without corrections every stored row is current.

    Parameters
    ----------
    reader
        Asked once for the corrected keys, which it keeps under ``name``.
    versions
        A table with ``op`` (``I``, ``U``, ``D``) and ``ingest_seq``.
    keys
        Columns that name the thing a row is a version of.

    Returns
    -------
    Table
        One row per key with the columns of ``versions``; unordered.
    """
    op = versions["op"]  # ``.op`` is a method of ibis tables
    corrected = reader.materialize(name, versions.filter((op == "U") | (op == "D")).select(*keys).distinct())
    if reader.size(name) == 0:
        return versions
    several = versions.semi_join(corrected, list(keys))
    window = ibis.window(group_by=list(keys), order_by=ibis.desc("ingest_seq"))
    ranked = several.mutate(_rank=ibis.row_number().over(window))
    newest = ranked.filter(ranked._rank == 0, ranked["op"] != "D").drop("_rank")
    return ibis.union(versions.anti_join(corrected, list(keys)), newest)
