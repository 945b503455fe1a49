"""What an alignment of one variant with a model is, whichever engine computed it.

Costs follow pm4py's convention: a visible move on one side only costs 10,000, a silent one 1, a synchronous one 0. The
fitness of a variant is one minus its deviating moves over those of the worst alignment (every event unexpected, the
model walked on its shortest way), as in Adriansyah, van Dongen and van der Aalst, Conformance checking using
cost-based fitness analysis (2011).
"""

from __future__ import annotations

from dataclasses import dataclass

VISIBLE_COST = 10_000
SILENT_COST = 1

Variant = tuple[str, ...]
Move = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Alignment:
    """One optimal alignment; ``moves`` are (log activity, model activity), silent moves left out.

    ``worst_cost`` is what the worst alignment of the variant would cost.
    """

    cost: int
    worst_cost: int
    moves: tuple[Move, ...]

    @property
    def deviations(self) -> int:
        """Moves on one side only."""
        return self.cost // VISIBLE_COST

    @property
    def fitness(self) -> float:
        """1 for a variant the model allows, 0 for one that shares nothing with it."""
        worst = self.worst_cost // VISIBLE_COST
        return 1.0 - self.deviations / worst if worst else 1.0
