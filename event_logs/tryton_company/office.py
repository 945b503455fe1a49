"""The simulation loop: lives of documents and desks take turns on one clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from typing import TypeAlias

from clock import Clock

Life: TypeAlias = Iterator[datetime] | Generator[datetime, None, None]
"""Yields the moment of its next step; the step runs when the generator is resumed."""


class Office:
    """Runs every life in the order of the moments they ask for, until the end of the period."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._agenda: list[tuple[datetime, int, Life]] = []
        self._entries = 0

    def begin(self, life: Life) -> None:
        """Let a life ask for its first moment now."""
        self._proceed(life)

    def later(self, due: datetime, work: Callable[[], None]) -> None:
        """Run a piece of work once, at a moment."""

        def once() -> Life:
            yield due
            work()

        self.begin(once())

    def run(self, end: datetime) -> Iterator[datetime]:
        """Everything up to ``end``; yields the moment of each step for whoever shows the progress."""
        while self._agenda and self._agenda[0][0] <= end:
            due, _, life = heapq.heappop(self._agenda)
            yield self._clock.advance(due)
            self._proceed(life)

    def _proceed(self, life: Life) -> None:
        following = next(life, None)
        if following is not None:
            self._entries += 1
            heapq.heappush(self._agenda, (following, self._entries, life))
