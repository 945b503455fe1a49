"""How a table is read as an event log: proposed once, kept as YAML, reused."""

from __future__ import annotations

import codecs
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import Field, ValidationError, field_validator

from o2c_mining.documents import Document, explain, read_document
from o2c_mining.errors import ConfigError, one_line
from o2c_mining.exchange.dates import UNDECIDED

# Encodings by name that no file of text is in; some of their decoders fail in ways of their own.
_NO_TABLES = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
Order = Literal[
    "year-first", "day-first", "month-first", "epoch-seconds", "epoch-milliseconds", "epoch-microseconds",
    "epoch-nanoseconds", "spreadsheet-days", "undecided",
]  # fmt: skip


class Mapping(Document):
    """Columns by their meaning, and how their text is written. ``undecided`` waits for an answer."""

    encoding: str = "utf-8"
    delimiter: str = ","
    sheet: str | None = None
    decimal: Literal[".", ",", "undecided"] = "."
    timezone: str | None = None
    case: str
    case_type: str = "case"
    activity: str
    timestamp: str
    clock: str | None = None  # the time of day, where the timestamp's column has only days
    start: str | None = None
    resource: str | None = None
    team: str | None = None
    system: str | None = None
    event_id: str | None = None
    dates: dict[str, Order] = Field(default_factory=dict)
    numbers: dict[str, Literal[".", ",", "decimal"]] = Field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    case_attributes: tuple[str, ...] = ()
    guesses: dict[str, str] = Field(default_factory=dict)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        if value == UNDECIDED:
            return value
        try:
            io.TextIOWrapper(io.BytesIO(), encoding=value)  # knows which are encodings of text
            known = codecs.lookup(value).name not in _NO_TABLES
        except (LookupError, ValueError):
            known = False
        if not known:
            raise ValueError(f"unknown encoding {value[:40]!r}; expected a name such as utf-8 or cp1252")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is None or value == UNDECIDED:
            return value
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {value!r}; expected an IANA name such as Europe/Berlin") from error
        return value

    @field_validator("delimiter")
    @classmethod
    def _one_mark(cls, value: str) -> str:
        plain = len(value) == 1 and value.isascii() and (value.isprintable() or value == "\t") and value != '"'
        if not plain and value != UNDECIDED:
            raise ValueError(f"{value!r} is no delimiter; expected one character such as , ; | or a tab")
        return value

    def undecided(self) -> list[str]:
        """What still waits for an answer."""
        plain = ("encoding", "delimiter", "decimal", "timezone", "sheet", "case", "activity", "timestamp", "clock")
        open_ = [name for name in plain if getattr(self, name) == UNDECIDED]
        return open_ + [f"dates.{column}" for column, order in self.dates.items() if order == UNDECIDED]

    def accepted(self) -> Mapping:
        """The same with the best guess for every open question."""
        values = self.model_dump()
        for name in self.undecided():
            guess = self.guesses.get(name, UNDECIDED)
            if guess == UNDECIDED:
                raise ConfigError(f"there is no guess for {name}; expected an answer in the mapping; write it there")
            if name.startswith("dates."):
                values["dates"][name.removeprefix("dates.")] = guess
            else:
                values[name] = guess
        values["guesses"] = {}
        try:
            return Mapping.model_validate(values)
        except ValidationError as error:
            raise ConfigError(explain(error, Mapping, source="the guesses of the mapping")) from error


def beside(path: Path) -> Path:
    """Where the mapping of a file is kept."""
    return path.with_name(f"{path.name}.mapping.yaml")


def read_mapping(path: Path) -> Mapping:
    """A mapping that was written earlier."""
    return read_document(path, Mapping)


def write_mapping(path: Path, mapping: Mapping, table: Path, doubts: Sequence[str]) -> None:
    """Keep a mapping with what it is unsure of as comments."""
    lines = [f"# How {one_line(table.name)} is read. Correct what is wrong; columns named nowhere are left out."]
    lines += [f"# {one_line(doubt)}" for doubt in doubts]
    if mapping.undecided():
        lines.append("# Replace every 'undecided' and import again, or take the guesses with --accept.")
    values = {name: value for name, value in mapping.model_dump(mode="json").items() if value not in (None, {}, [])}
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110)
    try:
        path.write_text("\n".join(lines) + "\n" + text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the mapping cannot be kept at {path} ({error.strerror}); expected a writable folder; copy the table"
        ) from error
