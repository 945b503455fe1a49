"""A database opened read-only four ways: its own read-only session, a guard on every statement, queries built from
SQLAlchemy's expression language only, and (for PostgreSQL) a time limit on each statement."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from o2c_mining.errors import ConfigError, ConnectorError

STATEMENT_TIMEOUT_MS = 60_000
_PASSING = (  # failures of SQLite that may be gone at the next try
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
)
_READ = re.compile(r"^\s*(SELECT|WITH)\b", re.IGNORECASE)
_WRITE = re.compile(
    r"\b(INSERT|UPDATE|DELETE|MERGE|CREATE|ALTER|DROP|TRUNCATE|GRANT|REVOKE|CALL|COPY|DO|INTO|LOCK|VACUUM|ATTACH|PRAGMA)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`")


def refuse_unless_one_select(statement: str) -> None:
    """Raise ``ConnectorError`` unless the text is one reading statement; quoted text is not looked into."""
    bare = _QUOTED.sub(" ", statement)
    if (
        _READ.match(bare) is None
        or ";" in bare.rstrip().rstrip(";")
        or _WRITE.search(bare)
        or "--" in bare
        or "/*" in bare
    ):
        raise ConnectorError(
            f"a statement that is not one SELECT was stopped: {' '.join(statement.split())[:80]}; expected to read "
            "only; mend the connector",
            permanent=True,
        )


@contextmanager
def read_only_connection(url: str, *, base: Path) -> Iterator[sa.Connection]:
    """One connection in one read-only transaction, so every stream sees the same state of the source.

    Raises
    ------
    ConfigError
        If the address is no database address, its driver is not installed, or the file it names does not exist.
    ConnectorError
        If the database cannot be reached (worth a retry), or what it holds cannot be read (permanent).
    """
    engine = _engine(url, base)
    sa.event.listen(engine, "before_cursor_execute", _guard)
    shown = _shown(engine, url, base)
    try:
        connection = engine.connect()
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        _refuse_damaged(error, shown)
        raise ConnectorError(
            f"the database {shown} cannot be reached ({_first_line(error)}); expected it to answer; check address, "
            "network and password"
        ) from error
    try:
        yield connection
    except sa.exc.SQLAlchemyError as error:
        _refuse_damaged(error, shown)
        raise ConnectorError(
            f"the database {shown} failed ({_first_line(error)}); expected an answer within "
            f"{STATEMENT_TIMEOUT_MS // 1000} s; run it again later",
            permanent=isinstance(error, sa.exc.ProgrammingError),
        ) from error
    finally:
        connection.close()
        engine.dispose()


def _engine(url: str, base: Path) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigError(
            f"'{url.split('@')[-1]}' is no database address; expected sqlite:///file or postgresql://user@host/name; "
            "correct 'url'"
        ) from error
    try:
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed, base)
        if parsed.get_backend_name() == "postgresql":
            return _postgresql(parsed)
    except (ModuleNotFoundError, sa.exc.NoSuchModuleError) as error:
        raise ConfigError(
            f"the driver for {parsed.drivername} is not installed ({error}); expected psycopg for PostgreSQL; "
            "pip install 'o2c-mining[postgres]'"
        ) from error
    raise ConfigError(
        f"databases of kind '{parsed.drivername}' are not read; expected sqlite or postgresql; correct 'url'"
    )


def _sqlite(url: sa.URL, base: Path) -> sa.Engine:
    path = (base / (url.database or "")).resolve()
    if not path.is_file():
        raise ConfigError(f"there is no SQLite file {path}; expected the database named in 'url'; correct the path")
    if path.stat().st_size == 0:
        raise ConnectorError(
            f"the SQLite file {path} is empty; expected a database; restore it from a backup or correct 'url'",
            permanent=True,
        )
    address = f"file:{quote(str(path))}?mode=ro"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=30)
        connection.execute("PRAGMA query_only = ON")
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: sa.Connection) -> None:
    """One snapshot until the connection is closed; SQLAlchemy's own set-up would roll back an earlier BEGIN."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute("BEGIN")


def _postgresql(url: sa.URL) -> sa.Engine:
    driver = "postgresql+psycopg" if url.drivername in ("postgresql", "postgres") else url.drivername
    options = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_TIMEOUT_MS} -c TimeZone=UTC"
    return sa.create_engine(
        url.set(drivername=driver),
        poolclass=sa.NullPool,
        isolation_level="REPEATABLE READ",
        connect_args={"options": options, "connect_timeout": 15, "application_name": "o2c-mining"},
        execution_options={"postgresql_readonly": True},
    )


def _shown(engine: sa.Engine, url: str, base: Path) -> str:
    """What a message calls the database: a file by its path, a server by its address without the password."""
    if engine.dialect.name == "sqlite":
        return str((base / (sa.make_url(url).database or "")).resolve())
    return engine.url.render_as_string(hide_password=True)


def _refuse_damaged(error: BaseException, shown: str) -> None:
    """Raise a permanent ``ConnectorError`` where SQLite says that the file itself is wrong; other failures return.

    A file that is locked, or on a disk that does not answer, may be read later; a damaged one never.
    """
    cause = getattr(error, "orig", error)
    if not isinstance(cause, sqlite3.Error):
        return
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _PASSING:
        return
    raise ConnectorError(
        f"the SQLite file {shown} cannot be read ({_first_line(cause)}); expected a whole database; restore it from "
        "a backup or copy it again with `sqlite3 FILE .backup COPY`",
        permanent=True,
    ) from error


def _guard(_: object, __: object, statement: str, *___: Any) -> None:
    refuse_unless_one_select(statement)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
