"""What OCEL has no place for, and how it travels all the same: names that all OCEL readers and writers here share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import TypeGuard

from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import MAX_ATTRIBUTES, SAID_AS, Value, kind_of, midnight, text
from o2c_mining.exchange.collect import ChangeRow, Collector, EventRow, RelationRow
from o2c_mining.exchange.imported import ImportedLog
from o2c_mining.exchange.moments import moment
from o2c_mining.exchange.systems import SYSTEM
from o2c_mining.log.refusals import EVENT_REFUSED
from o2c_mining.log.schema import EVENT, OBJECT, UNKNOWN_TYPE

# Columns of an event that go out as attributes: plain words for what every tool can use, marked for what only we read.
PLAIN = ("resource", "resource_kind", "team", "system")
MARKED = ("system", "start_time", "precision", "source_seq", "source_table", "source_key", "old_value", "new_value")
MARK = "o2c:"
# Values of these that columns cannot tell from none: they stay attributes.
_SAYS_NOTHING = {"system": ("",), "resource_kind": ("", "unknown")}
RELATIONS = "o2c:relations"  # on an object: quantity, amount and more of its relations, as JSON
CHANGE = "o2c:change:"  # on an object: a change that is more than a new value of an attribute, as JSON
RELATION_FIELDS = ("quantity", "unit", "amount_minor", "currency", "method", "confidence")
_SHOWN = 40  # characters of a value in a reason
_SEQ = re.compile(r"-?[0-9]{1,18}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # what a value that was there at first has for its time


class OcelCollector(Collector):
    """A collector that takes events and objects as OCEL writes them."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self._position = 0
        self._untyped = 0
        self._refused_events: set[str] = set()
        self.is_typed = True  # whether the format tells numbers from text
        self._declared: dict[tuple[str, str], dict[str, str]] = {}
        self._seen: dict[tuple[str, str], dict[str, set[type]]] = {}

    def declare(self, of: str, type_: str, attributes: Mapping[str, str]) -> None:
        """Keep what the file says of the attributes of a type ``of`` events or objects."""
        known = self._declared.setdefault((of, type_), {})
        known.update(attributes)
        if len(known) > MAX_ATTRIBUTES:
            raise LogError(
                f"{self.source} declares {len(known):,} attributes of {type_[:_SHOWN]!r}; expected at most "
                f"{MAX_ATTRIBUTES:,}; an attribute's name must not hold a value: export it differently"
            )

    def attribute_types(self, kept_as: Mapping[str, str]) -> Iterator[tuple[object, ...]]:
        """As the values are, whatever the file declares of them; as it declares where there are none."""
        if not self.is_typed:
            return
        for of, type_ in dict.fromkeys((*self._declared, *self._seen)):
            if not type_.strip():
                continue
            declared, seen = self._declared.get((of, type_), {}), self._seen.get((of, type_), {})
            yield of, type_, "", None, "", True
            for name in dict.fromkeys((*declared, *seen)):
                if name and not name.startswith(MARK):
                    kind = kind_of(seen[name]) if name in seen else SAID_AS.get(declared[name], "string")
                    yield of, type_, name, kind, kept_as.get(name, name) if of == OBJECT else name, name in seen

    def finish(self) -> ImportedLog:
        """The tables."""
        if self._untyped:
            self.note(f"{self._untyped:,} objects have no type and are kept as type {UNKNOWN_TYPE!r}")
        return super().finish()

    def single(self, attributes: Iterable[tuple[str, Value]]) -> dict[str, Value]:
        """Attributes by name, the last value where a name is there twice."""
        found: dict[str, Value] = {}
        for name, value in attributes:
            self.repeated += name in found
            found[name] = value
        return found

    def event(
        self,
        event_id: str,
        activity: str,
        written: str,
        attributes: Mapping[str, Value],
        references: Iterable[tuple[str | None, str | None]],
        *,
        position: int | None = None,
    ) -> None:
        """Keep an event with what it refers to; without id, activity or time it is refused, its references too."""
        place = self._position if position is None else position
        self._position += 1
        found = moment(written)
        if not event_id.strip() or not activity.strip() or found is None:
            reason = _missing(event_id, activity, written)
            self.refuse("events", event_id or f"event {place + 1}", "missing id, activity or time", reason)
            self._refused_events.add(event_id)
            for object_id, qualifier in references:
                self.reference(event_id, object_id, qualifier)
            return
        self.dated(found)
        seen = self._seen.setdefault((EVENT, activity), {})
        for name, value in attributes.items():
            if value is not None:
                _add_kind(seen, name, value)
        rest = {
            name: text(midnight(value) if isinstance(value, date) else value)
            for name, value in attributes.items()
            if value is not None
        }
        taken = {name: rest.pop(name, None) for name in PLAIN}
        rest |= {name: value for name, value in taken.items() if value in _SAYS_NOTHING.get(name, ())}
        marked = {name: rest.pop(MARK + name, None) for name in MARKED} if any(n.startswith(MARK) for n in rest) else {}
        started = moment(marked.get("start_time") or "")
        seq = marked.get("source_seq")
        self.places_told |= seq is not None
        precision = marked.get("precision")
        self.add_event(
            EventRow(
                event_id,
                activity,
                found.time,
                started.time if started is not None else None,
                found.offset_minutes,
                precision if precision in ("second", "minute", "day") else found.precision,
                _place(seq, place),
                taken["resource"],
                taken["resource_kind"] or "unknown",
                taken["team"],
                taken["system"] or marked.get("system") or self.source,
                marked.get("source_table") or (None if marked else self.source),
                marked.get("source_key") or (None if marked else event_id),
                marked.get("old_value"),
                marked.get("new_value"),
                rest,
            )
        )
        for object_id, qualifier in references:
            self.add_reference(event_id, object_id, qualifier)

    def reference(self, event_id: str, object_id: str | None, qualifier: str | None) -> None:
        """Keep what an event refers to, where a file lists it apart from the event."""
        if event_id in self._refused_events and object_id and object_id.strip():
            self.refuse("e2o", f"{event_id} {object_id}", EVENT_REFUSED, "its event was refused")
        else:
            self.add_reference(event_id, object_id, qualifier)

    def object(
        self,
        object_id: str,
        object_type: str,
        values: Iterable[tuple[str, str | None, Value]],
        relations: Iterable[tuple[str | None, str | None]],
    ) -> None:
        """Keep an object: its latest values, how they changed, and what it is related to."""
        if not object_id.strip():
            self.refuse("objects", f"object {self.read['objects'] + 1}", "empty id", "the object has no id")
            self.note("objects with an empty id were left out, and what they are related to: an empty id is no object")
            for _ in relations:
                self.refuse_relation("an object without an id")
            return
        if not object_type.strip():
            self._untyped += 1
            object_type = UNKNOWN_TYPE
        seen = self._seen.setdefault((OBJECT, object_type), {})
        history: dict[str, dict[datetime, tuple[str, Value]]] = {}
        details: dict[tuple[str, str], Mapping[str, object]] = {}
        latest: dict[str, Value] = {}
        for name, written, value in values:
            found = moment(written) if written else None
            if name == SYSTEM and isinstance(value, str):
                latest[SYSTEM] = value
            elif name == RELATIONS and isinstance(value, str):
                details = _details(value)
            elif name.startswith(CHANGE) and isinstance(value, str) and found is not None:
                self._marked_change(object_id, name.removeprefix(CHANGE), found.time, value)
            else:
                if value is not None:
                    _add_kind(seen, name, value)
                time, precision = (EPOCH, "second") if found is None else (found.time, found.precision)
                known = history.setdefault(name, {})
                self.repeated += time in known
                known[time] = precision, value
        for name, entries in history.items():
            before: Value = None
            for time in sorted(entries, key=lambda time: (time != EPOCH, time)):
                precision, value = entries[time]
                if time != EPOCH:
                    old = None if before is None else text(before)
                    new = None if value is None else text(value)
                    self.add_change(ChangeRow(object_id, name, time, precision, old, new))
                before = value
            if before is not None:
                latest[name] = before
        self.add_object(object_id, object_type, latest)
        for target, qualifier in relations:
            if target is None or not target.strip():
                self.refuse_relation(object_id)
                continue
            extra = details.get((target, qualifier or ""), {})
            self.add_relation(RelationRow(object_id, target, qualifier or "", *_typed(extra)))

    def refuse_relation(self, source: str) -> None:
        """Count a relation that has an empty id at one of its ends."""
        self.empty_references += 1
        place = f"{source}, relation {self.read['o2o'] + 1}"
        self.refuse("o2o", place, "empty id", "an end of the relation is an empty id")

    def _marked_change(self, object_id: str, field: str, time: datetime, value: str) -> None:
        said = _loaded(value)
        if not isinstance(said, dict):
            return
        known = {name: None if said.get(name) is None else str(said[name]) for name in ("old", "new", "resource")}
        self.add_change(
            ChangeRow(
                object_id,
                field,
                time,
                str(said.get("precision", "second")),
                known["old"],
                known["new"],
                known["resource"],
            )
        )


