"""The handoff ranking as its component draws it, and as a CSV file."""

from __future__ import annotations

import csv
import io
from typing import Any

from dashboards.map_graph import edge_id
from dashboards.wording import MISSING, Clock, compact, count, duration, money, money_days, safe_cell
from o2c_mining.analysis.avoidable import Avoidable, Part, Ranked
from o2c_mining.analysis.handoffs import Ledger, LedgerRow


def handoff_table(found: Avoidable, *, clock: Clock) -> dict[str, Any]:
    """Data of the handoff component: a row per handoff, the rest in sums, the total."""
    widest = max((ranked.row.value_days for ranked in found.top), default=0.0)
    unit = money_days(found.currency)
    return {
        "columns": _columns(unit, f"{found.annual_rate:.1%}"),
        "rows": [
            *(_ranked(ranked, widest, found.currency, clock, unit) for ranked in found.top),
            *(_part(part, found.currency, "other") for part in found.rest),
        ],
        "total": _part(found.total, found.currency, "total"),
    }


def _columns(unit: str, rate: str) -> list[dict[str, str]]:
    return [
        {"kind": "name", "label": "Handoff", "help": "Click a row to see it on the map"},
        {"kind": "number", "label": "Median", "help": "Half of the handoffs were faster"},
        {"kind": "number", "label": "p90", "help": "Nine of ten handoffs were faster"},
        {"kind": "number", "label": "Count", "help": "How often the handoff happened"},
        {"kind": "parts", "label": "Whose time", "help": "Orange: ours. Grey: agreed terms. Violet: customer late"},
        {"kind": "number", "label": "Ours", "help": f"{unit.capitalize()} we could avoid"},
        {"kind": "number", "label": "Terms", "help": f"{unit.capitalize()} within the agreed terms of payment"},
        {"kind": "number", "label": "Late", "help": f"{unit.capitalize()} after the due date, at the customer"},
        {"kind": "number", "label": "Our cost", "help": f"Our {unit} × {rate} a year ÷ 365"},
    ]


def _ranked(ranked: Ranked, widest: float, currency: str, clock: Clock, unit: str) -> dict[str, Any]:
    row = ranked.row
    systems = "" if row.from_system == row.to_system else f" · {row.from_system} → {row.to_system}"
    return {
        "id": edge_id(row.from_activity, row.to_activity),
        "kind": "handoff",
        "name": f"{row.from_activity} → {row.to_activity}",
        "teams": f"{row.from_team} → {row.to_team}{systems}",
        "median": duration(row.median_seconds, clock),
        "p90": duration(row.p90_seconds, clock),
        "cases": f"{row.count:,}",
        "parts": _parts(row, widest),
        "parts_tip": (
            f"{compact(row.value_days)} {unit}: {compact(row.ours_value_days)} ours, "
            f"{compact(row.terms_value_days)} agreed terms, {compact(row.late_value_days)} customer late"
        ),
        "ours": compact(row.ours_value_days),
        "terms": _or_dash(row.terms_value_days),
        "customer": _or_dash(row.late_value_days),
        "cost": money(float(ranked.ours_cost), currency),
    }


def _part(part: Part, currency: str, kind: str) -> dict[str, Any]:
    return {
        "id": None,
        "kind": kind,
        "name": part.name.capitalize(),
        "teams": "" if kind == "total" else f"{count(part.cells)} of them" if part.cells > 1 else "",
        "median": MISSING,
        "p90": MISSING,
        "cases": f"{part.count:,}",
        "parts": [],
        "parts_tip": "",
        "ours": compact(part.ours_value_days),
        "terms": _or_dash(part.terms_value_days),
        "customer": _or_dash(part.late_value_days),
        "cost": money(float(part.ours_cost), currency),
    }


def _parts(row: LedgerRow, widest: float) -> list[dict[str, Any]]:
    if widest <= 0:
        return []
    named = (("ours", row.ours_value_days), ("terms", row.terms_value_days), ("customer", row.late_value_days))
    return [{"kind": kind, "share": value / widest} for kind, value in named if value > 0]


def _or_dash(value_days: float) -> str:
    return compact(value_days) if abs(value_days) >= 0.5 else MISSING


def ledger_csv(ledger: Ledger) -> bytes:
    """The whole ledger, every cell; text that a spreadsheet would take for a formula is quoted."""
    names = LedgerRow.__slots__
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow((*names, "currency", "annual_rate", "time", "as_of"))
    for row in ledger.rows:
        facts = (getattr(row, name) for name in names)
        ending = (ledger.currency, ledger.annual_rate, ledger.time, ledger.as_of.isoformat())
        writer.writerow([safe_cell(value) for value in (*facts, *ending)])
    return out.getvalue().encode("utf-8-sig")
