"""Entities, document types, damage and encodings of XML."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from o2c_mining.errors import ConfigError, O2CError
from tests.exchange.hostile import EVENT, LAUGHS, OCEL, OUTSIDE, XES, read, refused


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
