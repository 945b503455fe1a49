"""Traces that every command asks for are stored with the load, whatever the log calls its cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from o2c_mining.analysis.process_map import process_map
from o2c_mining.bootstrap import import_files, open_log, open_workspace
from o2c_mining.config import Config
from o2c_mining.exchange.read import Asked
from o2c_mining.trace.lens import kept_lenses
from o2c_mining.trace.select import select

ROWS = "case,activity,time\n1,A,2026-01-05T10:00Z\n1,B,2026-01-05T11:00Z\n2,A,2026-01-06T10:00Z\n"


@pytest.mark.parametrize(
    ("known", "said", "kept"),
    [
        (["case"], {}, ["case"]),
        (["customer", "invoice", "order"], {}, ["order", "invoice"]),
        (["customer", "order"], {"default_lens": "customer"}, ["order", "customer"]),
        (["customer"], {"default_lens": "order"}, []),
        (["case", "order"], {"lenses": ("order",), "default_lens": "case"}, ["order"]),
        (["case"], {"lenses": ()}, []),
        ([], {}, []),
    ],
)
def test_the_default_lens_is_kept_unless_lenses_are_named(
    known: list[str], said: dict[str, object], kept: list[str]
) -> None:
    assert kept_lenses(known, Config.model_validate(said)) == kept


@pytest.mark.parametrize(("settings", "stored"), [("", 2), ('lenses = ["order"]\n', 0)])
def test_a_log_without_orders_is_ready_after_the_load(tmp_path: Path, settings: str, stored: int) -> None:
    (tmp_path / "o2c.toml").write_text(settings + "limits.parse_memory_mb = 0\n", encoding="utf-8")
    (tmp_path / "log.csv").write_text(ROWS, encoding="utf-8")
    workspace = open_workspace(tmp_path)
    result = import_files(workspace, [tmp_path / "log.csv"], Asked("auto", None, None, True, "UTC"))
    assert result.refreshed_cases == stored
    traces = select(open_log(workspace))
    assert (traces.coded.suffix == "case") == bool(stored)
    found = process_map(traces)
    assert (found.cases, [(edge.from_, edge.to, edge.count) for edge in found.edges]) == (2, [("A", "B", 1)])
