"""What we write, pm4py reads."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from o2c_mining.bootstrap import Workspace, export_log
from tests.exchange.logs import rich


@contextlib.contextmanager
def quiet() -> Iterator[Any]:
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        import pm4py

        yield pm4py


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return rich(tmp_path_factory.mktemp("rich"))


@pytest.mark.parametrize("kind", ["json", "xml", "sqlite"])
def test_pm4py_reads_our_ocel(log: Workspace, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"log.{kind}"
    export_log(log, path, f"ocel-{kind}")
    with quiet():  # pm4py's own readers; those it borrows from r4pm need polars
        from pm4py.objects.ocel.importer.jsonocel.variants import ocel20_standard
        from pm4py.objects.ocel.importer.sqlite.variants import ocel20 as sqlite
        from pm4py.objects.ocel.importer.xmlocel.variants import ocel20 as xml

        found = {"json": ocel20_standard, "xml": xml, "sqlite": sqlite}[kind].apply(str(path))
    events = found.events.sort_values("ocel:eid")
    assert list(events["ocel:eid"]) == ["e1", "e2", "e3", "e4", "e5"]
    assert list(events["ocel:activity"]) == [
        "Create Order",
        "Change Order",
        "Post Goods Issue",
        "Post Invoice",
        "post invoice",
    ]
    assert [stamp.isoformat() for stamp in events["ocel:timestamp"]][:3] == [
        "2026-01-05T09:00:00.123456+00:00",
        "2026-01-05T00:00:00+00:00",
        "2026-01-06T10:00:00+00:00",
    ]
    references = {(row["ocel:eid"], row["ocel:oid"]) for row in found.relations.to_dict("records")}
    assert references == {
        ("e1", "o:1"), ("e1", "c1"), ("e2", "o:1"), ("e3", "d1"), ("e4", "i1"), ("e4", "d1"), ("e5", "i1"),
    }  # fmt: skip
    assert {"o:1", "d1", "i1", "c1"} <= set(found.objects["ocel:oid"])  # pm4py drops objects without an event
    order = found.objects[found.objects["ocel:oid"] == "o:1"].to_dict("records")[0]
    assert (order["region"], float(order["weight"]), int(order["lines"])) == ("DACH", 2.5, 3)
    related = {(row["ocel:oid"], row["ocel:oid_2"]) for row in found.o2o.to_dict("records")}
    assert related == {("o:1", "d1"), ("d1", "i1"), ("o:1", "c1")}


def test_pm4py_reads_our_xes(log: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    export_log(log, path, "xes")
    with quiet() as pm4py:
        found = pm4py.read_xes(str(path), variant="iterparse")
    assert list(found["case:concept:name"].unique()) == ["o:1"]
    assert list(found["concept:name"]) == [
        "Change Order",
        "Create Order",
        "Post Goods Issue",  # its start
        "Post Goods Issue",
        "Post Invoice",
        "post invoice",
    ]
    assert list(found["lifecycle:transition"]) == ["complete"] * 2 + ["start"] + ["complete"] * 3
    assert [stamp.isoformat() for stamp in found["time:timestamp"]][1:3] == [
        "2026-01-05T09:00:00.123456+00:00",
        "2026-01-06T08:30:00+00:00",
    ]
