"""Columns read at once say what each text says when it is read alone, however the rows are cut into chunks."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_mining.config import Limits
from o2c_mining.exchange import flat_rows
from o2c_mining.exchange.dates import date_column, read_date
from o2c_mining.exchange.flat_columns import _quarters, maps, moments, usual_moments
from o2c_mining.exchange.read import Asked, read_log
from tests.exchange.logs import refused_rows

_ZONES = st.sampled_from([None, "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%d.%m.%Y %H:%M", "%Y-%m-%d", "%Y%m%d%H%M", "%m/%d/%Y %I:%M %p")
_ODD = (
    *("", "soon", "2026-02-30 10:00:00", "2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-01-01 24:00:00"),
    *(
        "0001-01-01 00:00:00",
        "0000-01-01 00:00:00",
        "9999-12-31 23:59:59",
        "1900-01-01 00:00:00",
        "2026-01-01 10:00:60",
    ),
    *(
        "2026-01-05T10:00:00+25:00",
        "2026-01-05T10:00:00.1234567Z",
        " 2026-01-05 10:00:00 ",
        "2026-01-05 10:00:00 +0100",
    ),
)


@st.composite
def _texts(draw: st.DrawFn) -> str:
    seconds = draw(st.integers(0, 40 * 366 * 86_400))
    written = (datetime(1990, 1, 1) + timedelta(seconds=seconds)).strftime(draw(st.sampled_from(_FORMS)))  # noqa: DTZ001
    return written + draw(st.sampled_from(["", "", "Z", "+02:00", "-05:30", "+0200"]))


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(_texts() | st.sampled_from(_ODD), max_size=8), name=_ZONES, order=st.sampled_from(["day-first"]))
def test_moments_are_what_each_text_says(texts: list[str], name: str | None, order: str) -> None:
    zone = ZoneInfo(name) if name else None
    found = moments(pa.array(texts, pa.string()), order, zone)
    columns = (found.time, found.offset_minutes, found.precision)
    for place, text in enumerate(texts):
        expected = read_date(text, order, zone)
        assert tuple(column[place].as_py() for column in columns) == (expected[:3] if expected else (None,) * 3), text
        assert found.zoned[place].as_py() is (expected is None or expected.zoned)


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(_texts() | st.sampled_from(_ODD[1:]), min_size=1, max_size=8))
def test_a_column_is_decided_alike_when_its_plain_moments_are_only_counted(texts: list[str]) -> None:
    usual = usual_moments(pa.array(texts, pa.string()), None)
    if usual is None:
        return
    plain = [time is not None for time in usual.time.to_pylist()]
    zoned = sum(is_plain and is_zoned for is_plain, is_zoned in zip(plain, usual.zoned.to_pylist(), strict=True))
    rest = [text for text, is_plain in zip(texts, plain, strict=True) if not is_plain]
    assert date_column(rest, plain=sum(plain), plain_zoned=zoned) == date_column(texts)


def test_a_map_holds_what_is_there_by_name() -> None:
    found = maps({"b": pa.array(["1", None, None, "4"]), "a": pa.array(["x", None, "z", None])})
    assert found.to_pylist() == [[("a", "x"), ("b", "1")], None, [("a", "z")], [("b", "4")]]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_rows_that_say_the_same_are_told_apart_in_the_order_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(flat_rows, "_CHUNK", size)
    same = "1,A,2026-01-05T10:00:00Z,,"
    rows = [same, "1,B,2026-01-05T10:00:00Z,own,", same, "2,A,2026-01-05T10:00:00Z,,DACH", same, "2,A,never,,UK"]
    (tmp_path / "log.csv").write_text("\n".join(["case,activity,time,id,region", *rows]), encoding="utf-8")
    (tmp_path / "map.yaml").write_text(
        "case: case\nactivity: activity\ntimestamp: time\nevent_id: id\ncase_attributes: [region]\n", encoding="utf-8"
    )
    log = read_log(tmp_path / "log.csv", Limits(), Asked(mapping=tmp_path / "map.yaml"))
    events = log.tables["events"]
    assert isinstance(events, pa.Table)
    ids = events["event_id"].to_pylist()
    assert ids == [ids[0], "own", f"{ids[0]}-2", ids[3], f"{ids[0]}-3"]
    assert ids[0].startswith("1/") and ids[3].startswith("2/") and ids[0][2:] != ids[3][2:]
    assert events["source_key"].to_pylist() == ["row 2", "row 3", "row 4", "row 5", "row 6"]
    objects = log.tables["objects"]
    assert isinstance(objects, pa.Table)
    assert [(row["object_id"], row["region"]) for row in objects.to_pylist()] == [("1", None), ("2", "DACH")]
    assert [(row.key, row.rule) for row in refused_rows(log)] == [("row 7", "missing activity or time")]


@given(st.lists(st.integers(-(2**61), 2**61)))
def test_quarters_of_an_hour_of_any_year(moments: list[int]) -> None:
    quarter = 15 * 60 * 1_000_000
    assert _quarters(pa.array(moments, pa.int64())).to_pylist() == [moment // quarter for moment in moments]
