"""The sample company leaves through every OCEL format and comes back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from o2c_mining.bootstrap import Workspace, export_log
from tests.exchange.logs import load, tables
from tests.exchange.logs import workspace as new_workspace


@pytest.mark.parametrize(
    ("kind", "name"), [("ocel-json", "c.json"), ("ocel-xml", "c.xml"), ("ocel-sqlite", "c.sqlite")]
)
def test_a_round_trip_of_the_company_changes_nothing(
    workspace: Workspace, tmp_path: Path, kind: str, name: str
) -> None:
    export_log(workspace, tmp_path / name, kind)
    after = new_workspace(tmp_path / "w")
    load(after, tmp_path / name)
    found, before = tables(after), tables(workspace)
    assert len(before["events"]) > 4000
    for table, rows in before.items():
        assert found[table] == rows
