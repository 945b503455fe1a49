"""Make a year of order-to-cash in a real Tryton under a simulated clock, with planted faults and their ground truth.

usage: python recipe.py --out DIR --orders N --seed S [--database sqlite|postgresql|URL --clock FILE]
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from clock import Clock, FaketimeMissingError, faked, library
from pg import ServerError, postgres_server
from workdays import FIRST_DAY, OPENS, at

DATABASE = "company"
MODULES = ("sale", "sale_credit_limit", "sale_invoice_grouping", "sale_complaint", "account_dunning", "bank")
_INSIDE = "O2C_COMPANY_INSIDE"
_CONFIGURATION = """[database]
uri = {uri}
path = {path}
[cache]
# This is the only process, so its caches need no cleaning; and on SQLite the cleaning, which a leap of the clock
# triggers, switches the shared connection to autocommit: what a transaction did before it is repeated would stay.
clean_timeout = 1000000000
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what is needed, start the database, and run the recipe again under the simulated clock."""
    options = _options(arguments)
    if os.environ.get(_INSIDE):
        _simulate(options)
        return 0
    missing = [name for name in ("trytond", "proteus") if find_spec(name) is None]
    if missing:
        wanted = Path(__file__).resolve().with_name("requirements.txt")
        print(f"error: {', '.join(missing)} is not installed here; pip install -r {wanted}", file=sys.stderr)
        return 3
    try:
        library()
        _run(options)
    except (FaketimeMissingError, ServerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for company.sqlite, bank/ and truth.json")
    parser.add_argument("--orders", type=int, default=320)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--database", default="sqlite", help="sqlite, postgresql (a server of its own), or a server's URL"
    )
    parser.add_argument("--clock", type=Path, help="with a URL: the clock file the server runs under (see pg.py)")
    parser.add_argument("--pack", action="store_true", help="write company.sqlite.xz and bank.tar.xz instead")
    parser.add_argument("--keep", action="store_true", help="with sqlite: leave the whole database in DIR/erp.sqlite")
    options = parser.parse_args(arguments)
    if "://" in options.database and not options.clock:
        parser.error("--database with an address needs --clock, the file that holds that server's time")
    if options.orders < 30:
        parser.error("--orders must be 30 or more, so that every fault occurs")
    return options


def _run(options: argparse.Namespace) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(options.out / "bank", ignore_errors=True)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tryton-company-")))
        clock, uri = work / "clock", "sqlite://"
        if options.database == "postgresql":
            server = stack.enter_context(postgres_server())
            clock, uri = server.clock, server.uri
        elif options.database != "sqlite":
            clock, uri = options.clock.resolve(), options.database
        Clock(clock, at(FIRST_DAY, OPENS) - timedelta(hours=3))
        (work / "trytond.conf").write_text(_CONFIGURATION.format(uri=uri, path=work))
        (work / "password").write_text("admin\n")
        environment = faked(os.environ, clock) | {
            "TRYTOND_CONFIG": str(work / "trytond.conf"),
            "TRYTONPASSFILE": str(work / "password"),
            "PYTHONHASHSEED": "0",
            _INSIDE: uri,
        }
        _create(uri, work)
        _progress("activating the modules")
        admin = [sys.executable, "-m", "trytond.cli.admin", "-d", DATABASE, "--all", "--email", "admin@example.com"]
        admin += ["--activate-dependencies", "--update", *MODULES]
        subprocess.run(admin, env=environment, check=True)
        again = [sys.executable, str(Path(__file__).resolve()), "--out", str(options.out), "--database", uri]
        again += ["--orders", str(options.orders), "--seed", str(options.seed), "--clock", str(clock)]
        subprocess.run(again, env=environment, check=True)
        _deliver(options, uri, work)


def _create(uri: str, work: Path) -> None:
    """An empty database: a file for SQLite, else a database on the server (one left by an earlier run is dropped)."""
    if uri.startswith("sqlite"):
        (work / f"{DATABASE}.sqlite").touch()
        return
    import psycopg

    with psycopg.connect(f"{uri}postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")


def _simulate(options: argparse.Namespace) -> None:
    """Under the simulated clock: set up the company, live through the year, write the bank's files and the truth."""
    from bank import bookings, write_statements
    from billing import Billing
    from company import set_up
    from erp import Erp
    from office import Office
    from plan import END, plan
    from receivables import Receivables
    from records import Records
    from scenarios import Orders
    from truth import truth

    seeds = {part: random.Random(f"{options.seed}:{part}") for part in ("company", "plan", "orders", "cash", "bank")}
    first = at(FIRST_DAY, OPENS)
    clock = Clock(options.clock, first - timedelta(hours=2))
    _progress("setting up the company")
    company = set_up(DATABASE, FIRST_DAY - timedelta(days=33), END.date() + timedelta(days=62), seeds["company"])
    erp, office, records = Erp(DATABASE, clock), Office(clock), Records()
    erp.log_in()
    erp.later = office.later
    cash = Receivables(erp, records, company, seeds["cash"])
    billing, orders = Billing(erp, office, records, cash), Orders(erp, records, seeds["orders"])
    for life in (billing.rounds(), billing.weekly_batch(), cash.dunning()):
        office.begin(life)
    for planned in plan(options.orders, company, seeds["plan"]):
        office.begin(orders.life(planned))
    month = 0
    for moment in office.run(END):
        if moment.month != month:
            month = moment.month
            _progress(f"{moment:%Y-%m}: {len(records.orders)} orders, {len(records.invoices)} invoices")
    records.last_step = erp.last_commit
    booked = write_statements(bookings(records.payments, company, seeds["bank"]), company, options.out / "bank")
    text = json.dumps(truth(records, booked, options.seed, first, erp.last_commit), indent=1)
    (options.out / "truth.json").write_text(text + "\n")


def _deliver(options: argparse.Namespace, uri: str, work: Path) -> None:
    from reduce import reduce_postgresql, reduce_sqlite

    _progress("copying the order-to-cash tables")
    reduced, bank = options.out / "company.sqlite", options.out / "bank"
    if uri.startswith("sqlite"):
        reduce_sqlite(work / f"{DATABASE}.sqlite", reduced)
        if options.keep:
            shutil.copy(work / f"{DATABASE}.sqlite", options.out / "erp.sqlite")
    else:
        reduce_postgresql(uri + DATABASE, reduced)
    if options.pack:
        packed = lzma.compress(reduced.read_bytes(), preset=9 | lzma.PRESET_EXTREME)
        (options.out / "company.sqlite.xz").write_bytes(packed)
        reduced.unlink()
        with tarfile.open(options.out / "bank.tar.xz", "w:xz", preset=9) as archive:
            for file in sorted(bank.iterdir()):
                archive.add(file, f"bank/{file.name}", filter=_anonymous)
        shutil.rmtree(bank)


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
