"""The bytes of an XES file, cut where a trace begins, so that whole traces can be taken from between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from o2c_mining.config import Limits
from o2c_mining.exchange.limits import MEGABYTE, blocks
from o2c_mining.exchange.xml import ElementCount

_SIZE = 2 * MEGABYTE
_LARGEST = 4  # times this, where a trace is longer
_BEGIN = re.compile(rb"<trace(?=[\s/>])")
_END = b"</trace>"
_LONGEST = len(b"<trace>")


@dataclass(frozen=True, slots=True)
class Cut:
    """Bytes of a file; ``whole`` where they begin and end with a trace, as far as bytes can tell."""

    data: bytes
    whole: bool


def cuts(path: Path, limits: Limits, count: ElementCount) -> Iterator[Cut]:
    """All bytes of a file in order, counted. A trace of more than 8 MB comes in parts that are not whole."""
    rest = b""
    started = False
    pending = count.through(blocks(path, limits))
    ended = False
    while not ended:
        parts, size = [rest], len(rest)
        while size < _SIZE or size == len(rest):
            block = next(pending, b"")
            if not block:
                ended = True
                break
            parts.append(block)
            size += len(block)
        data = b"".join(parts)
        rest = b""
        if not started:
            first = _BEGIN.search(data)
            if first is None:
                if ended:
                    yield Cut(data, False)
                else:  # the cut must not hide the beginning of a trace
                    yield Cut(data[:-_LONGEST], False)
                    rest = data[-_LONGEST:]
                continue
            if first.start():
                yield Cut(data[: first.start()], False)
            data = data[first.start() :]
            started = True
        if ended:
            last = data.rfind(_END)
            if last >= 0:
                yield Cut(data[: last + len(_END)], data.startswith(b"<trace"))
                data = data[last + len(_END) :]
            if data:
                yield Cut(data, False)
            return
        last = _last_begin(data)
        if last > 0:
            yield Cut(data[:last], data.startswith(b"<trace"))
            rest = data[last:]
        elif len(data) < _LARGEST * _SIZE:
            rest = data
        else:
            yield Cut(data[:-_LONGEST], False)
            rest, started = data[-_LONGEST:], False


def _last_begin(data: bytes) -> int:
    at = data.rfind(b"<trace", 0, len(data) - 1)
    while at > 0 and _BEGIN.match(data, at) is None:
        at = data.rfind(b"<trace", 0, at)
    return at
