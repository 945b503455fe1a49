"""OCEL 1.0 as XML: events and objects as XES writes attributes, an element per value with its key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from o2c_mining.config import Limits
from o2c_mining.exchange.attributes import Value, declared
from o2c_mining.exchange.collect import Report
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.limits import blocks
from o2c_mining.exchange.ocel import OcelCollector
from o2c_mining.exchange.xes_objects import KINDS
from o2c_mining.exchange.xml import ElementCount, Idle, walk_guarded

_REFERENCE = "object-id"
_WRITTEN = re.compile(rb"\skey\s*=\s*[\"']object-id[\"']")
_ITEMS = ("event", "object")
_MEMBERS, _VALUES = "omap", ("vmap", "ovmap")


def read_ocel1_xml(
    path: Path, limits: Limits, *, report: Report | None = None, spill: Path | None = None
) -> ImportedLog:
    """The log of an OCEL 1.0 file in XML, plain or gzipped: the same rows as its JSON, where that has no qualifiers.

    Raises
    ------
    LogError
        If the file is damaged or hostile, or a scan of its bytes finds other numbers of events, objects or references.
    """
    count, references = ElementCount(path.name, _ITEMS), _References()
    log = _Ocel1(OcelCollector(path.name, limits, report, spill))
    walk_guarded(path.name, references.through(count.through(blocks(path, limits))), log.start, log.end)
    imported = log.collector.finish()
    counted = {
        "events": count.found["event"],
        "objects": count.found["object"],
        "e2o": references.found - log.elsewhere,
    }
    account_for(imported, counted, by="a scan of the bytes")
    return imported


class _References:
    """How many elements name an object; a second opinion, formed on the bytes."""

    def __init__(self) -> None:
        self.found = 0

    def through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces as they are, each counted up to its last element."""
        rest = b""
        for piece in pieces:
            data = rest + piece
            cut = max(data.rfind(b"<"), 0)
            self.found += len(_WRITTEN.findall(data, 0, cut))
            rest = data[cut:]
            yield piece
        self.found += len(_WRITTEN.findall(rest))


class _Ocel1:
    """Where the walk is: in an event or object, and in which of its lists."""

    def __init__(self, collector: OcelCollector) -> None:
        self.collector = collector
        self.elsewhere = 0  # elements that are called like a reference and are none
        self._idle = Idle(collector.source)
        self._item: str | None = None
        self._open: list[str] = []  # keys of the elements around
        self._facts: dict[str, str] = {}
        self._values: list[tuple[str, Value]] = []
        self._members: list[tuple[str | None, str | None]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        key = attributes.get("key", "")
        is_member = self._item is not None and key == _REFERENCE and self._open == [_MEMBERS]
        self.elsewhere += key == _REFERENCE and not is_member
        if self._item is None:
            if tag in _ITEMS:
                self._item, self._open = tag, []
                self._facts, self._values, self._members = {}, [], []
            else:
                self._idle.add()
            return
        written = attributes.get("value", "")
        if is_member:
            self._members.append((written, ""))
        elif not self._open and tag in KINDS and tag != "list":
            self._facts[key] = written
        elif len(self._open) == 1 and self._open[0] in _VALUES and "value" in attributes:
            self._values.append((key, declared(written, KINDS.get(tag, "string"))))
        self._open.append(key)

    def end(self, tag: str) -> None:
        if self._item is None:
            return
        if self._open:
            self._open.pop()
            return
        facts, kind, self._item = self._facts, self._item, None
        if kind == "event":
            values = self.collector.single(self._values)
            self.collector.event(
                facts.get("id", ""), facts.get("activity", ""), facts.get("timestamp", ""), values, self._members
            )
        else:
            history = [(name, None, value) for name, value in self._values]
            self.collector.object(facts.get("id", ""), facts.get("type", ""), history, ())
