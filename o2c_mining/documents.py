"""Read one YAML document of the workspace into a frozen model, refusing what the model does not know.

Unknown keys are named together with the nearest known key. A document is data written by people: it is limited in size
and in YAML aliases, because a few lines of nested aliases expand to gigabytes.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from o2c_mining.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_ALIASES = 50


class Document(BaseModel):
    """Base of every model read from a file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Loader(yaml.SafeLoader):
    """Safe, and ``on``, ``off``, ``yes``, ``no`` are words, as in YAML 1.2: a key ``on`` must not read as true."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)

Model = TypeVar("Model", bound=BaseModel)


def read_document(path: Path, model: type[Model]) -> Model:
    """The document at ``path`` as ``model``.

    Raises
    ------
    ConfigError
        If the file is missing, too large, not YAML, or does not fit the model; the first problem is named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}; expected a YAML document; create it or correct the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read ({error}); expected readable UTF-8 text; correct its encoding or permissions"
        ) from error
    return parse_document(text, model, source=str(path))


def parse_document(text: str, model: type[Model], *, source: str) -> Model:
    """``text`` as ``model``; ``source`` names it in messages."""
    if len(text.encode()) > MAX_BYTES:
        raise ConfigError(f"{source} is larger than {MAX_BYTES} bytes; expected a short document; split it")
    try:
        aliases = sum(isinstance(token, yaml.AliasToken) for token in yaml.scan(text))
        if aliases > MAX_ALIASES:
            raise ConfigError(f"{source} has {aliases} YAML aliases; expected at most {MAX_ALIASES}; write them out")
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # a date such as 2026-21-01 is a ValueError
        raise ConfigError(
            f"{source} is not YAML ({' '.join(str(error).split())}); expected keys and values; correct that line"
        ) from error
    if not isinstance(content, dict):
        raise ConfigError(f"{source} holds no keys; expected {', '.join(model.model_fields)}; add them")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(explain(error, model, source=source)) from error


def explain(error: ValidationError, model: type[BaseModel], *, source: str) -> str:
    """The first problem of a validation as one three-part message; a mistyped key explains a missing one."""
    problems = error.errors(include_url=False)
    first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        known = sorted(_known_keys(model, first["loc"][:-1]))
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else "remove it"
        return f"unknown key '{where}' in {source}; expected one of {', '.join(known)}; {hint}"
    if first["type"] == "missing":
        return f"'{where}' is missing in {source}; expected a value; add it"
    message = first["msg"].removeprefix("Value error, ")
    return f"'{where}' in {source} is {first['input']!r}; {message}; correct it"


def _known_keys(model: type[BaseModel], path: tuple[int | str, ...]) -> set[str]:
    """Keys of the section that a problem is in."""
    section = model
    for part in path:
        field = section.model_fields.get(str(part))
        inside = _models_in(field.annotation) if field is not None else []
        section = inside[0] if inside else section
    return {field.alias or name for name, field in section.model_fields.items()}


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _models_in(part)]
