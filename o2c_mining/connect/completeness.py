"""Is everything the source holds in the log? Compare what it counts itself, now, with what is staged.

Nothing of this is taken from the totals of past loads: a row that was lost after it was counted must show.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from o2c_mining.connect.catalog import SourceTable, load_catalog
from o2c_mining.connect.engine import engine, number, scan
from o2c_mining.connect.protocol import Total
from o2c_mining.connect.registry import AnyConnector
from o2c_mining.connect.run import SourceSettings, options_of
from o2c_mining.connect.staging import staging_table
from o2c_mining.errors import ConnectorError
from o2c_mining.log.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Completeness:
    """One stream of one source, counted on both sides; ``difference`` is 0 when every row is accounted for.

    ``in_log`` counts current rows that are not deleted, ``quarantined`` keys that were refused and never accepted
    since, ``duplicate`` rows with which the source repeats a key. Above 0 rows are missing, below 0 the log holds rows
    that the source no longer has.
    """

    source: str
    stream: str
    in_source: int
    in_log: int
    quarantined: int
    duplicate: int
    difference: int


def completeness(
    source: SourceSettings, connector: AnyConnector, snapshot: Snapshot, *, base: Path
) -> list[Completeness]:
    """One row per stream, in the connector's order.

    Raises
    ------
    ConfigError
        If an option is unknown, or the file or folder of the source does not exist.
    ConnectorError
        If the source cannot be reached, or its connector has no total for a stream (permanent).
    """
    options = options_of(source, connector)
    totals = connector.totals(options, base=base)
    tables = {table.name: table for table in load_catalog(connector.folder).tables}
    rows = []
    with engine() as connection:
        for stream in connector.streams(options):
            total = totals.get(stream.name)
            if total is None:
                raise ConnectorError(
                    f"connector {connector.name} has no total of {stream.name}; expected one for every stream; "
                    "mend its totals()",
                    permanent=True,
                )
            _load_staged(connection, tables.get(stream.name), snapshot.files(staging_table(source.name, stream.name)))
            _load_refused(connection, source.name, stream.name, snapshot.files("quarantine"))
            in_log, quarantined = _accounted(connection, total)
            difference = total.rows - in_log - quarantined - total.repeated
            rows.append(
                Completeness(source.name, stream.name, total.rows, in_log, quarantined, total.repeated, difference)
            )
    return rows


def _load_staged(connection: duckdb.DuckDBPyConnection, table: SourceTable | None, files: list[str]) -> None:
    """Current keys as ``staged``: the row's own, and that of the row of the source of which it is a part."""
    connection.execute("CREATE OR REPLACE TEMP TABLE staged (_key VARCHAR, whole VARCHAR)")
    if files:
        whole = table.whole if table is not None and table.whole is not None else "_key"
        connection.execute(
            f"INSERT INTO staged SELECT _key, {whole} FROM (SELECT _key, arg_max(_op, _seq) AS newest "
            f"FROM {scan(files)} GROUP BY _key) WHERE newest <> 'D'"
        )


def _load_refused(connection: duckdb.DuckDBPyConnection, source: str, stream: str, files: list[str]) -> None:
    """Quarantined keys that were not accepted since, as ``refused``."""
    connection.execute("CREATE OR REPLACE TEMP TABLE refused (_key VARCHAR)")
    if files:
        connection.execute(
            f"INSERT INTO refused SELECT DISTINCT source_key FROM {scan(files)} WHERE source = $source "
            "AND stream = $stream AND source_key NOT IN (SELECT _key FROM staged UNION SELECT whole FROM staged)",
            {"source": source, "stream": stream},
        )


def _accounted(connection: duckdb.DuckDBPyConnection, total: Total) -> tuple[int, int]:
    """How many rows of the source are staged, and how many are quarantined."""
    if total.keys is None:
        return number(connection, "SELECT count(*) FROM staged"), number(connection, "SELECT count(*) FROM refused")
    connection.register("held", pa.table({"_key": pa.array(sorted(total.keys), pa.string())}))
    among = "SELECT count(*) FROM held WHERE _key IN"
    in_log = number(connection, f"{among} (SELECT _key FROM staged UNION SELECT whole FROM staged)")
    quarantined = number(connection, f"{among} (SELECT _key FROM refused)")
    connection.unregister("held")
    return in_log, quarantined
