"""What a connector implements: streams of source rows, resumable and allowed to overlap, and SQL files that give them
meaning.

A connector is two halves. Its Python yields Arrow pages with a primary key and a cursor and knows nothing of the
business. Its SQL files (``events/ objects/ relations/`` beside ``sources.yml``) turn the staged rows into the log.
The runner removes what it has seen before, so a page may always repeat rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from o2c_mining.connect.linker import Linker


class Options(BaseModel):
    """Base of a connector's options: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


OptionsT_contra = TypeVar("OptionsT_contra", bound=Options, contravariant=True)


@dataclass(frozen=True, slots=True)
class Stream:
    """One source table (or kind of file): its columns, what identifies a row, and what orders its changes.

    ``cursor`` is a description such as ``write_date``; ``None`` says that every run reads the whole stream.
    """

    name: str
    key: tuple[str, ...]
    cursor: str | None
    reads: tuple[str, ...]
    schema: pa.Schema


@dataclass(frozen=True, slots=True)
class Refused:
    """A source row that must not enter the log. ``raw`` holds hashed values only, never clear text."""

    source_key: str
    rule: str
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the stream's schema, what was refused beside them, and the cursor to continue after them."""

    rows: pa.Table
    cursor: str | None
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """What a source itself holds of a stream: its rows, and how many of them repeat the key of another.

    ``keys``, where the connector gives them, are the distinct keys behind ``rows``, written as the staging writes them;
    each is then looked for. Without them the numbers alone are compared.
    """

    rows: int
    repeated: int = 0
    keys: frozenset[str] | None = None


class OpenSource(Protocol):
    """A source opened for one extraction: one consistent view, one connection, never written to."""

    def pages(self, stream: Stream, after: str | None) -> Iterator[Page]:
        """Pages of the stream from the cursor on (``None``: from the beginning); rows before it may come again."""
        ...

    def keys(self, stream: Stream) -> pa.Table | None:
        """The key columns of every row the source holds now, or ``None`` where that is unknown or too dear.

        The runner finds deleted rows, and rows that were committed late below the cursor, by comparing them. With the
        cursor's columns beside the keys it also finds rows that were changed below the cursor.
        """
        ...

    def rows(self, stream: Stream, keys: Sequence[Sequence[object]]) -> Iterator[Page]:
        """The rows with these keys; only called where ``keys`` returned a table."""
        ...

    def watermark(self) -> datetime | None:
        """Up to when the pages read so far are complete, on the source's own clock."""
        ...


class Connector(Protocol[OptionsT_contra]):
    """The plugin itself; an instance is registered under the entry-point group ``o2c_mining.connectors``."""

    @property
    def name(self) -> str:
        """The name used in ``o2c.toml``."""
        ...

    @property
    def title(self) -> str:
        """The system's name as people write it."""
        ...

    @property
    def folder(self) -> Path:
        """Where ``sources.yml`` and the SQL folders lie."""
        ...

    @property
    def options_model(self) -> type[Options]:
        """The options this connector takes."""
        ...

    def streams(self, options: OptionsT_contra) -> Sequence[Stream]:
        """Every stream, parents first."""
        ...

    def open(self, options: OptionsT_contra, *, base: Path) -> AbstractContextManager[OpenSource]:
        """Open the source read-only; relative paths start at ``base``. Raises ``ConnectorError``."""
        ...

    def check(self, options: OptionsT_contra, *, base: Path) -> Sequence[str]:
        """What would keep an extraction from working, each with its remedy; empty when all is well."""
        ...

    def totals(self, options: OptionsT_contra, *, base: Path) -> Mapping[str, Total]:
        """What the source holds now, per stream, counted in the source and by another way than ``open`` reads it.

        Raises ``ConnectorError``.
        """
        ...

    def reference_tables(self, options: OptionsT_contra) -> Mapping[str, pa.Table]:
        """Small tables made from the options, which the SQL files may join."""
        ...

    def linker(self, options: OptionsT_contra) -> Linker | None:
        """What ties this source's objects to those of other sources, if anything does."""
        ...
