"""The statement reader: what it reads, what it refuses, and that a hostile file costs nothing."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bank_statements import camt
from connectors.bank_statements.camt import RefusedFileError, statements
from connectors.bank_statements.count import entry_key, entry_keys
from connectors.bank_statements.extract import BankConnector, BankOptions
from connectors.bank_statements.files import statement_files
from connectors.bank_statements.model import Booking, Statement, minor_units
from o2c_mining.connect import Page
from o2c_mining.errors import ConfigError
from tests.connectors.camt_files import entry_xml, statement_xml

DAY = "2026-07-01"


def parse(xml: bytes) -> list[Statement]:
    return list(statements(io.BytesIO(xml)))


def bookings(raw: str, *, opening: str = "0.00", closing: str = "0.00") -> tuple[Booking, ...]:
    return parse(statement_xml("S", opening=opening, closing=closing, raw_entries=raw))[0].bookings


@pytest.mark.parametrize("version", [1, 2, 3, 4, 6, 8, 10, 13])
def test_every_namespace_version_reads_alike(version: int) -> None:
    entries = [("R1", "119.00", "CRDT", "INV-00012"), ("R2", "7.50", "DBIT", "fee")]
    (statement,) = parse(statement_xml("S1", opening="-10.00", closing="101.50", entries=entries, version=version))
    assert statement.fault() is None
    assert (statement.account, statement.identification) == ("DE15667295315433120810", "S1")
    first, second = statement.bookings
    assert (first.signed, second.signed) == (Decimal("119.00"), Decimal("-7.50"))
    assert (first.counterparty, first.counterparty_account) == ("Adler", "DE89370400440532013000")
    assert (first.remittance, first.end_to_end_id, first.booked_on) == ("INV-00012", None, date(2026, 7, 1))


def test_newer_versions_nest_status_and_party() -> None:
    raw = (
        "<Ntry><Amt Ccy='EUR'>5</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        "<BookgDt><DtTm>2026-07-01T10:15:00+02:00</DtTm></BookgDt><AcctSvcrRef>R</AcctSvcrRef><NtryDtls><TxDtls>"
        "<Refs><EndToEndId>E2E</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>Birke</Nm></Pty></Dbtr></RltdPties>"
        "<RmtInf><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
    (booking,) = bookings(raw, closing="5.00")
    assert (booking.status, booking.counterparty, booking.end_to_end_id) == ("BOOK", "Birke", "E2E")
    assert booking.creditor_reference == "RF18539007547034"
    assert booking.booked_at == datetime(2026, 7, 1, 8, 15, tzinfo=UTC)


def test_batch_whose_parts_add_up_is_one_booking_each() -> None:
    def batch(amounts: tuple[str, ...]) -> str:
        parts = "".join(
            f"<TxDtls><AmtDtls><TxAmt><Amt Ccy='EUR'>{amount}</Amt></TxAmt></AmtDtls>"
            f"<RmtInf><Ustrd>INV-{n}</Ustrd></RmtInf></TxDtls>"
            for n, amount in enumerate(amounts)
        )
        return (
            "<Ntry><Amt Ccy='EUR'>30.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>"
            f"<BookgDt><Dt>{DAY}</Dt></BookgDt><AcctSvcrRef>B</AcctSvcrRef><NtryDtls>{parts}</NtryDtls></Ntry>"
        )

    parts = bookings(batch(("10.00", "20.00")), closing="30.00")
    assert [(b.reference, b.amount, b.remittance) for b in parts] == [
        ("B/1", Decimal("10.00"), "INV-0"),
        ("B/2", Decimal("20.00"), "INV-1"),
    ]
    (whole,) = bookings(batch(("10.00", "19.00")), closing="30.00")
    assert (whole.reference, whole.amount, whole.remittance) == ("B", Decimal("30.00"), "INV-0 INV-1")


def test_repeated_and_missing_references_get_a_position() -> None:
    same = entry_xml("R", "1.00", "CRDT", "x", day=DAY)
    bare = same.replace("<AcctSvcrRef>R</AcctSvcrRef>", "")
    assert [b.reference for b in bookings(same + same + bare + bare)] == ["R", "R#2", "entry#1", "entry#2"]


def test_wrong_balance_quarantines_the_whole_statement() -> None:
    entries = [("R1", "119.00", "CRDT", "a"), ("R2", "7.50", "DBIT", "b")]
    (statement,) = parse(statement_xml("S1", opening="10.00", closing="121.49", entries=entries))
    fault = statement.fault()
    assert fault is not None
    assert fault == ("balance-mismatch", "opening 10.00 + bookings 111.50 = 121.50, but closing is 121.49")


def test_pending_entries_do_not_count_to_the_balance() -> None:
    pending = entry_xml("P", "55.00", "CRDT", "x", day=DAY, status="PDNG")
    (statement,) = parse(statement_xml("S", opening="1.00", closing="1.00", raw_entries=pending))
    assert statement.fault() is None


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ((b"<Cd>CLBD</Cd>", b"<Cd>CLAV</Cd>"), "balance-missing"),
        ((b"<Cd>OPBD</Cd>", b"<Cd>OPAV</Cd>"), "balance-missing"),
        ((b"<Ccy>EUR</Ccy>", b"<Ccy>CHF</Ccy>"), "currency-mixed"),
        (
            (b"1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>", b"1.001</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>"),
            "balance-mismatch",
        ),
    ],
)
def test_what_cannot_be_proven_is_refused(change: tuple[bytes, bytes], rule: str) -> None:
    xml = statement_xml("S", opening="1.00", closing="2.00", entries=[("R", "1.00", "CRDT", "x")])
    (statement,) = parse(xml.replace(*change))
    fault = statement.fault()
    assert fault is not None
    assert fault[0] == rule


def test_amounts_finer_than_the_currency_are_refused() -> None:
    (statement,) = parse(statement_xml("S", opening="1.00", closing="2.001", entries=[("R", "1.001", "CRDT", "x")]))
    fault = statement.fault()
    assert fault is not None
    assert fault[0] == "amount-too-fine"
    assert minor_units(Decimal("1.50"), "JPY") is None
    assert minor_units(Decimal("1.5"), "BHD") == 1500


SECRET = "<!DOCTYPE Document [<!ENTITY x SYSTEM 'file://{path}'>]>"
LAUGHS = (
    "<!DOCTYPE Document [<!ENTITY a 'haha'>"
    + "".join(
        f"<!ENTITY a{n} '{'&a' + (str(n - 1) if n else '') + ';'}{'&a' + (str(n - 1) if n else '') + ';'}'>"
        for n in range(30)
    )
    + "]>"
)


@pytest.mark.parametrize("kind", ["secret", "laughs", "external"])
def test_hostile_documents_are_refused(kind: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOP-SECRET")
    doctype = {
        "secret": SECRET.format(path=secret),
        "laughs": LAUGHS,
        "external": "<!DOCTYPE Document SYSTEM 'http://127.0.0.1:9/x.dtd'>",
    }[kind]
    entity = "&a29;" if kind == "laughs" else "&x;"
    xml = statement_xml("S", opening="0", closing="1.00", entries=[("R", "1.00", "CRDT", entity)])
    hostile = xml.replace(b"?>", b"?>" + doctype.encode(), 1)
    with pytest.raises(RefusedFileError) as refused:
        parse(hostile)
    assert refused.value.rule in ("doctype", "not-xml")
    assert "TOP-SECRET" not in str(refused.value)


@pytest.mark.parametrize(
    ("xml", "rule"),
    [
        (b"", "not-xml"),
        (b"no xml at all", "not-xml"),
        (b"<Document><BkToCstmrStmt>", "not-xml"),
        (b"<Document/>", "not-a-statement"),
        (b"<Document><BkToCstmrAcctRpt><Rpt/></BkToCstmrAcctRpt></Document>", "not-a-statement"),
        (b"<Document><BkToCstmrDbtCdtNtfctn><Ntfctn/></BkToCstmrDbtCdtNtfctn></Document>", "not-a-statement"),
    ],
)
def test_what_is_no_statement_says_so(xml: bytes, rule: str) -> None:
    with pytest.raises(RefusedFileError) as refused:
        parse(xml)
    assert refused.value.rule == rule


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-1.00", "1,00", "9" * 30, "1e400"])
def test_amounts_that_are_none_are_refused(amount: str) -> None:
    with pytest.raises(RefusedFileError) as refused:
        bookings(entry_xml("R", amount, "CRDT", "x", day=DAY))
    assert refused.value.rule == "unreadable-value"


def read(folder: Path, after: str | None = None) -> list[Page]:
    connector = BankConnector()
    options = BankOptions(path=str(folder), timezone="Europe/Berlin")
    (stream,) = connector.streams(options)
    with connector.open(options, base=folder) as opened:
        return list(opened.pages(stream, after))


def good(identification: str = "S1", day: str = DAY) -> bytes:
    return statement_xml(identification, opening="1.00", closing="2.00", entries=[("R", "1.00", "CRDT", "x")], day=day)


def test_folder_with_every_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(good("A"))
    (tmp_path / "b.xml.gz").write_bytes(gzip.compress(good("B")))
    (tmp_path / "ignored.txt").write_bytes(b"x")
    (tmp_path / ".hidden.xml").write_bytes(b"x")
    for name, mode in (("c.tar.xz", "w:xz"), ("d.tgz", "w:gz")):
        with tarfile.open(tmp_path / name, mode) as archive:
            for member in ("in/one.xml", "../../two.xml"):
                data = good(name + member)
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    (page,) = read(tmp_path)
    assert sorted(row["statement"] for row in page.rows.to_pylist()) == [
        "A",
        "B",
        "c.tar.xz../../two.xml",
        "c.tar.xzin/one.xml",
        "d.tgz../../two.xml",
        "d.tgzin/one.xml",
    ]
    assert page.refused == ()
    assert read(tmp_path, page.cursor) == []


def test_file_is_read_once_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(good("A"))
    (first,) = read(tmp_path)
    path.touch()
    (touched,) = read(tmp_path, first.cursor)
    assert touched.rows.num_rows == 0
    path.write_bytes(good("A2"))
    (changed,) = read(tmp_path, touched.cursor)
    assert [row["statement"] for row in changed.rows.to_pylist()] == ["A2"]


def test_one_bad_statement_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(good("A"))
    bad = statement_xml(
        "B", opening="1.00", closing="9.00", entries=[("R", "1.00", "CRDT", "x"), ("Q", "1", "CRDT", "y")]
    )
    (tmp_path / "b.xml").write_bytes(bad)
    (tmp_path / "c.xml").write_bytes(b"<Document><BkToCstmrAcctRpt/></Document>")
    (page,) = read(tmp_path)
    assert [row["statement"] for row in page.rows.to_pylist()] == ["A"]
    assert [(row.source_key, row.rule) for row in page.refused] == [
        ("DE15667295315433120810|B|R", "balance-mismatch"),
        ("DE15667295315433120810|B|Q", "balance-mismatch"),
        ("c.xml", "not-a-statement"),
    ]


def test_watermark_is_the_account_furthest_behind(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(good("A", day="2026-07-03"))
    late = good("B", day="2026-07-01").replace(b"DE15667295315433120810", b"NL44TEST0123456789")
    (tmp_path / "b.xml").write_bytes(late)
    connector = BankConnector()
    options = BankOptions(path=".", timezone="Europe/Berlin")
    with connector.open(options, base=tmp_path) as opened:
        assert opened.watermark() is None
        list(opened.pages(connector.streams(options)[0], None))
        assert opened.watermark() == datetime(2026, 7, 1, 22, tzinfo=UTC)


def test_small_file_that_unpacks_to_an_enormous_one_is_refused(tmp_path: Path) -> None:
    filler = b"<!-- " + b" " * 1_000_000 + b" -->"
    with gzip.open(tmp_path / "bomb.xml.gz", "wb") as file:
        file.write(b"<Document>")
        for _ in range(80):
            file.write(filler)
    (page,) = read(tmp_path)
    assert [row.rule for row in page.refused] == ["file-too-large"]


def test_damaged_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xml.gz").write_bytes(gzip.compress(good())[:-9])
    (tmp_path / "b.tar.xz").write_bytes(b"no archive")
    (page,) = read(tmp_path)
    assert [row.rule for row in page.refused] == ["damaged-archive", "damaged-archive"]


def test_elements_without_meaning_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camt, "_MAX_HELD", 20_000)
    plain = statement_xml("S1", opening="0.00", closing="0.00")
    for place in (b"<BkToCstmrStmt>", b"<Stmt>", b"</Stmt>"):
        data = plain.replace(place, b"<a/>" * 21_000 + place)
        with pytest.raises(RefusedFileError) as refused:
            list(statements(io.BytesIO(data)))
        assert refused.value.rule == "file-too-large"


def test_entries_are_as_many_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that were read are no longer held."""
    monkeypatch.setattr(camt, "_MAX_HELD", 100)
    entries = [(f"R{n}", "1.00", "CRDT", "x") for n in range(300)]
    (read,) = statements(io.BytesIO(statement_xml("S1", opening="0.00", closing="300.00", entries=entries)))
    assert len(read.bookings) == 300


