"""Tables: what is proposed, what is decided by all rows, what waits for an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from o2c_mining.config import Limits
from o2c_mining.errors import ConfigError, LogError
from o2c_mining.exchange.dates import date_column, read_date
from o2c_mining.exchange.imported import ImportedLog
from o2c_mining.exchange.numbers import number_column, read_number
from o2c_mining.exchange.read import Asked, read_log
from tests.exchange.logs import refused_rows


def read(path: Path, **asked: Any) -> ImportedLog:
    return read_log(path, Limits(), Asked(**({"timezone": "Europe/Berlin"} | asked)))


def table(tmp_path: Path, text: str, name: str = "orders.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def kept(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.with_name(f"{path.name}.mapping.yaml").read_text(encoding="utf-8"))
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["13/01/2026", "02/01/2026", "05/06/2026"], "day-first"),
        (["01/13/2026", "02/01/2026"], "month-first"),
        (["01.02.2026", "12.11.2026"], "undecided"),
        (["05/05/2026", "06/06/2026"], "day-first"),  # it makes no difference
        (["2026-01-13", "2026-05-06T10:00:00Z"], "year-first"),
        (["13/01/2026", "01/13/2026"], "undecided"),  # no order fits all
        (["31.12.25 10:30", "01.01.26 11:00"], "day-first"),
        (["5 Jan 2026", "17 Mär 2026"], "day-first"),
        (["20260105", "20260106"], "year-first"),
        (["1/5/2026 9:00 PM", "1/25/2026 10:15 AM"], "month-first"),
        (["13/01/2026", "2026-02-03", "Jan 17 2026"], "day-first"),  # the others leave no question
        (["03/01/2026", "2026-02-03"], "undecided"),
        (["13 janv. 2026", "14 févr. 2026", "16 juin 2026", "16 juillet 2026", "15 août 2026"], "day-first"),
    ],
)
def test_dates_are_decided_by_every_value(values: list[str], order: str) -> None:
    found = date_column(values)
    assert found is not None
    assert found.order == order


def test_one_late_row_decides(tmp_path: Path) -> None:
    """The first 5,000 rows fit both orders, the last one does not."""
    rows = [f"{n},Create,{1 + n % 12:02d}/{1 + n % 11:02d}/2026 10:00" for n in range(5000)]
    path = table(tmp_path, "\n".join(["case,activity,time", *rows, "5001,Create,25/03/2026 10:00"]))
    log = read(path)
    assert kept(path)["dates"] == {"time": "day-first"}
    assert at("2026-03-25 09:00") in log.tables["events"]["time"].to_pylist()


def test_what_fits_both_waits_for_an_answer(tmp_path: Path) -> None:
    path = table(tmp_path, "case,activity,time\n1,A,03/01/2026\n1,B,04/02/2026\n")
    for _ in range(2):  # the second time from the mapping beside the file
        with pytest.raises(LogError, match=r"leaves open: dates\.time.*--accept") as refused:
            read(path)
        assert refused.value.exit_code == 4
    mapping = path.with_name("orders.csv.mapping.yaml")
    assert "fits more than one order" in mapping.read_text(encoding="utf-8")
    answered = tmp_path / "answered.yaml"
    answered.write_text(mapping.read_text(encoding="utf-8").replace("undecided", "month-first"), encoding="utf-8")
    log = read(path, mapping=answered)
    assert log.tables["events"]["time"].to_pylist() == [at("2026-02-28 23:00"), at("2026-04-01 22:00")]
    assert log.tables["events"]["precision"].to_pylist() == ["day", "day"]
    guessed = read(path, accept=True)
    assert guessed.tables["events"]["time"].to_pylist()[0] == at("2026-01-02 23:00")
    assert kept(path)["dates"] == {"time": "day-first"}
    read(path)  # reused, no question left


def test_roles_and_kinds(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "Auftragsnummer;Tätigkeit;Zeitstempel;Bearbeiter;Betrag;Region;Code\n"
        "0815;Auftrag anlegen;13.01.2026 10:00;müller;1.234,50;DACH;007\n"
        "0815;Ware liefern;14.07.2026 10:00:30;;2,25;DACH;008\n"
        "0816;Auftrag anlegen;15.01.2026 11:00;meier;-;UK;009\n",
        encoding="utf-8-sig",
    )
    log = read(path, case_type="order")
    rows = log.tables["events"].to_pylist()
    assert [(r["activity"], r["time"], r["offset_minutes"], r["precision"], r["resource"]) for r in rows] == [
        ("Auftrag anlegen", at("2026-01-13 09:00"), 60, "minute", "müller"),
        ("Ware liefern", at("2026-07-14 08:00:30"), 120, "second", None),
        ("Auftrag anlegen", at("2026-01-15 10:00"), 60, "minute", "meier"),
    ]
    assert [dict(r["attributes"]) for r in rows] == [
        {"Betrag": "1234.5", "Code": "007"},
        {"Betrag": "2.25", "Code": "008"},
        {"Code": "009"},
    ]
    cases = [(r["object_id"], r["object_type"], r["Region"]) for r in log.tables["objects"].to_pylist()]
    assert cases == [("0815", "order", "DACH"), ("0816", "order", "UK")]
    assert any("no time zone; taken as Europe/Berlin" in note for note in log.notes)


def test_questions_besides_dates(tmp_path: Path) -> None:
    zone = table(tmp_path, "case,activity,time\n1,A,2026-01-05 10:00\n", "zone.csv")
    with pytest.raises(LogError, match="leaves open: timezone"):
        read(zone, timezone=None)
    assert read(zone, timezone=None, accept=True).tables["events"]["time"].to_pylist() == [at("2026-01-05 10:00")]
    latin = table(tmp_path, "case,activity,time\n1,Prüfen,2026-01-05T10:00Z\n", "latin.csv", "cp1252")
    with pytest.raises(LogError, match="leaves open: encoding"):
        read(latin)
    assert read(latin, accept=True).tables["events"]["activity"].to_pylist() == ["Prüfen"]
    wide = table(tmp_path, "case,activity,time\n1,Prüfen,2026-01-05T10:00Z\n", "wide.csv", "utf-16")
    assert read(wide).tables["events"]["activity"].to_pylist() == ["Prüfen"]
    amount = table(
        tmp_path, "case,activity,time,amount\n1,A,2026-01-05T10:00Z,1.234\n1,B,2026-01-06T10:00Z,2.500\n", "n.csv"
    )
    with pytest.raises(LogError, match="leaves open: decimal"):
        read(amount)
    names = table(tmp_path, "x,y,z\n1,A,2026-01-05T10:00Z\n1,B,2026-01-06T10:00Z\n2,A,2026-01-07T10:00Z\n", "names.csv")
    with pytest.raises(LogError, match="leaves open: case, activity"):
        read(names)
    with pytest.raises(LogError, match="no column holds dates"):
        read(table(tmp_path, "case,activity\n1,A\n", "none.csv"))


@pytest.mark.parametrize(
    ("head", "rows", "times"),
    [
        (
            "Verkaufsbeleg;Aktivität;Datum;Uhrzeit",
            ["1;A;13.01.2026;08:15:00", "1;B;14.01.2026;"],
            [("2026-01-13 07:15", "second"), ("2026-01-13 23:00", "day")],
        ),
        ("VBELN;Vorgang;ERDAT;ERZET", ["1;A;20260113;081500", "1;B;20260114;93000"],
         [("2026-01-13 07:15", "second"), ("2026-01-14 08:30", "second")]),
        ("order;activity;date;time", ["1;A;2026-01-13 00:00:00;8:15 PM", "1;B;2026-01-14 00:00:00;11:00 AM"],
         [("2026-01-13 19:15", "minute"), ("2026-01-14 10:00", "minute")]),
    ],
)  # fmt: skip
def test_the_time_of_day_in_a_column_of_its_own(
    tmp_path: Path, head: str, rows: list[str], times: list[tuple[str, str]]
) -> None:
    log = read(table(tmp_path, "\n".join([head, *rows])))
    assert kept(tmp_path / "orders.csv")["clock"] == head.split(";")[3]
    assert any("is taken as the time of day" in note for note in log.notes)
    found = [(row["time"], row["precision"]) for row in log.tables["events"].to_pylist()]
    assert found == [(at(time), precision) for time, precision in times]


def test_two_columns_may_be_the_time_of_day(tmp_path: Path) -> None:
    path = table(tmp_path, "case,activity,date,begins,ends\n1,A,2026-01-13,08:15,09:00\n1,B,2026-01-14,08:15,10:00\n")
    with pytest.raises(LogError, match=r"leaves open: clock \(date has only days; any of begins, ends"):
        read(path)
    log = read(path, accept=True)
    assert log.tables["events"]["time"].to_pylist()[0] == at("2026-01-13 07:15")
    assert "orders.csv: guessed clock: begins" in log.notes or "guessed clock: begins" in log.notes


@pytest.mark.parametrize(
    ("written", "order", "times"),
    [
        ("1767225600 1767229200.5", "epoch-seconds", ["2026-01-01 00:00:00", "2026-01-01 01:00:00.5"]),
        ("1767225600000 1767229200123", "epoch-milliseconds", ["2026-01-01 00:00:00", "2026-01-01 01:00:00.123"]),
        (
            "1767225600000000000 1767229200123456789",
            "epoch-nanoseconds",
            ["2026-01-01 00:00", "2026-01-01 01:00:00.123456"],
        ),
        ("46023.5 46024", "spreadsheet-days", ["2026-01-01 11:00:00", "2026-01-01 23:00:00"]),
    ],
)
def test_times_that_are_counted(tmp_path: Path, written: str, order: str, times: list[str]) -> None:
    """Days of spreadsheets could be amounts, so they are asked about."""
    first, second = written.split()
    path = table(tmp_path, f"case,activity,timestamp\n1,A,{first}\n1,B,{second}\n")
    if order == "spreadsheet-days":
        with pytest.raises(LogError, match=r"leaves open: dates\.timestamp \(timestamp: numbers that may be days"):
            read(path)
    log = read(path, accept=True)
    assert kept(path)["dates"] == {"timestamp": order}
    assert log.tables["events"]["time"].to_pylist() == [at(time) for time in times]


def test_what_clocks_show_twice_or_never_is_said(tmp_path: Path) -> None:
    """Berlin 2026: on 29 March 02:30 does not exist, on 25 October it comes twice; a time with an offset is sure."""
    times = ["2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-10-25T02:30:00+02:00", "2026-10-25 03:30:00"]
    log = read(table(tmp_path, "case,activity,time\n" + "".join(f"1,A,{time}\n" for time in times)))
    found = [row["time"] for row in log.tables["events"].to_pylist()]
    assert found == [at(f"2026-{t}") for t in ("03-29 01:30", "10-25 00:30", "10-25 00:30", "10-25 02:30")]
    assert [note for note in log.notes if note.startswith("1 times")] == [
        "1 times come twice and are taken as the first (clocks of Europe/Berlin are changed)",
        "1 times do not exist and are taken as an hour later (clocks of Europe/Berlin are changed)",
    ]


def test_a_start_after_its_end_is_kept_for_the_check(tmp_path: Path) -> None:
    rows = "1,A,2026-01-05T12:00Z,2026-01-05T10:00Z\n1,B,soon,2026-01-05T11:00Z\n"
    more = "".join(f"2,C,2026-01-{day:02d}T09:00Z,2026-01-{day:02d}T10:00Z\n" for day in range(6, 20))
    log = read(table(tmp_path, f"case,activity,start,end\n{rows}{more}"))
    assert log.tables["events"]["start_time"].to_pylist()[:2] == [at("2026-01-05 12:00"), None]
    assert "1 start times cannot be read as the mapping says and were left out" in log.notes


def test_case_numbers_that_a_spreadsheet_spoilt(tmp_path: Path) -> None:
    log = read(table(tmp_path, "case,activity,time\n0017,A,2026-01-05T10:00Z\n17,B,2026-01-06T10:00Z\n"))
    assert "case: 0017 and 17 differ only in zeros before them and are two cases" in log.notes
    rounded = table(tmp_path, "case,activity,time\n4.5E+11,A,2026-01-05T10:00Z\n4.5E+11,B,2026-01-06T10:00Z\n", "r.csv")
    with pytest.raises(LogError, match=r"leaves open: case .*4\.5E\+11 were rounded by a spreadsheet"):
        read(rounded)


def test_a_guessed_time_is_in_the_guessed_zone(tmp_path: Path) -> None:
    """Before, times of a column that was only guessed were taken as UTC."""
    path = table(
        tmp_path, "order,step,made,sent\n1,A,2026-01-05 10:00,2026-01-05 10:00\n1,B,2026-01-06 10:00,2026-01-07\n"
    )
    assert read(path, accept=True).tables["events"]["time"].to_pylist()[0] == at("2026-01-05 09:00")


_ROWS = "1,A,2026-01-05T10:00Z\n1,B,2026-01-06T10:00Z\n"


@pytest.mark.parametrize(
    "text",
    [
        '\ufeff"case","activity","time"\n' + _ROWS,  # a mark, then a quoted name
        "\n\ncase,activity,time\n\n" + _ROWS,
        "sep=,\r\ncase,activity,time\r\n" + _ROWS,
        "case,activity,time,,\n" + _ROWS.replace("\n", ",,\n"),  # a delimiter at the end of each row
        ("case,activity,time\n" + _ROWS).replace("\n", "\r"),
        "sep=;\ncase;activity;time\n" + _ROWS.replace(",", ";"),
    ],
)
def test_heads_as_spreadsheets_write_them(tmp_path: Path, text: str) -> None:
    log = read(table(tmp_path, text))
    assert kept(tmp_path / "orders.csv")["case"] == "case"
    assert [(row["activity"], row["time"]) for row in log.tables["events"].to_pylist()] == [
        ("A", at("2026-01-05 10:00")),
        ("B", at("2026-01-06 10:00")),
    ]


def test_a_column_with_values_and_no_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="column 4 has values and no name"):
        read(table(tmp_path, "case,activity,time,\n1,A,2026-01-05T10:00Z,x\n"))
    with pytest.raises(LogError, match="holds no names of columns"):
        read(table(tmp_path, "\n\n", "blank.csv"))


def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "case,activity,time\n1,A,2026-01-05T10:00Z\n")
    other = tmp_path / "other.yaml"
    other.write_text("case: kase\nactivity: activity\ntimestamp: time\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="names column 'kase'"):
        read(path, mapping=other)
    other.write_text("case: case\nactivty: activity\ntimestamp: time\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="did you mean 'activity'"):
        read(path, mapping=other)


def test_rows_that_cannot_be_read_are_quarantined(tmp_path: Path) -> None:
    rows = "".join(f"{n},A,{1 + n:02d}.01.2026\n" for n in range(28))
    log = read(table(tmp_path, f"case,activity,time\n{rows}99,A,unknown\n98,,05.01.2026\n,A,05.01.2026\n"))
    assert [row.key for row in refused_rows(log)] == ["row 30", "row 31"]
    assert log.read["events"] == 31
    assert log.tables["events"].num_rows == 29
    assert log.tables["e2o"].num_rows == 28  # a row without a case is an event without an object


def test_a_column_called_a_time_may_hold_more_that_is_none(tmp_path: Path) -> None:
    rows = "1,A,05.01.2026\n1,B,unknown\n2,A,15.01.2026\n"
    log = read(table(tmp_path, f"case,activity,time\n{rows}"))
    assert [row.key for row in refused_rows(log)] == ["row 3"]
    assert "time: 1 value is no date ('unknown' is no date); its rows will be quarantined" in log.notes


def test_the_only_column_with_dates_is_asked_about_where_some_are_none(tmp_path: Path) -> None:
    path = table(tmp_path, "case,activity,remark\n1,A,2023-02-30\n1,B,2023-02-28\n2,A,2023-03-28\n")
    open_ = (
        r"orders\.csv leaves open: timestamp \(.*remark: 1 value is no date \('2023-02-30' is no day of the calendar"
    )
    with pytest.raises(LogError, match=open_):
        read(path)
    log = read(path, accept=True)
    assert [row.key for row in refused_rows(log)] == ["row 2"]
    assert log.read["events"] == 3
    assert log.tables["events"].num_rows == 2


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("2023-02-30", "'2023-02-30' is no day of the calendar"),
        ("2023-01-05T25:00:00", "'2023-01-05T25:00:00' is no time of day"),
        ("2023-01-07T10:00:00+25:00", r"'2023-01-07T10:00:00\+25:00' has an offset of more than 14 hours"),
        ("17", "the number '17' counts nothing known since 1970"),
        ("soon", "'soon' is no date"),
    ],
)
def test_a_table_without_dates_is_told_what_its_times_are(tmp_path: Path, value: str, why: str) -> None:
    path = table(tmp_path, f"case,activity,time,note\n1,A,{value},x\n1,B,{value},y\n")
    with pytest.raises(LogError, match=rf"^orders\.csv: no column holds dates or times \(time: {why}\); expected"):
        read(path)


def test_a_number_that_may_be_a_time_is_no_date_without_its_name(tmp_path: Path) -> None:
    path = table(tmp_path, "case,activity,when\n1,A,1767225600000\n1,B,1767229200000\n")
    with pytest.raises(
        LogError, match=r"when: the number '1767225600000' may count milliseconds since 1970\); expected"
    ):
        read(path)


def test_dates_that_are_none_beside_right_ones(tmp_path: Path) -> None:
    stamps = ["2023-02-30", "2023-01-05T24:00:00", "2023-01-07T10:00:00+25:00", "2023-01-07T10:00:00+14:00"]
    rows = "".join(f"{n},A,{stamp}\n" for n, stamp in enumerate([*stamps, "2023-01-02 9:5"]))
    log = read(table(tmp_path, f"case,activity,time\n{rows}"))
    assert [row.key for row in refused_rows(log)] == ["row 2", "row 4"]
    assert sorted(log.tables["events"]["time"].to_pylist()) == [
        at("2023-01-02 08:05"),
        at("2023-01-05 23:00"),
        at("2023-01-06 20:00"),
    ]
    assert "2 of 3 different times name no time zone; taken as Europe/Berlin, the company's" in log.notes


def test_counted_times_may_hold_some_that_are_none(tmp_path: Path) -> None:
    log = read(table(tmp_path, "case,activity,time\n1,A,1672653600000\n1,B,1672740000123\n1,C,soon\n1,D,0\n"))
    assert [row.key for row in refused_rows(log)] == ["row 4"]
    assert log.tables["events"]["time"].to_pylist()[-1] == at("1970-01-01"), "`o2c check` tells of it"
    assert "time: 1 value is no date ('soon' is no date); its rows will be quarantined" in log.notes


def test_abbreviations_of_zones_that_mean_one_offset(tmp_path: Path) -> None:
    rows = "1,A,2023-01-02 10:00:00 CET\n1,B,2023-07-02 09:30:00 CEST\n1,C,2023-07-02 09:30 MESZ\n"
    log = read(table(tmp_path, f"case,activity,time\n{rows}"))
    assert log.tables["events"]["time"].to_pylist() == [
        at("2023-01-02 09:00"),
        at("2023-07-02 07:30"),
        at("2023-07-02 07:30"),
    ]
    assert "timezone" not in kept(tmp_path / "orders.csv")


def test_excel_and_parquet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["order", "activity", "date", "amount"])
    sheet.append([4711, "Create", datetime(2026, 1, 5, 10, 0), 12.5])  # noqa: DTZ001
    sheet.append([4711, "=1+1", datetime(2026, 7, 6, 11, 0), -3])  # noqa: DTZ001
    sheet["B3"].data_type = "s"
    sheet.append([None, None, None, None])
    book.save(tmp_path / "log.xlsx")
    log = read(tmp_path / "log.xlsx")
    rows = log.tables["events"].to_pylist()
    assert [(r["activity"], r["time"], dict(r["attributes"])["amount"]) for r in rows] == [
        ("Create", at("2026-01-05 09:00"), "12.5"),
        ("=1+1", at("2026-07-06 09:00"), "-3"),
    ]
    assert log.tables["objects"]["object_id"].to_pylist() == ["4711"]

    pq.write_table(
        pa.table(
            {
                "case": [1, 1, 2],
                "activity": ["A", "B", "A"],
                "time": pa.array([at("2026-01-05 10:00"), at("2026-01-06 10:00"), None], pa.timestamp("ns", "UTC")),
                "amount": [1.5, None, 2.0],
            }
        ),
        tmp_path / "log.parquet",
    )
    log = read(tmp_path / "log.parquet", timezone=None)
    assert log.tables["events"]["time"].to_pylist() == [at("2026-01-05 10:00"), at("2026-01-06 10:00")]
    assert [row.key for row in refused_rows(log)] == ["row 4"]


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        (["1.234,5", "12"], {","}),
        (["1,234.5", "12"], {"."}),
        (["0.99", "12.5"], {"."}),
        (["1.234", "12"], {".", ","}),
        (["1 234,50"], {","}),
        (["1\u202f234,50", "12\u00a0000,00"], {","}),
        (["1.234,50-", "99,00"], {","}),
        (["(99.00)", "1'234.50"], {"."}),
        (["1e-7"], {"."}),
    ],
)
def test_decimal_marks(values: list[str], marks: set[str]) -> None:
    assert number_column(values) == marks


@pytest.mark.parametrize("values", [["007"], ["12a"], ["1.2.3", "5"], ["1,23,4"], []])
def test_what_is_no_number(values: list[str]) -> None:
    assert number_column(values) is None


def test_numbers_and_dates_by_hand() -> None:
    assert [read_number(v, ",") for v in ("1.234,50", "-2,5", "7")] == [1234.5, -2.5, 7]
    assert [read_number(v, ".") for v in ("1,234.50", "-2.5e3")] == [1234.5, -2500.0]
    assert [read_number(v, ".") for v in ("(99.00)", "1'234.50")] == [-99.0, 1234.5]
    assert [read_number(v, ",") for v in ("99,00-", "1\u202f234,50")] == [-99.0, 1234.5]
    found = read_date("12/25/26 12:05 am -0330", "month-first", None)
    assert found is not None
    assert (found.time, found.offset_minutes, found.precision) == (at("2026-12-25 03:35"), -210, "minute")
    assert read_date("31.02.2026", "day-first", None) is None
