"""A thin client of the ERP in this process: one transaction per click, queued work in transactions of its own."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from clock import Clock

Pool = Any
"""Tryton's models; their classes are made at run time, so there is no static type to name."""
Locks = dict[str, Any]
Result = TypeVar("Result")
_SEQUENCES = ("ir_sequence", "ir_sequence_strict")


class Erp:
    """Users act through ``act`` and ``click``; the server's queue runs right after, or when it is due."""

    def __init__(self, database: str, clock: Clock) -> None:
        from trytond.pool import Pool

        self.clock = clock
        self.database = database
        self.last_commit = clock.now
        self.later: Callable[[datetime, Callable[[], None]], None] = lambda due, work: None
        self._pool = Pool(database)
        self._users: dict[str, int] = {}
        self._contexts: dict[str, dict[str, Any]] = {}
        self._locks: dict[int, Locks] = {}

    def log_in(self) -> None:
        """Learn who the users are and what their preferences put into the context."""
        self._users = self.read(lambda pool: {user.login: user.id for user in pool.get("res.user").search([])})
        for login, user in self._users.items():
            self._contexts[login] = self._transact(user, {}, lambda pool: pool.get("res.user").get_preferences(True))

    def act(self, login: str, work: Callable[[Pool], Result], **context: Any) -> Result:
        """Do ``work`` in one transaction of one user, under access control, one second or more after the last."""
        self.clock.advance()
        tasks: list[int] = []
        allowed = {**self._contexts[login], "_check_access": True, **context}
        result = self._transact(self._users[login], allowed, work, tasks)
        self._queue(tasks)
        return result

    def click(self, login: str, model: str, button: str, ids: list[int], **context: Any) -> None:
        """Press a button on records of a model."""

        def press(pool: Pool) -> None:
            records = pool.get(model)
            getattr(records, button)(records.browse(ids))

        self.act(login, press, **context)

    def read(self, work: Callable[[Pool], Result]) -> Result:
        """Look at the database without a user and without moving the clock."""
        return self._transact(0, {"company": 1}, work)

    def _transact(
        self, user: int, context: dict[str, Any], work: Callable[[Pool], Result], tasks: list[int] | None = None
    ) -> Result:
        from trytond.transaction import Transaction, TransactionError

        locks = self._locks.get(user, {})
        while True:
            with Transaction().start(self.database, user, context=context, **locks) as transaction:
                transaction.tasks.clear()
                try:
                    result = work(self._pool)
                    transaction.commit()
                    if user or tasks is not None:
                        self.last_commit = self.clock.now
                except TransactionError as missing_lock:
                    transaction.rollback()
                    locks = copy.deepcopy(locks)
                    missing_lock.fix(locks)
                    continue
                if tasks is not None:
                    tasks.extend(transaction.tasks)
                    self._remember(user, locks)
                return result

    def _remember(self, user: int, locks: Locks) -> None:
        """Ask at once next time for what this user's work had to be repeated for: whole tables and number ranges."""
        records = {table: ids for table, ids in locks.get("_lock_records", {}).items() if table in _SEQUENCES}
        self._locks[user] = {"_lock_tables": locks.get("_lock_tables", []), "_lock_records": records}

    def _queue(self, tasks: list[int]) -> None:
        for task in tasks:
            due, method = self.read(partial(self._due, task=task))
            if method == "print_invoice":
                continue
            if due and due > self.clock.now:
                self.later(due, partial(self._run, task))
            else:
                self._run(task)

    @staticmethod
    def _due(pool: Pool, task: int) -> tuple[datetime | None, str]:
        entry = pool.get("ir.queue")(task)
        return entry.scheduled_at, entry.data["method"]

    def _run(self, task: int) -> None:
        self.clock.advance()
        following: list[int] = []
        self._transact(0, {}, lambda pool: pool.get("ir.queue")(task).run(), following)
        self._queue(following)


def wizard(kind: Any, model: str, ids: list[int], *presses: tuple[str, dict[str, Any]]) -> None:
    """Walk through a wizard on records: at each form keep the defaults, fill in values, press a button.

    As in Tryton's own RPC layer a wizard checks who may start it, not each record it writes.
    """
    from trytond.transaction import Transaction

    first = ids[0] if ids else None
    with Transaction().set_context(active_model=model, active_ids=ids, active_id=first, _check_access=False):
        session, start, _ = kind.create()
        form = kind.execute(session, {}, start).get("view")
        for button, values in presses:
            if not form:
                break
            defaults = {name: value for name, value in form["defaults"].items() if not name.endswith(".")}
            form = kind.execute(session, {form["state"]: {**defaults, **values}}, button).get("view")
        kind.delete(session)
