"""Whatever is wrong with a file: it is refused in one line, and nothing of it is loaded."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from o2c_mining.bootstrap import export_log
from o2c_mining.config import Limits
from o2c_mining.errors import ConfigError, LogError, O2CError
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.read import Asked, read_log
from tests.exchange.hostile import EVENT, XES, read
from tests.exchange.logs import load, rich, tables, workspace


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("case: " + "[" * 100_000, "deeper than 20"),
        ("case: " + "{a: " * 30 + "}" * 30, "deeper than 20"),
        ("- " * 10_000, "deeper than 20"),
        ("case: 1" + ":1" * 400_000, "longer than 100"),
        ("case: 0x" + "f" * 5000, "longer than 100"),
        ("a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 25)), "unknown key"),
        ("".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)).replace("*a0", "1"), "aliases"),
        ("case: &a [*a]\nactivity: a\ntimestamp: t\n", "string"),
        ("case: !!python/object/apply:os.system ['true']", "tag"),
        ('case: !!int ""', "tag"),
        ("case: !!timestamp x", "tag"),
    ],
)
def test_yaml_that_grows_or_calls(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text("case,activity,time\n1,A,2026-01-05T10:00Z\n", encoding="utf-8")
    (tmp_path / "log.csv.mapping.yaml").write_text(text, encoding="utf-8")
    start = time.process_time()
    with pytest.raises(ConfigError, match=word) as error:
        read(path)
    assert len(str(error.value)) < 1000
    assert time.process_time() - start < 10


def test_a_date_of_spaces_is_none(tmp_path: Path) -> None:
    """Two runs of spaces side by side in a pattern take the square of them."""
    path = tmp_path / "log.csv"
    late = "2026-01-05 10:00" + " " * 100_000 + "x"
    rows = "".join(f"1,B,2026-01-05 10:{minute}\n" for minute in range(10, 30))
    path.write_text(f"case,activity,time\n1,A,{late}\n{rows}", encoding="utf-8")
    start = time.process_time()
    log = read_log(path, Limits(), Asked(timezone="UTC", accept=True))
    assert (log.tables["events"].num_rows, log.refused.num_rows) == (20, 1)
    assert time.process_time() - start < 5


def test_names_that_cannot_be_printed_stay_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"case,activity,time,\x1b[31m\x1b[0m\n1,A,05/01/2026,x\n")
    with pytest.raises(LogError) as error:
        read_log(path, Limits(), Asked())
    assert str(error.value).isprintable()
    read_log(path, Limits(), Asked(accept=True))  # by the mapping it kept, which repeats the name
    path.write_bytes(b"case,activity\x00\n1,A\n")
    with pytest.raises(ConfigError, match=r"log\.csv has: case, activity\\x00; expected"):
        read(path)


def test_a_reader_that_loses_rows_is_caught() -> None:
    log = ImportedLog("log.json", {}, {"events": 14_000, "e2o": 5, "o2o": 1})
    with pytest.raises(LogError, match=r"finds 21,008 events, 14,000 were read"):
        account_for(log, {"events": 21_008}, by="SQL")
    with pytest.raises(LogError, match="references of events and relations of objects"):
        account_for(log, {"e2o+o2o": 7}, by="SQL")
    account_for(log, {"e2o+o2o": 6}, by="SQL")


def test_nothing_is_loaded_when_one_of_several_files_is_refused(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.xes", tmp_path / "bad.xes"
    good.write_text(XES.format("c1", EVENT), encoding="utf-8")
    bad.write_text(XES.format("c1", EVENT)[:-10], encoding="utf-8")
    where = workspace(tmp_path / "w")
    with pytest.raises(LogError, match=r"bad\.xes"):
        load(where, good, bad)
    load(where, good)
    assert len(tables(where)["events"]) == 1


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("samples")
    log = rich(folder / "w")
    paths = []
    for kind, name in (
        ("ocel-json", "log.json"),
        ("ocel-xml", "log.xml"),
        ("ocel-sqlite", "log.sqlite"),
        ("xes", "log.xes"),
        ("csv", "log.csv"),
        ("parquet", "log.parquet"),
    ):
        export_log(log, folder / name, kind)
        paths.append(folder / name)
    return paths


def test_any_damage_is_refused_or_read(samples: list[Path], tmp_path: Path) -> None:
    """Bytes changed, dropped, doubled at random: a log or one of our errors comes out, nothing else."""
    chance = random.Random(20260105)
    outcomes = {"read": 0, "refused": 0}
    for sample in samples:
        data = sample.read_bytes()
        for number in range(40):
            spoiled = bytearray(data)
            for _ in range(chance.choice((1, 1, 3, 20))):
                at = chance.randrange(len(spoiled))
                choice = chance.randrange(4)
                if choice == 0:
                    spoiled[at] = chance.randrange(256)
                elif choice == 1:
                    del spoiled[at : at + chance.randrange(1, 50)]
                elif choice == 2:
                    spoiled[at:at] = spoiled[at : at + chance.randrange(1, 50)]
                else:
                    spoiled[at:at] = chance.choice((b'"', b"<", b">", b"\0", b"\xff", b"'", b"]", b"&a;", b"\n"))
            path = tmp_path / f"{number}{sample.suffix}"
            path.write_bytes(spoiled)
            try:
                read_log(path, Limits(), Asked(timezone="UTC", accept=True))
                outcomes["read"] += 1
            except O2CError:
                outcomes["refused"] += 1
            path.unlink()
    assert min(outcomes.values()) > 20
