"""State databases for tests: SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from o2c_mining.state.database import State, open_state
from tests.connect.postgres import postgres_url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a PostgreSQL database for the whole run."""
    with postgres_url() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def either_state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    """An empty state database of each kind."""
    on_server = request.param == "postgresql"
    url = request.getfixturevalue("postgres_server") if on_server else "sqlite:///state.db"
    opened = open_state(url, root=tmp_path)
    yield opened
    if on_server:
        with opened.write() as session:
            session.execute(text("DROP SCHEMA public CASCADE"))
            session.execute(text("CREATE SCHEMA public"))
    opened.close()
