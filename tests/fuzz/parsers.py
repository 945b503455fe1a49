"""Every parser of untrusted files as one function of bytes, with the errors it may raise and files to begin with."""

from __future__ import annotations

import gzip
import io
import sqlite3
import tarfile
import zipfile
from contextlib import closing, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.bank_statements.camt import RefusedFileError, statements
from connectors.bank_statements.count import entry_keys
from connectors.bank_statements.files import open_streams, statement_files
from o2c_mining.bootstrap import export_log
from o2c_mining.config import Limits
from o2c_mining.errors import O2CError
from o2c_mining.exchange import read_flat  # noqa: F401  imported late elsewhere, when the fuzzer no longer looks
from o2c_mining.exchange.mapping import read_mapping
from o2c_mining.exchange.read import Asked, read_log
from tests.connectors.camt_files import statement_xml
from tests.exchange.logs import rich

DECLARED = (O2CError, RefusedFileError)
LIMITS = Limits(raw_mb=16, free_mb=4, compressed_mb=4, excel_mb=16, events=50_000)
FORMATS = {
    "xes": "xes",
    "ocel_json": "ocel-json",
    "ocel_xml": "ocel-xml",
    "ocel_sqlite": "ocel-sqlite",
    "csv": "csv",
    "parquet": "parquet",
}
PARSERS = (
    "xes",
    "ocel_xml",
    "ocel_json",
    "ocel1_json",
    "ocel1_xml",
    "camt",
    "mapping",
    "ocel_sqlite",
    "csv",
    "flat",
    "xlsx",
    "parquet",
)
_PART, _NAME = b"\0\0", b"\0"  # between the parts of a workbook, and between a part and its name

_OCEL1 = (
    b'{"ocel:global-event":{},"ocel:global-log":{"ocel:version":"1.0"},"ocel:events":{"e1":{"ocel:activity":"A",'
    b'"ocel:timestamp":"2026-01-05T10:00:00Z","ocel:omap":["o1",""],"ocel:vmap":{"n":1,"t":"x\\u00e9"},'
    b'"ocel:typedOmap":[{"ocel:oid":"o1","ocel:qualifier":"q"}]}},"ocel:objects":{"o1":{"ocel:type":"t",'
    b'"ocel:ovmap":{"a":1.5,"b":null},"ocel:o2o":[{"ocel:oid":"o1","ocel:qualifier":""}]}},'
    b'"ocel:objectChanges":[{"ocel:oid":"o1","ocel:type":"t","ocel:field":"a","a":"2",'
    b'"ocel:timestamp":"2026-01-06T10:00:00Z"}]}'
)
_OCEL1_XML = (
    b'<?xml version="1.0" encoding="UTF-8"?><log><global scope="object"><string key="ocel:type" value="x"/></global>'
    b'<events><event><string key="id" value="e1"/><string key="activity" value="A"/>'
    b'<date key="timestamp" value="2026-01-05T10:00:00Z"/><list key="omap"><string key="object-id" value="o1"/>'
    b'<string key="object-id" value=""/></list><list key="vmap"><float key="n" value="1.5"/></list></event></events>'
    b'<objects><object><string key="id" value="o1"/><string key="type" value="t"/><list key="ovmap">'
    b'<date key="d" value="2026-01-05T10:00:00Z"/></list></object></objects></log>'
)
_OCEL1_CSV = (
    b"ocel:eid,ocel:timestamp,ocel:activity,ocel:type:order,ocel:type:item,cost\n"
    b"e1,2026-01-05T10:00:00Z,A,\"['o1']\",\"['i1', 'i2']\",5\n"
)
_TABLES = (
    b"Case ID;Activity;Timestamp;User;Amount\n1;A;05.01.2026 10:00;ann;1.234,50\n1;B;13.01.2026;bob;7,5\n2;A;;ann;\n",
    b'case,activity,time\n1,A,2026-01-05T10:00Z\n1,"B ""x""\ny",2026-01-05T11:00Z\n',
    "Auftrag\tAktivität\tDatum\n1\tBestätigt\t05.01.2026 10:00\n".encode("cp1252"),
    "case|activity|time\n1|A|01/02/2026 9:05 PM\n".encode("utf-16"),
)
_MAPPING = (
    b"case_type: order\ncase: Case ID\nactivity: Activity\ntimestamp: Timestamp\nresource: User\nencoding: utf-8\n"
    b"delimiter: ;\ndecimal: ','\ntimezone: Europe/Berlin\ndates:\n  Timestamp: day-first\n"
)


def parse(name: str, data: bytes, folder: Path) -> None:
    """Read bytes as a file of that kind; raises only what is declared, in one line of three parts."""
    for path in folder.iterdir():  # what an earlier file left is no part of this one
        if path.is_file():
            path.unlink()
    try:
        _parse(name, data, folder)
    except O2CError as error:
        told = str(error)
        assert told.isprintable() and told.count(";") >= 2, f"not a line of three parts: {told!r}"
        raise


