"""Which attributes may a reader choose cases by, and which values do they take?"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from o2c_mining.log.event_log import EventLog
from o2c_mining.log.schema import BASE_OBJECT_COLUMNS

MOST_VALUES = 12  # more than fit as buttons are no choice but a search


@dataclass(frozen=True, slots=True)
class Choice:
    """An attribute as a filter writes it (``region``, or ``customer.region`` of a related object) and its values."""

    attribute: str
    values: tuple[str, ...]


def filter_choices(log: EventLog, lens: str, related: tuple[str, ...] = ("customer",)) -> tuple[Choice, ...]:
    """Attributes with a few values: those of the case's own object type first, then those of ``related`` types.

    An attribute with one value divides nothing, one with more than twelve is left out. Values are in alphabetical
    order; an attribute of a related type that the case's own type has too is left out.

    Returns
    -------
    tuple of Choice
        Own attributes first, then by type and name.
    """
    objects = log.objects
    names = [name for name in objects.columns if name not in BASE_OBJECT_COLUMNS and objects[name].type().is_string()]
    kinds = [lens, *(kind for kind in related if kind != lens)]
    if not names:
        return ()
    parts = [_values(objects, name, kinds) for name in names]
    found: dict[tuple[str, str], list[str]] = {}
    for row in log.reader.rows(parts[0] if len(parts) == 1 else ibis.union(*parts)):
        found.setdefault((row["object_type"], row["attribute"]), []).append(row["value"])
    fitting = {key: tuple(sorted(values)) for key, values in found.items() if 1 < len(values) <= MOST_VALUES}
    own = {name for kind, name in fitting if kind == lens}
    return tuple(
        Choice(name if kind == lens else f"{kind}.{name}", fitting[kind, name])
        for kind, name in sorted(fitting, key=lambda key: (kinds.index(key[0]), key[1]))
        if kind == lens or name not in own
    )


def _values(objects: ir.Table, name: str, kinds: list[str]) -> ir.Table:
    """Distinct values of one attribute by type, at most one more than fit."""
    rows = objects.filter(objects.object_type.isin(kinds), objects[name].notnull())
    rows = rows.select(object_type=rows.object_type, attribute=ibis.literal(name), value=rows[name]).distinct()
    window = ibis.window(group_by=rows.object_type, order_by=rows.value)
    ranked = rows.mutate(position=ibis.row_number().over(window))
    return ranked.filter(ranked.position <= MOST_VALUES).drop("position")
