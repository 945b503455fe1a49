"""Every parser of untrusted files as one function of bytes, with the errors it may raise and files to begin with."""

from __future__ import annotations

import gzip
import io
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.bank_statements.camt import RefusedFileError
from connectors.bank_statements.files import open_streams, statement_files
from o2c_mining.bootstrap import export_log
from o2c_mining.config import Limits
from o2c_mining.errors import O2CError
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
    "camt",
    "mapping",
    "ocel_sqlite",
    "csv",
    "flat",
    "xlsx",
    "parquet",
)

_OCEL1 = (
    b'{"ocel:global-event":{},"ocel:global-log":{"ocel:version":"1.0"},"ocel:events":{"e1":{"ocel:activity":"A",'
    b'"ocel:timestamp":"2026-01-05T10:00:00Z","ocel:omap":["o1",""],"ocel:vmap":{"n":1,"t":"x\\u00e9"},'
    b'"ocel:typedOmap":[{"ocel:oid":"o1","ocel:qualifier":"q"}]}},"ocel:objects":{"o1":{"ocel:type":"t",'
    b'"ocel:ovmap":{"a":1.5,"b":null},"ocel:o2o":[{"ocel:oid":"o1","ocel:qualifier":""}]}},'
    b'"ocel:objectChanges":[{"ocel:oid":"o1","ocel:type":"t","ocel:field":"a","a":"2",'
    b'"ocel:timestamp":"2026-01-06T10:00:00Z"}]}'
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
    """Read bytes as a file of that kind; raises only what is declared."""
    if name == "mapping":
        path = folder / "orders.csv.mapping.yaml"
        path.write_bytes(data)
        read_mapping(path)
    elif name == "flat":
        _flat(data, folder)
    elif name == "camt":
        path = folder / "statement.xml"
        path.write_bytes(data)
        _camt(folder)
    else:
        path = folder / "log"
        path.write_bytes(data)
        read_log(path, LIMITS, Asked(timezone="UTC", accept=True))


def _flat(data: bytes, folder: Path) -> None:
    """A mapping and the table it is for, with a zero byte between; without one, the table whose mapping is proposed."""
    mapping, _, table = data.rpartition(b"\0\0")
    path, beside = folder / "orders.csv", folder / "orders.csv.mapping.yaml"
    path.write_bytes(table)
    beside.unlink(missing_ok=True)
    if mapping:
        beside.write_bytes(mapping)
    with suppress(O2CError):
        read_log(path, LIMITS, Asked(timezone=None, accept=bool(mapping)))
    read_log(path, LIMITS, Asked(timezone="UTC", accept=True))  # by the mapping that was kept


def _camt(folder: Path) -> None:
    from connectors.bank_statements.camt import statements
    from connectors.bank_statements.count import entry_keys

    for file in statement_files(folder):
        for _, stream in open_streams(file):
            for _ in statements(stream):
                pass
        entry_keys(file)


def seeds(name: str, folder: Path) -> list[bytes]:
    """Whole files of that kind, made here."""
    if name in FORMATS:
        path = folder / f"log.{name}"
        export_log(rich(folder / "w"), path, FORMATS[name])
        data = path.read_bytes()
        if name == "csv":
            return [data, _OCEL1_CSV, *_TABLES]
        if name == "parquet":
            return [data, _table()]
        return [data, gzip.compress(data)] if name in ("xes", "ocel_xml") else [data]
    if name == "ocel1_json":
        return [_OCEL1]
    if name == "camt":
        entries = [("R1", "10.00", "CRDT", "INV-1"), ("R2", "5.00", "DBIT", "fee")]
        return [statement_xml("S1", opening="0.00", closing="5.00", entries=entries)]
    if name == "mapping":
        return [_MAPPING]
    if name == "flat":
        return [*_TABLES, _MAPPING + b"\0\0" + _TABLES[0]]
    return [_workbook()]


def _workbook() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["case", "activity", "time"], [1, "A", "2026-01-05T10:00Z"], ["c2", "B", "2026-01-06T11:00Z"]):
        sheet.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _table() -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({"case": ["1"], "activity": ["A"], "time": ["2026-01-05T10:00Z"]}), target)
    return target.getvalue()