@pytest.mark.parametrize("encoding", ["undefined", "hex", "idna", "zlib", "rot13", "punycode", "no-such", "utf-7"])
def test_encodings_of_no_file_are_counted_all_the_same(tmp_path: Path, encoding: str) -> None:
    data = statement_xml("S1", opening="0.00", closing="1.00", entries=[("R1", "1.00", "CRDT", "x")])
    (tmp_path / "a.xml").write_bytes(data.replace(b'encoding="UTF-8"', f'encoding="{encoding}"'.encode()))
    (file,) = statement_files(tmp_path)
    assert len(entry_keys(file)) == 1


def test_comments_are_counted_in_time_of_their_size(tmp_path: Path) -> None:
    data = statement_xml("S1", opening="0.00", closing="1.00", entries=[("R1", "1.00", "CRDT", "x")])
    (tmp_path / "a.xml").write_bytes(data.replace(b"<Stmt>", b"<!---->" * 1_000_000 + b"<Stmt>"))
    (file,) = statement_files(tmp_path)
    start = time.process_time()
    assert len(entry_keys(file)) == 1
    assert time.process_time() - start < 10


def test_missing_folder_and_zone_are_said() -> None:
    with pytest.raises(ConfigError, match="there is no"):
        read(Path("/nowhere/at/all"))
    from o2c_mining.connect.registry import parse_options

    with pytest.raises(ConfigError, match="IANA time zone"):
        parse_options(BankConnector(), {"path": "x", "timezone": "Mars/Base"}, source="bank")


