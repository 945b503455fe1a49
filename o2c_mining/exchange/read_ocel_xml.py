"""OCEL 2.0 as XML."""

from __future__ import annotations

from pathlib import Path

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import Value, declared
from o2c_mining.exchange.collect import Report
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.limits import MEGABYTE, blocks
from o2c_mining.exchange.ocel import OcelCollector
from o2c_mining.exchange.xml import ElementCount, Idle, walk_guarded
from o2c_mining.log.schema import EVENT, OBJECT

_LONGEST_VALUE = 16 * MEGABYTE
_TYPES = {"event-type": EVENT, "object-type": OBJECT}
_RELATIONS = ("relationship", "relobj")


def read_ocel_xml(
    path: Path, limits: Limits, *, report: Report | None = None, spill: Path | None = None
) -> ImportedLog:
    """The log of an OCEL 2.0 file in XML, plain or gzipped.

    Raises
    ------
    LogError
        If the file is damaged or hostile, or a scan of its bytes finds other numbers of events, objects or references.
    """
    count = ElementCount(path.name, ("event", "object", *_RELATIONS))
    log = _Ocel(OcelCollector(path.name, limits, report, spill))
    walk_guarded(path.name, count.through(blocks(path, limits)), log.start, log.end, log.text)
    for (of, type_), attributes in log.types.items():
        log.collector.declare(of, type_, attributes)
    imported = log.collector.finish()
    counted = count.found
    related = sum(counted[name] for name in _RELATIONS) + counted["object"]
    account_for(imported, {"events": counted["event"], "objects+e2o+o2o": related}, by="a scan of the bytes")
    return imported


class _Ocel:
    def __init__(self, collector: OcelCollector) -> None:
        self.collector = collector
        self.types: dict[tuple[str, str], dict[str, str]] = {}
        self._kinds: dict[str, str] | None = None
        self._idle = Idle(collector.source)
        self._item: dict[str, str] | None = None
        self._is_event = False
        self._values: list[tuple[str, str | None, Value]] = []
        self._related: list[tuple[str | None, str | None]] = []
        self._attribute: dict[str, str] | None = None
        self._parts: list[str] = []
        self._length = 0
        self._inner = 0  # relations written as <object object-id=...>

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _TYPES:
            self._kinds = self.types.setdefault((_TYPES[tag], attributes.get("name", "")), {})
        elif tag == "attribute":
            if self._item is not None:
                self._attribute, self._parts, self._length = attributes, [], 0
            elif self._kinds is not None:
                self._kinds[attributes.get("name", "")] = attributes.get("type", "string")
        elif tag in _RELATIONS or (tag == "object" and self._item is not None and "object-id" in attributes):
            self._inner += tag == "object"
            self._related.append((attributes.get("object-id"), attributes.get("qualifier")))
        elif tag in ("object", "event") and self._item is None:
            self._item, self._is_event = attributes, tag == "event"
            self._values, self._related = [], []
        elif self._item is None:
            self._idle.add()

    def text(self, part: str) -> None:
        if self._attribute is not None:
            self._parts.append(part)
            self._length += len(part)
            if self._length > _LONGEST_VALUE:
                raise LogError(
                    f"{self.collector.source} has a value of more than 16 MB; expected an event log; check the file"
                )

    def end(self, tag: str) -> None:
        if tag in _TYPES:
            self._kinds = None
        elif tag == "attribute" and self._attribute is not None and self._item is not None:
            name = self._attribute.get("name", "")
            kinds = self.types.get((EVENT if self._is_event else OBJECT, self._item.get("type", "")), {})
            value = declared("".join(self._parts), kinds.get(name, "string"))
            self._values.append((name, self._attribute.get("time"), value))
            self._attribute = None
        elif tag == "event" and self._item is not None and self._is_event:
            self._ended()
        elif tag == "object" and self._inner:
            self._inner -= 1
        elif tag == "object" and self._item is not None and not self._is_event:
            self._ended()

    def _ended(self) -> None:
        item = self._item or {}
        self._item = None
        identity, kind = item.get("id", ""), item.get("type", "")
        if self._is_event:
            values = self.collector.single((name, value) for name, _, value in self._values)
            self.collector.event(identity, kind, item.get("time", ""), values, self._related)
        else:
            self.collector.object(identity, kind, self._values, self._related)
