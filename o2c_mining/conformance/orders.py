"""In which orders may a case have happened, when some of its stamps are too coarse to tell?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from o2c_mining.bridge.alignment import Variant

WIDTHS = {"day": timedelta(days=1), "minute": timedelta(minutes=1)}


@dataclass(frozen=True, slots=True)
class Stamp:
    """An event as far as its order matters: it happened in ``[time, time + width of its precision)``."""

    activity: str
    time: datetime
    precision: str

    @property
    def is_exact(self) -> bool:
        """Whether the stamp is a moment, not a stretch of time."""
        return self.precision not in WIDTHS

    @property
    def end(self) -> datetime:
        """The earliest moment at which the event is certainly over."""
        return self.time + WIDTHS.get(self.precision, timedelta())


def surely_before(first: Stamp, second: Stamp) -> bool:
    """Whether ``first`` certainly came before ``second``, whatever the exact moments were."""
    return first.end <= second.time and (first.time < second.time or not first.is_exact)


def possible_orders(stamps: Sequence[Stamp], limit: int) -> tuple[list[Variant], bool]:
    """Distinct activity sequences that the stamps allow, the recorded one first; True when all of them are listed.

    ``stamps`` come in the recorded order. Exact stamps keep it, also where they are equal.
    """
    found: dict[Variant, None] = {}
    for tried, order in enumerate(_orders(stamps)):
        if tried >= limit * _TRIES:
            return list(found), False
        found[order] = None
        if len(found) > limit:
            return list(found)[:limit], False
    return list(found), True


_TRIES = 20  # equal activities give the same sequence several times


def _orders(stamps: Sequence[Stamp]) -> Iterator[Variant]:
    """Every order, by always taking one of the events that no remaining event surely precedes."""
    count = len(stamps)
    before = [
        {
            i
            for i in range(count)
            if i != j and (surely_before(stamps[i], stamps[j]) or (i < j and stamps[i].is_exact and stamps[j].is_exact))
        }
        for j in range(count)
    ]

    def extend(done: tuple[int, ...], left: tuple[int, ...]) -> Iterator[Variant]:
        if not left:
            yield tuple(stamps[i].activity for i in done)
            return
        remaining = set(left)
        for i in left:
            if not before[i] & remaining:
                yield from extend((*done, i), tuple(j for j in left if j != i))

    yield from extend((), tuple(range(count)))
