"""Which connectors are installed: entry points of the group ``o2c_mining.connectors``; ours use the same door."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from o2c_mining.connect.protocol import Connector, Options
from o2c_mining.documents import explain
from o2c_mining.errors import ConfigError

GROUP = "o2c_mining.connectors"

AnyConnector = Connector[Any]


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def connectors() -> tuple[str, ...]:
    """Names of the installed connectors, sorted."""
    return tuple(sorted(_entry_points()))


def connector_named(name: str) -> AnyConnector:
    """The installed connector of that name.

    Raises
    ------
    ConfigError
        If none has the name, or the plugin behind it cannot be loaded.
    """
    known = _entry_points()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "install the package that brings it or correct the name"
        raise ConfigError(f"unknown connector '{name}'; installed: {', '.join(sorted(known)) or 'none'}; {remedy}")
    try:
        connector: AnyConnector = known[name].load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"connector '{name}' cannot be loaded ({error}); expected an object at {known[name].value}; "
            "reinstall the package that brings it"
        ) from error
    return connector


def parse_options(connector: AnyConnector, options: dict[str, object], *, source: str) -> Options:
    """The options of a source as the connector's own frozen model; unknown keys are refused."""
    try:
        return connector.options_model.model_validate(options)
    except ValidationError as error:
        raise ConfigError(explain(error, connector.options_model, source=f"source '{source}'")) from error
