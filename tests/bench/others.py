"""The other sides: pm4py, r4pm and plain DuckDB, each asked the same in the way its documentation proposes."""

from __future__ import annotations

import warnings
from typing import Any

from tests.bench.measure import Measured


def duckdb_limit(flat: str) -> Measured:
    """How fast the engine itself groups just the columns of the question, already paired, in memory."""
    import duckdb

    measured = Measured()
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE TYPE name AS ENUM (SELECT DISTINCT activity FROM '{flat}')")
    connection.execute(f"CREATE TYPE team AS ENUM (SELECT DISTINCT team FROM '{flat}')")
    connection.execute(f"CREATE TYPE region AS ENUM (SELECT DISTINCT region FROM '{flat}')")

    def pair() -> None:
        connection.execute(
            "CREATE OR REPLACE TABLE pairs AS SELECT *, row_number() OVER (PARTITION BY case_id, a, b) = 1 AS first "
            "FROM (SELECT case_id, activity::name AS a, lead(activity) OVER w::name AS b, team::team AS s, "
            "lead(team) OVER w::team AS t, epoch(lead(timestamp) OVER w) - epoch(timestamp) AS seconds, "
            f"region::region AS region FROM '{flat}' WINDOW w AS (PARTITION BY case_id ORDER BY timestamp)) "
            "WHERE b IS NOT NULL"
        )

    measured.take("load", pair, runs=1)
    connection.execute(
        "CREATE TABLE cases AS SELECT dense_rank() OVER (ORDER BY way) AS variant, region, lead FROM (SELECT "
        "string_agg(activity, ',' ORDER BY timestamp) AS way, any_value(region)::region AS region, "
        f"epoch(max(timestamp)) - epoch(min(timestamp)) AS lead FROM '{flat}' GROUP BY case_id)"
    )
    connection.execute("ALTER TABLE pairs DROP COLUMN case_id")
    edges = "SELECT a, b, count(*), sum(first::INT), quantile_cont(seconds, [0.5, 0.9]) FROM pairs {} GROUP BY a, b"
    ways = "SELECT variant, count(*) AS n, median(lead) FROM cases {} GROUP BY variant ORDER BY n DESC"
    cells = (
        "SELECT a, b, s, t, count(*), sum(first::INT), quantile_cont(seconds, [0.5, 0.9]), sum(seconds) FROM pairs {} "
        "GROUP BY a, b, s, t"
    )
    for name, sql in (("map", edges), ("variants", ways), ("handoffs", cells)):
        third = sql.format("WHERE region = 'EMEA'")
        whole = sql.format("")
        rows = measured.take(f"{name} all", lambda sql=whole: connection.execute(sql).fetchall())  # type: ignore[misc]
        part = measured.take(f"{name} third", lambda sql=third: connection.execute(sql).fetchall())  # type: ignore[misc]
        if name == "map":
            measured.facts |= {"pairs": sum(row[2] for row in rows), "edges": len(rows)}
            measured.facts["medians"] = sum(row[4][0] for row in rows)
            measured.facts["edge cases"] = sum(row[3] for row in rows)
            measured.facts["pairs of a third"] = sum(row[2] for row in part)
        if name == "variants":
            measured.facts["variants"] = len(rows)
    return measured


def pm4py_questions(flat: str) -> Measured:
    """Data frame in, maps, variants and the network of handovers out."""
    warnings.simplefilter("ignore")
    import pandas
    import pm4py

    measured = Measured()

    def load() -> Any:
        frame = pandas.read_parquet(flat, columns=["case_id", "activity", "timestamp", "team", "region"])
        frame = frame.rename(columns={"team": "org:resource"})
        return pm4py.format_dataframe(frame, case_id="case_id", activity_key="activity", timestamp_key="timestamp")

    frame = measured.take("load", load, runs=1)

    def third() -> Any:
        return frame[frame["region"] == "EMEA"]

    counts, _, _ = measured.take("counts all", lambda: pm4py.discover_dfg(frame))
    times, _, _ = measured.take("map all", lambda: pm4py.discover_performance_dfg(frame))
    part, _, _ = pm4py.discover_dfg(third())
    measured.take("map third", lambda: pm4py.discover_performance_dfg(third()))
    ways = measured.take("variants all", lambda: pm4py.get_variants(frame))
    measured.take("variants third", lambda: pm4py.get_variants(third()))
    measured.take("handoffs all", lambda: pm4py.discover_handover_of_work_network(frame))
    measured.take("handoffs third", lambda: pm4py.discover_handover_of_work_network(third()))
    measured.facts |= {"pairs": sum(counts.values()), "edges": len(counts), "variants": len(ways)}
    measured.facts["medians"] = sum(float(edge["median"]) for edge in times.values())
    measured.facts["pairs of a third"] = sum(part.values())
    return measured


def pm4py_alignments() -> Measured:
    """State-equation A*, pm4py's default, on the same net and sequences."""
    warnings.simplefilter("ignore")
    from o2c_mining.bridge.pm4py import align
    from o2c_mining.conformance.reference import reference_model
    from tests.bench.scenarios import catalogue
    from tests.bench.ways import VARIANTS

    measured = Measured()
    net = reference_model("order").net
    sequences = [scenario.activities for scenario in catalogue(VARIANTS) if scenario.closed]
    found = measured.take("alignments", lambda: align(net, sequences), runs=1)
    measured.facts["fitness"] = [one.fitness for one in found]
    return measured


def pm4py_xes(file: str, variant: str) -> Measured:
    """The file as a data frame, by one of pm4py's own readers (a faster one of r4pm's needs a further library).

    ``chunk_regex`` is its default and leaves ``&amp;`` in texts as it is; ``iterparse`` reads XML.
    """
    warnings.simplefilter("ignore")
    import pm4py

    measured = Measured()
    frame = measured.take("xes", lambda: pm4py.read_xes(file, variant=variant), runs=3)
    measured.facts["events"] = len(frame)
    return measured


def r4pm_xes(file: str) -> Measured:
    """The file in r4pm's registry."""
    import r4pm

    measured = Measured()

    def load() -> None:
        r4pm.remove_item(r4pm.import_item("EventLog", file))

    measured.take("xes", load, runs=3)
    return measured


def r4pm_questions(file: str) -> Measured:
    """An XES file in (its only way in without a further library), counts and variants out."""
    import r4pm
    from r4pm.bindings import discover_dfg, get_variants, log_to_activity_projection

    measured = Measured()
    log = measured.take("load", lambda: r4pm.import_item("EventLog", file), runs=1)
    graph = measured.take("counts all", lambda: discover_dfg(log))

    def ways() -> Any:
        return get_variants(log_to_activity_projection(log))

    measured.facts["variants"] = len(measured.take("variants all", ways))
    relations = graph["directly_follows_relations"]
    measured.facts |= {"pairs": sum(count for _, count in relations), "edges": len(relations)}
    return measured
