"""What a file holds, as the tables of the event log, before it is compared with what the log holds already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from o2c_mining.errors import LogError
from o2c_mining.log.schema import SAID

if TYPE_CHECKING:
    from o2c_mining.exchange.file_rows import FileRows

TABLES = ("events", "objects", "e2o", "o2o", "object_changes")


REFUSED_ROWS, ATTRIBUTE_TYPES = "refused", "attribute_types"
# Rows that cannot be part of a log; ``key`` says where one stands in the file.
REFUSED = pa.schema([(name, pa.string()) for name in ("table", "key", "rule", "reason")])


@dataclass(frozen=True, slots=True)
class ImportedLog:
    """One file: its rows per table, how many it held, which were refused, and what its reader should know.

    ``read`` counts rows of the file; ``read = rows + refused + merged``, where a start that was merged into its
    completion is no row of its own, which a note says. A row that the file repeats is among the rows. Where ``placed``,
    the ``source_seq`` of an event is where it stands in the file. ``refused`` is a table of ``REFUSED``,
    ``attribute_types`` one of ``SAID``: how the file says its attributes, where its format tells.
    """

    source: str
    tables: Mapping[str, pa.Table | FileRows]
    read: Mapping[str, int]
    refused: pa.Table = field(default_factory=REFUSED.empty_table)
    merged: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    placed: bool = False
    attribute_types: pa.Table = field(default_factory=SAID.empty_table)


def account_for(log: ImportedLog, counted: Mapping[str, int], *, by: str) -> None:
    """Refuse the file when an independent count of what it holds differs from what was read.

    Raises
    ------
    LogError
        With both counts: rows must never be lost in silence.
    """
    for what, expected in counted.items():
        found = sum(log.read.get(table, 0) for table in what.split("+"))
        if found != expected:
            raise LogError(
                f"{log.source}: {by} finds {expected:,} {_words(what)}, {found:,} were read; expected equal counts; "
                "nothing was loaded: check the file for damage, or export it anew from where it came from"
            )


def refuse_empty(log: ImportedLog) -> None:
    """Refuse a file that brings nothing.

    Raises
    ------
    LogError
        With the first reason, where its rows were refused.
    """
    if log.tables["events"].num_rows or log.tables["objects"].num_rows:
        return
    refused = log.refused.filter(pc.is_in(log.refused["table"], pa.array(["events", "objects"])))
    if refused.num_rows:
        first = refused.slice(0, 1).to_pylist()[0]
        raise LogError(
            f"{log.source} brings no event and no object: all of its {refused.num_rows:,} rows were refused, the first "
            f"of them {first['key']} ({first['reason']}); expected at least one whole row; mend the file, or the "
            "mapping"
        )
    raise LogError(
        f"{log.source} holds no event and no object; expected at least one; check that it is an event log, and export "
        "it again"
    )


def _words(what: str) -> str:
    names = {"e2o": "references of events", "o2o": "relations of objects", "object_changes": "attribute values"}
    return " and ".join(names.get(part, part) for part in what.split("+"))
