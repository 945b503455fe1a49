"""Hostile and damaged files: refused with one line, or read within bounds; never a crash, never a part."""

from __future__ import annotations

import gzip
import json
import random
import re
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from o2c_mining.bootstrap import export_log
from o2c_mining.config import Limits
from o2c_mining.errors import ConfigError, LogError, O2CError
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.read import Asked, read_log
from tests.exchange.logs import load, rich, tables, workspace

LAUGHS = '<!DOCTYPE log [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>\n'
OUTSIDE = '<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n'
XES = '<log xmlns="http://www.xes-standard.org/"><trace><string key="concept:name" value="{}"/>{}</trace></log>'
OCEL = '<log><object-types/><event-types/><objects><object id="o" type="t">{}</object></objects><events/></log>'
EVENT = '<event><string key="concept:name" value="A"/><date key="time:timestamp" value="2026-01-05T09:00:00Z"/></event>'


def read(path: Path, limits: Limits | None = None) -> ImportedLog:
    return read_log(path, limits or Limits(), Asked(timezone="UTC"))


def refused(path: Path, *words: str, limits: Limits | None = None) -> None:
    with pytest.raises(LogError) as error:
        read(path, limits)
    message = str(error.value)
    assert message.count(";") >= 2, message  # what is wrong; what was expected; what to do
    for word in words:
        assert word in message


@pytest.mark.parametrize("entities", [LAUGHS, OUTSIDE, "<!DOCTYPE log>", '<!DOCTYPE log SYSTEM "http://127.0.0.1/x">'])
@pytest.mark.parametrize("body", [XES.format("&c;", EVENT), OCEL.format("&x;")])
@pytest.mark.parametrize("packed", [False, True])
def test_document_types_are_refused(tmp_path: Path, entities: str, body: str, packed: bool) -> None:
    path = tmp_path / "log.xml"
    data = f'<?xml version="1.0" encoding="UTF-8"?>\n{entities}{body}'.encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    refused(path, "document type", "expected none")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_document_type_cannot_hide_in_another_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "log.xes"
    path.write_bytes((f'<?xml version="1.0"?>{LAUGHS}' + XES.format("&c;", EVENT)).encode(encoding))
    with pytest.raises(O2CError):
        read(path)
    path.write_bytes(b'<?xml version="1.0" encoding="UTF-7"?><log xes.version="1.0">+ADwAIQ-DOCTYPE</log>')
    refused(path, "UTF-7")