GOOD = statement_xml(
    "S1", opening="10.00", closing="121.50", entries=[("R1", "119.00", "CRDT", "INV-1"), ("R2", "7.50", "DBIT", "b")]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD) - 1), st.binary(max_size=6), st.integers(0, 40)), min_size=1, max_size=6
    )
)
def test_a_damaged_file_is_read_or_refused_never_more(cuts: list[tuple[int, bytes, int]]) -> None:
    xml = GOOD
    for position, piece, length in cuts:
        xml = xml[:position] + piece + xml[position + length :]
    try:
        found = parse(xml)
    except RefusedFileError as refused:
        assert refused.rule in {"not-xml", "not-a-statement", "unreadable-value", "doctype"}
    else:
        assert all(statement.fault() is None or statement.fault() for statement in found)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD) - 1), st.binary(max_size=6), st.integers(0, 40)), min_size=1, max_size=6
    )
)
def test_whatever_a_damaged_file_holds_is_read_or_refused_by_its_key(cuts: list[tuple[int, bytes, int]]) -> None:
    xml = GOOD
    for position, piece, length in cuts:
        xml = xml[:position] + piece + xml[position + length :]
    with TemporaryDirectory() as folder:
        (Path(folder) / "a.xml").write_bytes(xml)
        (file,) = statement_files(Path(folder))
        (page,) = read(Path(folder))
        counted = entry_keys(file)
    accounted = {entry_key(row["account"], row["statement"], row["reference"]) for row in page.rows.to_pylist()}
    accounted |= {row.source_key for row in page.refused}
    assert set(counted) <= accounted
    if page.rows.num_rows:
        assert set(counted) == accounted
