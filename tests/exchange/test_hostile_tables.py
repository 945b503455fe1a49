"""Damaged tables and workbooks."""

from __future__ import annotations

import re
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import openpyxl
import pytest

from o2c_mining.errors import LogError
from tests.exchange.hostile import LAUGHS, OUTSIDE, read, refused, workbook


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
