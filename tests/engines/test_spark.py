"""Spark gives DuckDB's answers: the same stores, asked through both, compared row by row."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from o2c_mining.analysis.handoffs import handoffs
from o2c_mining.analysis.process_map import process_map
from o2c_mining.analysis.variants import variants
from o2c_mining.bootstrap import Workspace, extract, init_workspace, open_workspace, settings_of
from o2c_mining.cli.main import main
from o2c_mining.config import Config, SparkConfig
from o2c_mining.errors import AnalysisError, LogError
from o2c_mining.log.event_log import EventLog, Settings, open_event_log
from o2c_mining.log.reader import open_reader
from o2c_mining.log.spark_session import stop_spark
from o2c_mining.log.store import Store
from o2c_mining.log.table_reader import TableReader
from o2c_mining.trace.select import ObjectFilter, Traces, select
from tests import micro
from tests.calendar.calendars import calendar
from tests.connectors.company import unpack
from tests.engines.compare import differences, sorted_rows
from tests.engines.questions import QUESTIONS, asking_functions

pytest.importorskip("pyspark", reason="pyspark is not installed: pip install 'o2c-mining[spark]'")
if shutil.which("java") is None:
    pytest.skip("no Java: apt-get install openjdk-17-jre-headless", allow_module_level=True)

# So little data is done before Spark has compiled its plans to Java and Java that to machine code.
OPTIONS = {
    "spark.driver.memory": "2g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
ON_SPARK = Config(engine="spark", spark=SparkConfig(master="local[2]", options=OPTIONS))
EMPTY_WINDOW = ObjectFilter(lens="order", start=date(2031, 1, 1))


@pytest.fixture(scope="module", autouse=True)
def _one_spark() -> Iterator[None]:
    """One Spark for the whole file: starting it takes some seconds."""
    yield
    stop_spark()


def on_spark(settings: Settings) -> Settings:
    """The same settings with the other engine."""
    return replace(settings, config=settings.config.model_copy(update={"engine": "spark", "spark": ON_SPARK.spark}))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The sample company, loaded on DuckDB."""
    root = tmp_path_factory.mktemp("engines") / "a company"
    unpack(root)
    text = resources.files("o2c_mining.templates").joinpath("demo.toml").read_text(encoding="utf-8")
    (root / "o2c.toml").write_text(text, encoding="utf-8")
    init_workspace(root, own_reference=False)
    workspace = open_workspace(root)
    extract(workspace)
    return workspace


def _both(store: Store, settings: Settings, **when: Any) -> tuple[EventLog, EventLog]:
    snapshot = store.snapshot(when.pop("known_at", None))
    return open_event_log(snapshot, settings, **when), open_event_log(snapshot, on_spark(settings), **when)


@pytest.fixture(scope="module")
def logs(company: Workspace) -> tuple[EventLog, EventLog]:
    """The company's log on DuckDB and on Spark."""
    return _both(Store(company.store_path), settings_of(company))


@pytest.fixture(scope="module")
def past(company: Workspace) -> tuple[EventLog, EventLog]:
    """The same in the middle of its year: all traces are built by the engine."""
    return _both(Store(company.store_path), settings_of(company), as_of=datetime(2026, 3, 1, tzinfo=UTC))


def _tables(traces: Traces) -> dict[str, pa.Table]:
    read = traces.log.reader.execute
    return {
        "cases": sorted_rows(read(traces.cases), "case_id"),
        "pairs": sorted_rows(read(traces.pairs), "case_id", "seq"),
        "members": sorted_rows(read(traces.members), "case_id", "object_id"),
    }


def _same(left: object, right: object) -> None:
    assert not (found := differences(left, right)), "\n".join(found[:10])


def _same_traces(logs: tuple[EventLog, EventLog], lens: str, rows: int) -> None:
    on_duckdb, on_spark_ = (_tables(select(log, ObjectFilter(lens=lens))) for log in logs)
    assert on_duckdb["pairs"].num_rows >= rows
    _same(on_duckdb, on_spark_)


@pytest.mark.parametrize("lens", ["order", "invoice"])
def test_stored_traces_are_read_alike(logs: tuple[EventLog, EventLog], lens: str) -> None:
    _same_traces(logs, lens, 1000)


def test_traces_of_a_past_moment_are_built_alike(past: tuple[EventLog, EventLog]) -> None:
    _same_traces(past, "order", 200)


