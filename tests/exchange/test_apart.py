"""A file is read in a process with limits: the same comes out, or one line, and nothing stays behind."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from o2c_mining.bootstrap import export_log, import_files, open_workspace
from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange import apart
from o2c_mining.exchange.apart import read_apart
from o2c_mining.exchange.read import Asked, read_log
from tests.exchange.hostile import EVENT, XES
from tests.exchange.logs import rich, tables
from tests.exchange.test_xes_shapes import plain


@pytest.mark.parametrize("kind", ["ocel-json", "ocel-sqlite", "xes", "csv"])
def test_the_same_log_comes_out(tmp_path: Path, kind: str) -> None:
    where = rich(tmp_path / "w")
    path = tmp_path / f"log.{kind}"
    export_log(where, path, kind)
    asked = Asked(timezone="UTC", accept=True)
    here = read_log(path, Limits(), asked)
    there = read_apart(path, Limits(), asked, tmp_path)
    assert plain(there) == plain(here)


def test_errors_are_those_of_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    path.write_text(XES.format("c1", EVENT)[:-9], encoding="utf-8")
    with pytest.raises(LogError, match=r"log\.xes is not well-formed XML .*; export it again"):
        read_apart(path, Limits(), Asked(), tmp_path)
    with pytest.raises(LogError, match="cannot be read"):
        read_apart(tmp_path / "nowhere.xes", Limits(), Asked(), tmp_path)


def slow(path: Path, events: int) -> Path:
    """Events of many attributes."""
    one = EVENT.replace(
        "/></event>", "/>" + "".join(f"<string key='k{n}' value='{n}'/>" for n in range(30)) + "</event>"
    )
    path.write_text(XES.format("c1", one * events), encoding="utf-8")
    return path


def test_memory_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = slow(tmp_path / "log.xes", 6000)
    with pytest.raises(LogError, match=r"log\.xes needs more than \d+ MB .*; split it, or raise parse_memory_mb"):
        read_apart(path, Limits(parse_memory_mb=1), Asked(), tmp_path)
    assert read_apart(path, Limits(), Asked(), tmp_path).tables["events"].num_rows == 6000


def test_time_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = slow(tmp_path / "log.xes", 40_000)
    path.write_bytes(path.read_bytes().replace(b'"', b"'"))  # left to the parser
    monkeypatch.setattr(apart, "_SECONDS_PER_MEGABYTE", 0)
    with pytest.raises(
        LogError, match=r"was not read within 1 seconds; expected less for its size; split it, or raise parse_seconds"
    ):
        read_apart(path, Limits(parse_seconds=1), Asked(), tmp_path)


def test_a_reader_that_dies_refuses_the_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.xes"
    path.write_text(XES.format("c1", EVENT), encoding="utf-8")
    root = tmp_path / "w"
    root.mkdir()
    (root / "o2c.toml").write_text("lenses = []\n", encoding="utf-8")
    where = open_workspace(root)
    with monkeypatch.context() as patch:
        patch.setattr(apart, "_child", _killed(apart._child))
        with pytest.raises(LogError, match=r"made its reader stop .SIGKILL"):
            import_files(where, [path], Asked())
    assert not list((root / "store").rglob("*.arrow"))
    import_files(where, [path], Asked())
    assert len(tables(where)["events"]) == 1
    assert not list((root / "store" / ".tmp").iterdir())


def _killed(start: Callable[[Path], AbstractContextManager[subprocess.Popen[str]]]) -> Any:
    @contextmanager
    def started(folder: Path) -> Iterator[subprocess.Popen[str]]:
        with start(folder) as child:
            child.kill()
            yield child

    return started
