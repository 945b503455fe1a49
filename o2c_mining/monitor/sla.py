"""Deadlines (SLAs) as YAML files of the workspace (``slas/*.yaml``): from an activity to another within a target."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import time
from importlib import resources
from pathlib import Path
from string import Template
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from o2c_mining.calendar import Target, parse_target
from o2c_mining.documents import Document, read_document
from o2c_mining.errors import ConfigError
from o2c_mining.monitor.lifecycle import Occasion
from o2c_mining.monitor.text import FIELDS

Severity = Literal["info", "warning", "critical"]
Backfill = Literal["digest", "open", "all"]
_ID = re.compile(r"[a-z][a-z0-9_]{0,79}")


def _as_names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_names), Field(min_length=1)]


class SlaAction(Document):
    """What is done on an occasion: a message through a channel of ``o2c.toml``."""

    kind: Literal["notify"] = "notify"
    channel: str
    name: str = ""
    on: Annotated[tuple[Occasion, ...], BeforeValidator(_as_names)] = (Occasion.BREACHED, Occasion.RETRACTED)
    subject: str = "${title}: ${object_type} ${number}"
    text: str = (
        "${object_type} ${number} waits since ${since}; it was due at ${due_at}. ${amount} ${currency}. ${documents}"
    )
    approval: bool = False
    dry_run: bool = False

    @field_validator("subject", "text")
    @classmethod
    def _known_fields(cls, value: str) -> str:
        template = Template(value)
        unknown = sorted(set(template.get_identifiers()) - set(FIELDS))
        if not template.is_valid() or unknown:
            raise ValueError(f"expected only the fields {', '.join('${' + name + '}' for name in FIELDS)}")
        return value


class Sla(Document):
    """One deadline rule."""

    id: str
    title: str
    version: int = 1
    object_type: str
    start: Names
    stop: Names
    target: str
    calendar: str | None = None
    cutoff: time | None = None
    severity: Severity = "warning"
    at_risk: Annotated[float, Field(gt=0, lt=100)] | None = None
    owner: str | None = None
    backfill: Backfill = "digest"
    sources: Annotated[tuple[str, ...], BeforeValidator(_as_names)] = ()
    actions: tuple[SlaAction, ...] = ()

    @field_validator("id")
    @classmethod
    def _plain_id(cls, value: str) -> str:
        if not _ID.fullmatch(value):
            raise ValueError("expected lower-case letters, digits and _, starting with a letter, 80 at most")
        return value

    @field_validator("target")
    @classmethod
    def _known_target(cls, value: str) -> str:
        try:
            parse_target(value)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return value

    @field_validator("cutoff", mode="before")
    @classmethod
    def _clock_time(cls, value: object) -> object:
        """YAML reads an unquoted 15:00 as the number 900: minutes after midnight."""
        if isinstance(value, int) and 0 <= value < 1440:
            return time(value // 60, value % 60)
        return value

    @model_validator(mode="after")
    def _different_actions(self) -> Sla:
        names = [action_name(action) for action in self.actions]
        if len(set(names)) < len(names):
            raise ValueError("two actions have the same name; expected different ones: set 'name'")
        return self


def target_of(sla: Sla) -> Target:
    """The parsed target."""
    return parse_target(sla.target)


def action_name(action: SlaAction) -> str:
    """The action's name, by default its channel's."""
    return action.name or action.channel


def rule_version(sla: Sla) -> str:
    """Changes with the meaning of the rule; texts, recipients and titles may change without closing alerts."""
    meaning = sla.model_dump(
        mode="json", include={"version", "object_type", "start", "stop", "target", "cutoff", "at_risk", "sources"}
    )
    return f"{sla.version}-{hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:10]}"


def load_slas(folder: Path, channels: Sequence[str] | None = None) -> tuple[Sla, ...]:
    """Every ``*.yaml`` of a folder, by id; no folder means no deadlines.

    Raises
    ------
    ConfigError
        If a file does not fit, two have the same id, or an action names a channel that is not in ``channels``.
    """
    slas: dict[str, Sla] = {}
    for path in sorted(folder.glob("*.yaml")):
        sla = read_document(path, Sla)
        if sla.id in slas:
            raise ConfigError(f"{path} has the id '{sla.id}' of another file; expected one file per id; rename one")
        for action in sla.actions:
            if channels is not None and action.channel not in channels:
                raise ConfigError(
                    f"{path} sends to the channel '{action.channel}'; o2c.toml has: {', '.join(channels) or 'none'}; "
                    "add a [[channel]] of that name or name another"
                )
        slas[sla.id] = sla
    return tuple(slas[name] for name in sorted(slas))


def default_sla_text() -> str:
    """The deadline that ``o2c init`` writes to ``slas/goods_issue_to_invoice.yaml``."""
    folder = resources.files("o2c_mining.monitor")
    return folder.joinpath("templates/goods_issue_to_invoice.yaml").read_text(encoding="utf-8")
