"""What a statement says, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

# Minor units by ISO 4217 where they are not two.
_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_units(amount: Decimal, currency: str) -> int | None:
    """The amount as whole minor units; ``None`` when it has more decimals than the currency."""
    scaled = amount.scaleb(_DIGITS.get(currency, 2))
    return int(scaled) if scaled == scaled.to_integral_value() else None


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking, or one transaction of a batch booking; ``amount`` is never negative."""

    reference: str
    part: int
    currency: str
    amount: Decimal
    is_credit: bool
    is_reversal: bool
    status: str
    booked_on: date
    booked_at: datetime | None
    value_date: date | None
    end_to_end_id: str | None
    creditor_reference: str | None
    remittance: str | None
    counterparty: str | None
    counterparty_account: str | None
    transaction_code: str | None
    return_reason: str | None

    @property
    def entry(self) -> str:
        """Reference of the entry of which it is a part."""
        return self.reference.removesuffix(f"/{self.part}") if self.part else self.reference

    @property
    def signed(self) -> Decimal:
        """What the booking does to the balance."""
        return self.amount if self.is_credit else -self.amount


@dataclass(frozen=True, slots=True)
class Balance:
    """A booked balance of a day; negative when overdrawn."""

    amount: Decimal
    currency: str
    day: date


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of one account."""

    account: str
    identification: str
    currency: str
    opening: Balance | None
    closing: Balance | None
    bookings: tuple[Booking, ...]

    def fault(self) -> tuple[str, str] | None:
        """Why the statement must not be loaded (rule, reason); ``None`` when it proves itself."""
        if self.opening is None or self.closing is None:
            missing = "opening" if self.opening is None else "closing"
            return "balance-missing", f"the statement has no {missing} balance, so its bookings cannot be proven"
        booked = [booking for booking in self.bookings if booking.status == "BOOK"]
        others = {self.opening.currency, self.closing.currency, *(booking.currency for booking in booked)}
        if others != {self.currency}:
            return "currency-mixed", f"the account is kept in {self.currency} but the statement has {sorted(others)}"
        total = sum((booking.signed for booking in booked), Decimal(0))
        if self.opening.amount + total != self.closing.amount:
            return (
                "balance-mismatch",
                f"opening {self.opening.amount} + bookings {total} = {self.opening.amount + total}, "
                f"but closing is {self.closing.amount}",
            )
        if any(minor_units(booking.amount, booking.currency) is None for booking in booked):
            return "amount-too-fine", f"an amount has more decimals than {self.currency} has"
        return None
