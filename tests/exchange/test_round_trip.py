"""Out and in again changes nothing, whichever OCEL format lies between."""

from __future__ import annotations

from pathlib import Path

import pytest

from o2c_mining.bootstrap import Workspace, export_log
from tests.exchange.logs import load, rich, tables, workspace

FORMATS = [("ocel-json", "log.json"), ("ocel-xml", "log.xml"), ("ocel-sqlite", "log.sqlite"), ("tables", "log")]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return rich(tmp_path_factory.mktemp("rich"))


@pytest.mark.parametrize(("kind", "name"), [*FORMATS, ("ocel-xml", "log.xml.gz")])
def test_a_round_trip_changes_nothing_and_twice_adds_nothing(
    before: Workspace, tmp_path: Path, kind: str, name: str
) -> None:
    written = export_log(before, tmp_path / name, kind)
    assert written.rows == {"events": 5, "objects": 5, "e2o": 7, "o2o": 4, "object_changes": 4}
    after = workspace(tmp_path / "b")
    first = load(after, tmp_path / name)
    assert tables(after) == tables(before)
    again = load(after, tmp_path / name)
    assert (first.version, again.version) == (1, 1)
    assert [batch.accepted for batch in again.batches] == [0] * 5
    assert [batch.duplicate for batch in again.batches] == [batch.read for batch in first.batches]


def test_nothing_wears_off_from_format_to_format(before: Workspace, tmp_path: Path) -> None:
    current = before
    for number, (kind, name) in enumerate([FORMATS[1], FORMATS[2], FORMATS[0], FORMATS[2], FORMATS[1]]):
        file = tmp_path / str(number) / name
        export_log(current, file, kind)
        current = workspace(tmp_path / f"w{number}")
        load(current, file)
    assert tables(current) == tables(before)
    for kind, name in FORMATS:  # what the log holds already adds nothing, whatever it comes from
        export_log(current, tmp_path / "same" / name, kind)
        again = load(current, tmp_path / "same" / name)
        assert {batch.stream: batch.accepted for batch in again.batches if batch.accepted} == {}
        assert again.refreshed_cases == 0
        assert tables(current) == tables(before)
