"""A connector's folder as data: ``sources.yml`` and its SQL files, each with the header a reader relies on."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import Field, field_validator

from o2c_mining.connect.protocol import Stream
from o2c_mining.documents import Document, read_document
from o2c_mining.errors import ConfigError

ColumnType = Literal["integer", "text", "decimal", "number", "boolean", "date", "timestamp"]
Kind = Literal["staging", "objects", "relations", "events", "changes"]

KINDS: tuple[Kind, ...] = ("staging", "objects", "relations", "events", "changes")
ARROW_TYPES: dict[str, pa.DataType] = {
    "integer": pa.int64(),
    "text": pa.string(),
    "decimal": pa.decimal128(38, 10),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
_COLUMN = re.compile(r"^(?P<type>[a-z]+)(?P<optional>\?)?(?:,\s*(?P<meaning>.+))?$", re.DOTALL)
_HEADER = re.compile(r"^--\s*(?P<field>[a-z]+):\s*(?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Column:
    """A source column: its type, what it means, and whether a source may lack it."""

    name: str
    type: ColumnType
    meaning: str
    optional: bool


class TableModel(Document):
    """One entry under ``tables``: columns read ``name: type, meaning``; ``type?`` marks one that may be absent."""

    meaning: str
    key: tuple[str, ...]
    cursor: tuple[str, ...] = ()
    lookback: int | None = None
    optional: bool = False
    touches: str | None = None
    whole: str | None = None
    columns: dict[str, str]

    @field_validator("columns")
    @classmethod
    def _columns_have_a_known_type(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            match = _COLUMN.match(text.strip())
            if match is None or match["type"] not in ARROW_TYPES:
                raise ValueError(
                    f"column '{name}' reads '{text}'; expected 'type, meaning', type {', '.join(ARROW_TYPES)}"
                )
        return value


class CatalogModel(Document):
    """The whole of ``sources.yml``."""

    system: str
    tables: dict[str, TableModel] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A source table or file stream as ``sources.yml`` describes it.

    Where one row of the source may be staged as several, ``whole`` is SQL for its key, from the ``_key`` of a part.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    cursor: tuple[str, ...]
    lookback: int | None
    optional: bool
    touches: str | None
    whole: str | None
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of its staged columns."""
        return pa.schema([(column.name, ARROW_TYPES[column.type]) for column in self.columns])

    def stream(self) -> Stream:
        """The table as a stream of the connector."""
        cursor = ", ".join(self.cursor) or None
        return Stream(name=self.name, key=self.key, cursor=cursor, reads=(self.name,), schema=self.schema)


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One SQL file; ``header`` holds the ``-- field: text`` lines at its top."""

    kind: Kind
    name: str
    path: Path
    header: dict[str, str]
    sql: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything a connector says about its source, and a fingerprint that changes when any of it does."""

    tables: tuple[SourceTable, ...]
    files: tuple[SqlFile, ...]
    fingerprint: str

    def table(self, name: str) -> SourceTable:
        """The table of that name."""
        return next(table for table in self.tables if table.name == name)

    def of_kind(self, kind: Kind) -> tuple[SqlFile, ...]:
        """SQL files of one folder in name order."""
        return tuple(file for file in self.files if file.kind == kind)


@cache
def load_catalog(folder: Path) -> Catalog:
    """Read ``sources.yml`` and the SQL files of a connector's folder; raises ``ConfigError``."""
    model = read_document(folder / "sources.yml", CatalogModel)
    tables = tuple(_source_table(name, table) for name, table in model.tables.items())
    files = tuple(
        _sql_file(kind, path) for kind in KINDS for path in sorted((folder / kind).glob("*.sql")) if path.is_file()
    )
    if not files:
        raise ConfigError(f"{folder} holds no SQL file; expected events/*.sql, objects/*.sql; add them")
    digest = hashlib.sha256((folder / "sources.yml").read_bytes())
    for file in files:
        digest.update(f"\0{file.kind}/{file.name}\0{file.sql}".encode())
    return Catalog(tables=tables, files=files, fingerprint=digest.hexdigest()[:32])


def _source_table(name: str, model: TableModel) -> SourceTable:
    columns = tuple(_column(column, text) for column, text in model.columns.items())
    known = {column.name for column in columns}
    for wanted in (*model.key, *model.cursor):
        if wanted not in known:
            raise ConfigError(
                f"sources.yml: table {name} has no column '{wanted}'; expected one of {', '.join(sorted(known))}; "
                "name it under columns"
            )
    return SourceTable(
        name,
        model.meaning,
        model.key,
        model.cursor,
        model.lookback,
        model.optional,
        model.touches,
        model.whole,
        columns,
    )


def _column(name: str, text: str) -> Column:
    match = _COLUMN.match(text.strip())
    assert match is not None  # the model checked it
    return Column(name, match["type"], match["meaning"] or "", match["optional"] is not None)  # type: ignore[arg-type]


def _sql_file(kind: Kind, path: Path) -> SqlFile:
    text = path.read_text(encoding="utf-8")
    header: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        match = _HEADER.match(line)
        if match is not None:
            last = match["field"]
            header[last] = match["text"].strip()
        elif last:
            header[last] += " " + line.removeprefix("--").strip()
    return SqlFile(kind, path.stem, path, header, text.strip().rstrip(";"))
