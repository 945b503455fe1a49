"""Damaged JSON, and ids that mean two things."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from o2c_mining.errors import LogError
from tests.exchange.hostile import refused
from tests.exchange.logs import load, tables, workspace


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
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"objects": [{"id": "o", "type": "u"}], "events": [event]}), encoding="utf-8")
    with pytest.raises(LogError, match="calls 'o' a u"):
        load(where, other)
    assert len(tables(where)["events"]) == 1
