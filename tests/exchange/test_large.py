"""What a reader holds does not grow with the file, and a file cut anywhere gives what it gives in one piece."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections.abc import Mapping
from datetime import UTC, date, datetime
from math import ceil
from pathlib import Path

import pyarrow as pa
import pytest

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange import apart, object_columns
from o2c_mining.exchange.apart import read_apart
from o2c_mining.exchange.attributes import Value
from o2c_mining.exchange.imported import ATTRIBUTE_TYPES, REFUSED_ROWS
from o2c_mining.exchange.object_columns import ObjectColumns
from o2c_mining.exchange.read import Asked, read_log
from o2c_mining.exchange.xml import ElementCount
from tests.exchange.test_xes_shapes import plain

_EVENT = (
    '<event><string key="concept:name" value="A{}"/><date key="time:timestamp" value="2026-01-05T09:00:{:02}Z"/>'
    '<string key="org:resource" value="someone"/><string key="cost" value="{}"/></event>\n'
)


def packed(path: Path, traces: int, events: int = 50) -> Path:
    """A log of about 10 kB a trace, packed to a small part of it."""
    body = "".join(_EVENT.format(number % 7, number % 60, number) for number in range(events))
    with gzip.open(path, "wt", compresslevel=1, encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1849-2016">\n')
        for number in range(traces):
            file.write(f'<trace><string key="concept:name" value="c{number}"/>\n{body}</trace>\n')
        file.write("</log>\n")
    return path


def test_a_packed_file_of_any_size_is_read_in_the_same_memory(tmp_path: Path) -> None:
    path = packed(tmp_path / "log.xes.gz", 16_000)
    log = read_apart(path, Limits(parse_memory_mb=200), Asked(), tmp_path)
    assert log.read == {"events": 800_000, "objects": 16_000, "e2o": 800_000}


def test_refused_rows_take_no_memory_either(tmp_path: Path) -> None:
    event = '{"id":"e%d","type":"A","time":"2026-01-05T10:00:00Z","relationships":[{"objectId":"","qualifier":""}]}'
    path = tmp_path / "log.json"
    events = ",".join(event % number for number in range(400_000))
    path.write_text(f'{{"objects":[{{"id":"o","type":"t"}}],"events":[{events}]}}', encoding="utf-8")
    log = read_apart(path, Limits(parse_memory_mb=150), Asked(), tmp_path)
    assert (log.refused.num_rows, log.read["e2o"]) == (400_000, 400_000)


def test_rows_are_in_files_and_not_in_memory(tmp_path: Path) -> None:
    path = packed(tmp_path / "log.xes.gz", 300)
    before = pa.total_allocated_bytes()
    log = read_log(path, Limits(), Asked(), None, tmp_path)
    assert pa.total_allocated_bytes() - before < 100_000
    assert {file.name for file in tmp_path.glob("*.arrow")} == {
        f"{name}.arrow" for name in (*log.tables, REFUSED_ROWS, ATTRIBUTE_TYPES)
    }
    assert plain(log) == plain(read_log(path, Limits(), Asked()))


def test_the_time_a_file_may_take_grows_with_what_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "log.xes.gz", 300)

    def seconds(**limits: float) -> int:
        read_apart(path, Limits(parse_seconds=1, **limits), Asked(), tmp_path)
        return int(json.loads((tmp_path / apart.REQUEST).read_text(encoding="utf-8"))["seconds"])

    raw = len(gzip.decompress(path.read_bytes())) / 2**20
    monkeypatch.setattr(apart, "_SECONDS_PER_UNPACKED", 10.0)
    assert seconds() == ceil(raw * 10)
    path.write_bytes(path.read_bytes()[:-4] + b"\xff\xff\xff\xff")  # it says 4 GB
    monkeypatch.setattr(apart, "_child", _nobody)
    for limits, most in ((Limits(), 64), (Limits(raw_mb=5), 5), (Limits(free_mb=1, ratio=2), 1)):
        with pytest.raises(_NobodyError):
            read_apart(path, limits.model_copy(update={"parse_seconds": 1}), Asked(), tmp_path)
        assert json.loads((tmp_path / apart.REQUEST).read_text(encoding="utf-8"))["seconds"] == most * 10


class _NobodyError(Exception):
    """No child was started."""


def _nobody(folder: Path) -> None:
    raise _NobodyError


VALUES: list[Value] = [
    *(None, "text", "", 3, -(2**62), 2**53, 2**70, 2.5, float("inf"), True, False),
    *(date(2026, 1, 5), datetime(2026, 1, 5, 9, 0, 0, 123456, UTC), datetime(1, 1, 1, tzinfo=UTC)),
]
NAMES = ("a", "A", "number", "system", "due_at", "amount_minor", "object_id", "", "case_no")


def columns(objects: list[dict[str, Value]]) -> tuple[pa.Table, Mapping[str, str]]:
    found = ObjectColumns("log.xes")
    for number, attributes in enumerate(objects):
        found.add(f"o{number}", f"t{number % 2}", attributes)
    table, renamed = found.table()
    return table.combine_chunks(), renamed


@pytest.mark.parametrize("seed", range(40))
def test_a_column_has_one_type_however_objects_are_cut(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    few = [chance.choice(VALUES) for _ in range(chance.randrange(1, 4))]
    objects = [
        {name: chance.choice(few) for name in chance.sample(NAMES, chance.randrange(len(NAMES)))} for _ in range(30)
    ]
    whole, renamed = columns(objects)
    for size in (1, 2, 7):
        monkeypatch.setattr(object_columns, "_CHUNK", size)
        cut, also_renamed = columns(objects)
        assert cut.equals(whole) and cut.schema.equals(whole.schema)
        assert also_renamed == renamed


@pytest.mark.parametrize(
    ("values", "kind", "kept"),
    [
        ([1, None, 2.5], pa.float64(), [1.0, None, 2.5]),
        ([2**53, 2.5], pa.string(), ["9007199254740992", "2.5"]),
        ([1, 2**70], pa.string(), ["1", "1180591620717411303424"]),
        ([True, 1], pa.string(), ["true", "1"]),
        (
            [date(2026, 1, 5), datetime(2026, 1, 5, 9, tzinfo=UTC)],
            pa.timestamp("us", tz="UTC"),
            [datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 5, 9, tzinfo=UTC)],
        ),
        ([datetime(2026, 1, 5, 9, tzinfo=UTC), "x"], pa.string(), ["2026-01-05T09:00:00Z", "x"]),
        ([date(2026, 1, 5), 7], pa.string(), ["2026-01-05", "7"]),
    ],
)
def test_values_of_several_kinds(
    values: list[Value], kind: pa.DataType, kept: list[Value], monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (1, 10):
        monkeypatch.setattr(object_columns, "_CHUNK", size)
        column = columns([{"a": value} for value in values])[0]["a"]
        assert column.type == kind
        assert column.to_pylist() == kept


def test_elements_are_counted_alike_however_the_bytes_are_cut() -> None:
    text = "<log>" + "<!-- <event> -->" * 40 + "<event/><event\n><events/><![CDATA[<event>]]>" * 60 + "<x:event/></log>"
    for size, shift in itertools.product((1, 3, 97, 1000, len(text)), (0, 1)):
        count = ElementCount("log.xes", ("event", "trace"))
        given = [text[:shift].encode()] * bool(shift)
        given += [text[at : at + size].encode() for at in range(shift, len(text), size)]
        assert b"".join(count.through(given)) == text.encode()
        assert count.found["event"] == 121
    with pytest.raises(LogError, match="document type"):
        list(
            ElementCount("log.xes", ("event",)).through([b"<log>" + b"<event/>" * 200, b"<!DOC", b"TYPE log><event/>"])
        )
