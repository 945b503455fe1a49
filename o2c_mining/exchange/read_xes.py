"""XES (IEEE 1849): one object per trace, one event per completed activity, starts merged into their completions."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.attributes import MAX_ATTRIBUTES, Value, declared, kind_of
from o2c_mining.exchange.collect import Collector, EventRow, Report
from o2c_mining.exchange.imported import ImportedLog, account_for
from o2c_mining.exchange.moments import Moment, moment
from o2c_mining.exchange.systems import SYSTEM
from o2c_mining.exchange.xes_columns import COLUMNS, Rows, has_starts, rows_of
from o2c_mining.exchange.xes_objects import KINDS, traces_of
from o2c_mining.exchange.xes_pieces import Cut, cuts
from o2c_mining.exchange.xes_tokens import Piece, piece_of
from o2c_mining.exchange.xml import ElementCount, Idle, check_depth, is_utf8, walk
from o2c_mining.log.schema import EVENT, OBJECT

_THREADS = 2  # that take pieces apart; this one cuts, counts and keeps
_MOST_STRANGE = 3  # pieces in another shape, after which no further one is tried
_NAME, _TIME, _TRANSITION, _INSTANCE = "concept:name", "time:timestamp", "lifecycle:transition", "concept:instance"


def read_xes(
    path: Path,
    limits: Limits,
    *,
    case_type: str = "case",
    report: Report | None = None,
    spill: Path | None = None,
) -> ImportedLog:
    """The log of an XES file, plain or gzipped.

    Whole traces in the plain shape are read by columns, the rest by a parser; both give the same.

    A trace becomes an object of ``case_type`` with the trace's attributes; traces of one name are kept apart. A
    ``start`` and the next ``complete`` of the same activity and instance are one event with a start time.

    Raises
    ------
    LogError
        If the file is damaged or hostile, or an independent count finds other numbers of traces or events.
    """
    count = ElementCount(path.name, ("event", "trace"))
    with ThreadPoolExecutor(_THREADS) as others:
        log = _Xes(_XesCollector(path.name, limits, report, spill, case_type), others)
        walk(path.name, log.take_plain(cuts(path, limits, count)), log.start, log.end)
    imported = log.collector.finish()
    counted = {"events": count.found["event"], "objects": count.found["trace"]}
    account_for(imported, counted, by="a scan of the bytes")
    return imported


class _XesCollector(Collector):
    """A collector that knows how a file writes its attributes; those of events by their key alone."""

    def __init__(self, source: str, limits: Limits, report: Report | None, spill: Path | None, case_type: str) -> None:
        super().__init__(source, limits, report, spill)
        self.case_type = case_type
        self.said: dict[str, set[str]] = {}  # of events: keys, and the kinds their tags say

    def attribute_types(self, kept_as: Mapping[str, str]) -> Iterator[tuple[object, ...]]:
        """The kind of each attribute where its tags agree; of traces as the values are."""
        for key, kinds in self.said.items():
            if key and key not in COLUMNS and len(kinds) == 1:
                yield EVENT, "", key, next(iter(kinds)), key, True
        for name, types in self._objects.kinds().items():
            if name and name not in (_NAME, SYSTEM):
                yield OBJECT, self.case_type, name, kind_of(types), kept_as.get(name, name), True


class _Trace:
    def __init__(self) -> None:
        self.attributes: dict[str, Value] = {}
        self.object_id: str | None = None
        self.held: list[tuple[int, dict[str, str]]] = []
        self.started: dict[tuple[str, str], deque[tuple[Moment, EventRow]]] = defaultdict(deque)
        self.seen: Counter[str] = Counter()


class _Xes:
    """Where the walk is: in the log, in a trace, in an event, in nested attributes of either."""

    def __init__(self, collector: _XesCollector, others: Executor) -> None:
        self.collector = collector
        self._case_type = collector.case_type
        self._others = others
        self._waiting: deque[tuple[int, Future[Rows]]] = deque()
        self._trace: _Trace | None = None
        self._event: dict[str, str] | None = None
        self._keys: list[str] = []
        self._position = 0
        self._traces = 0
        self._idle = Idle(collector.source)
        self._depth = 0
        self._names: Counter[str] = Counter()
        self._strange = 0

    def take_plain(self, found: Iterable[Cut]) -> Iterator[bytes]:
        """Read what is in the plain shape; what is left is for the parser, which is done with it before it asks on."""
        for cut, piece in self._pieces(found):
            if cut.whole and self._strange < _MOST_STRANGE and self._between_traces():
                if piece is not None and not has_starts(piece):
                    self._take(piece)
                    self._strange = 0
                    continue
                self._strange += 1
            if not is_utf8(cut.data) or b"<![" in cut.data or cut.data.count(b"<!--") != cut.data.count(b"-->"):
                self._strange = _MOST_STRANGE  # what follows may be no markup at all
            self._settle()
            yield cut.data
        self._settle()

    def _pieces(self, found: Iterable[Cut]) -> Iterator[tuple[Cut, Piece | None]]:
        """Each cut with what it holds; the next ones are taken apart meanwhile, for Arrow leaves Python's lock."""

        def taken(cut: Cut) -> tuple[Cut, Piece | None]:
            return cut, piece_of(cut.data) if cut.whole and self._strange < _MOST_STRANGE else None

        ahead: deque[Future[tuple[Cut, Piece | None]]] = deque()
        for cut in found:
            ahead.append(self._others.submit(taken, cut))
            if len(ahead) > _THREADS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    def _between_traces(self) -> bool:
        return self._trace is None and self._event is None and not self._keys and self._depth == 1

    def _take(self, piece: Piece) -> None:
        """Keep the traces of a piece; its events follow when others have made columns of them."""
        traces = traces_of(piece)
        self.collector.repeated += traces.repeated
        ids = []
        for name in traces.names:
            self._traces += 1
            ids.append(self._named(name, self._traces))
        objects = pa.array(ids, pa.string())
        parts = traces.parts(objects)
        self.collector.add_objects(objects, self._case_type, parts)
        if not piece.events:
            return
        self._waiting.append(
            (self._position, self._others.submit(rows_of, piece, objects, self.collector.source, self._position))
        )
        self._position += piece.events
        self._settle(_THREADS)

    def _settle(self, left: int = 0) -> None:
        """Keep the events of pieces, in order, until so many wait to be columns."""
        while len(self._waiting) > left:
            position, waiting = self._waiting.popleft()
            rows = waiting.result()
            for row, timed in rows.refused:
                self._refuse(position + row, timed)
            self.collector.unzoned += rows.unzoned
            self.collector.repeated += rows.repeated
            for key, tag in rows.said:
                self.collector.said.setdefault(key, set()).add(KINDS[tag])
            self.collector.add_rows(rows.events, rows.e2o)

    def _refuse(self, position: int, timed: bool) -> None:
        reason = "the event has no activity" if timed else "the event has no time that can be read"
        self.collector.refuse("events", f"event {position + 1}", "missing activity or time", reason)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        event = self._event
        kind = KINDS.get(tag)
        if kind is not None:
            trace = self._trace
            if event is None and trace is None:
                self._idle.add()
                return
            key = attributes.get("key", "")
            written = attributes.get("value")
            keys = self._keys
            if keys:
                check_depth(self.collector.source, len(keys))
                key = f"{keys[-1]}.{key}"
            keys.append(key)
            if written is None:
                return
            if event is not None:
                self.collector.repeated += key in event
                self.collector.said.setdefault(key, set()).add(kind)
                event[key] = written
                if len(event) > MAX_ATTRIBUTES:
                    self._check(event)
            elif trace is not None:
                self.collector.repeated += key in trace.attributes
                trace.attributes[key] = declared(written, kind)
                self._check(trace.attributes)
            return
        if ":" in tag:
            self.start(tag.rpartition(":")[2], attributes)
            return
        self._depth += 1
        check_depth(self.collector.source, self._depth)
        if tag == "event":
            self._event = {}
        elif tag == "trace":
            self._trace = _Trace()
        elif self._event is None and self._trace is None:
            self._idle.add()

    def _check(self, attributes: Mapping[str, Value]) -> None:
        if len(attributes) > MAX_ATTRIBUTES:
            raise LogError(
                f"{self.collector.source} has a trace or event of more than {MAX_ATTRIBUTES:,} attributes; expected "
                "fewer; an attribute's name must not hold a value: export it differently"
            )

    def end(self, tag: str) -> None:
        if tag in KINDS:
            if self._keys:
                self._keys.pop()
            return
        if ":" in tag:
            self.end(tag.rpartition(":")[2])
            return
        self._depth -= 1
        if tag == "event":
            self._ended()
        elif tag == "trace":
            self._closed()

    def _ended(self) -> None:
        event, trace = self._event, self._trace
        self._event = None
        if event is None:
            return
        position = self._position
        self._position += 1
        if trace is None:
            self._emit(position, event, None)
            return
        if trace.object_id is None:
            name = trace.attributes.get(_NAME)
            if name is None:  # a trace may say its name after its events
                trace.held.append((position, event))
                return
            trace.object_id = self._named(name, self._traces + 1)
        self._emit(position, event, trace)

    def _closed(self) -> None:
        trace = self._trace
        self._trace = None
        if trace is None:
            return
        self._traces += 1
        if trace.object_id is None:
            trace.object_id = self._named(trace.attributes.get(_NAME), self._traces)
        for position, event in trace.held:
            self._emit(position, event, trace)
        for waiting in trace.started.values():
            for _, row in waiting:  # begun, never completed
                self._keep(row, trace.object_id)
        attributes = dict(trace.attributes)
        attributes.pop(_NAME, None)
        attributes.setdefault("number", trace.object_id)
        self.collector.add_object(trace.object_id, self._case_type, attributes)

    def _named(self, said: Value, number: int) -> str:
        name = "" if said is None else str(said)
        name = name if name.strip() else f"trace {number}"
        self._names[name] += 1
        if self._names[name] == 1:
            return name
        self.collector.note(f"several traces are called alike, such as {name!r}; they are kept apart by a number")
        return f"{name}#{self._names[name]}"

    def _emit(self, position: int, event: dict[str, str], trace: _Trace | None) -> None:
        collector = self.collector
        activity = event.pop(_NAME, "")
        written = event.pop(_TIME, "")
        found = moment(written)
        if not activity.strip() or found is None:
            self._refuse(position, found is not None)
            return
        collector.dated(found)
        transition = event.get(_TRANSITION, "complete").lower()
        if transition == "complete":
            event.pop(_TRANSITION, None)
        object_id = "" if trace is None or trace.object_id is None else trace.object_id
        identity = f"{activity}\x1f{found.time.isoformat()}\x1f{transition}"
        if trace is not None:
            trace.seen[identity] += 1
            identity = f"{identity}\x1f{trace.seen[identity]}"
        else:
            identity = f"{identity}\x1f{position}"
        digest = blake2b(f"{object_id}\x1f{identity}".encode(), digest_size=10).hexdigest()
        started: datetime | None = None
        instance = (activity, event.get(_INSTANCE, ""))
        waiting = trace.started.get(instance) if trace is not None else None
        if transition == "complete" and waiting and waiting[0][0].time <= found.time:
            started = waiting.popleft()[0].time
            collector.read["events"] += 1
            collector.merged["events"] += 1
        marked = event.pop(SYSTEM, None)
        row = EventRow(
            f"{object_id or 'event'}/{digest}",
            activity,
            found.time,
            started,
            found.offset_minutes,
            found.precision,
            position,
            event.pop("org:resource", None),
            "unknown",
            event.pop("org:group", None) or event.pop("org:role", None),
            event.pop("system", None) or marked or collector.source,
            marked or collector.source,
            f"event {position + 1}",
            None,
            None,
            event,
        )
        if transition == "start" and trace is not None:
            trace.started[instance].append((found, row))
            return
        self._keep(row, object_id)

    def _keep(self, row: EventRow, object_id: str) -> None:
        self.collector.add_event(row)
        if object_id:
            self.collector.add_reference(row.event_id, object_id)
