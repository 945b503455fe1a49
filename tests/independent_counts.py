"""How an auditor counts: straight from the Tryton tables, written without looking at the connector's SQL.

Run on its own it prints the counts of a database: ``python -m tests.independent_counts company.sqlite``.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path


def _steps(model: str, state: str) -> str:
    """How often a record of the model went to the state."""
    return (
        "SELECT count(*) FROM ir_model_log WHERE event='transition' "
        f"AND resource LIKE '{model},%' AND target='state:{state}'"
    )


# One line per activity: a count over the ERP's own tables.
EVENTS = {
    "Create Order": "SELECT count(*) FROM sale_sale",
    "Submit Quotation": _steps("sale.sale", "quotation"),
    "Confirm Order": _steps("sale.sale", "confirmed"),
    "Cancel Order": _steps("sale.sale", "cancelled"),
    "Change Order": """
        SELECT count(*) FROM (
            SELECT DISTINCT w.sale, w.create_date
            FROM (
                SELECT CAST(substr(resource, 11) AS INTEGER) AS sale, create_date, id FROM ir_model_log
                WHERE event='write' AND resource LIKE 'sale.sale,%'
                UNION ALL
                SELECT l.sale, g.create_date, g.id
                FROM ir_model_log g JOIN sale_line l ON g.resource = 'sale.line,' || l.id
                WHERE g.event='write'
            ) w
            WHERE w.sale IN (SELECT id FROM sale_sale)
              AND w.id > (SELECT min(q.id) FROM ir_model_log q WHERE q.event='transition'
                          AND q.resource = 'sale.sale,' || w.sale AND q.target='state:quotation')
        )""",
    "Create Delivery": "SELECT count(*) FROM stock_shipment_out",
    "Assign Goods": _steps("stock.shipment.out", "assigned"),
    "Pick Goods": _steps("stock.shipment.out", "picked"),
    "Pack Goods": _steps("stock.shipment.out", "packed"),
    "Post Goods Issue": _steps("stock.shipment.out", "done"),
    "Cancel Delivery": _steps("stock.shipment.out", "cancelled"),
    "Create Invoice": "SELECT count(*) FROM account_invoice i WHERE i.type='out' AND {total} >= 0",
    "Validate Invoice": """
        SELECT count(*) FROM ir_model_log g JOIN account_invoice i ON g.resource = 'account.invoice,' || i.id
        WHERE g.event='transition' AND g.target='state:validated' AND i.type='out' AND {total} >= 0""",
    "Post Invoice": "SELECT count(*) FROM account_invoice i WHERE i.type='out' AND i.move IS NOT NULL AND {total} >= 0",
    "Post Credit Note": """
        SELECT count(*) FROM account_invoice i WHERE i.type='out' AND i.move IS NOT NULL AND {total} < 0""",
    "Cancel Invoice": """
        SELECT count(*) FROM ir_model_log g JOIN account_invoice i ON g.resource = 'account.invoice,' || i.id
        WHERE g.event='transition' AND g.target='state:cancelled' AND i.type='out'""",
    "Apply Payment": """
        SELECT count(*) FROM "account_invoice-account_move_line" p
        JOIN account_invoice i ON i.id = p.invoice WHERE i.type='out'""",
    "Clear Invoice": """
        SELECT count(*) FROM account_invoice i WHERE i.type='out' AND i.state <> 'cancelled'
          AND EXISTS (SELECT 1 FROM account_move_line l WHERE l.move = i.move AND l.account = i.account)
          AND NOT EXISTS (SELECT 1 FROM account_move_line l WHERE l.move = i.move AND l.account = i.account
                          AND l.reconciliation IS NULL)""",
    "Create Dunning": "SELECT count(*) FROM account_dunning",
    "Send Dunning": """
        SELECT count(*) FROM ir_model_log
        WHERE event='wizard' AND resource LIKE 'account.dunning,%' AND target='account.dunning.process:process'""",
    "Open Dispute": _steps("sale.complaint", "waiting"),
    "Approve Dispute": _steps("sale.complaint", "approved"),
    "Resolve Dispute": _steps("sale.complaint", "done"),
}
OBJECTS = {
    "order": "SELECT count(*) FROM sale_sale",
    "order_item": "SELECT count(*) FROM sale_line WHERE type='line'",
    "delivery": "SELECT count(*) FROM stock_shipment_out",
    "invoice": "SELECT count(*) FROM account_invoice WHERE type='out'",
    "payment": """
        SELECT count(DISTINCT p.line) FROM "account_invoice-account_move_line" p
        JOIN account_invoice i ON i.id = p.invoice WHERE i.type='out'""",
    "customer": """
        SELECT count(*) FROM party_party
        WHERE id IN (SELECT party FROM sale_sale UNION SELECT party FROM account_invoice WHERE type='out')""",
    "dunning": "SELECT count(*) FROM account_dunning",
    "dispute": "SELECT count(*) FROM sale_complaint",
}
# A draft has no total yet; its lines have.
TOTAL = """coalesce(CAST(CAST(i.total_amount_cache AS TEXT) AS REAL),
    (SELECT sum(l.quantity * CAST(CAST(l.unit_price AS TEXT) AS REAL))
     FROM account_invoice_line l WHERE l.invoice = i.id), 0)"""
RECEIVABLES = """
    SELECT sum(CAST(CAST(l.debit AS TEXT) AS REAL) - CAST(CAST(l.credit AS TEXT) AS REAL))
    FROM account_invoice i JOIN account_move_line l ON l.move = i.move AND l.account = i.account WHERE i.type='out'"""


def counts(database: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Events per activity and objects per type; what there is none of is left out."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        events = {name: int(connection.execute(sql.format(total=TOTAL)).fetchone()[0]) for name, sql in EVENTS.items()}
        objects = {name: int(connection.execute(sql).fetchone()[0]) for name, sql in OBJECTS.items()}
    finally:
        connection.close()
    return {k: v for k, v in events.items() if v}, {k: v for k, v in objects.items() if v}


def billed_minor(database: Path) -> int:
    """Everything ever billed, less credit notes, by the receivable lines of the books."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return round(connection.execute(RECEIVABLES).fetchone()[0] * 100)
    finally:
        connection.close()


if __name__ == "__main__":
    for part in counts(Path(sys.argv[1])):
        for name, count in part.items():
            print(f"{count:8d}  {name}")
