"""One colour per team, the same on every screen and stable between filters."""

from __future__ import annotations

from collections.abc import Iterable

KNOWN = {
    "Sales": "#6366f1",
    "Credit": "#db2777",
    "Warehouse": "#4d9a0b",
    "Logistics": "#0d9488",
    "Billing": "#d97706",
    "Customer": "#0891b2",
    "Receivables": "#7c3aed",
    "Collections": "#e11d48",
    "unknown": "#64748b",
}
_OTHERS = ("#0f766e", "#a21caf", "#b45309", "#1d4ed8", "#be185d", "#3f6212", "#0369a1", "#6d28d9")


def team_colours(teams: Iterable[str]) -> dict[str, str]:
    """Colours by team name; names nobody planned for take the free ones in alphabetical order."""
    names = sorted(set(teams))
    strange = [name for name in names if name not in KNOWN]
    return {name: KNOWN.get(name) or _OTHERS[strange.index(name) % len(_OTHERS)] for name in names}
