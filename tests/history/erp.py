"""A small simulated ERP in SQLite: what happens in it, and when its clock says so.

Several companies share its tables; the documents of one never touch those of another, so each lives a history of its
own. Every change of a row gives it the clock's moment, as ERPs do; a change that is staged in a long transaction gets
the moment at which it was written and is seen when the transaction commits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Operation = tuple[int, int, int, int]  # kind, and three numbers that choose among what there is

TABLES = {
    "sale": ("id", "state", "created_at", "confirmed_at", "cancelled_at", "channel", "changed_at"),
    "sale_line": ("id", "sale", "amount", "invoice", "changed_at"),
    "invoice": ("id", "created_at", "posted_at", "paid_at", "due_on", "changed_at"),
    "payment": ("id", "booked_at", "changed_at"),
    "allocation": ("payment", "invoice", "amount", "changed_at"),
    "change_log": ("id", "sale", "field", "at", "value"),
    "factor": ("code", "factor"),
}
_KEYS = {"allocation": "PRIMARY KEY (payment, invoice)", "factor": "PRIMARY KEY (code)"}
_SPAN = 1_000  # ids of a company
_LOOKBACK = timedelta(seconds=900)


class Clock:
    """The source's clock. After every jump its microseconds differ, so no moment comes twice."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 8)  # noqa: DTZ001 - ERPs store naive UTC
        self.newest = self.now
        self._jumps = 0

    def tick(self, seconds: int) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)
        self.newest = max(self.newest, self.now)

    def jump(self, seconds: int) -> None:
        """Someone sets the clock."""
        self._jumps += 1
        self.now = (self.now + timedelta(seconds=seconds)).replace(microsecond=self._jumps)
        self.newest = max(self.newest, self.now)


def text(moment: datetime) -> str:
    """As SQLite keeps it."""
    return moment.isoformat(" ")


