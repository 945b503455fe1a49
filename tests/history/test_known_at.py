"""``--as-of`` and ``--known-at``, alone and together, against what was true at every load, cut in plain Python."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from o2c_mining import bootstrap
from o2c_mining.cli.main import main
from o2c_mining.errors import LogError
from o2c_mining.log.event_log import EventLog
from o2c_mining.log.schema import KEYS
from o2c_mining.trace.select import lens_named
from tests.history.compare import said_by_log, said_by_reference, unlike
from tests.history.oracle import Row, Tables, comparable
from tests.history.world import World, differences, quick_machine, small_world

COMPANIES = 8
QUESTIONS = 10


@pytest.fixture(scope="module", params=[1, 2])
def story(request: pytest.FixtureRequest) -> Iterator[tuple[World, dict[int, Tables], dict[int, datetime]]]:
    """A random history of four loads; per version what the log meant then, and when it was loaded."""
    random = Random(request.param)
    meanings: dict[int, Tables] = {}
    moments: dict[int, datetime] = {}
    with quick_machine(), small_world(lenses=("order",)) as world:
        for load in range(4):
            for _ in range(7):
                for company in range(1, COMPANIES + 1):
                    kind, a, b, c = (random.randrange(100) for _ in range(4))
                    world.erp.do(company, (kind, a, b, c))
            if load == 2:
                world.change_mapping()
            extracted = world.extract()
            committed = world.snapshot().committed_at
            assert committed is not None
            meanings[extracted.version], moments[extracted.version] = world.meaning(), committed
        yield world, meanings, moments


Story = tuple[World, dict[int, Tables], dict[int, datetime]]


def cut(tables: Mapping[str, list[Row]], until: datetime) -> Tables:
    """What existed at a moment: see ``docs/history.md``."""
    later = {row["event_id"] for row in tables["events"] if row["time"] > until}
    now = {row["event_id"] for row in tables["events"] if row["time"] <= until}
    on_now = {row["object_id"] for row in tables["e2o"] if row["event_id"] in now}
    on_later = {row["object_id"] for row in tables["e2o"] if row["event_id"] in later}
    near: dict[str, set[str]] = {}
    for row in tables["o2o"]:
        near.setdefault(row["source_id"], set()).add(row["target_id"])
        near.setdefault(row["target_id"], set()).add(row["source_id"])
    unborn = on_later - on_now
    for name in {row["object_id"] for row in tables["objects"]} - on_now - on_later:
        beside = near.get(name, set())
        if beside & on_later and not beside & on_now:
            unborn.add(name)
    return {
        "events": [row for row in tables["events"] if row["event_id"] in now],
        "e2o": [row for row in tables["e2o"] if row["event_id"] in now],
        "objects": [row for row in tables["objects"] if row["object_id"] not in unborn],
        "o2o": [row for row in tables["o2o"] if not {row["source_id"], row["target_id"]} & unborn],
        "object_changes": [row for row in tables["object_changes"] if row["time"] <= until],
    }


def tables_of_log(log: EventLog) -> Tables:
    return {name: log.reader.rows(getattr(log, name)) for name in KEYS}


def test_every_version_says_what_was_true_when_it_was_loaded(story: Story) -> None:
    world, meanings, moments = story
    for number, tables in meanings.items():
        for known_at in (number, moments[number], moments[number] + timedelta(milliseconds=1)):
            log = bootstrap.open_log(world.workspace, known_at=known_at)
            assert log.snapshot.number == number
            assert not differences(tables_of_log(log), tables)


def test_as_of_and_known_at_together_equal_the_cut_of_what_was_known(story: Story) -> None:
    world, meanings, _ = story
    random = Random(7)
    for _ in range(QUESTIONS):
        number = random.choice(sorted(meanings))
        tables = meanings[number]
        times = sorted(row["time"] for row in tables["events"])
        until = random.choice(times) + timedelta(seconds=random.choice((0, 0, -1, 3_600)))
        expected = cut(tables, until)
        if not expected["events"]:
            with pytest.raises(LogError, match="nothing happened up to"):
                bootstrap.open_log(world.workspace, known_at=number, as_of=until)
            continue
        log = bootstrap.open_log(world.workspace, known_at=number, as_of=until)
        assert log.as_of == until
        assert not differences(tables_of_log(log), expected), (number, until)


def test_cases_at_a_moment_as_known_then_equal_the_reference(story: Story) -> None:
    world, meanings, _ = story
    number = sorted(meanings)[2]
    times = sorted(row["time"] for row in meanings[number]["events"])
    until = times[len(times) * 2 // 3]
    log = bootstrap.open_log(world.workspace, known_at=number, as_of=until)
    for lens in ("order", "invoice"):
        slow = said_by_reference(tables_of_log(log), log, lens, lens_named(log, lens))
        assert not unlike(said_by_log(log, lens), slow), lens
    log = bootstrap.open_log(world.workspace, known_at=number)
    assert log.stored_traces_hold
    slow = said_by_reference(tables_of_log(log), log, "order", lens_named(log, "order"))
    assert not unlike(said_by_log(log, "order"), slow), "the traces stored then are read again"


def test_deleted_later_but_known_then_and_back_dated_only_since_its_load() -> None:
    with quick_machine(), small_world(lenses=("order",)) as world:
        erp = world.erp.connection
        sale = "INSERT INTO sale VALUES (?, 'draft', ?, NULL, NULL, NULL, ?)"
        erp.execute(sale, (1, "2026-01-10 08:00:00", "2026-01-10 08:00:00"))
        first = world.extract().version
        erp.execute(sale, (2, "2026-01-02 08:00:00", "2026-01-11 08:00:00"))  # entered late, dated back
        second = world.extract().version
        erp.execute("DELETE FROM sale WHERE id = 1")
        third = world.extract().version

        def orders(known_at: int | None, as_of: str | None = None) -> list[str]:
            moment = datetime.fromisoformat(as_of).replace(tzinfo=UTC) if as_of else None
            log = bootstrap.open_log(world.workspace, known_at=known_at, as_of=moment)
            return sorted(str(row["number"]) for row in log.reader.rows(log.objects))

        assert (orders(first), orders(second), orders(third), orders(None)) == (["1"], ["1", "2"], ["2"], ["2"])
        assert orders(second, "2026-01-05") == ["2"], "it was back-dated, so it was there on the fifth"
        with pytest.raises(LogError, match=r"nothing happened up to 2026-01-05.*from 2026-01-10T08:00:00"):
            orders(first, "2026-01-05")


def test_a_day_counts_to_its_end_in_the_zone_of_the_company() -> None:
    with quick_machine(), small_world(lenses=("order",)) as world:
        sale = "INSERT INTO sale VALUES (?, 'draft', ?, NULL, NULL, NULL, ?)"
        # Berlin is an hour ahead of UTC until 29 March, two from then on
        stamps = ["2026-03-31 08:00:00", "2026-03-31 21:59:59", "2026-03-31 22:00:00", "2026-04-01 08:00:00"]
        for number, stamp in enumerate(stamps, 1):
            world.erp.connection.execute(sale, (number, stamp, stamp))
        world.extract()
        config = world.workspace.config
        berlin = config.model_copy(update={"company": config.company.model_copy(update={"timezone": "Europe/Berlin"})})
        workspace = replace(world.workspace, config=berlin)
        log = bootstrap.open_log(workspace, as_of=date(2026, 3, 31))
        assert sorted(str(row["number"]) for row in log.reader.rows(log.objects)) == ["1", "2"]
        assert log.as_of == datetime(2026, 3, 31, 21, 59, 59, 999999, UTC)
        today = datetime.now(ZoneInfo("Europe/Berlin")).date()
        assert bootstrap.open_log(workspace, known_at=today).snapshot.number == log.snapshot.number
        with pytest.raises(LogError, match="nothing was loaded yet"):
            bootstrap.open_log(workspace, known_at=today - timedelta(days=2))


def o2c(capsys: pytest.CaptureFixture[str], world: World, *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the program."""
    code = main(["-w", str(world.root), *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_line_asks_the_same(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    world, meanings, moments = story
    numbers = sorted(meanings)
    number = numbers[1]
    tables = meanings[number]
    until = sorted(row["time"] for row in tables["events"])[len(tables["events"]) // 2]
    expected = cut(tables, until)
    for known_at in (str(number), moments[number].isoformat()):
        code, out, _ = o2c(capsys, world, "summary", "--as-of", until.isoformat(), "--known-at", known_at, "--json")
        found = json.loads(out)
        assert code == 0
        assert found["events"] == len(expected["events"])
        assert sum(found["objects"].values()) == len(expected["objects"])
        assert (found["relations"], found["object_relations"]) == (len(expected["e2o"]), len(expected["o2o"]))
    _, out, _ = o2c(capsys, world, "summary", "--known-at", str(number), "--json")
    assert json.loads(out)["events"] == len(tables["events"])
    before = moments[numbers[0]] - timedelta(days=1)
    for arguments, message in (
        (["--known-at", "999"], f"version 999 is not in the store; expected a number from 1 to {numbers[-1]}"),
        (["--known-at", "0"], "version 0 is not in the store; expected a number from 1"),
        (["--known-at", before.isoformat()], "nothing was loaded yet; expected a number from 1"),
        (["--known-at", "1"], "version 1 of the log holds no event"),
        (["--known-at", str(number), "--as-of", "1999-01-01"], "nothing happened up to 1999-01-01"),
        (["--known-at", "soon"], "--known-at 'soon' is no time"),
    ):
        code, out, err = o2c(capsys, world, "summary", *arguments)
        assert (code in (2, 4), out) == (True, "")
        assert message in err


def test_the_oracle_of_this_page_is_no_mirror(story: Story) -> None:
    """Versions differ from each other, so a log that mixed them up could not pass."""
    _, meanings, _ = story
    said = [tuple(comparable("events", tables["events"])) for tables in meanings.values()]
    assert len(set(said)) == len(said) == 4
