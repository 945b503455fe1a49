"""The life of an order, from entry to the last goods issue."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from company import GRACE
from erp import Erp
from office import Life
from plan import Kind, PlannedOrder
from records import Order, Records, Shipment
from workdays import at, local, office_hours, workday

Pool = Any
_ORDER_INVOICED = (Kind.SERVICE, Kind.PREPAID, Kind.INVOICE_FIRST)
_SALE, _SHIPMENT = "sale.sale", "stock.shipment.out"


class Orders:
    """Sales, credit and warehouse at work on orders."""

    def __init__(self, erp: Erp, records: Records, rng: random.Random) -> None:
        self._erp = erp
        self._records = records
        self._rng = rng

    def life(self, planned: PlannedOrder) -> Life:
        """Everything that happens to an order before its invoice."""
        yield planned.entered_at
        order = Order(planned)
        self._records.orders.append(order)
        order.id = self._erp.act(planned.entered_by, lambda pool: self._enter(pool, planned))
        yield self._soon(planned, 10, 40)
        order.quoted_at = self._press(planned.entered_by, _SALE, "quote", order.id)
        order.number = self._erp.read(lambda pool: str(pool.get(_SALE)(order.id).number))
        if planned.kind is Kind.LOST:
            yield self._on_workday(self._rng.randint(2, 6))
            order.cancelled_at = self._press(planned.entered_by, _SALE, "cancel", order.id)
            return
        yield self._soon(planned, 15, 70)
        if planned.kind is Kind.SLOW_CREDIT:
            self._refused("sales2" if planned.entered_by == "sales1" else "sales1", order)
            yield self._on_workday(self._rng.choice((5, 7, 8, 9, 10, 10, 11, 11, 12)))
        approves = planned.kind in (Kind.SLOW_CREDIT, Kind.OWN_APPROVAL)
        order.confirmed_at = self._press(planned.confirmed_by, _SALE, "confirm", order.id, _skip_warnings=approves)
        if planned.kind is Kind.CANCELLED:
            yield self._erp.clock.now + timedelta(minutes=self._rng.randint(6, 20))
            self._press(planned.entered_by, _SALE, "draft", order.id)
            order.cancelled_at = self._press(planned.entered_by, _SALE, "cancel", order.id)
            order.confirmed_at = None
            return
        yield self._erp.clock.now + GRACE + timedelta(minutes=2)
        if planned.kind is not Kind.SERVICE:
            yield from self._deliver(order)

    def _deliver(self, order: Order) -> Life:
        kind = order.planned.kind
        if kind in (Kind.PREPAID, Kind.INVOICE_FIRST):
            while not self._may_ship(order):
                tomorrow = workday(local(self._erp.clock.now).date() + timedelta(days=1))
                yield at(tomorrow, time(9, self._rng.randrange(60)))
        deliveries = {Kind.PARTIAL: 2, Kind.PARTIAL_THREE: 3}.get(kind, 1)
        if kind is Kind.OPEN_ORDER:
            return
        for delivery in range(deliveries):
            if delivery:
                yield self._on_workday(self._rng.randint(1, 3))
            yield office_hours(self._erp.clock.now + timedelta(minutes=self._rng.randint(20, 60)))
            yield from self._ship(order, share=1 / (deliveries - delivery))

    def _may_ship(self, order: Order) -> bool:
        invoices = [invoice for invoice in self._records.invoices if order in invoice.orders]
        if order.planned.kind is Kind.PREPAID:
            return any(invoice.booked_at for invoice in invoices)
        return bool(invoices)

    def _ship(self, order: Order, share: float) -> Life:
        shipment = self._erp.read(lambda pool: self._waiting_shipment(pool, order.id))
        clerk = self._rng.choice(("wh1", "wh2"))
        self._erp.act(clerk, lambda pool: self._assign(pool, shipment, share))
        for button, least, most in (("pick", 20, 60), ("pack", 10, 30), ("do", 10, 40)):
            yield office_hours(self._erp.clock.now + timedelta(minutes=self._rng.randint(least, most)))
            if button == "do":
                number = self._erp.read(lambda pool: str(pool.get(_SHIPMENT)(shipment).number))
                issued = self._press(clerk, _SHIPMENT, "do", shipment)
                self._records.shipments.append(Shipment(number, order, issued))
            else:
                self._erp.click(clerk, _SHIPMENT, button, [shipment])

    def _press(self, login: str, model: str, button: str, record: int, **context: Any) -> datetime:
        """Press a button and return the moment of its transaction."""
        return self._erp.act(login, self._button(model, button, record), **context)

    def _button(self, model: str, button: str, record: int) -> Callable[[Pool], datetime]:
        def press(pool: Pool) -> datetime:
            records = pool.get(model)
            getattr(records, button)(records.browse([record]))
            return self._erp.clock.now

        return press

    def _refused(self, login: str, order: Order) -> None:
        from trytond.modules.account_credit_limit.exceptions import CreditLimitError

        try:
            self._press(login, _SALE, "confirm", order.id)
        except CreditLimitError:
            return
        raise AssertionError(f"order {order.number} should have been stopped by the customer's credit limit")

    def _soon(self, planned: PlannedOrder, least: int, most: int) -> datetime:
        if planned.entered_by == "edi":
            return self._erp.clock.now + timedelta(seconds=self._rng.randint(20, 90))
        return office_hours(self._erp.clock.now + timedelta(minutes=self._rng.randint(least, most)))

    def _on_workday(self, steps: int) -> datetime:
        day = workday(local(self._erp.clock.now).date(), steps)
        return at(day, time(9)) + timedelta(minutes=self._rng.randrange(180), seconds=self._rng.randrange(60))

    @staticmethod
    def _enter(pool: Pool, planned: PlannedOrder) -> int:
        sales, lines = pool.get(_SALE), pool.get("sale.line")
        sale = sales(**sales.default_get(list(sales._fields), with_rec_name=False))
        sale.party = planned.customer.party
        sale.on_change_party()
        sale.reference = f"PO-{planned.index + 4711}"
        if planned.kind in _ORDER_INVOICED:
            sale.invoice_method = "order"
        else:
            sale.invoice_method = "fulfillment"
        sale.shipment_method = "invoice" if planned.kind is Kind.PREPAID else "order"
        entered = []
        for item in planned.lines:
            line = lines(**lines.default_get(list(lines._fields), with_rec_name=False))
            line.sale, line.product, line.quantity = sale, item.product, float(item.quantity)
            line.on_change_product()
            line.unit_price = item.price
            entered.append(line)
        sale.lines = entered
        sale.save()
        return int(sale.id)

    @staticmethod
    def _waiting_shipment(pool: Pool, sale: int) -> int:
        open_ones = [shipment for shipment in pool.get(_SALE)(sale).shipments if shipment.state == "waiting"]
        (shipment,) = open_ones
        return int(shipment.id)

    @staticmethod
    def _assign(pool: Pool, shipment: int, share: float) -> None:
        shipments = pool.get(_SHIPMENT)
        record = shipments(shipment)
        if share < 1:
            moves = list(record.inventory_moves)
            for move in moves:
                move.quantity = float(max(1, int(move.quantity * share)))
            pool.get("stock.move").save(moves)
        shipments.assign_try(shipments.browse([shipment]))
