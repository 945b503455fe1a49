"""How files say the attributes of their types: names and kinds that values alone do not tell.

A text ``3`` may be a number or a label, and a column of the log may be called otherwise than in the file. Each file
says it for itself, as versions like all other rows; where two differ, the newest statement holds.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import pyarrow as pa

from o2c_mining.log.current import current
from o2c_mining.log.engine import Connection, literal, number, quoted, scan
from o2c_mining.log.event_log import EventLog
from o2c_mining.log.schema import SAID
from o2c_mining.log.store import Writer

TABLE = "attribute_types"
_KEY = ("entity_key", "of", "type", "name")


def attribute_types(log: EventLog) -> pa.Table:
    """What files say of attributes now, the newest statement first; columns as ``SAID``.

    Several files may say something about one attribute.
    """
    reader = log.reader
    now = current(reader, reader.table(f"{TABLE}_versions"), _KEY, name=f"{TABLE}_corrected")
    return reader.execute(now.order_by(ibis.desc("ingest_seq"))).select(SAID.names)


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
    said = ", ".join(quoted(name) for name in SAID.names)
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
            "row_number() OVER (PARTITION BY of, type, name ORDER BY ingest_seq DESC) = 1) WHERE op <> 'D'"
        )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE held_types AS {held}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE told_types AS SELECT *, "
        "if((of, type, name) IN (SELECT (of, type, name) FROM held_types), 'U', 'I') AS op "
        "FROM (SELECT * FROM said_types EXCEPT SELECT * FROM held_types) "
        "UNION ALL SELECT h.*, 'D' FROM held_types h ANTI JOIN said_types USING (of, type, name)"
    )
    count = number(connection, "SELECT count(*) FROM told_types")
    if count:
        first = writer.next_seq(count)
        writer.append_query(
            TABLE,
            connection,
            f"SELECT *, {literal(owner)} AS entity_key, {writer.number}::BIGINT AS batch_id, "
            f"{first} + row_number() OVER (ORDER BY of, type, name) - 1 AS ingest_seq FROM told_types",
        )
    return count


_RENAMED = pa.schema([("attribute", pa.string()), ("held", pa.string())])
