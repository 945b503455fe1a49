"""Whatever changes in the ERP's tables, an increment leads to the log that a full load leads to.

The ``touches`` queries of ``sources.yml`` are proven by this: a document they forget keeps its old events.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connectors.tryton import connector
from o2c_mining.connect import extract_source
from o2c_mining.connect.cases import Row, load_cases
from o2c_mining.connect.catalog import load_catalog
from o2c_mining.connect.contract import ContractSource, write_sqlite
from o2c_mining.connect.engine import quoted
from o2c_mining.connect.transform import TABLES
from o2c_mining.log.store import Store
from tests.connect.shop import current

CATALOG = load_catalog(connector.folder)
CASES = load_cases(connector.folder)
# Columns whose free change says nothing an ERP could say: keys, stamps, and unique links.
FIXED = {"id", "create_date", "write_date"}


def extract(root: Path, database: Path) -> None:
    source = ContractSource("erp", "tryton", {"teams": {"anna": "Sales"}}, url=f"sqlite:///{database}")
    with Store(root).writer() as writer:
        result = extract_source(source, connector, writer, base=root)
        if result.batches:
            writer.commit(result.batches)


def change(connection: sqlite3.Connection, given_rows: dict[str, list[Row]], draw: st.DataObject, step: int) -> str:
    """Delete a row, or set a column to another value that the table holds, or to nothing."""
    tables = sorted(name for name, rows in given_rows.items() if rows)
    table = draw.draw(st.sampled_from(tables))
    ids = [row[0] for row in connection.execute(f"SELECT id FROM {quoted(table)} ORDER BY id")]
    if not ids:
        return f"{table} is empty"
    row = draw.draw(st.sampled_from(ids))
    columns = sorted(set(CATALOG.table(table).schema.names) - FIXED)
    column = draw.draw(st.sampled_from(["", *columns]))
    if not column:
        connection.execute(f"DELETE FROM {quoted(table)} WHERE id = ?", (row,))
        return f"deleted {table} {row}"
    values = [
        held[0] for held in connection.execute(f"SELECT DISTINCT {quoted(column)} FROM {quoted(table)} ORDER BY 1")
    ]
    value = draw.draw(st.sampled_from([*values, None]))
    stamp = f"2027-01-01 00:{step:02d}:00"
    connection.execute(f"UPDATE {quoted(table)} SET {quoted(column)} = ? WHERE id = ?", (value, row))
    if "write_date" in CATALOG.table(table).schema.names:
        connection.execute(f"UPDATE {quoted(table)} SET write_date = ? WHERE id = ?", (stamp, row))
    return f"{table} {row}: {column} = {value!r}"


@settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    phases=(Phase.generate,),  # an example takes seconds: shrinking it would take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.sampled_from(range(len(CASES))), st.data())
def test_increments_equal_a_full_load(number: int, data: st.DataObject) -> None:
    case = CASES[number]
    with TemporaryDirectory() as folder:
        root = Path(folder)
        database = write_sqlite(root, CATALOG, case.given)
        extract(root / "steps", database)
        connection = sqlite3.connect(database, isolation_level=None)
        done = [change(connection, case.given, data, step) for step in range(data.draw(st.integers(1, 4)))]
        extract(root / "steps", database)
        done += ["extracted", change(connection, case.given, data, 10)]
        connection.close()
        extract(root / "steps", database)
        extract(root / "once", database)
        for table in TABLES:
            assert current(root / "steps", table) == current(root / "once", table), (case.name, table, done)
