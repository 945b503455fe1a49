"""From a posted invoice to its clearing: transfers, cash application, disputes and dunning."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from company import Company
from erp import Erp, wizard
from office import Life
from plan import Kind
from records import Dispute, Invoice, Payment, Records
from workdays import FIRST_DAY, LAST_BOOKING, LAST_DAY, at, local, office_hours, workday

Pool = Any
_INVOICE, _COMPLAINT = "account.invoice", "sale.complaint"
_ALONE = {Kind.SHORT_PAID, Kind.PREPAID, Kind.DISPUTED}
"""Orders whose invoice is never settled together with another."""


class Receivables:
    """Customers pay, accounts receivable books it, collections sends reminders."""

    def __init__(self, erp: Erp, records: Records, company: Company, rng: random.Random) -> None:
        self.company = company
        self._erp = erp
        self._records = records
        self._rng = rng

    def life(self, invoice: Invoice) -> Life:
        """From posting to the moment the invoice is cleared."""
        kind = invoice.orders[0].planned.kind
        if kind is Kind.DISPUTED:
            yield from self._disputed(invoice)
            return
        amount = invoice.total
        if kind is Kind.SHORT_PAID:
            amount = (amount * self._rng.randint(80, 95) / 100).quantize(Decimal("0.01"))
        paid_on = self._pays_on(invoice, kind)
        for coming in self._records.payments:
            if self._joins(coming, invoice, paid_on):
                coming.parts.append((invoice, amount))
                return
        yield from self._transfer(Payment(invoice.customer, paid_on, [(invoice, amount)]))

    def dunning(self) -> Life:
        """Every Tuesday: a run over all overdue lines, then the letters."""
        day = FIRST_DAY + timedelta(days=1)
        while day <= LAST_DAY:
            yield at(workday(day), time(10, 40))
            self._erp.act("collect1", self._find_overdue)
            drafts = self._erp.read(self._dunning_drafts)
            if drafts:
                yield at(workday(day), time(11, 5))
                self._erp.act("collect1", partial(self._send, dunnings=list(drafts)))
                self._records.dunned.update(drafts.values())
            day += timedelta(days=7)

    def _transfer(self, payment: Payment) -> Life:
        if payment.booking_date > LAST_BOOKING:
            return
        self._records.payments.append(payment)
        late = self._rng.choices((0, 1, 2, 3), (90, 7, 2, 1))[0]
        yield at(workday(payment.booking_date, late), time(8, 10)) + timedelta(minutes=self._rng.randrange(80))
        for invoice, amount in payment.parts:
            pay = partial(self._pay, invoice=invoice, amount=amount, paid_on=payment.booking_date)
            invoice.booked_at = self._erp.act("ar1", pay)
            invoice.open_amount -= amount

    def _pays_on(self, invoice: Invoice, kind: Kind) -> date:
        posted = local(invoice.posted_at).date()
        if kind is Kind.PREPAID:
            return workday(posted, self._rng.randint(2, 4))
        if invoice.customer.late and self._rng.random() < 0.7:
            return workday(invoice.due + timedelta(days=self._rng.randint(10, 43)))
        return max(workday(invoice.due, -self._rng.randint(3, 6)), workday(posted, 2))

    def _joins(self, coming: Payment, invoice: Invoice, paid_on: date) -> bool:
        """Whether the customer settles this invoice with a transfer that is on its way for another."""
        days_to_due = (invoice.due - coming.booking_date).days
        wishes = (invoice.due - paid_on).days
        return (
            coming.customer == invoice.customer
            and coming.booking_date > local(self._erp.clock.now).date() + timedelta(days=1)
            and len(coming.parts) < 3
            and not _ALONE & {part.orders[0].planned.kind for part in [invoice, *(part for part, _ in coming.parts)]}
            and abs((coming.booking_date - paid_on).days) <= 9
            and (days_to_due >= 4 if wishes > 0 else days_to_due <= -10)
        )

    def _pay(self, pool: Pool, invoice: Invoice, amount: Decimal, paid_on: date) -> datetime:
        """The pay wizard, dated as the bank booked the transfer; less than is due stays a partial payment."""
        start = {"payment_method": self.company.payment_method, "amount": amount, "date": paid_on}
        pay = pool.get("account.invoice.pay", type="wizard")
        wizard(pay, _INVOICE, [invoice.id], ("choice", start), ("pay", {"type": "partial"}))
        return self._erp.clock.now

    def _disputed(self, invoice: Invoice) -> Life:
        yield self._office_time(self._rng.randint(3, 7))
        complaint = self._erp.act("sales2", lambda pool: self._complain(pool, invoice))
        self._erp.click("sales2", _COMPLAINT, "wait", [complaint])
        yield office_hours(self._erp.clock.now + timedelta(hours=self._rng.randint(2, 7)))
        self._erp.click("sales1", _COMPLAINT, "approve", [complaint], _skip_warnings=True)
        number, note = "", None
        while note is None:
            yield self._office_time(1)
            number, credited = self._erp.read(lambda pool: self._result(pool, complaint))
            note = self._records.credit_notes.get(credited)
        self._records.disputes.append(Dispute(number, invoice, note))
        self._erp.act("ar1", lambda pool: self._clear(pool, [invoice.id, note.id]))
        invoice.open_amount = Decimal(0)

    def _office_time(self, steps: int) -> datetime:
        day = workday(local(self._erp.clock.now).date(), steps)
        return at(day, time(11)) + timedelta(minutes=self._rng.randrange(120), seconds=self._rng.randrange(60))

    def _complain(self, pool: Pool, invoice: Invoice) -> int:
        complaints, actions = pool.get(_COMPLAINT), pool.get("sale.complaint.action")
        complaint = complaints(**complaints.default_get(list(complaints._fields), with_rec_name=False))
        complaint.customer, complaint.type = invoice.customer.party, self.company.complaint_type
        complaint.origin = f"{_INVOICE},{invoice.id}"
        complaint.description = "goods damaged on arrival"
        complaint.actions = [actions(action="credit_note")]
        complaint.save()
        return int(complaint.id)

    @staticmethod
    def _result(pool: Pool, complaint_id: int) -> tuple[str, int]:
        complaint = pool.get(_COMPLAINT)(complaint_id)
        (action,) = complaint.actions
        return complaint.number, action.result.id if action.result else 0

    @staticmethod
    def _clear(pool: Pool, invoices: list[int]) -> None:
        records = pool.get(_INVOICE).browse(invoices)
        lines = [line.id for record in records for line in record.lines_to_pay if not line.reconciliation]
        wizard(pool.get("account.move.reconcile_lines", type="wizard"), "account.move.line", lines)

    @staticmethod
    def _find_overdue(pool: Pool) -> None:
        wizard(pool.get("account.dunning.create", type="wizard"), "account.dunning", [], ("create_", {}))

    @staticmethod
    def _send(pool: Pool, dunnings: list[int]) -> None:
        wizard(pool.get("account.dunning.process", type="wizard"), "account.dunning", dunnings, ("process", {}))

    @staticmethod
    def _dunning_drafts(pool: Pool) -> dict[int, str]:
        drafts = pool.get("account.dunning").search([("state", "=", "draft")])
        return {draft.id: str(draft.line.move.origin.number) for draft in drafts}
