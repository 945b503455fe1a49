"""The state database opens, migrates, keeps instants and does not lose or mix transactions."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

import o2c_mining.state
from o2c_mining.errors import ConfigError, ConnectorError
from o2c_mining.state import audit, leases
from o2c_mining.state.database import SCHEMA_VERSION, State, open_state
from o2c_mining.state.models import AuditRecord, Base, Lease, Silence
from tests.state.databases import either_state, postgres_server

__all__ = ["either_state", "postgres_server"]

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def test_migrations_build_exactly_the_models(either_state: State) -> None:
    with either_state.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == SCHEMA_VERSION


def test_the_newest_migration_is_the_version_the_program_expects() -> None:
    folder = Path(o2c_mining.state.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == SCHEMA_VERSION


def test_instants_come_back_in_utc(either_state: State) -> None:
    local = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with either_state.write() as session:
        session.add(Silence(until=local, author="a", reason="r", created_at=NOW))
    with either_state.read() as session:
        found = session.scalars(select(Silence)).one()
    assert found.until == NOW
    assert found.until.tzinfo is UTC


def test_an_instant_without_zone_is_refused(either_state: State) -> None:
    with pytest.raises(Exception, match="has no zone"), either_state.write() as session:
        session.add(Silence(until=NOW.replace(tzinfo=None), author="a", reason="r", created_at=NOW))


def test_two_writers_at_once_both_count(either_state: State) -> None:
    def add() -> None:
        for _ in range(20):
            with either_state.write() as session:
                audit.record(session, at=NOW, actor="x", action="count", subject="s")

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with either_state.read() as session:
        assert audit.head(session)[0] == 60
        assert audit.first_break(session) is None


def test_audit_records_refuse_changes_and_a_forced_change_is_found(either_state: State) -> None:
    with either_state.write() as session:
        for n in range(5):
            audit.record(session, at=NOW, actor="anna", action="ack", subject=f"alert {n}", detail={"n": n, "ü": 1.5})
    with pytest.raises(DBAPIError, match="never changed"), either_state.write() as session:
        session.execute(update(AuditRecord).where(AuditRecord.seq == 3).values(actor="eve"))
    with either_state.write() as session:
        if either_state.engine.dialect.name == "sqlite":
            session.execute(text("DROP TRIGGER audit_refuses_update"))
        else:
            session.execute(text("DROP TRIGGER audit_refuses ON audit"))
        session.execute(update(AuditRecord).where(AuditRecord.seq == 3).values(actor="eve"))
    with either_state.read() as session:
        assert audit.first_break(session) == 3


def test_a_lease_has_one_holder_and_a_growing_fence(either_state: State) -> None:
    with either_state.write() as session:
        assert leases.acquire(session, "monitor", "a.example:1", now=NOW, seconds=30) == 1
    with either_state.write() as session:
        assert leases.acquire(session, "monitor", "b.example:1", now=NOW + timedelta(seconds=29), seconds=30) is None
        assert leases.acquire(session, "monitor", "a.example:1", now=NOW + timedelta(seconds=29), seconds=30) == 1
    later = NOW + timedelta(seconds=60)
    with either_state.write() as session:
        assert leases.acquire(session, "monitor", "b.example:1", now=later, seconds=30) == 2
        assert not leases.is_held(session, "monitor", 1, now=later)
        assert leases.is_held(session, "monitor", 2, now=later)
        leases.release(session, "monitor", "b.example:1", now=later)
    with either_state.write() as session:
        assert leases.acquire(session, "monitor", "a.example:1", now=later, seconds=30) == 3


def test_a_dead_process_of_this_machine_does_not_block_the_lease(tmp_path: Path) -> None:
    import socket

    state = open_state("sqlite:///state.db", root=tmp_path)
    with state.write() as session:
        session.add(Lease(name="monitor", holder=f"{socket.gethostname()}:999999", fence=4, until=NOW))
    with state.write() as session:
        assert leases.acquire(session, "monitor", leases.holder_name(), now=NOW, seconds=30) == 5
    state.close()


def test_sqlite_is_durable_and_reopening_is_quick(tmp_path: Path) -> None:
    open_state("sqlite:///state.db", root=tmp_path).close()
    state = open_state("sqlite:///state.db", root=tmp_path)
    with state.read() as session:
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA synchronous")).scalar() == 2
    state.close()
    assert (tmp_path / "state.db").exists()


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    state = open_state("sqlite:///state.db", root=tmp_path)
    with state.write() as writing:
        audit.record(writing, at=NOW, actor="x", action="a", subject="s")
        with state.read() as reading:
            assert audit.head(reading)[0] == 0
    state.close()


def test_wrong_urls_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected sqlite"):
        open_state("oracl://x", root=tmp_path)
    with pytest.raises(ConnectorError, match="cannot be reached"):
        open_state("sqlite:///missing/folder/state.db", root=tmp_path)


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    state = open_state("sqlite:///state.db", root=tmp_path)
    with state.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    state.close()
    with pytest.raises(ConfigError, match="newer version"):
        open_state("sqlite:///state.db", root=tmp_path)
