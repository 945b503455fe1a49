"""The billing desk: posts the invoices that the ERP drafted when goods left or an order was processed."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

from erp import Erp
from office import Life, Office
from receivables import Receivables
from records import Invoice, Records
from workdays import FIRST_DAY, LAST_DAY, at, is_workday, workday

Pool = Any
_INVOICE = "account.invoice"


class Billing:
    """Posts invoices: most of them twice a day, those of weekly customers on the last working day of the week."""

    def __init__(self, erp: Erp, office: Office, records: Records, desk: Receivables) -> None:
        self._erp = erp
        self._office = office
        self._records = records
        self._desk = desk

    def rounds(self) -> Life:
        """Two rounds every working day."""
        day = FIRST_DAY
        while day <= LAST_DAY:
            for moment in (time(10, 30), time(15, 20)):
                yield at(day, moment)
                self._round("billing1", weekly=False)
            day = workday(day + timedelta(days=1))

    def weekly_batch(self) -> Life:
        """Friday afternoon; on the last working day before it when Friday is a holiday."""
        friday = FIRST_DAY + timedelta(days=4)
        while friday <= LAST_DAY + timedelta(days=4):
            day = friday
            while not is_workday(day):
                day -= timedelta(days=1)
            yield at(day, time(14, 10))
            self._round("billing2", weekly=True)
            friday += timedelta(days=7)

    def _round(self, clerk: str, *, weekly: bool) -> None:
        parties = {customer.party for customer in self._desk.company.customers if customer.weekly == weekly}
        found = self._erp.read(lambda pool: self._drafts(pool, parties))
        batches = [found] if weekly else [[invoice] for invoice in found]
        for batch in filter(None, batches):
            self._erp.click(clerk, _INVOICE, "validate_invoice", batch)
            self._erp.clock.advance(self._erp.clock.now + timedelta(seconds=40))
            posted_at = self._erp.act(clerk, partial(self._post, ids=batch))
            for invoice in batch:
                self._register(invoice, posted_at)

    @staticmethod
    def _drafts(pool: Pool, parties: set[int]) -> list[int]:
        drafts = pool.get(_INVOICE).search([("state", "=", "draft"), ("type", "=", "out")], order=[("id", "ASC")])
        return [invoice.id for invoice in drafts if invoice.party.id in parties]

    def _post(self, pool: Pool, ids: list[int]) -> datetime:
        invoices = pool.get(_INVOICE)
        invoices.post(invoices.browse(ids))
        return self._erp.clock.now

    def _register(self, invoice_id: int, posted_at: datetime) -> None:
        invoice = self._erp.read(lambda pool: self._read(pool, invoice_id, posted_at))
        if invoice.total < 0:
            self._records.credit_notes[invoice.id] = invoice
            return
        self._records.invoices.append(invoice)
        self._office.begin(self._desk.life(invoice))

    def _read(self, pool: Pool, invoice_id: int, posted_at: datetime) -> Invoice:
        record = pool.get(_INVOICE)(invoice_id)
        customers = {customer.party: customer for customer in self._desk.company.customers}
        sales = {sale.id for sale in record.sales}
        moves = [move for line in record.lines for move in line.stock_moves]
        return Invoice(
            id=invoice_id,
            number=record.number,
            customer=customers[record.party.id],
            orders=[order for order in self._records.orders if order.id in sales],
            shipments=sorted({move.shipment.number for move in moves if move.shipment}),
            posted_at=posted_at,
            due=max(line.maturity_date for line in record.lines_to_pay),
            total=record.total_amount,
            reference=record.customer_payment_reference or "",
            open_amount=record.total_amount,
        )
