"""Money in the reporting currency: exact minor units in, decimal strings out."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from o2c_mining.errors import AnalysisError
from o2c_mining.log.event_log import EventLog, Settings

# ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS = {"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3} | dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0
)

# Currencies of ISO 4217 (2026), funds and metals aside, with those the euro replaced since 2000.
_ISO_4217 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL
HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL
MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR
RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS
UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ATS BEF DEM EEK ESP FIM FRF GRD HRK
IEP ITL LTL LUF LVL MTL NLG PTE SIT SKK CYP
"""
CURRENCIES = frozenset(_ISO_4217.split())


def exponent(currency: str) -> int:
    """Decimal places of a currency (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


def major(minor: float, currency: str) -> str:
    """Minor units as a decimal string in major units, rounded half up to the currency's places."""
    places = exponent(currency)
    return f"{Decimal(str(minor)).scaleb(-places).quantize(Decimal(1).scaleb(-places), 'ROUND_HALF_UP'):f}"


def reporting_minor(log: EventLog, table: ir.Table) -> ir.FloatingValue:
    """``amount_minor`` of a table in minor units of the reporting currency; a missing amount counts 0.

    Raises
    ------
    AnalysisError
        If a currency has no rate in ``[rates]`` of o2c.toml: sums across currencies are never guessed.
    """
    refuse_unpriced(log, table)
    return minor_or_null(log.settings, table).fill_null(0.0)


def minor_or_null(settings: Settings, table: ir.Table) -> ir.FloatingValue:
    """The same without a look at the rows: null where the currency has no rate; an amount without one counts 0."""
    amount = table.amount_minor.cast("float64")
    factors = sorted(_factors(settings).items())
    rated = amount * table.currency.cases(*factors, else_=ibis.null("float64"))
    return ibis.ifelse(table.amount_minor.isnull() | table.currency.isnull(), ibis.literal(0.0), rated)


def refuse_unpriced(log: EventLog, table: ir.Table) -> None:
    """Refuse amounts in a currency without a rate.

    Raises
    ------
    AnalysisError
        With the currencies there are.
    """
    priced = table.filter(table.amount_minor.notnull(), table.currency.notnull()).select("currency").distinct()
    found = sorted(str(row["currency"]) for row in log.reader.rows(priced))
    missing = [currency for currency in found if currency not in _factors(log.settings)]
    if missing:
        raise AnalysisError(
            f"amounts are in {', '.join(found)} and there is no rate for {missing[0]}; expected one currency or a "
            f"rate of each to {log.settings.config.company.currency}; add [rates] with a date to o2c.toml"
        )


def _factors(settings: Settings) -> dict[str, float]:
    """What a minor unit of each rated currency is in minor units of the reporting one."""
    company, rates = settings.config.company, settings.config.rates
    factors = {
        currency: float(rate) * 10.0 ** (exponent(company.currency) - exponent(currency))
        for currency, rate in (rates.per_unit.items() if rates is not None else ())
    }
    return factors | {company.currency: 1.0}
