"""Working time where stamps of other centuries stand beside right ones."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from o2c_mining.calendar.working import EARLIEST, work_clock
from o2c_mining.config import Company, Config
from o2c_mining.log.event_log import EventLog, Settings
from o2c_mining.log.reader import open_reader
from o2c_mining.trace import refresh as refresh_module
from o2c_mining.trace.select import select
from o2c_mining.trace.work_days import register_work_days
from tests.calendar.calendars import calendar
from tests.micro import LANES, at, load, open_micro

BERLIN = calendar("Europe/Berlin")
OFFICE = Settings(Config(company=Company(timezone="Europe/Berlin", calendar="company")), BERLIN, LANES)
USUAL = [("e1", "Create Order", "2026-01-05 09:00", ["o1"]), ("e2", "Confirm Order", "2026-01-06 10:00", ["o1"])]
EARLY = ["0001-01-01 00:00", "0002-07-01 12:00", "1985-06-03 10:00"]


def spans(log: EventLog) -> list[tuple[Any, ...]]:
    pairs = select(log).pairs.order_by("case_id", "seq")
    rows = log.reader.rows(pairs)
    return [(row["case_id"], row["elapsed_seconds"], row["work_clock"], row["working_seconds"]) for row in rows]


@pytest.mark.parametrize("early", EARLY)
def test_working_time_since_1990_counts_of_a_segment_that_begins_before(tmp_path: Path, early: str) -> None:
    load(tmp_path, events=USUAL, objects=[("o1", "order", 1)], with_settings=OFFICE)
    late = [("e3", "Create Order", early, ["o2"]), ("e4", "Confirm Order", "2026-01-07 10:00", ["o2"])]
    store = load(tmp_path, events=late, objects=[("o2", "order", 1)], with_settings=OFFICE)
    said = spans(open_micro(store, with_settings=OFFICE))
    elapsed, clock, working = said[2][1:]
    assert elapsed == (at("2026-01-07 10:00") - at(early)).total_seconds()
    assert clock == work_clock(BERLIN, EARLIEST)
    assert working == work_clock(BERLIN, at("2026-01-07 10:00")) - work_clock(BERLIN, EARLIEST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refresh_module, "TRACE_VERSION", -1)  # what is stored counts for nothing now
        assert spans(open_micro(store, with_settings=OFFICE)) == said


def test_only_days_with_an_event_are_tabled() -> None:
    times = ["0001-01-01 00:00", "0900-01-01 00:00", "2026-01-05 09:00", "2026-01-05 23:59", "2026-03-01 00:00"]
    reader = open_reader({})
    moments = pa.array([at(text) for text in times], pa.timestamp("us", "UTC"))
    days = register_work_days(reader, reader.register("events", pa.table({"time": moments})), BERLIN)
    assert days is not None
    found = [row["utc_date"].isoformat() for row in reader.rows(days.order_by("utc_date"))]
    assert found == ["1990-01-01", "2026-01-05", "2026-03-01"]


def test_an_open_case_runs_to_any_year(tmp_path: Path) -> None:
    store = load(tmp_path, events=USUAL, objects=[("o1", "order", 1)], with_settings=OFFICE)
    end = datetime.fromisoformat("9999-12-31T23:59:59+00:00")
    said = spans(open_micro(store, as_of=end, with_settings=OFFICE))
    assert said[-1][1] == (end - at("2026-01-06 10:00")).total_seconds()
    assert said[-1][3] == work_clock(BERLIN, end) - work_clock(BERLIN, at("2026-01-06 10:00"))
