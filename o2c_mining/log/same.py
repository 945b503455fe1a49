"""When do two rows say the same? Hashes, as SQL, of what rows of one table hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from o2c_mining.log.engine import quoted

FILE = "import:"  # begins the entity keys of rows that a file brought: import:NAME@PLACE
# Where a row was found, and where it stood there among others.
_FOUND = ("entity_key", "source_table", "source_key", "source_seq")
_SYSTEM, _FILE_OF_EVENT = "system", "source_table"


def row_hash(content: Mapping[str, str], held: Collection[str] | None = None) -> str:
    """Equal where all columns of ``content`` (name: type) are.

    ``held`` are the columns that the rows have, in lower case, where it may not be all, or not in these types.
    """
    return _hash([_value(name, kind, held) for name, kind in content.items()])


def statement_hash(content: Mapping[str, str], held: Collection[str] | None = None) -> str:
    """Equal where two rows say the same of a thing, wherever each was found.

    A system that is but the name of the event's file says nothing either, and that of an object is where it was found.
    """
    values = [_value(name, kind, held) for name, kind in content.items() if name not in (*_FOUND, _SYSTEM)]
    if _FILE_OF_EVENT in content:
        system, file = (_value(name, content[name], held) for name in (_SYSTEM, _FILE_OF_EVENT))
        values.append(f"nullif({system}, {file})")
    return _hash(values)


def _value(name: str, kind: str, held: Collection[str] | None) -> str:
    if held is None:
        return quoted(name)
    return f"CAST({quoted(name) if name.lower() in held else 'NULL'} AS {kind})"


def _hash(values: list[str]) -> str:
    return f"hash({', '.join(values)})" if values else "0::UBIGINT"
