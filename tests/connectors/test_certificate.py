"""``o2c check`` asks the sources themselves: what is lost, late, refused or repeated shows in the certificate."""

from __future__ import annotations

import gzip
import io
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from connectors.bank_statements.camt import statements
from connectors.bank_statements.count import entry_key, entry_keys
from connectors.bank_statements.files import statement_files
from o2c_mining.connect import Stream, Total, completeness, connector_named
from o2c_mining.connect.contract import ContractSource
from o2c_mining.errors import ConnectorError
from o2c_mining.log.store import Batch, Store
from tests.connect.shop import ShopConnector, create_shop, extract_shop, fill_shop
from tests.connectors.camt_files import entry_xml, statement_xml
from tests.connectors.company import CompanyLog
from tests.connectors.workspace import SmallWorkspace, small_workspace

Counts = tuple[int, int, int, int, int]


@pytest.fixture
def small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> SmallWorkspace:
    return small_workspace(tmp_path, capsys)


def check(small: SmallWorkspace) -> tuple[int, dict[tuple[str, str], Counts]]:
    """Exit code, and (in source, in log, quarantined, duplicate, difference) per source and stream."""
    ran = small.run("check", "--json")
    assert ran.err == ""
    names = ("in_source", "in_log", "quarantined", "duplicate", "difference")
    rows = ran.json["certificate"]
    found: dict[tuple[str, str], Counts] = {(r["source"], r["stream"]): tuple(r[n] for n in names) for r in rows}
    assert len(found) == len(rows)
    return ran.code, found


def lose(small: SmallWorkspace, source: str, stream: str, key: str) -> None:
    """Take a row out of the staging behind the extraction's back; the batches keep saying that it was read."""
    with Store(small.root / "store").writer() as writer:
        (file,) = writer.files(f"staging/{source}/{stream}")
        rows = pq.read_table(file, partitioning=None)
        (row,) = rows.filter(pc.ends_with(rows["_key"], key)).to_pylist()
        gone = {**row, "_op": "D", "_seq": writer.next_seq(1), "_batch": writer.number}
        writer.append(f"staging/{source}/{stream}", pa.Table.from_pylist([gone], schema=rows.schema))
        writer.commit([Batch(source, stream, writer.base.cursor(source, stream))])


def test_all_is_accounted_for_after_an_extraction(small: SmallWorkspace) -> None:
    small.run("extract")
    code, rows = check(small)
    assert code == 0
    assert rows["bank", "bookings"] == (3, 3, 0, 0, 0)
    with sqlite3.connect(small.database) as connection:
        (lines,) = connection.execute("SELECT count(*) FROM sale_line").fetchone()
    connection.close()
    assert lines > 0
    assert rows["erp", "sale_line"] == (lines, lines, 0, 0, 0)
    assert {stream for source, stream in rows if source == "bank"} == {"bookings"}, "transform and link are no streams"
    assert not {"transform", "link"} & {stream for _, stream in rows}


def test_row_lost_from_the_log_is_missed(small: SmallWorkspace) -> None:
    small.run("extract")
    lose(small, "bank", "bookings", "|B2")
    lose(small, "erp", "sale_sale", "")
    code, rows = check(small)
    assert code == 1
    assert rows["bank", "bookings"] == (3, 2, 0, 0, 1)
    assert rows["erp", "sale_sale"] == (1, 0, 0, 0, 1)
    text = small.run("check")
    assert text.code == 1
    assert "bank bookings: 1 rows of the source are not in the log" in text.out
    small.run("extract", "--full")
    assert check(small)[0] == 0, "what the message tells to do does not help"


def test_row_added_to_a_source_is_missed_until_it_is_extracted(small: SmallWorkspace) -> None:
    small.run("extract")
    with sqlite3.connect(small.database) as connection:
        connection.execute("INSERT INTO sale_sale (id, create_date) VALUES (99, '2026-03-01 00:00:00')")
    connection.close()
    small.statement("S2", [("B9", "1.00", "CRDT", "x"), ("B10", "2.00", "CRDT", "y")], day="2026-07-02")
    code, rows = check(small)
    assert code == 1
    assert rows["erp", "sale_sale"] == (2, 1, 0, 0, 1)
    assert rows["bank", "bookings"] == (5, 3, 0, 0, 2)
    small.run("extract")
    code, rows = check(small)
    assert (code, rows["erp", "sale_sale"], rows["bank", "bookings"]) == (0, (2, 2, 0, 0, 0), (5, 5, 0, 0, 0))


