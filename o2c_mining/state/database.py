"""Open the state database and hand out sessions that read or write.

SQLite runs in WAL with ``synchronous=FULL``: what was committed survives a power cut. A writing session takes the write
lock at once, so that a decision made on what it read is still right when it commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from o2c_mining.errors import ConfigError, ConnectorError

SCHEMA_VERSION = "0001"
_BUSY_MILLISECONDS = 30_000
_WRITING = "o2c_writing"


class State:
    """Sessions on one state database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one consistent state and writes nothing."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
            session.expunge_all()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose changes become visible together at its end, or not at all."""
        writing = self.engine.execution_options(**{_WRITING: True})
        with Session(writing, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def open_state(url: str, *, root: Path) -> State:
    """The state database at ``url`` with its tables brought up to date; a relative SQLite path lies under ``root``.

    Raises
    ------
    ConfigError
        If the URL is no database this program knows, or was written by a newer version of it.
    ConnectorError
        If the database cannot be reached.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
            parsed = parsed.set(database=str(root / str(parsed.database)))
        engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            f"the state database {_without_password(url)} cannot be opened ({error}); expected sqlite:///state.db or "
            "postgresql+psycopg://...; correct [state] url in o2c.toml (PostgreSQL needs the extra 'postgres')"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    state = State(engine)
    try:
        _migrate(state)
    except DBAPIError as error:
        state.close()
        raise ConnectorError(
            f"the state database {_without_password(url)} cannot be reached ({error.orig}); expected a database this "
            "user may create tables in; start it or correct [state] url in o2c.toml"
        ) from error
    return state


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _migrate(state: State) -> None:
    with state.read() as session:
        if _version(session.connection()) == SCHEMA_VERSION:
            return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with state.write() as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7033271)"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigError(
                f"the state database has schema version {_version(connection)}; expected at most {SCHEMA_VERSION}; "
                "it was written by a newer version of this program: install that one"
            ) from error


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "(unreadable URL)"
