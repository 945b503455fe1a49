"""Read one YAML document of the workspace into a frozen model, refusing what the model does not know.

Unknown keys are named together with the nearest known key. A document is data written by people: it is limited in size,
in depth and in YAML aliases, because a few lines of nested aliases expand to gigabytes. Tags are refused: they put
words where numbers are read.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from o2c_mining.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_ALIASES = 50
MAX_DEPTH = 20
_LONGEST_NUMBER = 100


class Document(BaseModel):
    """Base of every model read from a file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Loader(yaml.SafeLoader):
    """Safe, and ``on``, ``off``, ``yes``, ``no`` are words, as in YAML 1.2: a key ``on`` must not read as true."""

    def whole(self, node: yaml.ScalarNode) -> int:
        """An integer of bounded length: what converts and prints them takes the square of it."""
        _check_number(node)
        return int(self.construct_yaml_int(node))

    def number(self, node: yaml.ScalarNode) -> float:
        """The same for numbers with a point."""
        _check_number(node)
        return float(self.construct_yaml_float(node))


def _check_number(node: yaml.ScalarNode) -> None:
    if len(node.value) > _LONGEST_NUMBER:
        raise yaml.MarkedYAMLError(problem="a number is longer than 100 characters", problem_mark=node.start_mark)


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.whole)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.number)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)

_SHORT = reprlib.Repr()  # a value that was read may be large, or refer to itself
_SHORT.maxstring = _SHORT.maxother = 100

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
        _check_shape(text, source)
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


def _check_shape(text: str, source: str) -> None:
    """Refuse what would grow, or would call what makes other things than words and numbers."""
    aliases = depth = 0
    for event in yaml.parse(text):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        tag = getattr(event, "tag", None)
        if aliases > MAX_ALIASES:
            raise ConfigError(
                f"{source} has more than {MAX_ALIASES} YAML aliases; expected at most {MAX_ALIASES}; write them out"
            )
        if depth > MAX_DEPTH:
            raise ConfigError(f"{source} nests deeper than {MAX_DEPTH} levels; expected fewer; check its brackets")
        if tag is not None:
            raise ConfigError(f"{source} has the YAML tag {str(tag)[:60]!r}; expected plain values; leave it out")


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
    return f"'{where}' in {source} is {_SHORT.repr(first['input'])}; {message}; correct it"


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