def test_row_deleted_in_the_source_shows_until_the_next_extraction(small: SmallWorkspace) -> None:
    small.run("extract")
    with sqlite3.connect(small.database) as connection:
        connection.execute("DELETE FROM sale_sale")
    connection.close()
    code, rows = check(small)
    assert (code, rows["erp", "sale_sale"]) == (1, (0, 1, 0, 0, -1))
    small.run("extract")
    code, rows = check(small)
    assert (code, rows["erp", "sale_sale"]) == (0, (0, 0, 0, 0, 0))


def test_refused_and_repeated_entries_are_accounted_for(small: SmallWorkspace) -> None:
    bank = small.root / "bank"
    wrong = small.statement("S2", [("C1", "1.00", "CRDT", "x"), ("C2", "2.00", "CRDT", "y")], closing="99.00")
    (bank / "copy.xml").write_bytes((bank / "S1.xml").read_bytes())
    (bank / "cut.xml").write_bytes((bank / "S1.xml").read_bytes()[:-400])
    (bank / "junk.xml").write_bytes(b"this is no XML")
    (bank / "quiet.xml").write_bytes(statement_xml("S0", opening="1.00", closing="1.00"))
    small.run("extract")
    code, rows = check(small)
    # S1 three times, two that do not prove themselves, one junk file; B3 of the cut copy ends before its reference, so
    # nothing tells that it is the B3 that was read: it stays quarantined on its own
    assert rows["bank", "bookings"] == (12, 3, 4, 5, 0)
    assert code == 0
    wrong.unlink()
    small.statement("S2", [("C1", "1.00", "CRDT", "x"), ("C2", "2.00", "CRDT", "y")])
    small.run("extract")
    code, rows = check(small)
    assert (code, rows["bank", "bookings"]) == (0, (12, 5, 2, 5, 0)), "what was mended is quarantined no more"


def test_file_that_was_moved_away_leaves_no_difference(small: SmallWorkspace) -> None:
    small.run("extract")
    small.statement("S2", [("C1", "1.00", "CRDT", "x")])
    (small.root / "bank" / "S1.xml").unlink()
    code, rows = check(small)
    assert (code, rows["bank", "bookings"]) == (1, (1, 0, 0, 0, 1)), "its old bookings must not stand for new ones"
    small.run("extract")
    code, rows = check(small)
    assert (code, rows["bank", "bookings"]) == (0, (1, 1, 0, 0, 0))


def test_batch_booking_is_one_entry(small: SmallWorkspace) -> None:
    parts = "".join(f"<TxDtls><Refs/><Amt Ccy='EUR'>{amount}</Amt></TxDtls>" for amount in ("4.00", "6.00"))
    entry = entry_xml("X/7", "10.00", "CRDT", "x", day="2026-07-02")
    start, end = entry.index("<NtryDtls>") + len("<NtryDtls>"), entry.index("</NtryDtls>")
    raw = entry[:start] + parts + entry[end:]
    for name, closing in (("good", "10.00"), ("bad", "11.00")):
        xml = statement_xml(name, opening="0.00", closing=closing, raw_entries=raw)
        (small.root / "bank" / f"{name}.xml").write_bytes(xml)
    small.run("extract")
    code, rows = check(small)
    assert (code, rows["bank", "bookings"]) == (0, (5, 4, 1, 0, 0))


@pytest.mark.parametrize("failure", ["server", "file", "damaged"])
def test_source_that_cannot_be_asked_ends_the_check(small: SmallWorkspace, failure: str) -> None:
    small.run("extract")
    settings = small.root / "o2c.toml"
    if failure == "server":
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace("sqlite:///source.sqlite", "postgresql://127.0.0.1:9/erp"), encoding="utf-8")
    elif failure == "file":
        small.database.unlink()
    else:
        small.database.write_bytes(b"no database " * 1000)
    ran = small.run("check")
    assert ran.code == {"server": 3, "file": 2, "damaged": 4}[failure]
    (line,) = ran.err.removesuffix("\n").split("\n")
    assert line.startswith("error: ")
    assert ran.out == ""


