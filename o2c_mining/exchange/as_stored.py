"""An attribute of a file under the spelling and the type that the log already has for it."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from o2c_mining.exchange.attributes import text
from o2c_mining.log.engine import Connection, described, number, quoted, register_function
from o2c_mining.log.schema import BASE_OBJECT_COLUMNS
from o2c_mining.log.versions import POSITION

_EXACT = 2**53  # up to here a float holds every integer


def as_stored(connection: Connection, stored: Mapping[str, str]) -> dict[str, str]:
    """Give the columns of view ``incoming_objects`` the names and types of the stored ones.

    A column whose values do not fit the stored type is kept as text under another name; returns old and new names of
    all that got another one, be it but in the case of its letters.
    """
    spelled = {name.lower(): name for name in stored}
    given = described(connection, "SELECT * FROM incoming_objects")
    taken = {name.lower() for name in given}
    columns, kept_as = [], {}
    for name, kind in given.items():
        known = spelled.get(name.lower())
        if known is None or name in BASE_OBJECT_COLUMNS or name == POSITION:
            columns.append(quoted(name))
            continue
        if _fits(connection, name, kind, stored[known]):
            value, known_as = f"CAST({quoted(name)} AS {stored[known]})", known
        elif stored[known] == "VARCHAR":
            value, known_as = _as_text(connection, name, kind), known
        else:
            other = f"{known}_text"
            while other.lower() in taken or stored.get(spelled.get(other.lower(), ""), "VARCHAR") != "VARCHAR":
                other += "_"
            value, known_as = _as_text(connection, name, kind), spelled.get(other.lower(), other)
        columns.append(f"{value} AS {quoted(known_as)}")
        if known_as != name:
            kept_as[name] = known_as
    connection.execute("ALTER VIEW incoming_objects RENAME TO objects_as_given")
    connection.execute(f"CREATE TEMP VIEW incoming_objects AS SELECT {', '.join(columns)} FROM objects_as_given")
    return kept_as


def _fits(connection: Connection, name: str, kind: str, stored: str) -> bool:
    """Whether the values are of the stored type, or whole numbers that a float holds exactly."""
    if kind == stored:
        return True
    if stored != "DOUBLE" or kind != "BIGINT":
        return False
    beyond = f"SELECT count(*) FROM incoming_objects WHERE {quoted(name)} NOT BETWEEN {-_EXACT} AND {_EXACT}"
    return number(connection, beyond) == 0


def _as_text(connection: Connection, name: str, kind: str) -> str:
    """SQL for the values as the log writes them as text."""
    if kind == "VARCHAR":
        return quoted(name)
    function = f"text_of_{name.encode().hex()}"
    register_function(connection, function, kind, _texts)
    return f"{function}({quoted(name)})"


def _texts(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if value is None else text(value) for value in column.to_pylist()], pa.string())
