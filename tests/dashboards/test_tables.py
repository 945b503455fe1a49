"""Results become data of the components: nothing is lost, nothing invented."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from dashboards.handoff_table import handoff_table, ledger_csv
from dashboards.map_graph import END, START, map_graph, positions
from dashboards.variant_table import variant_table
from dashboards.wording import CALENDAR
from o2c_mining.analysis.avoidable import avoidable
from o2c_mining.analysis.handoffs import STILL_OPEN, Ledger, LedgerRow
from o2c_mining.analysis.process_map import Edge, Node, ProcessMap
from o2c_mining.analysis.variants import Variant, Variants


def _row(from_: str, to: str, ours: float, *, terms: float = 0.0, late: float = 0.0, handoff: bool = True) -> LedgerRow:
    known = {
        "from_team": "Sales",
        "to_team": "Billing",
        "from_system": "erp",
        "to_system": "erp",
        "from_activity": from_,
        "to_activity": to,
        "cause": "unexplained",
        "count": 2,
        "cases": 2,
        "value_days": ours + terms + late,
        "ours_value_days": ours,
        "terms_value_days": terms,
        "late_value_days": late,
        "cost": "0.00",
        "handoff": handoff,
    }
    return LedgerRow(**{field.name: known.get(field.name, 60.0) for field in fields(LedgerRow)})  # type: ignore[arg-type]


LEDGER_ROWS = (
    _row("=cmd()", "B", 3650.0),
    _row("B", "C", 10.0, terms=900.0, late=90.0),
    _row("C", "D", 5.0),
    _row("D", "E", 700.0, handoff=False),
    _row("E", STILL_OPEN, 20.0),
)


def _ledger() -> Ledger:
    total = sum(row.value_days for row in LEDGER_ROWS)
    known = {
        "lens": "order",
        "as_of": datetime(2026, 10, 1, tzinfo=UTC),
        "time": "calendar",
        "currency": "EUR",
        "annual_rate": "0.10",
        "total_value_days": total,
        "rows": LEDGER_ROWS,
    }
    return Ledger(**{field.name: known.get(field.name, 0) for field in fields(Ledger)})  # type: ignore[arg-type]


def test_the_ranking_and_the_rest_add_up_to_the_total() -> None:
    found = avoidable(_ledger(), 2)
    assert [ranked.row.from_activity for ranked in found.top] == ["=cmd()", "B"]
    assert [part.name for part in found.rest] == [
        "other handoffs",
        "still open, no next step yet",
        "steps within a team",
    ]
    for name in ("value_days", "ours_value_days", "terms_value_days", "late_value_days", "count"):
        shown = sum(getattr(ranked.row, name) for ranked in found.top) + sum(getattr(part, name) for part in found.rest)
        assert shown == pytest.approx(getattr(found.total, name))
    assert found.top[0].ours_cost == Decimal("1.00")  # 3,650 euro-days at 10 % a year


def test_the_table_has_a_row_per_handoff_the_rest_and_the_total() -> None:
    table = handoff_table(avoidable(_ledger(), 2), clock=CALENDAR)
    assert [row["id"] for row in table["rows"]] == ["=cmd()>B", "B>C", None, None, None]
    assert table["total"]["ours"] == "4.4k"
    parts = table["rows"][1]["parts"]
    assert sum(part["share"] for part in parts) == pytest.approx(1000 / 3650)


def test_the_csv_holds_every_cell_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(ledger_csv(_ledger()).decode("utf-8-sig"))))
    assert len(rows) == len(LEDGER_ROWS)
    assert rows[0]["from_activity"] == "'=cmd()"
    assert {row["annual_rate"] for row in rows} == {"0.10"}
    assert sum(float(row["value_days"]) for row in rows) == pytest.approx(sum(row.value_days for row in LEDGER_ROWS))


def _node(activity: str, team: str, position: float, cases: int = 10, starts: int = 0, ends: int = 0) -> Node:
    return Node(activity, team, cases, cases, cases, starts, ends, position)


def _edge(from_: str, to: str, count: int = 10, median: float = 3600.0) -> Edge:
    handoffs = 0 if to == "Cancel" else count
    return Edge(from_, to, count, count, median, median, median * count, handoffs, 1.0)


MAP = ProcessMap(
    "order",
    10,
    0,
    (
        _node("Create", "Sales", 0.1, starts=10),
        _node("Ship", "Warehouse", 0.5),
        _node("Bill", "Billing", 0.9, ends=8),
        _node("Cancel", "Sales", 0.95, cases=2, ends=2),
    ),
    (_edge("Create", "Ship"), _edge("Ship", "Bill", median=90_000.0), _edge("Create", "Cancel", 2)),
)


def test_a_cancellation_stands_beside_what_leads_to_it() -> None:
    places = positions(MAP, ("Create", "Ship", "Bill"))
    assert places["Ship"] == 1
    assert places["Create"] < places["Cancel"] < places["Ship"]


def test_the_graph_counts_cases_and_marks_handoffs() -> None:
    graph = map_graph(MAP, ("Create", "Ship", "Bill"), "waiting", clock=CALENDAR, currency="EUR", noun="order")
    nodes = {node["id"]: node for node in graph["nodes"]}
    edges = {edge["id"]: edge for edge in graph["edges"]}
    assert set(nodes) == {"Create", "Ship", "Bill", "Cancel", START, END}
    assert nodes["Cancel"]["count_label"] == "2"
    assert edges["Create>Ship"]["handoff"]
    assert not edges["Create>Cancel"]["handoff"]
    assert edges["Ship>Bill"]["label"] == "1.0 d"
    assert edges["Ship>Bill"]["heat"] > edges["Create>Ship"]["heat"]
    assert {f"{START}>Create", f"Bill>{END}", f"Cancel>{END}"} <= set(edges)


def test_variants_mark_extra_repeated_and_skipped_steps() -> None:
    usual = Variant(1, 6, 0.6, 0.6, 0, 1.0, "0", ("A", "B", "C", "D"))
    other = Variant(2, 3, 0.3, 0.9, 0, 1.0, "0", ("A", "X", "C", "C", "D"))
    early = Variant(3, 1, 0.1, 1.0, 1, 1.0, "0", ("A", "B"))
    found = Variants("order", 10, 3, "EUR", (usual, other, early))
    table = variant_table(found, {"X": "#123456"}, noun="order", clock=CALENDAR, fold=False)
    kinds = [[(step["text"], step["kind"]) for step in row["steps"]] for row in table["rows"]]
    assert all(kind == "usual" for _, kind in kinds[0])
    assert kinds[1] == [
        ("A", "usual"),
        ("X", "extra"),
        ("B", "skipped"),
        ("C", "usual"),
        ("C", "again"),
        ("D", "usual"),
    ]
    assert kinds[2] == [("A", "usual"), ("B", "usual")]  # not there yet is not skipped
    assert table["rows"][1]["cumulative_label"] == "90.0 %"
