"""Secrets by reference: the configuration names where a secret is, never the secret."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from o2c_mining.errors import ConfigError


def resolve_secret(reference: str, *, root: Path) -> str:
    """The secret behind ``env:NAME``, ``file:PATH`` (relative to the workspace) or ``keyring:SERVICE/NAME``.

    Raises
    ------
    ConfigError
        If the reference is not one of these or leads nowhere; the message never shows a secret.
    """
    kind, colon, where = reference.partition(":")
    if not colon or not where or kind not in ("env", "file", "keyring"):
        raise ConfigError(
            "a secret is not written as a reference; expected env:NAME, file:PATH or keyring:SERVICE/NAME; "
            "move the secret there and put the reference into o2c.toml"
        )
    if kind == "env":
        value = os.environ.get(where, "")
    elif kind == "file":
        value = _from_file(root / where)
    else:
        value = _from_keyring(where)
    if not value:
        raise ConfigError(f"the secret {reference} is empty or not set; expected a value there; set it")
    return value


def _from_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the secret file {path} cannot be read ({type(error).__name__}); expected a text file with the secret "
            "alone; create it, readable by this user only"
        ) from error


def _from_keyring(where: str) -> str:
    service, slash, name = where.partition("/")
    if not slash or not name:
        raise ConfigError(f"keyring:{where} has no name; expected keyring:SERVICE/NAME; add the name")
    if importlib.util.find_spec("keyring") is None:
        raise ConfigError(
            f"the secret keyring:{where} needs the package keyring; expected it to be installed; "
            "install it or use env:NAME or file:PATH"
        )
    import keyring

    value: str | None = keyring.get_password(service, name)
    return value or ""
