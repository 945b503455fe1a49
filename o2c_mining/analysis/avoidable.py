"""Which handoffs hold up the most money on our own side, and what do they cost?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from o2c_mining.analysis.handoffs import STILL_OPEN, Ledger, LedgerRow
from o2c_mining.log.money import exponent


@dataclass(frozen=True, slots=True)
class Part:
    """A share of the ledger; ``ours_cost`` is our own value-days × annual rate ÷ 365, in major units."""

    name: str
    cells: int
    count: int
    value_days: float
    ours_value_days: float
    terms_value_days: float
    late_value_days: float
    ours_cost: Decimal


@dataclass(frozen=True, slots=True)
class Ranked:
    """One handoff of the ranking with its cost."""

    row: LedgerRow
    ours_cost: Decimal


@dataclass(frozen=True, slots=True)
class Avoidable:
    """The ledger as a ranking: ``top`` plus ``rest`` add up to ``total``.

    ``rest`` holds the other handoffs, the open segments (no next step yet) and the steps within a team.
    """

    top: tuple[Ranked, ...]
    rest: tuple[Part, ...]
    total: Part
    currency: str
    annual_rate: Decimal


def avoidable(ledger: Ledger, limit: int) -> Avoidable:
    """The ``limit`` handoffs with the most value-days of our own side; everything else is summed, nothing is lost."""
    rate = Decimal(ledger.annual_rate)
    places = exponent(ledger.currency)

    def cost(value_days: float) -> Decimal:
        return round(Decimal(repr(value_days)) * rate / 365, places)

    def part(name: str, rows: Iterable[LedgerRow]) -> Part:
        cells = tuple(rows)
        ours = sum(row.ours_value_days for row in cells)
        return Part(
            name=name,
            cells=len(cells),
            count=sum(row.count for row in cells),
            value_days=sum(row.value_days for row in cells),
            ours_value_days=ours,
            terms_value_days=sum(row.terms_value_days for row in cells),
            late_value_days=sum(row.late_value_days for row in cells),
            ours_cost=cost(ours),
        )

    ranking = sorted(
        (row for row in ledger.rows if row.handoff and row.to_activity != STILL_OPEN),
        key=lambda row: (-row.ours_value_days, -row.value_days, row.from_activity, row.to_activity),
    )
    waiting = [row for row in ledger.rows if row.to_activity == STILL_OPEN]
    inside = [row for row in ledger.rows if not row.handoff and row.to_activity != STILL_OPEN]
    rest = (
        part("other handoffs", ranking[limit:]),
        part("still open, no next step yet", waiting),
        part("steps within a team", inside),
    )
    return Avoidable(
        top=tuple(Ranked(row, cost(row.ours_value_days)) for row in ranking[:limit]),
        rest=tuple(one for one in rest if one.cells),
        total=part("total", ledger.rows),
        currency=ledger.currency,
        annual_rate=rate,
    )
