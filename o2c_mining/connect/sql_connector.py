"""A connector whose source is a database: everything but its options and SQL files comes from here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import pyarrow as pa

from o2c_mining.connect.catalog import load_catalog
from o2c_mining.connect.linker import Linker
from o2c_mining.connect.protocol import OpenSource, Options, Stream, Total
from o2c_mining.connect.sql_guard import read_only_connection
from o2c_mining.connect.sql_source import SqlSource


class SqlOptions(Options):
    """Where the database is: ``sqlite:///file`` (relative to the workspace) or ``postgresql://user@host/name``."""

    url: str


OptionsT = TypeVar("OptionsT", bound=SqlOptions)


class SqlConnector(Generic[OptionsT]):
    """Reads the tables of ``sources.yml`` through SQLAlchemy; a system's connector subclasses it."""

    name: str
    title: str
    folder: Path
    options_model: type[OptionsT]

    def streams(self, options: OptionsT) -> Sequence[Stream]:
        """Every table of ``sources.yml``, in its order."""
        return [table.stream() for table in load_catalog(self.folder).tables]

    def open(self, options: OptionsT, *, base: Path) -> AbstractContextManager[OpenSource]:
        """One connection, one read-only snapshot."""
        return self._open(options, base)

    @contextmanager
    def _open(self, options: OptionsT, base: Path) -> Iterator[SqlSource]:
        with read_only_connection(options.url, base=base) as connection:
            yield SqlSource(connection, load_catalog(self.folder))

    def check(self, options: OptionsT, *, base: Path) -> Sequence[str]:
        """Tables and columns that are needed and missing, and rights that are not needed."""
        with self._open(options, base) as source:
            found = [
                f"{name} is missing; expected what {self.title} needs; install its module or correct 'url'"
                for name in source.missing()
            ]
            writable = source.writable()
        if writable:
            found.append(
                f"the user may change {len(writable)} tables, {writable[0]} among them; expected a user who may only "
                "read; GRANT SELECT to a user of its own and name it in 'url'"
            )
        return found

    def totals(self, options: OptionsT, *, base: Path) -> Mapping[str, Total]:
        """The database counts its own rows."""
        with self._open(options, base) as source:
            return {stream.name: source.total(stream) for stream in self.streams(options)}

    def reference_tables(self, options: OptionsT) -> Mapping[str, pa.Table]:
        """No table unless the system's connector makes some from its options."""
        return {}

    def linker(self, options: OptionsT) -> Linker | None:
        """An ERP's own tables hold its links; nothing to add."""
        return None
