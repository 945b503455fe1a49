"""What does not get along with the memory it may have says so in one line and how to give it more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from o2c_mining.config import Config
from o2c_mining.errors import LogError
from o2c_mining.log.engine import engine
from o2c_mining.log.reader import open_reader
from o2c_mining.log.store import Store
from o2c_mining.log.table_reader import TableReader

SAID = r"ran out of memory: .*; expected to need at most 64\.0 MiB; raise memory_mb under \[limits\] in o2c\.toml"
TOO_MUCH = "SELECT list(i) AS attributes FROM range(20_000_000) t(i)"  # a list cannot be spilled


def test_a_load_says_so(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=SAID), engine(memory_mb=64, spill=tmp_path) as connection:
        connection.execute(TOO_MUCH)


def test_appending_says_so_and_commits_nothing(tmp_path: Path) -> None:
    with Store(tmp_path, memory_mb=64).writer() as writer:
        with pytest.raises(LogError, match=SAID), writer.engine() as connection:
            writer.append_query("staging/erp/orders", connection, TOO_MUCH)
        assert writer.files("staging/erp/orders") == []


@pytest.mark.parametrize(
    "ask",
    [lambda reader, much: reader.materialize("much", much), lambda reader, much: reader.execute(much)],
    ids=["a step", "a question"],
)
def test_building_traces_says_so(tmp_path: Path, ask: Callable[[TableReader, ibis.Table], object]) -> None:
    config = Config()
    config = config.model_copy(update={"limits": config.limits.model_copy(update={"memory_mb": 64})})
    reader = open_reader({}, config=config, spill=tmp_path)
    numbers = reader.register("numbers", pa.table({"n": list(range(1000))}))
    second, third = numbers.select(second="n"), numbers.filter(numbers.n < 20).select(third="n")
    crossed = numbers.cross_join(second).cross_join(third)
    with pytest.raises(LogError, match=SAID):
        ask(reader, crossed.aggregate(much=crossed.n.collect()))
    assert reader.size("numbers") == 1000  # the reader still answers