def _parse(name: str, data: bytes, folder: Path) -> None:
    if name == "mapping":
        path = folder / "orders.csv.mapping.yaml"
        path.write_bytes(data)
        read_mapping(path)
    elif name == "flat":
        _flat(data, folder)
    elif name == "camt":
        is_tar = data[257:262] == b"ustar"
        ending = ".xml.gz" if data.startswith(b"\x1f\x8b") else ".tar" if is_tar else ".xml"
        (folder / f"statement{ending}").write_bytes(data)
        _camt(folder)
    elif name == "xlsx" and not data.startswith(b"PK"):
        (folder / "log").write_bytes(_packed(data))
        read_log(folder / "log", LIMITS, Asked(timezone="UTC", accept=True))
    else:
        path = folder / "log"
        path.write_bytes(data)
        read_log(path, LIMITS, Asked(timezone="UTC", accept=True))


def _flat(data: bytes, folder: Path) -> None:
    """A mapping and the table it is for, with a zero byte between; without one, the table whose mapping is proposed."""
    mapping, _, table = data.rpartition(b"\0\0")
    path, beside = folder / "orders.csv", folder / "orders.csv.mapping.yaml"
    path.write_bytes(table)
    if mapping:
        beside.write_bytes(mapping)
    with suppress(O2CError):
        read_log(path, LIMITS, Asked(timezone=None, accept=bool(mapping)))
    read_log(path, LIMITS, Asked(timezone="UTC", accept=True))  # by the mapping that was kept


def _camt(folder: Path) -> None:
    for file in statement_files(folder):
        "\n".join(entry_keys(file)).encode()
        for _, stream in open_streams(file):
            for _ in statements(stream):
                pass


def _packed(data: bytes) -> bytes:
    """A workbook of the parts that bytes name: so what is changed are its parts, not what packs them."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        parts = dict(part.partition(_NAME)[::2] for part in data.split(_PART))
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name.decode("utf-8", "replace")), text)
    return target.getvalue()


def _unpacked(workbook: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        names = [name for name in archive.namelist() if "theme" not in name and "docProps" not in name]
        return _PART.join(name.encode() + _NAME + archive.read(name) for name in names)


def seeds(name: str, folder: Path) -> list[bytes]:
    """Whole files of that kind, made here."""
    if name in FORMATS:
        path = folder / f"log.{name}"
        export_log(rich(folder / "w"), path, FORMATS[name])
        if name == "ocel_sqlite":
            with closing(
                sqlite3.connect(path)
            ) as database:  # small pages: fewer bytes, and more of them mean something
                database.execute("PRAGMA page_size = 512")
                database.execute("VACUUM")
        data = path.read_bytes()
        if name == "csv":
            return [data, _OCEL1_CSV, *_TABLES]
        if name == "parquet":
            return [data, *_tables()]
        return [data, gzip.compress(data)] if name in ("xes", "ocel_xml") else [data]
    if name == "ocel1_json":
        return [_OCEL1]
    if name == "ocel1_xml":
        return [_OCEL1_XML, gzip.compress(_OCEL1_XML, mtime=0)]
    if name == "camt":
        entries = [("R1", "10.00", "CRDT", "INV-1"), ("R2", "5.00", "DBIT", "fee")]
        data = statement_xml("S1", opening="0.00", closing="5.00", entries=entries)
        return [data, gzip.compress(data, mtime=0), _tar(data)]
    if name == "mapping":
        return [_MAPPING]
    if name == "flat":
        return [*_TABLES, _MAPPING + b"\0\0" + _TABLES[0]]
    workbook = _workbook()
    return [workbook, _unpacked(workbook)]


def _tar(data: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo("july.xml")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return target.getvalue()[:4096]  # the rest is zeros


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["case", "activity", "time"], [1, "A", "2026-01-05T10:00Z"], ["c2", "B", "2026-01-06T11:00Z"]):
        sheet.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _tables() -> list[bytes]:
    plain = pa.table({"case": ["1"], "activity": ["A"], "time": ["2026-01-05T10:00Z"]})
    time = datetime(2026, 1, 5, 10, tzinfo=UTC)
    typed = pa.table(
        {
            "case": pa.array([1, 1, 2]),
            "activity": pa.array(["A", "B", "A"]).dictionary_encode(),
            "time": pa.array([time, time, None], pa.timestamp("us", tz="Europe/Berlin")),
            "amount": pa.array([Decimal("1.50"), None, Decimal("2.25")]),
            "share": [0.5, None, float("nan")],
            "paid": [True, False, None],
            "day": pa.array([time.date()] * 3),
            "bytes": [b"x", b"y", None],
        }
    )
    files = []
    for table, options in ((plain, {}), (plain, {"compression": "none", "use_dictionary": False}), (typed, {})):
        target = io.BytesIO()
        pq.write_table(table, target, **options)
        files.append(target.getvalue())
    return files