def _add_kind(seen: dict[str, set[type]], name: str, value: Value) -> None:
    kinds = seen.get(name)
    if kinds is None:
        kinds = seen[name] = set()
    kinds.add(type(value))


def _missing(event_id: str, activity: str, written: str) -> str:
    """What an event lacks to be one."""
    said = [f"no {name}" for name, value in (("id", event_id), ("activity", activity)) if not value.strip()]
    if not written.strip():
        said.append("no time")
    elif moment(written) is None:
        said.append(f"a time that cannot be read ({written[:_SHOWN]!r}; expected ISO 8601)")
    return f"the event has {' and '.join(said)}"


def _place(written: str | None, place: int) -> int:
    """The place a file names where it is a number that a log holds, else the one at which the event stands."""
    if written is None or _SEQ.fullmatch(written) is None:
        return place
    return int(written)


def _details(value: str) -> dict[tuple[str, str], Mapping[str, object]]:
    said = _loaded(value)
    rows = said if isinstance(said, list) else []
    return {(str(row.get("target")), str(row.get("qualifier", ""))): row for row in rows if isinstance(row, dict)}


def _typed(
    extra: Mapping[str, object],
) -> tuple[float | None, str | None, int | None, str | None, str | None, float | None]:
    def number(name: str) -> float | None:
        value = extra.get(name)
        return float(value) if isinstance(value, float) or _fits(value) else None

    def word(name: str) -> str | None:
        value = extra.get(name)
        return value if isinstance(value, str) else None

    amount = extra.get("amount_minor")
    return (
        number("quantity"),
        word("unit"),
        amount if _fits(amount) else None,
        word("currency"),
        word("method"),
        number("confidence"),
    )


def _fits(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _loaded(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None
