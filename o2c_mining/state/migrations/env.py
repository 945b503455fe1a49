"""Alembic's entry: run on the connection that ``open_state`` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from o2c_mining.state.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
