"""KPI cards: value, last change (grey within noise), trend by month, target; the interval and the formula on hover."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import streamlit as st

from dashboards.wording import MISSING, compact, money, money_days
from o2c_mining.analysis.kpi_series import Series
from o2c_mining.analysis.kpis import Kpi

CARDS = (
    "order_to_cash",
    "invoice_to_cash",
    "dso_period_end",
    "overdue_share",
    "touchless_orders",
    "unbilled_value_days",
)
_MORE_IS_BETTER = frozenset({"touchless_orders"})
_HEIGHT = 206
_TITLES = {
    "order_to_cash": "Order to cash",
    "invoice_to_cash": "Invoice to cash",
    "dso_period_end": "DSO, period end",
    "overdue_share": "Overdue share",
    "touchless_orders": "Touchless orders",
    "unbilled_value_days": "Unbilled",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One card in words."""

    label: str
    value: str
    delta: str | None
    delta_color: Literal["normal", "inverse", "off"]
    description: str | None
    help: str
    trend: list[float]


def card(kpi: Kpi, series: Series | None, target: Decimal | None, currency: str) -> Card:
    """Put a key figure into words."""
    delta, description = None, None
    color: Literal["normal", "inverse", "off"] = "off"
    trend: list[float] = []
    if series is not None:
        trend = [round(month.value, 3) for month in series.months if month.value is not None]
    if series is not None and series.change is not None and series.newest and series.before:
        delta = _signed(series.change, kpi.unit, currency)
        description = f"{series.newest:%b} vs {series.before:%b}"
        if not series.is_noise:
            color = "normal" if kpi.id in _MORE_IS_BETTER else "inverse"
    label = _TITLES.get(kpi.id, kpi.title)
    if kpi.unit.endswith("-days"):
        label += f", {money_days(currency)}"
    value = _value(kpi.value, kpi.unit, currency)
    if target is not None:
        value += f" :small[:gray[/ {_value(float(target), kpi.unit, currency)}]]"
    return Card(label, value, delta, color, description, _help(kpi, series, target, currency), trend)


def show_cards(cards: list[Card]) -> None:
    """The row of cards."""
    for column, one in zip(st.columns(len(cards), gap="small"), cards, strict=True):
        column.metric(
            one.label,
            one.value,
            one.delta,
            delta_color=one.delta_color,
            delta_description=one.description,
            help=one.help,
            chart_data=one.trend if len(one.trend) > 1 else None,
            chart_type="area",
            border=True,
            height=_HEIGHT,
        )


def _value(value: float | None, unit: str, currency: str) -> str:
    if value is None:
        return MISSING
    if unit == "days":
        return f"{value:.1f} d"
    if unit == "%":
        return f"{value:.1f} %"
    if unit.endswith("-days"):
        return compact(value)
    return money(value, currency)


def _signed(change: float, unit: str, currency: str) -> str:
    sign = "-" if change < 0 else "+"
    if unit == "%":
        return f"{sign}{abs(change):.1f} pp"
    return f"{sign}{_value(abs(change), unit, currency)}"


def _help(kpi: Kpi, series: Series | None, target: Decimal | None, currency: str) -> str:
    lines = [f"**{kpi.title}** = {kpi.formula}"]
    if target is not None:
        lines.append(f"Target: {_value(float(target), kpi.unit, currency)} (after the stroke)")
    if kpi.low is not None or kpi.high is not None:
        low, high = (_value(bound, kpi.unit, currency) for bound in (kpi.low, kpi.high))
        lines.append(f"95 % interval: {low} to {high}")
    if kpi.numerator is not None and kpi.denominator is not None:
        lines.append(f"{kpi.numerator} of {kpi.denominator}")
    lines += [f"Left out: {one.count:,} × {one.reason}" for one in kpi.excluded]
    if series is not None and series.change is not None and series.is_noise:
        lines.append("Grey: the last change is within the usual noise.")
    lines.append(f"Source: {kpi.source}")
    return "  \n".join(lines)
