"""How files say the attributes of their types: names and kinds that values alone do not tell.

A text ``3`` may be a number or a label, and a column of the log may be called otherwise than in the file. Each file
says it for itself, as versions like all other rows; two that differ are united.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import pyarrow as pa

from o2c_mining.log.current import current
from o2c_mining.log.engine import Connection, literal, number, quoted, scan
from o2c_mining.log.event_log import EventLog
from o2c_mining.log.kinds import united
from o2c_mining.log.schema import SAID
from o2c_mining.log.store import Writer

TABLE = "attribute_types"
_KEY = ("of", "type", "name", "attribute")


def attribute_types(log: EventLog) -> pa.Table:
    """What files say of attributes now, one row per type and attribute; columns as ``SAID``.

    A file that has values of an attribute outranks those that only declare it, else the newest one holds. Where files
    have values of two kinds, the kind is the one that holds both: float of whole and other numbers, else string.
    """
    reader = log.reader
    now = current(reader, reader.table(f"{TABLE}_versions"), ("entity_key", *_KEY), name=f"{TABLE}_corrected")
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in reader.rows(now.order_by(ibis.desc("ingest_seq")).select(*SAID.names)):
        known = found.setdefault((row["of"], row["type"], row["attribute"]), row)
        if row["is_used"] and not known["is_used"]:
            known.update(row)
        elif row["is_used"] and row["kind"] != known["kind"]:
            known["kind"] = united({row["kind"], known["kind"]})
    return pa.Table.from_pylist([*found.values()], SAID)


def append_attribute_types(
    connection: Connection, writer: Writer, rows: pa.Table, owner: str, kept_as: Mapping[str, str]
) -> int:
    """Append how a file says its attributes otherwise than before; returns how many rows that are.

    Parameters
    ----------
    rows
        All that the file says now, columns as ``SAID``.
    owner
        The file's entity key.
    kept_as
        Names in the log of attributes of objects, where it calls them otherwise than the rows do.
    """
    said, key = (", ".join(quoted(name) for name in names) for names in (SAID.names, _KEY))
    connection.register("said_types_given", rows)
    renamed = pa.table({"attribute": [*kept_as], "held": [*kept_as.values()]}, _RENAMED)
    connection.register("renamed_attributes", renamed)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE said_types AS SELECT g.* REPLACE (if(g.of = 'object', "
        "coalesce(r.held, g.attribute), g.attribute) AS attribute) FROM said_types_given g "
        "LEFT JOIN renamed_attributes r USING (attribute)"
    )
    files = writer.files(TABLE)
    held = f"SELECT {said} FROM said_types LIMIT 0"
    if files:
        held = (
            f"SELECT {said} FROM (SELECT * FROM {scan(files)} WHERE entity_key = {literal(owner)} QUALIFY "
            f"row_number() OVER (PARTITION BY {key} ORDER BY ingest_seq DESC) = 1) WHERE op <> 'D'"
        )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE held_types AS {held}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE told_types AS SELECT *, "
        f"if(({key}) IN (SELECT ({key}) FROM held_types), 'U', 'I') AS op "
        "FROM (SELECT * FROM said_types EXCEPT SELECT * FROM held_types) "
        f"UNION ALL SELECT h.*, 'D' FROM held_types h ANTI JOIN said_types USING ({key})"
    )
    count = number(connection, "SELECT count(*) FROM told_types")
    if count:
        first = writer.next_seq(count)
        writer.append_query(
            TABLE,
            connection,
            f"SELECT *, {literal(owner)} AS entity_key, {writer.number}::BIGINT AS batch_id, "
            f"{first} + row_number() OVER (ORDER BY {key}) - 1 AS ingest_seq FROM told_types",
        )
    return count


_RENAMED = pa.schema([("attribute", pa.string()), ("held", pa.string())])
