"""The order-to-cash tables of the ERP database, copied into a small SQLite file with the same names and types."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

TABLES = (
    "sale_sale", "sale_line", "stock_shipment_out", "stock_move", "stock_location",
    "account_invoice", "account_invoice_line", "account_invoice_line-stock_move", "account_invoice-account_move_line",
    "account_move", "account_move_line", "account_move_reconciliation", "account_journal", "account_account",
    "account_account_type",
    "account_invoice_payment_term", "account_invoice_payment_term_line", "account_invoice_payment_term_line_delta",
    "account_dunning", "account_dunning_level", "account_dunning_procedure",
    "sale_complaint", "sale_complaint_action", "sale_complaint_type",
    "party_party", "party_address", "party_category", "party_party-party_category",
    "party_party_credit_limit_amount", "party_party_payment_term",
    "bank_account", "bank_account_number", "bank_account-party_party",
    "product_product", "product_template", "product_uom", "company_company", "company_employee", "currency_currency",
    "res_user", "res_user-company_employee", "ir_model_log",
)  # fmt: skip
_SECRET = ("password_hash", "password_reset", "password_reset_expire", "signature")
_LOGGED = (
    "sale.sale", "stock.shipment.out", "account.invoice", "account.move.line", "account.dunning", "sale.complaint",
)  # fmt: skip
_TYPES = {
    "bigint": "INTEGER", "bytea": "BLOB", "character varying": "VARCHAR", "double precision": "FLOAT", "jsonb": "TEXT",
    "timestamp without time zone": "TIMESTAMP",
}  # fmt: skip


def reduce_sqlite(database: Path, target: Path) -> None:
    """Copy from a SQLite database of the ERP."""
    source = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    columns = {table: [(row[1], row[2]) for row in source.execute(f'PRAGMA table_info("{table}")')] for table in TABLES}
    _write(target, columns, lambda query: source.execute(query))
    source.close()


def reduce_postgresql(uri: str, target: Path) -> None:
    """Copy from a PostgreSQL database of the ERP."""
    import psycopg

    catalogue = """
        SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position
    """
    with psycopg.connect(uri) as source:
        columns = {}
        for table in TABLES:
            found = source.execute(catalogue, (table,)).fetchall()
            columns[table] = [(name, _TYPES.get(kind, kind.upper())) for name, kind in found]
        _write(target, columns, lambda query: source.execute(query))


def _write(target: Path, columns: dict[str, list[tuple[str, str]]], query: Any) -> None:
    target.unlink(missing_ok=True)
    copy = sqlite3.connect(target)
    for table, all_columns in columns.items():
        kept = [(name, kind) for name, kind in all_columns if name not in _SECRET]
        if not kept:
            raise LookupError(f"the ERP database has no table {table}")
        declared = ", ".join(f'"{name}" {kind}{" PRIMARY KEY" if name == "id" else ""}' for name, kind in kept)
        copy.execute(f'CREATE TABLE "{table}" ({declared})')
        names = ", ".join(f'"{name}"' for name, _ in kept)
        marks = ", ".join("?" * len(kept))
        rows = query(f'SELECT {names} FROM "{table}"{_only(table)} ORDER BY id')
        copy.executemany(f'INSERT INTO "{table}" VALUES ({marks})', _rows(rows))
    copy.commit()
    copy.execute("VACUUM")
    copy.close()


def _only(table: str) -> str:
    if table != "ir_model_log":
        return ""
    return " WHERE " + " OR ".join(f"resource LIKE '{model},%'" for model in _LOGGED)


def _rows(rows: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield tuple(_stored(value) for value in row)


def _stored(value: Any) -> Any:
    """A value as Tryton stores it in SQLite: numbers with decimals as the bytes of their text."""
    if isinstance(value, Decimal):
        return str(value).encode()
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value
