"""Traces read by columns and traces read by the parser are the same, however a file is written and cut."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange import read_xes as module
from o2c_mining.exchange import xes_pieces
from o2c_mining.exchange.imported import ImportedLog
from o2c_mining.exchange.read_xes import read_xes
from o2c_mining.exchange.xes_tokens import piece_of

HEADS = [
    '<?xml version="1.0" encoding="UTF-8"?>\n<log xmlns="http://www.xes-standard.org/">\n',
    '<log>\n<!-- made by "hand": <event> --><extension name="Concept"/><global scope="event">'
    '<string key="concept:name" value="x"/></global><string key="whose" value="ours"/>',
]
TIMES = [
    "2026-01-05T09:00:00Z", "2026-01-05T09:00:00.123Z", "2026-01-05T09:00:00.123456Z", "2026-01-05T09:00:00+01:00",
    "2026-01-05T09:00:00.5+01:00", "2026-01-05T09:00:00.123-05:30", "2026-01-05T09:00:00.123456+00:00", "2026-01-05",
    "2026-01-05T09:00", "2026-01-05T09:00:00", " 2026-01-05T09:00:00Z ", "2026-01-05 09:00:00+01:00", "yesterday", "",
    "2026-02-30T09:00:00Z", "2026-01-05T24:00:00Z", "2026-01-05T09:00:61Z", "0000-01-05T09:00:00Z",
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2026-01-05T09:00:00+25:00", "2026-01-05T09:00:00+0100",
    "20260105T090000Z", "2026-W02-1T09:00:00Z", "2026-01-05T09:00:00.123456789+01:00", "2026-01-05T09:00:00z",
    "1969-12-31T23:59:59.999999Z", "2026-01-05T09:00:00.100+01:00:30", "2026-01-05T09:00:00\u22121:00",
]  # fmt: skip
WORDS = [
    "A",
    "B",
    " ",
    "",
    "Ärger & Co <x>",
    'say "so"',
    "a\nb",
    "tab\there",
    "日本",
    "é" * 9,
    "x'y",
    "5",
    "true",
    "-->",
]


def attribute(chance: random.Random, key: str, value: str | None, *, odd: bool, tag: str = "string") -> str:
    """One attribute, now and then written otherwise."""
    if value is None:
        return f"<{tag} key={quoteattr(key)}/>"
    quoted = quoteattr(value, {"\n": "&#10;", "\t": "&#x9;", '"': "&quot;"})
    if quoted.startswith("'"):
        quoted = '"' + quoted[1:-1] + '"'
    if odd and chance.random() < 0.05:
        return chance.choice([
            f"<{tag} key={quoteattr(key)} value={quoted}><string key=\"inner\" value=\"v\"/></{tag}>",
            f"<{tag} value={quoted} key={quoteattr(key)}/>",
            f"<{tag} key='{key}' value={quoted}/>" if "'" not in key else "",
            f"<{tag} key={quoteattr(key)} value={quoted}/><!-- <event> \"quoted\" -->",
            f"<list key=\"many\"><values><{tag} key={quoteattr(key)} value={quoted}/></values></list>",
            f"<{tag} key={quoteattr(key)} value=\"a\nb\"/>",
            f"<{tag} key={quoteattr(key)} value={quoted}/>text",
            f"<{tag} key={quoteattr(key)}/>",
        ])  # fmt: skip
    end = f"></{tag}>" if chance.random() < 0.1 else "/>"
    space = chance.choice([" ", "  ", "\n "])
    return f"<{tag}{space}key={quoteattr(key)} value={quoted}{end}" + chance.choice(["", "\n", "\r\n\t"])


def event(chance: random.Random, *, odd: bool, steps: list[str]) -> str:
    parts = []
    if chance.random() < 0.97:
        parts.append(attribute(chance, "concept:name", chance.choice(WORDS[:2] * 9 + WORDS), odd=odd))
    if chance.random() < 0.97:
        written = chance.choice(TIMES[:7] * 4 + TIMES)
        parts.append(attribute(chance, "time:timestamp", written, odd=odd, tag="date"))
    if chance.random() < 0.6:
        parts.append(attribute(chance, "lifecycle:transition", chance.choice(steps), odd=odd))
    for key in ("org:resource", "org:group", "org:role", "system", "concept:instance", "cost", "note", "a'b", "cost"):
        if chance.random() < 0.3:
            tag = chance.choice(["string", "int", "float", "boolean", "id", "date"])
            parts.append(attribute(chance, key, chance.choice(WORDS), odd=odd, tag=tag))
    chance.shuffle(parts)
    if not parts and not odd:
        parts = [attribute(chance, "concept:name", "A", odd=False)]
    return "<event>" + "".join(parts) + "</event>"


def document(seed: int, *, odd: bool, steps: list[str]) -> str:
    chance = random.Random(seed)
    traces = []
    for number in range(chance.randrange(1, 30)):
        parts = []
        if chance.random() < 0.9:
            name = chance.choice([f"c{number}", "c1", " ", str(number)])
            parts.append(attribute(chance, "concept:name", name, odd=odd, tag=chance.choice(["string", "int"])))
        for key in ("amount", "region", "number", "due"):
            if chance.random() < 0.4:
                tag = chance.choice(["string", "float", "int", "date", "boolean"])
                parts.append(attribute(chance, key, chance.choice([*WORDS, "12.5", "7", TIMES[0]]), odd=odd, tag=tag))
        events = [event(chance, odd=odd, steps=steps) for _ in range(chance.randrange(0 if parts else 1, 8))]
        if odd and chance.random() < 0.1:
            events.append(attribute(chance, "late", "x", odd=False))
        traces.append("<trace>" + "".join(parts + events) + "</trace>")
    if odd and chance.random() < 0.3:
        traces.insert(chance.randrange(len(traces)), event(chance, odd=False, steps=steps))
    return chance.choice(HEADS) + chance.choice(["", "\n"]).join(traces) + "\n</log>\n"


def outcome(path: Path) -> Any:
    try:
        log = read_xes(path, Limits(), case_type="order")
    except LogError as error:
        return str(error)
    return plain(log)


def plain(log: ImportedLog) -> Any:
    tables = {name: (table.schema, table.to_pylist()) for name, table in log.tables.items()}
    return tables, log.read, log.refused.to_pylist(), log.merged, log.notes


def small_blocks(size: int) -> Any:
    def blocks(path: Path, limits: Limits) -> Iterator[bytes]:
        data = path.read_bytes()
        yield from (data[at : at + size] for at in range(0, len(data), size))

    return blocks


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("steps", [["complete", "COMPLETE", "schedule", ""], ["complete", "start", "suspend"]])
def test_by_columns_is_by_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: bool, steps: list[str]) -> None:
    path = tmp_path / "log.xes"
    taken = []

    def counted(data: bytes) -> Any:
        piece = piece_of(data)
        taken.append(piece is not None)
        return piece

    for seed in range(60):
        path.write_text(document(seed, odd=odd, steps=steps), encoding="utf-8", newline="")
        monkeypatch.setattr(module, "piece_of", lambda data: None)
        expected = outcome(path)
        monkeypatch.setattr(module, "piece_of", counted)
        assert outcome(path) == expected, seed
        with monkeypatch.context() as patch:
            patch.setattr(xes_pieces, "blocks", small_blocks(97))
            patch.setattr(xes_pieces, "_SIZE", random.Random(seed).choice([100, 2000, 4000]))
            patch.setattr(module, "_MOST_STRANGE", 1000)
            assert outcome(path) == expected, seed
    assert sum(taken) > (20 if odd else 100)


TRACE = '<trace><string key="concept:name" value="c"/><event><string key="concept:name" value="A"/></event></trace>'


@pytest.mark.parametrize(
    "data",
    [
        TRACE.replace("</event>", "</trace>"),
        TRACE.replace("</event></trace>", "</trace></event>"),
        TRACE.replace("</event>", ""),
        TRACE.replace("</trace>", ""),
        TRACE.replace("<event>", "<event><event>"),
        TRACE.replace("<event>", ""),
        TRACE.replace('"A"', '"<"'),
        TRACE.replace('"A"', '"&x;"'),
        TRACE.replace('"A"', '"& "'),
        TRACE.replace('"A"', '"&#0;"'),
        TRACE.replace('"A"', '"&#xD800;"'),
        TRACE.replace('"A"', '"\x01"'),
        TRACE.replace('"A"', '"\ufffe"'),
        TRACE.replace('"A"', '"a\nb"'),  # a parser makes a space of it
        TRACE.replace('"A"/>', '"A"></int>'),
        TRACE.replace('"A"/>', '"A">'),
        TRACE.replace('"A"/>', '"A" other="x"/>'),
        TRACE.replace('"A"', "'A'"),
        TRACE.replace("<event>", "text<event>"),
        TRACE.replace("<event>", "<!-- --><event>"),
        TRACE.replace("<event>", '<event id="5">'),
        TRACE.replace("</trace>", '<string key="late" value="x"/></trace>'),
        TRACE + '<string key="outside" value="x"/>',
        "<trace></trace>",
        "",
    ],
)
def test_whatever_is_not_in_the_plain_shape_is_left_to_the_parser(data: str) -> None:
    assert piece_of(TRACE.encode()) is not None
    assert piece_of(data.encode()) is None


def test_half_a_character_is_left_to_the_parser() -> None:
    assert piece_of(TRACE.encode().replace(b'"A"', b'"\xff"')) is None


def test_traces_in_a_comment_are_no_traces(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    for hidden in (f"<!-- {TRACE} -->", f'<string key="a" value="-->"/><!-- {TRACE}{TRACE} --><string key="<!--"/>'):
        path.write_text(f"<log>{hidden}{TRACE}</log>", encoding="utf-8")
        found = outcome(path)
        assert isinstance(found, str) or len(found[0]["objects"][1]) == 1