FILTERS = {
    "all": ObjectFilter(lens="order"),
    "attributes, from and to": ObjectFilter(
        lens="order",
        start=date(2026, 1, 1),
        end=date(2026, 6, 1),
        where=(("region", ("DACH", "Nordics")), ("invoice.state", ("paid", "posted"))),
    ),
    "with and without": ObjectFilter(lens="order", with_=("Post Invoice",), without=("Create Dunning",)),
    "a variant": ObjectFilter(lens="order", variant=2),
    "nobody": EMPTY_WINDOW,
}
ASKED: dict[str, Callable[[Traces], object]] = {
    "map": process_map,
    "map, working": lambda traces: process_map(traces, working=True),
    "variants": variants,
    "handoffs": handoffs,
    "handoffs, working": lambda traces: handoffs(traces, working=True),
}


@pytest.mark.parametrize("name", FILTERS)
def test_map_variants_and_handoffs_agree(logs: tuple[EventLog, EventLog], name: str) -> None:
    left, right = (select(log, FILTERS[name]) for log in logs)
    cases = left.log.reader.count(left.cases)
    assert (cases == 0) == (FILTERS[name] is EMPTY_WINDOW)
    names = ASKED if name == "all" else ("map", "variants", "handoffs")
    for asked in names:
        _same(ASKED[asked](left), ASKED[asked](right))


def test_map_variants_and_handoffs_of_the_past_agree(past: tuple[EventLog, EventLog]) -> None:
    left, right = (select(log, ObjectFilter(lens="order")) for log in past)
    for asked in ("map", "variants", "handoffs, working"):
        _same(ASKED[asked](left), ASKED[asked](right))


