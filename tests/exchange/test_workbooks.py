"""Excel workbooks: numbers as their format shows them, and which sheet is read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.read import Asked, read_log

HEAD = ("order id", "activity", "timestamp")


def book(path: Path, formats: dict[str, str] | None = None, **sheets: list[tuple[Any, ...]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for cell, written in (formats or {}).items():
            sheet[cell].number_format = written
    made.save(path)
    return path


def rows(*orders: Any) -> list[tuple[Any, ...]]:
    days = [datetime(2026, 1, 1 + day) for day in range(len(orders))]  # noqa: DTZ001 - a workbook knows no zones
    return [HEAD, *((order, "Ship", day) for order, day in zip(orders, days, strict=True))]


def test_numbers_keep_the_zeros_their_format_shows(tmp_path: Path) -> None:
    formats = {"A2": "00000", "A3": "00000", "A4": "0", "A5": "000", "A6": "00000", "A7": "0.00"}
    path = book(tmp_path / "log.xlsx", formats, S=rows(123, 123.0, 123, 4567, "x", 7))
    log = read_log(path, Limits(), Asked(timezone="UTC"))
    assert log.tables["e2o"]["object_id"].to_pylist() == ["00123", "00123", "123", "4567", "x", "7"]


def test_sheets_of_the_same_head_are_a_question(tmp_path: Path) -> None:
    path = book(tmp_path / "log.xlsx", Y2025=rows(1, 2), Y2026=rows(3), Notes=[("by me",)])
    with pytest.raises(LogError, match=r"leaves open: sheet \(the sheets Y2025, Y2026 have the same head and only one"):
        read_log(path, Limits(), Asked(timezone="UTC"))
    mapping = tmp_path / "log.xlsx.mapping.yaml"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("undecided", "Y2026"), encoding="utf-8")
    assert read_log(path, Limits(), Asked(timezone="UTC")).tables["events"].num_rows == 1
    mapping.unlink()
    assert read_log(path, Limits(), Asked(timezone="UTC", accept=True)).tables["events"].num_rows == 2


def test_a_title_above_the_head_is_told(tmp_path: Path) -> None:
    path = book(tmp_path / "log.xlsx", S=[("Orders report",), ("printed", "2026-02-01"), (), *rows(1, 2)])
    with pytest.raises(
        LogError, match="names 1 columns, a row below it has 3; expected the names of all columns first"
    ):
        read_log(path, Limits(), Asked(timezone="UTC"))


def test_other_sheets_are_told_and_no_question(tmp_path: Path) -> None:
    path = book(tmp_path / "log.xlsx", Log=rows(1), Notes=[("by me",)], Empty=[])
    log = read_log(path, Limits(), Asked(timezone="UTC"))
    assert "of the sheets Log, Notes, Empty the first is read" in log.notes


def test_a_first_sheet_without_events_is_told_with_the_others(tmp_path: Path) -> None:
    path = book(tmp_path / "log.xlsx", Notes=[("hello", "x", "y"), ("a", "b", "c")], Log=rows(1, 2))
    with pytest.raises(
        LogError, match=r"no column holds dates.*it is about the first of the sheets Notes, Log: put the"
    ):
        read_log(path, Limits(), Asked(timezone="UTC"))
