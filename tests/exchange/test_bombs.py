"""Small files that claim much: each is refused or finished within bounds of memory and time."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from o2c_mining.config import Limits
from tests.exchange.hostile import EVENT, OCEL, XES, refused


def test_limits(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    path.write_text(XES.format("c1", EVENT * 2000), encoding="utf-8")
    refused(path, "100 events", "[limits]", limits=Limits(events=100))
    packed = tmp_path / "log.xes.gz"
    packed.write_bytes(gzip.compress(XES.format("c1", EVENT * 20_000).encode()))
    refused(packed, "more than 1 MB", "raw_mb", limits=Limits(raw_mb=1))
    refused(packed, "100 times", "ratio", limits=Limits(free_mb=1))
    refused(tmp_path / "nowhere.xes", "cannot be read")
    refused(tmp_path, "folder")
    path.write_bytes(b"")
    refused(path, "empty")
    path.write_bytes(b"%PDF-1.7")
    refused(path, "no event log")


MEASURED = """
import resource, sys, tempfile, time
from pathlib import Path
from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.apart import read_apart
from o2c_mining.exchange.read import Asked

def used():
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_maxrss // 1024, spent.ru_utime + spent.ru_stime

def read(path):
    with tempfile.TemporaryDirectory() as folder:
        try:
            log = read_apart(path, Limits(), Asked(timezone="UTC", accept=True), Path(folder))
            return f"read {sum(log.read.values())}"
        except LogError as error:
            return f"refused {error}"

small = Path(sys.argv[1]).with_name("small.csv")
small.write_text("case,activity,time\\n1,A,2026-01-05T10:00Z\\n")
assert read(small).startswith("read ")
before, spent = used()
said = read(Path(sys.argv[1]))
after, all_spent = used()
print(after - before, round(all_spent - spent, 1), said)
"""


def bomb_events(path: Path) -> None:
    """A million small events in 0.4 MB."""
    with gzip.open(path, "wb", compresslevel=6) as file:
        head, tail = XES.format("c1", "|").encode().split(b"|")
        file.write(head)
        for _ in range(1000):
            file.write(EVENT.encode() * 1000)
        file.write(tail)


def junk_elements(path: Path) -> None:
    """A plain file, small enough to be allowed, whose tree would take half a gigabyte."""
    with path.open("wb") as file:
        file.write(b'<log xmlns="http://www.xes-standard.org/">')
        for _ in range(50):
            file.write(b"<a/>" * 100_000)
        file.write(b"</log>")


def long_item(path: Path) -> None:
    """JSON whose one item does not end for 200 MB."""
    with path.open("wb") as file:
        file.write(b'{"objects": [{"id": "')
        for _ in range(200):
            file.write(b"x" * 1_000_000)
        file.write(b'"}]}')


def workbook_bomb(path: Path) -> None:
    """A workbook whose strings unpack to 500 MB."""
    book = openpyxl.Workbook()
    book.save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/more.xml", "w") as part:
        for _ in range(500):
            part.write(b" " * 1_000_000)


def spaces(path: Path) -> None:
    """300 MB of spaces in one text node, in 0.3 MB."""
    head, tail = XES.format("c1", "<a>|</a>").encode().split(b"|")
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(head)
        for _ in range(300):
            file.write(b" " * 1_000_000)
        file.write(tail)


def spaces_in_ocel(path: Path) -> None:
    """So many spaces in the value of one attribute, in a file that is not packed."""
    head, tail = OCEL.format('<attributes><attribute name="a">|</attribute></attributes>').encode().split(b"|")
    path.write_bytes(head + b" " * 60_000_000 + tail)


def repeated_text(path: Path) -> None:
    """Parquet of 30 KB whose one text of 10 KB stands in a million rows."""
    time = pa.array(["2026-01-05T10:00Z"] * 1_000_000).dictionary_encode()
    activity = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * 10_000]))
    pq.write_table(pa.table({"case": time, "activity": activity, "time": time}), path, compression="zstd")


def wide_table(path: Path) -> None:
    """A CSV file of a million columns."""
    path.write_bytes(b",".join(b"c%d" % n for n in range(1_000_000)) + b"\n")


@pytest.mark.parametrize(
    ("name", "make", "outcome"),
    [
        ("bomb.xes.gz", bomb_events, "refused"),
        ("junk.xes", junk_elements, "refused"),
        ("long.json", long_item, "refused"),
        ("bomb.xlsx", workbook_bomb, "refused"),
        ("wide.csv", wide_table, "refused"),
        ("spaces.xes.gz", spaces, "refused"),
        ("spaces.xml", spaces_in_ocel, "refused"),
        ("repeated.parquet", repeated_text, "refused"),
    ],
)
def test_bombs_stay_within_bounds(tmp_path: Path, name: str, make: Callable[[Path], None], outcome: str) -> None:
    make(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / name)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    extra, seconds, said = done.stdout.split(" ", 2)
    assert said.startswith(outcome), said
    assert int(extra) < 512
    assert float(seconds) < 60
