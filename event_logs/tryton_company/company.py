"""The company: chart of accounts, products, terms, dunning levels, customers with bank accounts, staff with duties."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from workdays import TIMEZONE

REGIONS = {"DACH": ("DE", "AT", "CH"), "Benelux": ("NL", "LU"), "France": ("FR",), "Nordics": ("SE", "DK")}
TERMS = {"Net 14": 14, "Net 30": 30, "Net 60": 60}
GRACE = timedelta(minutes=30)
"""A confirmed order can be taken back for this long; then the server starts to process it."""
STAFF = {
    "sales1": ("sale.group_sale", "sale.group_sale_admin"),
    "sales2": ("sale.group_sale",),
    "sales3": ("sale.group_sale", "account_credit_limit.group_credit_limit"),
    "credit1": ("sale.group_sale", "account_credit_limit.group_credit_limit", "account.group_account"),
    "wh1": ("stock.group_stock",),
    "wh2": ("stock.group_stock",),
    "billing1": ("account.group_account",),
    "billing2": ("account.group_account",),
    "ar1": ("account.group_account",),
    "collect1": ("account.group_account", "account_dunning.group_dunning"),
    "edi": ("sale.group_sale",),
}
_PREFIXES = {
    "Sale": "SO-", "Customer Shipment": "DN-", "Customer Complaint": "CMP-", "Party": "C-",
}  # fmt: skip
_NAMES = ("Adler", "Birke", "Cordes", "Dorn", "Eiche", "Falke", "Garten", "Hafen", "Insel", "Jonas")
_KINDS = ("Maschinenbau", "Handel", "Technik", "Logistik")


@dataclass(frozen=True)
class Customer:
    """A customer as the recipe treats it; ``weekly`` ones are billed on Fridays only."""

    party: int
    name: str
    iban: str
    days: int
    weekly: bool
    grouped: bool
    over_limit: bool
    late: bool


@dataclass(frozen=True)
class Company:
    """What orders are made of."""

    customers: tuple[Customer, ...]
    goods: tuple[int, ...]
    services: tuple[int, ...]
    payment_method: int
    complaint_type: int
    iban: str


def iban(country: str, rng: random.Random) -> str:
    """An account number with correct check digits and an invented bank."""
    lengths = {"DE": 18, "AT": 16, "CH": 17, "NL": 14, "LU": 16, "FR": 23, "SE": 20, "DK": 14}
    digits = "".join(str(rng.randrange(10)) for _ in range(lengths[country]))
    if country == "NL":
        digits = "TEST" + digits[4:]
    letters = "".join(str(int(sign, 36)) for sign in f"{digits}{country}00")
    return f"{country}{98 - int(letters) % 97:02d}{digits}"


def set_up(database: str, first_day: date, last_day: date, rng: random.Random) -> Company:
    """Fill an empty ERP database that has the modules; must run before any user logs in."""
    from proteus import Model, config

    settings = config.set_trytond(database, user="admin")
    get: Any = Model.get
    accounts, company = _books(get, first_day, last_day)
    settings._context = get("res.user").get_preferences(True, {})
    method = _payment_method(get, accounts)
    goods, services = _products(get, accounts)
    _numbers(get, company)
    sales = get("sale.configuration")(1)
    sales.sale_process_after = GRACE
    sales.save()
    (subject,) = get("ir.model").find([("name", "=", "account.invoice")])
    complaint = get("sale.complaint.type")(name="Invoice disputed", origin=subject)
    complaint.save()
    customers = _customers(get, rng)
    own = iban("DE", rng)
    _bank_account(get, company.party, own)
    _staff(get, company, settings.context)
    return Company(tuple(customers), goods, services, method, complaint.id, own)


def _books(get: Any, first_day: date, last_day: date) -> tuple[dict[str, Any], Any]:
    from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, get_accounts
    from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences
    from trytond.modules.company.tests.tools import create_company, get_company

    owner = get("party.party")(name="Nordlicht Werkzeuge GmbH")
    owner.save()
    create_company(party=owner, currency="EUR")
    company = get_company()
    company.timezone = TIMEZONE
    company.save()
    create_chart(company)
    year = set_fiscalyear_invoice_sequences(create_fiscalyear(company, today=(first_day, last_day)))
    (numbers,) = year.invoice_sequences
    invoices = numbers.out_invoice_sequence
    invoices.prefix, invoices.padding = "INV-", 5
    invoices.save()
    notes = get("ir.sequence.strict")(name="Credit notes", company=company, sequence_type=invoices.sequence_type)
    notes.prefix, notes.padding = "CN-", 4
    notes.save()
    numbers.out_credit_note_sequence = notes
    year.save()
    year.click("create_period")
    return get_accounts(company), company


def _payment_method(get: Any, accounts: dict[str, Any]) -> int:
    (journal,) = get("account.journal").find([("type", "=", "cash")], limit=1)
    method = get("account.invoice.payment.method")(name="Bank transfer", journal=journal)
    method.credit_account = method.debit_account = accounts["cash"]
    method.save()
    for name, days in TERMS.items():
        term = get("account.invoice.payment_term")(name=name)
        term.lines.new(type="remainder").relativedeltas.new(days=days)
        term.save()
    procedure = get("account.dunning.procedure")(name="Standard")
    for sequence, overdue in ((1, 5), (2, 20), (3, 40)):
        procedure.levels.new(sequence=sequence, overdue=timedelta(days=overdue))
    procedure.save()
    return int(method.id)


def _products(get: Any, accounts: dict[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    from trytond.modules.account.tests.tools import create_tax

    tax = create_tax(Decimal("0.19"))
    tax.save()
    category = get("product.category")(name="Sales", accounting=True)
    category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
    category.save()
    category.customer_taxes.append(tax)
    category.save()
    (unit,) = get("product.uom").find([("name", "=", "Unit")])
    (storage,) = get("stock.location").find([("code", "=", "STO")])
    inventory = get("stock.inventory")(location=storage)
    made: dict[str, list[int]] = {"goods": [], "service": []}
    for kind, name, price in (
        ("goods", "Drill", 180), ("goods", "Saw", 420), ("goods", "Press", 1450), ("goods", "Lathe", 5200),
        ("goods", "Bit set", 45), ("service", "Calibration", 650), ("service", "Training day", 980),
    ):  # fmt: skip
        template = get("product.template")(name=name, default_uom=unit, type=kind, salable=True)
        template.list_price, template.account_category = Decimal(price), category
        template.save()
        product = template.products[0]
        made[kind].append(int(product.id))
        if kind == "goods":
            line = inventory.lines.new(product=product)
            line.quantity, line.expected_quantity = 1e6, 0.0
    inventory.click("confirm")
    return tuple(made["goods"]), tuple(made["service"])


def _numbers(get: Any, company: Any) -> None:
    for sequence in get("ir.sequence").find([]):
        prefix = _PREFIXES.get(sequence.sequence_type.name)
        if prefix:
            sequence.prefix, sequence.padding = prefix, 5
            sequence.save()


def _bank_account(get: Any, party: Any, number: str) -> None:
    account = get("bank.account")()
    account.owners.append(get("party.party")(party.id))
    account.numbers.new(type="iban", number=number)
    account.save()


def _customers(get: Any, rng: random.Random) -> list[Customer]:
    party = get("party.party")
    top = get("party.category")(name="Region")
    top.save()
    regions = {name: get("party.category")(name=name, parent=top) for name in REGIONS}
    for category in regions.values():
        category.save()
    terms = {term.name: term for term in get("account.invoice.payment_term").find([])}
    (procedure,) = get("account.dunning.procedure").find([])
    customers = []
    for index in range(40):
        region = ("DACH", "DACH", "Benelux", "France", "Nordics")[index % 5]
        country = REGIONS[region][index % len(REGIONS[region])]
        term = ("Net 30", "Net 14", "Net 30", "Net 60", "Net 14", "Net 30", "Net 30")[index % 7]
        weekly, grouped = index < 14, index < 4
        over_limit, late = 14 <= index < 18, 10 <= index < 14 or 20 <= index < 24
        name = f"{_NAMES[index % 10]} {_KINDS[index // 10]}"
        record = party(name=name, dunning_procedure=procedure, customer_payment_term=terms[term])
        record.categories.append(get("party.category")(regions[region].id))
        record.credit_limit_amount = Decimal(1000 if over_limit else 5_000_000)
        if grouped:
            record.sale_invoice_grouping_method = "standard"
        record.addresses[0].street, record.addresses[0].city = f"Industriestr. {index + 1}", region
        record.save()
        number = iban(country, rng)
        _bank_account(get, record, number)
        customers.append(Customer(record.id, name, number, TERMS[term], weekly, grouped, over_limit, late))
    return customers


def _staff(get: Any, company: Any, context: dict[str, Any]) -> None:
    data = get("ir.model.data")
    for login, groups in STAFF.items():
        user = get("res.user")(name=login, login=login)
        user.companies.append(get("company.company")(company.id))
        user.company = user.companies[0]
        if login != "edi":
            person = get("party.party")(name=f"Employee {login}")
            person.save()
            employee = get("company.employee")(party=person, company=company)
            employee.save()
            user.employees.append(employee)
            user.employee = employee
        for group in groups:
            user.groups.append(get("res.group")(data.get_id(group, context)))
        user.save()
