"""Read a JSON document one item at a time, so that memory does not grow with the file."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from o2c_mining.config import Limits
from o2c_mining.errors import LogError
from o2c_mining.exchange.limits import BLOCK, ByteSource, opened

_LARGEST_ITEM = 64 * 1024 * 1024
_SPACE = " \t\r\n\ufeff"


def items(path: Path, limits: Limits, keyed: frozenset[str] = frozenset()) -> Iterator[tuple[str, Any]]:
    """The members of a top-level object: ``(key, item)`` for each item of a list, ``(key, value)`` else.

    For keys in ``keyed`` the value is an object, and each of its members comes as ``(key, (name, value))``.

    Raises
    ------
    LogError
        If the file is no JSON object in UTF-8.
    """
    with opened(path, limits) as source:
        yield from _Scanner(path.name, source).members(keyed)


class _Scanner:
    def __init__(self, name: str, source: ByteSource) -> None:
        self._name = name
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._ended = False

    def members(self, keyed: frozenset[str]) -> Iterator[tuple[str, Any]]:
        self._expect("{")
        if self._peek() == "}":
            return
        while True:
            key = self._value()
            self._expect(":")
            opening = self._peek()
            if opening == "[":
                yield from ((str(key), item) for item in self._list())
            elif opening == "{" and key in keyed:
                yield from ((str(key), member) for member in self._object())
            else:
                yield str(key), self._value()
            if self._next() == "}":
                return

    def _list(self) -> Iterator[Any]:
        self._expect("[")
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self._value()
            mark = self._next()
            if mark == "]":
                return
            if mark != ",":
                raise self._damaged(f"found {mark!r} in a list")

    def _object(self) -> Iterator[tuple[str, Any]]:
        self._expect("{")
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            name = self._value()
            self._expect(":")
            yield str(name), self._value()
            mark = self._next()
            if mark == "}":
                return
            if mark != ",":
                raise self._damaged(f"found {mark!r} in an object")

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._fill():
                    raise self._damaged(error.msg) from error
                continue
            except RecursionError as error:
                raise self._damaged("values nest too deep") from error
            except ValueError as error:  # an integer of more digits than Python converts
                digits = sys.get_int_max_str_digits()
                raise self._damaged(f"a number has more than {digits:,} digits") from error
            if end == len(self._text) and self._fill():
                continue
            self._at = end
            return value

    def _peek(self) -> str:
        while True:
            text, at = self._text, self._at
            while at < len(text) and text[at] in _SPACE:
                at += 1
            self._at = at
            if at < len(text):
                return text[at]
            if not self._fill():
                raise self._damaged("the file ends too early")

    def _next(self) -> str:
        mark = self._peek()
        self._at += 1
        return mark

    def _expect(self, wanted: str) -> None:
        found = self._next()
        if found != wanted:
            raise self._damaged(f"found {found!r} where {wanted!r} should stand")

    def _fill(self) -> bool:
        """Take more text; what was read is dropped. An item that does not end doubles what is taken."""
        if self._ended:
            return False
        self._text, self._at = self._text[self._at :], 0
        if len(self._text) > _LARGEST_ITEM:
            raise self._damaged("one item has more than 64 MB")
        wanted = max(BLOCK, len(self._text))
        parts = [self._text]
        try:
            while wanted > 0:
                block = self._source.read(BLOCK)
                parts.append(self._decoder.decode(block, final=not block))
                wanted -= len(block)
                if not block:
                    self._ended = True
                    break
        except UnicodeDecodeError as error:
            raise self._damaged(f"byte {error.object[error.start]:#x} is not UTF-8") from error
        self._text = "".join(parts)
        return True

    def _damaged(self, what: str) -> LogError:
        return LogError(
            f"{self._name} is no whole JSON document ({what}); expected OCEL as JSON in UTF-8; export it again"
        )
