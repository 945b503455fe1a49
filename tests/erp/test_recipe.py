"""Thirty orders through a real Tryton, on SQLite and on PostgreSQL, and the same log extracted from both."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from o2c_mining.bootstrap import extract, init_workspace, open_log, open_workspace
from o2c_mining.log.event_log import EventLog
from o2c_mining.trace.select import ObjectFilter, select

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "event_logs" / "tryton_company"
PYTHON = ROOT / ".venv-erp" / "bin" / "python"
ORDERS = 30

pytestmark = [
    pytest.mark.erp,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
]

CONFIG = """
[company]
timezone = "Europe/Berlin"
calendar = "company"

[[source]]
name = "tryton"
connector = "tryton"
url = "{url}"
options = {{ technical_users = ["edi"] }}

[[source]]
name = "bank"
connector = "bank_statements"
path = "{bank}"
"""


@dataclass(frozen=True)
class Erp:
    """A live ERP database and what the recipe wrote beside it."""

    url: str
    folder: Path
    log: EventLog
    truth: dict[str, Any]


@pytest.fixture(scope="module")
def erps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Erp]]:
    """Both databases, filled side by side under the simulated clock."""
    if not PYTHON.exists():
        pytest.skip("no ERP environment; run `make erp-env`")
    if not list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")):
        pytest.skip("no libfaketime; install the package faketime")
    sys.path.insert(0, str(RECIPE))
    try:
        from pg import postgres_server
    finally:
        sys.path.remove(str(RECIPE))
    root = tmp_path_factory.mktemp("erp")
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server())
        runs = {
            "sqlite": ["--keep"],
            "postgresql": ["--database", server.uri, "--clock", str(server.clock)],
        }
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda name: _run(root / name, runs[name]), runs))
        urls = {
            "sqlite": f"sqlite:///{root / 'sqlite' / 'erp.sqlite'}",
            "postgresql": server.uri.replace("postgresql://", "postgresql+psycopg://") + "company",
        }
        yield {name: _load(root / name, url) for name, url in urls.items()}


def _run(folder: Path, options: list[str]) -> None:
    command = [str(PYTHON), str(RECIPE / "recipe.py"), "--out", str(folder), "--orders", str(ORDERS), "--seed", "2"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def _load(folder: Path, url: str) -> Erp:
    workspace = folder / "workspace"
    workspace.mkdir()
    (workspace / "o2c.toml").write_text(CONFIG.format(url=url, bank=folder / "bank"), encoding="utf-8")
    init_workspace(workspace)
    opened = open_workspace(workspace)
    extract(opened)
    again = extract(opened)
    assert {batch.accepted for batch in again.batches} == {0}, "a second extraction adds nothing"
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return Erp(url, folder, open_log(opened), truth)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_live_database_holds_what_the_log_says(erps: dict[str, Erp], database: str) -> None:
    erp = erps[database]
    engine = create_engine(erp.url)
    with engine.connect() as connection:
        orders, lines, shipped, invoices = (
            connection.execute(text(sql)).scalar_one()
            for sql in (
                "SELECT count(*) FROM sale_sale",
                "SELECT count(*) FROM sale_line WHERE type = 'line'",
                "SELECT count(*) FROM stock_shipment_out WHERE state = 'done'",
                "SELECT count(*) FROM account_invoice WHERE number IS NOT NULL AND type = 'out'",
            )
        )
    engine.dispose()
    log = erp.log
    types = {
        r["object_type"]: r["n"]
        for r in log.reader.rows(log.objects.group_by("object_type").aggregate(n=log.objects.count()))
    }
    events = Counter(row["activity"] for row in log.reader.rows(log.events.select("activity")))
    assert (types["order"], types["order_item"], events["Post Goods Issue"]) == (orders, lines, shipped)
    assert events["Post Invoice"] + events["Post Credit Note"] == invoices
    assert log.reader.count(select(log).cases) == orders == erp.truth["meta"]["orders"]


def test_both_databases_give_the_same_log(erps: dict[str, Erp]) -> None:
    def shape(log: EventLog) -> Counter[tuple[object, ...]]:
        traces = select(log, ObjectFilter(lens="order"))
        joined = traces.pairs.join(traces.cases.select("case_id", "number"), "case_id")
        joined = joined.join(log.events.select("event_id", "resource"), "event_id")
        rows = log.reader.rows(joined.select("number", "activity", "time", "team", "resource"))
        return Counter(tuple(row.values()) for row in rows)

    assert shape(erps["sqlite"].log) == shape(erps["postgresql"].log)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_planted_cancellations_and_partial_deliveries_are_there(erps: dict[str, Erp], database: str) -> None:
    erp = erps[database]
    traces = select(erp.log)
    cancelled = erp.log.reader.rows(traces.cases.filter(traces.cases.end_kind == "cancelled").select("number"))
    assert {row["number"] for row in cancelled} == set(erp.truth["cancelled_orders"])
    deliveries = traces.members.filter(traces.members.object_type == "delivery")
    per_case = deliveries.group_by("case_id").aggregate(n=deliveries.count())
    several = per_case.filter(per_case.n > 1).join(traces.cases, "case_id").select("number")
    assert {row["number"] for row in erp.log.reader.rows(several)} == set(erp.truth["partial_delivery_orders"])
