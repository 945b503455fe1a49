"""A lens names the object type taken as the case, the type paths that belong to it and what ends it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise

from o2c_mining.config import Config
from o2c_mining.errors import AnalysisError


@dataclass(frozen=True, slots=True)
class Lens:
    """A case notion.

    ``edges`` are directed type relations; members of a case are reached from its object along them, in the direction
    of the flow, never back. A case ends ``cancelled`` when an activity of ``cancels`` hits the case object, else
    ``completed`` when every member of a type in ``finals`` has one of that type's activities and each type in
    ``required`` has at least one member. A lens without ``finals`` knows no open cases.
    """

    object_type: str
    edges: tuple[tuple[str, str], ...] = ()
    cancels: tuple[str, ...] = ()
    finals: tuple[tuple[str, tuple[str, ...]], ...] = ()
    required: tuple[str, ...] = ()


# The order-to-cash flow, always from the earlier document to the later one.
FLOW: tuple[tuple[str, str], ...] = (
    ("order", "order_item"),
    ("order", "delivery"),
    ("order_item", "delivery"),
    ("order", "invoice"),
    ("order_item", "invoice"),
    ("delivery", "invoice"),
    ("order", "dispute"),
    ("invoice", "dispute"),
    ("dispute", "invoice"),
    ("invoice", "invoice"),
    ("invoice", "dunning"),
    ("invoice", "payment"),
    ("invoice", "bank_entry"),
    ("payment", "bank_entry"),
)

_CANCELS = {
    "order": ("Cancel Order",),
    "order_item": ("Cancel Order",),
    "delivery": ("Cancel Delivery",),
    "invoice": ("Cancel Invoice",),
}
_FINALS = {
    "delivery": ("Post Goods Issue", "Cancel Delivery"),
    "invoice": ("Clear Invoice", "Cancel Invoice", "Write Off Invoice"),
}
_ORDER_TYPES = frozenset(name for edge in FLOW for name in edge)
# Types whose case is over only when the money is there.
_UNTIL_CASH = frozenset({"order", "order_item", "delivery", "invoice"})


def lens_of(object_type: str, known_types: Collection[str], own: Mapping[str, Lens] | None = None) -> Lens:
    """The lens of an object type: the company's own definition, else the order-to-cash one, else the bare object.

    Raises
    ------
    AnalysisError
        If the log has no object of that type.
    """
    if object_type not in known_types:
        raise AnalysisError(
            f"unknown object type {object_type!r}; the log has: {', '.join(sorted(known_types)) or 'none'}; "
            "choose one of them with --lens"
        )
    if own and object_type in own:
        return own[object_type]
    if object_type not in _ORDER_TYPES:
        return Lens(object_type)
    edges = _reachable(object_type, FLOW)
    if object_type not in _UNTIL_CASH:
        return Lens(object_type, edges)
    reached = {object_type, *(target for _, target in edges)}
    finals = tuple((name, activities) for name, activities in _FINALS.items() if name in reached)
    required = ("invoice",) if "invoice" in reached else ()
    return Lens(object_type, edges, _CANCELS.get(object_type, ()), finals, required)


def kept_lenses(known_types: Collection[str], config: Config) -> list[str]:
    """Lenses whose traces are stored with every load: those of ``lenses`` that the log has objects of.

    Unless the configuration says ``lenses`` itself, also the one that is taken when nobody names one, so that a log
    without orders is asked as fast as one with them.
    """
    names = [name for name in config.lenses if name in known_types]
    if "lenses" not in config.model_fields_set and known_types:
        asked = default_lens(known_types, config.default_lens)
        names += [asked] if asked in known_types and asked not in names else []
    return names


def lens_from_paths(
    object_type: str,
    paths: Iterable[tuple[str, ...]],
    cancels: tuple[str, ...],
    finals: Mapping[str, tuple[str, ...]],
    required: tuple[str, ...],
) -> Lens:
    """A company's own lens from type paths such as ``("order", "delivery", "invoice")``."""
    edges = dict.fromkeys((a, b) for path in paths for a, b in pairwise(path))
    return Lens(object_type, tuple(edges), cancels, tuple(sorted(finals.items())), required)


def default_lens(known_types: Collection[str], configured: str | None) -> str:
    """``default_lens`` of the configuration, else order, else the only or first object type."""
    if configured is not None:
        return configured
    if "order" in known_types:
        return "order"
    if not known_types:
        raise AnalysisError("the log holds no object; expected at least one to take as the case; load relations too")
    return sorted(known_types)[0]


def depth(lens: Lens) -> int:
    """How many steps along the lens' edges may be needed (cycles such as a credit note are walked once)."""
    return len({target for _, target in lens.edges}) + 1 if lens.edges else 0


def fingerprint(parts: object) -> str:
    """A short stable name for definitions: a change of it means that stored traces must be built anew."""

    def plain(value: object) -> object:
        return asdict(value) if hasattr(value, "__dataclass_fields__") else str(value)  # type: ignore[call-overload]

    return hashlib.sha256(json.dumps(parts, default=plain, sort_keys=True).encode()).hexdigest()[:16]


def _reachable(start: str, edges: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    reached = {start}
    while True:
        more = {target for source, target in edges if source in reached and target != start} - reached
        if not more:
            break
        reached |= more
    return tuple((s, t) for s, t in edges if s in reached and t in reached and (t != start or s == start))