def test_every_question_gets_the_same_answer_and_none_is_forgotten(logs: tuple[EventLog, EventLog]) -> None:
    left, right = logs
    called: set[CodeType] = set()

    def listen(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(listen)
    try:
        expected = {name: ask(left) for name, ask in QUESTIONS.items()}
    finally:
        sys.setprofile(before)
    forgotten = sorted(name for code, name in asking_functions().items() if code not in called)
    assert not forgotten, "ask them in tests/engines/questions.py"
    for name, ask in QUESTIONS.items():
        found = differences(expected[name], ask(right), name)
        assert not found, "\n".join(found[:10])


def _history(root: Path, settings: Settings) -> Store:
    """Two loads of a small object-centric log: a collective invoice, day stamps, ties, a correction and a deletion."""
    events = [
        ("e1", "Create Order", "2026-01-05 09:00", ["o1", "c1"]),
        ("e2", "Create Order", "2026-01-05 09:00", ["o2", "c1"]),
        ("e3", "Confirm Order", "2026-01-05 00:00", ["o1"]),
        ("e4", "Create Delivery", "2026-01-06 10:00", ["d1"]),
        ("e5", "Post Goods Issue", "2026-01-06 10:00", ["d1", "o1"]),
        ("e6", "Post Invoice", "2026-01-09 15:00", ["i1"]),
        ("e7", "Receive Payment", "2026-01-20 15:00", ["i1", "p1"]),
    ]
    objects: list[tuple[str, str, int | None]] = [
        ("o1", "order", 100_00), ("o2", "order", None), ("d1", "delivery", None), ("i1", "invoice", 250_05),
        ("p1", "payment", 250_05), ("c1", "customer", None), ("o3", "order", 5),
    ]  # fmt: skip
    relations = [("o1", "d1"), ("d1", "i1"), ("o2", "i1"), ("o1", "i1"), ("i1", "p1"), ("o1", "c1"), ("o2", "c1")]
    more: dict[str, Any] = {"with_settings": settings, "due": {"i1": micro.at("2026-01-16 00:00")}}
    precise = {"e3": "day", "e5": "minute"}
    micro.load(root, events=events, objects=objects, relations=relations, precision=precise, **more)
    names = {name: {"region": 'Süd\'s \\ "x"', "score": 12345678.25} for name in ("o1", "o2")}
    return micro.load(
        root,
        events=[*events[:3], ("e4", "Create Delivery", "2026-01-07 10:00", ["d1"]), *events[4:],
                ("e8", "Clear Invoice", "2026-01-21 09:00", ["i1"])],
        objects=objects,
        relations=relations,
        deleted=["e2"],
        precision=precise,
        attributes={name: names.get(name, {"region": None, "score": None}) for name, _, _ in objects},
        **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The small log, loaded on DuckDB."""
    return _history(tmp_path_factory.mktemp("history"), micro.settings())


@pytest.fixture(scope="module")
def small(history: Store) -> tuple[EventLog, EventLog]:
    """The small log on both engines."""
    return _both(history, micro.settings())


@pytest.mark.parametrize(
    "when",
    [
        {"known_at": 1},
        {"known_at": 1, "as_of": micro.at("2026-01-06 10:00")},
    ],
    ids=["as known at first", "in the past as known at first"],
)
def test_a_small_log_with_changes_was_seen_alike(history: Store, when: dict[str, Any]) -> None:
    _small_log_agrees(_both(history, micro.settings(), **when))


def test_a_small_log_with_changes_is_seen_alike(small: tuple[EventLog, EventLog]) -> None:
    _small_log_agrees(small)


def _small_log_agrees(logs: tuple[EventLog, EventLog]) -> None:
    _same_traces(logs, "order", 1)
    for asked in ("map", "variants", "handoffs"):
        left, right = (ASKED[asked](select(log)) for log in logs)
        _same(left, right)


def test_working_time_of_other_centuries_is_counted_alike(tmp_path: Path) -> None:
    settings = replace(micro.settings(), calendar=calendar("Europe/Berlin"))
    early = ("0001-01-01 00:00", "1582-10-10 10:00", "1985-06-03 10:00")
    events = [
        event
        for n, time in enumerate(early)
        for event in (
            (f"a{n}", "Create Order", time, [f"o{n}"]),
            (f"b{n}", "Confirm Order", "2026-01-07 10:00", [f"o{n}"]),
        )
    ]
    objects = [(f"o{n}", "order", n) for n in range(len(early))]
    stores = [
        micro.load(tmp_path / engine, events=events, objects=objects, with_settings=chosen)
        for engine, chosen in (("duckdb", settings), ("spark", on_spark(settings)))
    ]
    logs = [open_event_log(store.snapshot(), settings) for store in stores]
    _same(*(_tables(select(log)) for log in logs))
    _same(*(_tables(select(log)) for log in _both(stores[0], settings, as_of=micro.at("2026-01-06 10:00"))))


def test_values_from_users_are_read_as_they_are(small: tuple[EventLog, EventLog]) -> None:
    for attribute, value in (("region", 'Süd\'s \\ "x"'), ("score", "12345678.25")):
        chosen = ObjectFilter(lens="order", where=((attribute, (value,)),))
        assert [log.reader.count(select(log, chosen).cases) for log in small] == [2, 2]


def test_traces_built_on_spark_are_stored_like_those_of_duckdb(history: Store, tmp_path: Path) -> None:
    config = micro.settings().config.model_copy(update={"lenses": ("order",)})
    settings = replace(micro.settings(), config=config)
    stores = _history(tmp_path / "duckdb", settings), _history(tmp_path / "spark", on_spark(settings))
    logs = [open_event_log(store.snapshot(), settings) for store in stores]
    _same(*(_tables(select(log)) for log in logs))
    left, right = ({name: log.reader.table(f"{name}_versions") for name in STORED} for log in logs)
    for name, keys in STORED.items():
        read = (log.reader.execute(tables[name]) for log, tables in zip(logs, (left, right), strict=True))
        _same(*(sorted_rows(rows, *keys) for rows in read))


STORED = {
    "membership": ("case_no", "object_id"),
    "cases": ("case_no",),
    "pairs": ("case_no", "seq"),
    "kinds": ("kind",),
    "variants": ("variant_id",),
    "touched": ("refresh_seq", "case_id"),
}


def test_columns_that_later_files_have_are_null_in_earlier_ones(tmp_path: Path) -> None:
    first, second = tmp_path / "ym=1 x" / "a.parquet", tmp_path / "ym=2" / "b.parquet"  # no partitions
    for path in (first, second):
        path.parent.mkdir()
    pq.write_table(pa.table({"id": ["a"], "n": pa.array([1], pa.int32())}), first)
    moment = pa.array([datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    tags = pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string()))
    pq.write_table(pa.table({"n": pa.array([2**40], pa.int64()), "id": ["b"], "t": moment, "m": tags}), second)
    files = {
        "t": ([str(first), str(second)], pa.schema([("id", pa.string())])),
        "none": ([], pa.schema([("x", "int8")])),
    }
    left, right = open_reader(files), open_reader(files, config=ON_SPARK)
    for name in files:
        ordered = (reader.table(name).order_by(reader.table(name).columns[0]) for reader in (left, right))
        _same(left.execute(next(ordered)), right.execute(next(ordered)))


def test_a_path_that_spark_would_take_for_a_pattern_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a[1].parquet"
    pq.write_table(pa.table({"id": ["a"]}), file)
    with pytest.raises(LogError, match=r"has \[ \] in it"):
        open_reader({"t": ([str(file)], pa.schema([("id", pa.string())]))}, config=ON_SPARK)


def _reader(rows: pa.Table) -> tuple[TableReader, TableReader, ir.Table]:
    left, right = open_reader({}), open_reader({}, config=ON_SPARK)
    left.register("t", rows)
    return left, right, right.register("t", rows)


def test_numbers_and_moments_become_the_same_text() -> None:
    numbers = [0.0, -0.0, 1.0, -2.5, 0.1 + 0.2, 1e6, 9999999.0, 1e7, 12345678.25, -123456789.125, 999999999999999.0,
               0.001, 0.00015, 0.0001, 123456.789, None]  # fmt: skip
    moments = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, 1, 120000, tzinfo=UTC), None]
    rows = pa.table({"x": numbers, "t": (moments * 6)[:16], "n": list(range(16)), "b": [True, False] * 8})
    left, right, t = _reader(rows)
    asked = t.select(**{name: t[name].cast("string") for name in ("x", "t", "b")}, n=t.n).order_by("n")
    _same(left.execute(asked), right.execute(asked))


def test_times_between_moments_and_quantiles_are_the_same() -> None:
    begin = [datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 900000, tzinfo=UTC)]
    end = [datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 1, 100000, tzinfo=UTC)]
    left, right, t = _reader(pa.table({"k": ["a", "b"], "begin": begin, "end": end, "x": [1.0, 4.0]}))
    asked = t.select(
        k=t.k,
        seconds=t.end.delta(t.begin, unit="second"),
        exact=t.end.delta(t.begin, unit="microsecond") / 1_000_000,
        day=t.end.date(),
        into_day=t.end.delta(t.end.truncate("D"), unit="microsecond"),
        ratio=ibis.ifelse(t.x > 1, t.x / (t.x - 1), 0.0),
    ).order_by("k")
    found = left.execute(asked)
    assert found["seconds"].to_pylist() == [1, 1]
    _same(found, right.execute(asked))
    spread = t.aggregate(q=t.x.quantile([0.25, 0.5, 0.9]), m=t.x.median(), none=t.x.quantile([0.5], where=t.x > 9))
    assert left.execute(spread)["q"].to_pylist() == [[1.75, 2.5, 3.7]]
    _same(left.execute(spread), right.execute(spread))


def test_what_the_engines_answer_differently_is_refused() -> None:
    _, right, t = _reader(pa.table({"s": ["a", "b"], "t": [datetime(2026, 1, 1, tzinfo=UTC)] * 2}))
    with pytest.raises(AnalysisError, match="most frequent value"):
        right.execute(t.aggregate(m=t.s.mode()))
    with pytest.raises(AnalysisError, match="expected microseconds or seconds"):
        right.execute(t.select(d=t.t.delta(t.t, unit="hour")))
    with pytest.raises(AnalysisError, match=r"Spark gave no answer: .*CAST_INVALID_INPUT"):
        right.execute(t.select(n=t.s.cast("int64")))


def test_a_reader_serves_other_threads_and_computes_a_table_once(small: tuple[EventLog, EventLog]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    log = small[1]
    other = log.reader.cursor()
    first = log.reader.materialize("twice", log.objects.select("object_id"))
    second = other.materialize("twice", log.events.select("event_id"))
    assert first.columns == second.columns == ("object_id",)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: log.reader.cursor().count(log.objects), range(8)))
    assert set(counts) == {7}


def test_a_missing_file_of_the_store_is_refused_in_one_line(history: Store, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(history.root, copy)
    log = open_event_log(Store(copy).snapshot(), on_spark(micro.settings()))
    pairs = log.reader.table("pairs_versions")
    for file in (copy / "pairs").glob("*.parquet"):
        file.unlink()
    with pytest.raises(LogError, match=r"the event store could not be read: .*; expected the files of the newest"):
        log.reader.rows(pairs)


def test_the_command_line_answers_alike(company: Workspace, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = (company.root / "o2c.toml").read_text(encoding="utf-8")
    options = ", ".join(f'"{key}" = "{value}"' for key, value in OPTIONS.items())
    spark = f'engine = "spark"\n{settings}\n[spark]\nmaster = "local[2]"\noptions = {{ {options} }}\n'
    for name, text in (("duckdb", settings), ("spark", spark)):
        (tmp_path / name).mkdir()
        for part in ("store", "calendars"):
            (tmp_path / name / part).symlink_to(company.root / part)
        (tmp_path / name / "o2c.toml").write_text(text, encoding="utf-8")
    answers = []
    for name in ("duckdb", "spark"):
        assert main(["map", "--variant", "1", "--json", "-w", str(tmp_path / name)]) == 0
        said = capfd.readouterr()
        assert said.err == ""
        answers.append(json.loads(said.out))
    _same(*answers)
