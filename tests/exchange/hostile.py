"""Files made to harm, and how they are read."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import openpyxl
import pytest

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.imported import ImportedLog
from o2c_mining.exchange.read import Asked, read_log

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