def test_damaged_xml(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    whole = XES.format("c1", EVENT * 3)
    for text, word in (
        (whole[:-30], "not well-formed"),
        (whole.replace("c1", "c1\ufffe"), "not well-formed"),
        (XES.format("c1", "<a>" * 200 + "</a>" * 200), "deep"),
        (XES.format("x" * 40_000_000, EVENT), "more than 16 MB"),
    ):
        path.write_text(text, encoding="utf-8")
        refused(path, word)
    path.write_bytes(whole.encode().replace(b"c1", b"c\xff"))
    refused(path, "not well-formed")
    packed = gzip.compress(whole.encode() * 100)
    path.write_bytes(packed[: len(packed) // 2])
    refused(path, "damaged")
    path.write_bytes(packed[:20] + b"\0" * 50 + packed[70:])
    refused(path, "damaged")


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


def test_damaged_json(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    whole = json.dumps({"objects": [{"id": "o1", "type": "t"}], "events": [{"id": "e1", "type": "A"}] * 3})
    for data in (
        whole[:-5].encode(),
        whole.encode().replace(b"o1", b"o\xff"),
        b"{" + b'"a":[' * 100_000,
        b'{"events": [' + b"[" * 200_000 + b"]" * 200_000 + b"]}",
        b'{"events": ["x"]}',
        b'{"events": 5}',
        b'{"a": 1' + b"0" * 6000 + b"}",
        b"{}",
        b'{"objects": [{"id": "\\ud800", "type": "t"}], "events": []}',
    ):
        path.write_bytes(data)
        refused(path)


def test_the_same_id_with_two_meanings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    event = {
        "id": "e1",
        "type": "A",
        "time": "2026-01-05T10:00:00Z",
        "relationships": [{"objectId": "o", "qualifier": ""}],
    }
    objects = [{"id": "o", "type": "t"}]
    path.write_text(json.dumps({"objects": objects, "events": [event, event]}), encoding="utf-8")
    where = workspace(tmp_path / "w")
    result = load(where, path)
    assert [(b.stream, b.read, b.accepted, b.duplicate) for b in result.batches] == [
        ("events", 2, 1, 1),
        ("objects", 1, 1, 0),
        ("e2o", 2, 1, 1),
    ]
    path.write_text(json.dumps({"objects": objects, "events": [event, event | {"type": "B"}]}), encoding="utf-8")
    with pytest.raises(LogError, match="two different things about 'e1'"):
        load(where, path)
    path.write_text(json.dumps({"objects": [{"id": "o", "type": "u"}], "events": [event]}), encoding="utf-8")
    with pytest.raises(LogError, match="calls 'o' a u"):
        load(where, path)
    assert len(tables(where)["events"]) == 1


def database(path: Path, *more: str) -> Path:
    with closing(sqlite3.connect(path)) as opened:
        opened.executescript(
            "CREATE TABLE event (ocel_id, ocel_type TEXT); CREATE TABLE object (ocel_id TEXT, ocel_type TEXT);"
            "CREATE TABLE event_map_type (ocel_type TEXT, ocel_type_map TEXT);"
            "CREATE TABLE object_map_type (ocel_type TEXT, ocel_type_map TEXT);"
            "CREATE TABLE event_object (ocel_event_id, ocel_object_id TEXT, ocel_qualifier TEXT);"
            "CREATE TABLE event_A (ocel_id, ocel_time TIMESTAMP); INSERT INTO event_map_type VALUES ('A a', 'A');"
            "INSERT INTO event VALUES (1, 'A a'), (2.0, 'A a'), ('3', 'A a');"
            "INSERT INTO event_A VALUES ('1', '2026-01-05 10:00:00'), (2, '2026-01-05T11:00:00+01:00'),"
            " (3, '2026-01-05 12:00:00Z');"
            "INSERT INTO object VALUES ('o', 't');"
            "INSERT INTO event_object VALUES (1, 'o', NULL), (2, '', ''), (3, 'o', 'q');" + ";".join(more)
        )
    return path


def test_ids_of_any_type_are_found_in_a_database(tmp_path: Path) -> None:
    """The ids of one event as number here and as text there: a reader that joins by type drops such events."""
    log = read(database(tmp_path / "log.sqlite"))
    rows = log.tables["events"].to_pylist()
    assert [(row["event_id"], row["time"].hour, row["source_seq"]) for row in rows] == [
        ("1", 10, 0),
        ("2", 10, 1),
        ("3", 12, 2),
    ]
    assert [tuple(row.values()) for row in log.tables["e2o"].to_pylist()] == [("1", "o", ""), ("3", "o", "q")]


def test_databases_that_lose_events_say_so(tmp_path: Path) -> None:
    log = read(database(tmp_path / "a.sqlite", "DELETE FROM event_A WHERE ocel_id = 2"))
    assert log.tables["events"].num_rows == 2
    assert [(row.table, row.key) for row in log.refused] == [("events", "2")]
    refused(database(tmp_path / "b.sqlite", "INSERT INTO event_A VALUES (9, '2026-01-05')"), "holds event '9'")


@pytest.mark.parametrize(
    "more",
    [
        "DROP TABLE event_object; CREATE VIEW event_object AS "
        "SELECT 1 AS ocel_event_id, 'o' AS ocel_object_id, '' AS ocel_qualifier",
        "DROP TABLE event_object",
        "DROP TABLE event_A; CREATE TABLE event_A "
        "(ocel_id, ocel_time GENERATED ALWAYS AS (printf('%.*c', 900000000, 'x')))",
        "UPDATE event_A SET ocel_time = CAST(x'ff' AS TEXT)",
    ],
)
def test_hostile_databases(tmp_path: Path, more: str) -> None:
    refused(database(tmp_path / "log.sqlite", more))
    (tmp_path / "short.sqlite").write_bytes((tmp_path / "log.sqlite").read_bytes()[:5000])
    refused(tmp_path / "short.sqlite")


def test_damaged_tables(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    good = "case,activity,time\n1,A,2026-01-05T10:00Z\n"
    for text in (
        good + "1,B\n",
        good + '1,"B,2026-01-05T10:00Z\n',
        "case,case,time\n",
        "case,,time\n1,2,3\n",
        "case\n",
    ):
        path.write_text(text, encoding="utf-8")
        refused(path)
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["case", "activity", "time"], [1, "=HYPERLINK(A1)", "2026-01-05T10:00Z"]):
        sheet.append(row)
    book.save(tmp_path / "formula.xlsx")
    refused(tmp_path / "formula.xlsx", "cell B2", "formula")
    with zipfile.ZipFile(tmp_path / "formula.xlsx", "a") as archive:
        archive.writestr("xl/evil.xml", LAUGHS)
    refused(tmp_path / "formula.xlsx", "entities")
    (tmp_path / "bad.xlsx").write_bytes(b"PK\x03\x04" + b"x" * 100)
    refused(tmp_path / "bad.xlsx")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1" + b"x" * 100)
    refused(tmp_path / "bad.parquet")


def workbook(path: Path, part: str, change: Callable[[str], str]) -> Path:
    """A workbook of three rows, one of its parts changed."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["case", "activity", "time"], [1, "A", "2026-01-05T10:00Z"], [2, "B", "2026-01-05T11:00Z"]):
        sheet.append(row)
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert part in parts
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, change(text) if name == part else text)
    return path


SHEET, LINKS = "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"


@pytest.mark.parametrize("row", ["1048577", "2000000000", "0", "-1", "x"])
def test_rows_of_a_workbook_that_are_nowhere(tmp_path: Path, row: str) -> None:
    start = time.process_time()
    refused(workbook(tmp_path / "log.xlsx", SHEET, lambda text: text.replace('r="3"', f'r="{row}"')))
    assert time.process_time() - start < 10


def test_a_row_at_the_end_of_a_sheet_is_read(tmp_path: Path) -> None:
    start = time.process_time()
    log = read(workbook(tmp_path / "log.xlsx", SHEET, lambda text: text.replace('r="3"', 'r="1048576"')))
    assert log.tables["events"].num_rows == 2
    assert time.process_time() - start < 10


@pytest.mark.parametrize("junk", ["<c ", '<c r="A1"', '<c r="A1"><f', "<row ", "<row>", "<v>", '<a b="', "<row/>"])
def test_tags_of_a_workbook_that_do_not_end(tmp_path: Path, junk: str) -> None:
    """Whatever begins again and again is looked at once."""
    path = workbook(
        tmp_path / "log.xlsx", SHEET, lambda text: text.replace("<sheetData>", "<sheetData>" + junk * 100_000)
    )
    start = time.process_time()
    with suppress(LogError):
        read(path)
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    "target", ["../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1/x", ""]
)
def test_a_workbook_names_nothing_outside_of_itself(tmp_path: Path, target: str) -> None:
    change = re.compile(r'Target="[^"]*sheet1.xml"')
    path = workbook(tmp_path / "log.xlsx", LINKS, lambda text: change.sub(f'Target="{target}"', text))
    refused(path, "no sheet")


def test_names_in_an_archive_are_names_only(tmp_path: Path) -> None:
    path = workbook(tmp_path / "log.xlsx", SHEET, str)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escaped.xml", "<a/>")
        archive.writestr("/escaped.xml", "<a/>")
    before = set(tmp_path.parent.rglob("*"))
    assert read(path).tables["events"].num_rows == 2
    assert {found.name for found in set(tmp_path.parent.rglob("*")) - before} == {"log.xlsx.mapping.yaml"}


def test_entities_cannot_hide_in_a_workbook(tmp_path: Path) -> None:
    for name, data in (
        ("xl/sheet.bin", LAUGHS.encode()),
        ("xl/evil.xml", LAUGHS.encode("utf-16")),
        ("xl/evil.XML", OUTSIDE.encode()),
    ):
        path = workbook(tmp_path / "log.xlsx", SHEET, str)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, data)
        refused(path, "entities", name)
    path = workbook(tmp_path / "log.xlsx", LINKS, lambda text: text.replace("worksheets/sheet1.xml", "media/a.svg"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/media/a.svg", LAUGHS + "<worksheet/>")
    refused(path)


def test_a_workbook_whose_tags_have_prefixes_is_read(tmp_path: Path) -> None:
    """As the Open XML SDK writes them."""

    def prefixed(text: str) -> str:
        return re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", text).replace("xmlns=", "xmlns:x=")

    log = read(workbook(tmp_path / "log.xlsx", SHEET, prefixed))
    assert log.tables["events"].num_rows == 2
    refused(
        workbook(tmp_path / "formula.xlsx", SHEET, lambda text: prefixed(re.sub("<v>1</v>", "<f>1+0</f><v/>", text))),
        "cell A2",
        "formula",
    )


def test_a_database_that_goes_round_in_circles(tmp_path: Path) -> None:
    """Pages that are part of each other would make rows without end."""
    rows = ";".join(f"INSERT INTO event_object VALUES ('{n}', '{'x' * 200}', '')" for n in range(400))
    path = database(tmp_path / "log.sqlite", "BEGIN", rows, "COMMIT", "PRAGMA page_size = 512", "VACUUM")
    data = bytearray(path.read_bytes())
    size = 512
    inner = [at for at in range(0, len(data), size) if data[at] == 5]  # interior pages of tables
    assert inner
    for at in inner:
        data[at + 8 : at + 12] = (at // size + 1).to_bytes(4, "big")
        cells = int.from_bytes(data[at + 3 : at + 5], "big")
        for cell in range(cells):
            place = at + int.from_bytes(data[at + 12 + 2 * cell : at + 14 + 2 * cell], "big")
            data[place : place + 4] = (at // size + 1).to_bytes(4, "big")
    path.write_bytes(data)
    start = time.process_time()
    refused(path, "damaged")
    assert time.process_time() - start < 5


def test_a_database_whose_index_says_something_else(tmp_path: Path) -> None:
    """What an index says of an id is not believed: the row is what counts."""
    path = database(
        tmp_path / "log.sqlite",
        "DELETE FROM event",
        "CREATE INDEX ids ON event (ocel_id)",
        "INSERT INTO event VALUES ('the-first-event', 'A a')",
        "DELETE FROM event_A",
        "INSERT INTO event_A VALUES ('the-first-event', '2026-01-05')",
        "DELETE FROM event_object",
    )
    data = path.read_bytes()
    places = [found.start() for found in re.finditer(b"the-first-event", data)]
    assert len(places) == 3  # the event, its entry in the index, its attributes
    outcomes = []
    for place in places:
        path.write_bytes(data[:place] + b"T" + data[place + 1 :])
        try:
            outcomes.append(read(path).tables["events"]["event_id"].to_pylist())
        except LogError:
            outcomes.append([])
    assert sorted(outcomes) == [[], [], ["the-first-event"]]


def test_a_database_of_many_types_takes_no_longer_than_one_of_many_events(tmp_path: Path) -> None:
    size = 3000
    kinds = [
        f"INSERT INTO event VALUES ('e{n}', 'k{n}'); INSERT INTO object VALUES ('o{n}', 'k{n}')" for n in range(size)
    ]
    maps = [f"INSERT INTO object_map_type VALUES ('k{n}', 'one')" for n in range(size)]
    values = [f"INSERT INTO object_one VALUES ('o{n}', 'x')" for n in range(size)]
    table = "CREATE TABLE object_one (ocel_id TEXT, a TEXT)"
    start = time.process_time()
    log = read(database(tmp_path / "log.sqlite", "BEGIN", table, *kinds, *maps, *values, "COMMIT"))
    assert log.tables["objects"].num_rows == size + 1
    assert time.process_time() - start < 10


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
    assert (log.tables["events"].num_rows, len(log.refused)) == (20, 1)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "encoding", ["hex", "rot13", "zlib", "idna", "undefined", "punycode", "unicode_escape", "no\\0"]
)
def test_encodings_of_no_file(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text("c,a,t\n1,A,2026-01-05T10:00Z\n", encoding="utf-8")
    said = f'encoding: "{encoding}"\ncase: c\nactivity: a\ntimestamp: t\n'
    (tmp_path / "log.csv.mapping.yaml").write_text(said, encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown encoding"):
        read(path)


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