def test_committed_company_is_complete(company: CompanyLog, capsys: pytest.CaptureFixture[str]) -> None:
    _, rows = check(SmallWorkspace(company.root, capsys))
    assert len(rows) > 20
    assert {key: counts for key, counts in rows.items() if counts[-1]} == {}
    assert rows["bank", "bookings"][0] == 266
    connection = sqlite3.connect(company.database)
    for (source, stream), counts in rows.items():
        if source == "erp" and counts[0]:
            assert counts[0] == connection.execute(f'SELECT count(*) FROM "{stream}"').fetchone()[0], stream
    connection.close()


def test_repeated_keys_of_a_table_are_duplicates(tmp_path: Path) -> None:
    connection = create_shop(tmp_path / "shop.sqlite")
    fill_shop(connection, 3)
    connection.execute("INSERT INTO unit VALUES ('EUR', 'currency', 100), ('USD', 'currency', 100), (NULL, 'x', 1)")
    extract_shop(tmp_path / "store", tmp_path / "shop.sqlite")
    source = ContractSource("shop", "shop", {}, url=f"sqlite:///{tmp_path}/shop.sqlite")
    rows = completeness(source, ShopConnector(), Store(tmp_path / "store").snapshot(), base=tmp_path)
    (unit,) = [row for row in rows if row.stream == "unit"]
    assert (unit.in_source, unit.in_log, unit.quarantined, unit.duplicate, unit.difference) == (4, 2, 1, 1, 0)
    connection.execute("UPDATE line SET id = 999 WHERE id = 11")
    rows = completeness(source, ShopConnector(), Store(tmp_path / "store").snapshot(), base=tmp_path)
    assert [row.difference for row in rows if row.stream == "line"] == [0], "numbers alone do not see an exchange"
    connection.close()


def test_connector_without_a_total_is_refused(tmp_path: Path) -> None:
    class Forgetful(ShopConnector):
        def totals(self, options: Any, *, base: Path) -> dict[str, Total]:
            return {"document": Total(0)}

    create_shop(tmp_path / "shop.sqlite").close()
    source = ContractSource("shop", "shop", {}, url=f"sqlite:///{tmp_path}/shop.sqlite")
    with pytest.raises(ConnectorError, match="no total of line"):
        completeness(source, Forgetful(), Store(tmp_path / "store").snapshot(), base=tmp_path)


STATEMENT = statement_xml(
    "S|1", opening="0.00", closing="3.00", entries=[("R", "1", "CRDT", "a"), ("R", "1", "CRDT", "b")],
    raw_entries=entry_xml("Ä&amp;B", "1", "CRDT", "c", day="2026-07-01"),
)  # fmt: skip
WITH_COMMENT = STATEMENT.replace(b"<Stmt>", b"<Stmt><!-- <Ntry>" + b" " * 1_000_000 + b"</Ntry> -->")
AS_LATIN_1 = STATEMENT.decode().replace("UTF-8", "iso-8859-1").encode("latin-1")
AS_UTF_16 = STATEMENT.decode().replace("UTF-8", "UTF-16").encode("utf-16")
PREFIXED = (
    STATEMENT.replace(b"</", b"</ns2:").replace(b"<", b"<ns2:").replace(b"<ns2:/ns2:", b"</ns2:")
    .replace(b"<ns2:?xml", b"<?xml").replace(b"xmlns=", b"xmlns:ns2=")
)  # fmt: skip


@pytest.mark.parametrize("xml", [STATEMENT, WITH_COMMENT, AS_LATIN_1, AS_UTF_16, PREFIXED])
@pytest.mark.parametrize("packed", [False, True])
def test_tags_are_counted_as_the_parser_reads_them(tmp_path: Path, xml: bytes, packed: bool) -> None:
    path = tmp_path / ("a.xml.gz" if packed else "a.xml")
    path.write_bytes(gzip.compress(xml) if packed else xml)
    (file,) = statement_files(tmp_path)
    read = [
        entry_key(statement.account, statement.identification, booking.entry)
        for statement in statements(io.BytesIO(xml))
        for booking in statement.bookings
    ]
    assert entry_keys(file) == read == [f"DE15667295315433120810|S\\|1|{name}" for name in ("R", "R#2", "Ä&B")]


def test_streams_and_totals_name_the_same(tmp_path: Path, small: SmallWorkspace) -> None:
    for name, option in (("erp", {"url": "sqlite:///source.sqlite"}), ("bank", {"path": "bank"})):
        connector = connector_named("tryton" if name == "erp" else "bank_statements")
        options = connector.options_model.model_validate(option)
        streams: list[Stream] = list(connector.streams(options))
        assert {stream.name for stream in streams} == set(connector.totals(options, base=tmp_path))
