"""Rows of a Tryton database out; which tables and columns is in ``sources.yml``, what they mean in the SQL files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from o2c_mining.connect import SqlConnector, SqlOptions


class TrytonOptions(SqlOptions):
    """``teams`` gives the team of a login; ``technical_users`` are logins no person uses, such as an interface's."""

    teams: dict[str, str] = Field(default_factory=dict)
    technical_users: tuple[str, ...] = ()
    region_category: str = "Region"


class TrytonConnector(SqlConnector[TrytonOptions]):
    """The plugin."""

    name = "tryton"
    title = "Tryton"
    folder = Path(__file__).parent
    options_model = TrytonOptions

    def reference_tables(self, options: TrytonOptions) -> Mapping[str, pa.Table]:
        """``user_roles`` (login, team, is_technical) and ``settings`` (region_category), for the SQL files."""
        logins = sorted({*options.teams, *options.technical_users})
        roles = {
            "login": pa.array(logins, pa.string()),
            "team": pa.array([options.teams.get(login) for login in logins], pa.string()),
            "is_technical": pa.array([login in options.technical_users for login in logins], pa.bool_()),
        }
        return {"user_roles": pa.table(roles), "settings": pa.table({"region_category": [options.region_category]})}