class Erp:
    """The database and the operations on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA synchronous = OFF")
        self.connection.execute("PRAGMA journal_mode = WAL")  # people go on working while we read
        self.connection.row_factory = sqlite3.Row
        for table, columns in TABLES.items():
            key = _KEYS.get(table, "PRIMARY KEY (id)")
            self.connection.execute(f"CREATE TABLE {table} ({', '.join(columns)}, {key})")
        self.connection.execute("INSERT INTO factor VALUES ('EUR', 100)")
        self._next: dict[tuple[str, int], int] = {}
        self._pending: dict[int, list[tuple[str, tuple[Any, ...]]]] = {}

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def copy_to(self, path: Path) -> None:
        """What is committed, as a file of its own."""
        with closing(sqlite3.connect(path)) as target:
            self.connection.backup(target)

    def rows(self, table: str) -> list[Row]:
        """Everything committed in a table."""
        return [dict(row) for row in self.connection.execute(f"SELECT * FROM {table}")]

    def do(self, company: int, operation: Operation) -> str:
        """One thing that happens in a company; says what."""
        if self.clock.now <= self.clock.newest - _LOOKBACK:
            self.clock.tick(1)  # far below the newest stamp no stamp tells two changes of one moment apart
        kind, a, b, c = operation
        name, act = _ACTIONS[kind % len(_ACTIONS)]
        act(self, company, a, b, c)
        return f"{company}: {name} {a} {b} {c} at {text(self.clock.now)}"

    def set_factor(self, factor: int) -> None:
        """A lookup that everything depends on."""
        self.connection.execute("UPDATE factor SET factor = ?", (factor,))

    def pay_also(self, company: int, a: int, b: int) -> None:
        """A payment settles one more invoice."""
        payment, invoice = self._pick("payment", company, a), self._pick("invoice", company, b)
        if payment is not None and invoice is not None:
            values = (payment, invoice, 1, self._stamp())
            self._write(company, "INSERT OR IGNORE INTO allocation VALUES (?, ?, ?, ?)", values)

    def add_note_column(self) -> None:
        """The ERP is extended: the old rows get a value without being stamped."""
        if not self.has_note_column:
            self.connection.execute("ALTER TABLE sale ADD COLUMN note DEFAULT 'old'")

    @property
    def has_note_column(self) -> bool:
        """Whether the ERP was extended."""
        return any(row[1] == "note" for row in self.connection.execute("PRAGMA table_info(sale)"))

    def commit_all(self) -> None:
        """Every long transaction ends."""
        for company in list(self._pending):
            self._commit(company, 0, 0, 0)

    # What can happen in a company

    def _enter_order(self, company: int, a: int, b: int, c: int) -> None:
        created = self.clock.now - timedelta(hours=6 * (b % 4))  # entered for an earlier day, or not
        number = self._fresh("sale", company)
        stamp = self._stamp(late=c % 8 == 0)
        self._write(
            company,
            "INSERT INTO sale (id, state, created_at, channel, changed_at) VALUES (?, 'draft', ?, ?, ?)",
            (number, text(created), ("web", "shop", None)[a % 3], stamp),
        )
        for _ in range(a % 3):
            line = self._fresh("sale_line", company)
            self._write(company, "INSERT INTO sale_line VALUES (?, ?, ?, NULL, ?)", (line, number, 1 + b % 9, stamp))

    def _add_line(self, company: int, a: int, b: int, c: int) -> None:
        sale = self._pick("sale", company, a)
        if sale is not None:
            line = self._fresh("sale_line", company)
            values = (line, sale, 1 + b % 9, self._stamp(late=c % 8 == 0))
            self._write(company, "INSERT INTO sale_line VALUES (?, ?, ?, NULL, ?)", values)

    def _move_line(self, company: int, a: int, b: int, c: int) -> None:
        self._set("sale_line", company, a, {"sale": self._pick("sale", company, b)})

    def _change_amount(self, company: int, a: int, b: int, c: int) -> None:
        self._set("sale_line", company, a, {"amount": 1 + b % 9})

    def _bill_line(self, company: int, a: int, b: int, c: int) -> None:
        self._set("sale_line", company, a, {"invoice": self._pick("invoice", company, b) if c % 4 else None})

    def _confirm(self, company: int, a: int, b: int, c: int) -> None:
        when = text(self.clock.now - timedelta(hours=6 * (b % 3))) if c % 5 else None
        self._set("sale", company, a, {"state": "confirmed" if when else "draft", "confirmed_at": when})

    def _cancel(self, company: int, a: int, b: int, c: int) -> None:
        self._set("sale", company, a, {"state": "cancelled", "cancelled_at": text(self.clock.now)})

    def _enter_invoice(self, company: int, a: int, b: int, c: int) -> None:
        number = self._fresh("invoice", company)
        stamp = self._stamp(late=c % 8 == 0)
        due = (self.clock.now.date() + timedelta(days=b % 30)).isoformat()
        values = (number, text(self.clock.now), due, stamp)
        self._write(company, "INSERT INTO invoice VALUES (?, ?, NULL, NULL, ?, ?)", values)
        line = self._pick("sale_line", company, a)
        if line is not None:
            self._write(
                company, "UPDATE sale_line SET invoice = ?, changed_at = ? WHERE id = ?", (number, self._stamp(), line)
            )

    def _post_invoice(self, company: int, a: int, b: int, c: int) -> None:
        when = text(self.clock.now - timedelta(hours=6 * (b % 3))) if c % 5 else None
        self._set("invoice", company, a, {"posted_at": when})

    def _change_due_date(self, company: int, a: int, b: int, c: int) -> None:
        due = date(2026, 1, 1) + timedelta(days=b)
        self._set("invoice", company, a, {"due_on": due.isoformat() if c % 4 else None})

    def _pay(self, company: int, a: int, b: int, c: int) -> None:
        invoice = self._pick("invoice", company, a)
        number = self._fresh("payment", company)
        stamp = self._stamp(late=c % 8 == 0)
        booked = text(self.clock.now - timedelta(days=b % 3))
        self._write(company, "INSERT INTO payment VALUES (?, ?, ?)", (number, booked, stamp))
        if invoice is not None:
            self._write(company, "INSERT INTO allocation VALUES (?, ?, ?, ?)", (number, invoice, 1 + b % 9, stamp))
            if c % 2:
                self._write(
                    company, "UPDATE invoice SET paid_at = ?, changed_at = ? WHERE id = ?", (booked, stamp, invoice)
                )

    def _reallocate(self, company: int, a: int, b: int, c: int) -> None:
        payment, invoice = self._pick("payment", company, a), self._pick("invoice", company, b)
        if payment is not None and invoice is not None:
            self._write(company, "DELETE FROM allocation WHERE payment = ?", (payment,))
            values = (payment, invoice, 1 + c % 9, self._stamp())
            self._write(company, "INSERT INTO allocation VALUES (?, ?, ?, ?)", values)

    def _log_change(self, company: int, a: int, b: int, c: int) -> None:
        sale = self._pick("sale", company, a)
        if sale is not None:
            values = (self._fresh("change_log", company), sale, ("price", "term")[b % 2], text(self.clock.now), str(c))
            self._write(company, "INSERT INTO change_log VALUES (?, ?, ?, ?, ?)", values)

    def _delete(self, company: int, a: int, b: int, c: int) -> None:
        table = ("sale", "sale_line", "invoice", "payment")[b % 4]
        number = self._pick(table, company, a)
        if number is not None:
            self._write(company, f"DELETE FROM {table} WHERE id = ?", (number,))

    def _begin(self, company: int, a: int, b: int, c: int) -> None:
        if company not in self._pending:
            self.clock.tick(1)
            self._pending[company] = []

    def _commit(self, company: int, a: int, b: int, c: int) -> None:
        for statement, values in self._pending.pop(company, []):
            self.connection.execute(statement, values)

    def _wait(self, company: int, a: int, b: int, c: int) -> None:
        self.clock.tick((1, 60, 3_600, 86_400)[a % 4])

    # How rows are chosen, stamped and written

    def _fresh(self, table: str, company: int) -> int:
        number = self._next.get((table, company), 1)
        self._next[table, company] = number + 1
        return company * _SPAN + number

    def _pick(self, table: str, company: int, choice: int) -> int | None:
        found: Sequence[Any] = self.connection.execute(
            f"SELECT id FROM {table} WHERE id > ? AND id < ? ORDER BY id", (company * _SPAN, (company + 1) * _SPAN)
        ).fetchall()
        return int(found[choice % len(found)][0]) if found else None

    def _stamp(self, *, late: bool = False) -> str:
        """The clock's moment, or (a row that another system brought) one long before."""
        return text(self.clock.now - timedelta(days=40) if late else self.clock.now)

    def _set(self, table: str, company: int, choice: int, values: Row) -> None:
        number = self._pick(table, company, choice)
        if number is None:
            return
        names = ", ".join(f"{name} = ?" for name in values)
        self._write(
            company,
            f"UPDATE {table} SET {names}, changed_at = ? WHERE id = ?",
            (*values.values(), text(self.clock.now), number),
        )

    def _write(self, company: int, statement: str, values: tuple[Any, ...]) -> None:
        if company in self._pending:
            self._pending[company].append((statement, values))
        else:
            self.connection.execute(statement, values)


_ACTIONS = (
    ("enter order", Erp._enter_order),
    ("enter order", Erp._enter_order),
    ("add line", Erp._add_line),
    ("move line", Erp._move_line),
    ("change amount", Erp._change_amount),
    ("bill line", Erp._bill_line),
    ("confirm", Erp._confirm),
    ("cancel", Erp._cancel),
    ("enter invoice", Erp._enter_invoice),
    ("enter invoice", Erp._enter_invoice),
    ("post invoice", Erp._post_invoice),
    ("change due date", Erp._change_due_date),
    ("pay", Erp._pay),
    ("reallocate", Erp._reallocate),
    ("log a change", Erp._log_change),
    ("delete", Erp._delete),
    ("begin", Erp._begin),
    ("commit", Erp._commit),
    ("wait", Erp._wait),
    ("wait", Erp._wait),
)
KINDS = tuple(name for name, _ in _ACTIONS)
