"""Secrets are found where a reference leads, and are never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from o2c_mining.errors import ConfigError
from o2c_mining.monitor.secrets import resolve_secret


def test_secrets_from_the_environment_and_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("O2C_TEST_SECRET", "from env")
    (tmp_path / "secret").write_text("from file\n", encoding="utf-8")
    assert resolve_secret("env:O2C_TEST_SECRET", root=tmp_path) == "from env"
    assert resolve_secret("file:secret", root=tmp_path) == "from file"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("hunter2", "expected env:NAME, file:PATH or keyring:SERVICE/NAME"),
        ("vault:hunter2", "expected env:NAME"),
        ("env:", "expected env:NAME"),
        ("env:O2C_TEST_NOT_SET", "is empty or not set"),
        ("file:nothing", "cannot be read"),
        ("keyring:service", "has no name"),
    ],
)
def test_wrong_references_are_refused_without_showing_them_as_secrets(
    tmp_path: Path, reference: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        resolve_secret(reference, root=tmp_path)
    assert "hunter2" not in str(caught.value)
