"""What the repository promises beside its code: locks, links, commands named in texts."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from o2c_mining.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("o2c_mining", "connectors", "dashboards")
SOURCES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
TEXTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(f for p in PACKAGES for e in ("py", "md", "toml", "yaml", "yml") for f in (ROOT / p).rglob(f"*.{e}")),
]
OPTIONAL = {"psycopg", "keyring", "pyspark", "py4j"}


def _locked(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_the_locks_name_exact_versions_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert _locked(name)
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"://|@ |--|file:", text.replace("pip install -r", "")), name
    assert not set(_locked("requirements.lock")) & set(_locked("requirements-dev.lock"))


def test_what_the_program_imports_is_locked() -> None:
    """A package that only the tests install must not be needed to run."""
    locked = set(_locked("requirements.lock"))
    owners = packages_distributions()
    missing: dict[str, set[str]] = {}
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for top in {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - set(PACKAGES) - OPTIONAL:
                distributions = {d.lower().replace("_", "-") for d in owners.get(top, [top])}
                if not distributions & locked:
                    missing.setdefault(top, set()).add(str(file.relative_to(ROOT)))
    assert not missing


@pytest.mark.parametrize("file", [f for f in TEXTS if f.suffix == ".md"], ids=lambda f: str(f.relative_to(ROOT)))
def test_links_in_documents_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (file.parent / target).exists(), f"{file.name} links to {target}"


def test_every_command_that_a_text_names_exists() -> None:
    unknown = {
        (str(file.relative_to(ROOT)), command)
        for file in TEXTS
        for command in re.findall(r"`(?:\.venv/bin/)?o2c (?:-w \S+ )?([a-z]+)", file.read_text(encoding="utf-8"))
        if command not in COMMANDS
    }
    assert not unknown


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("GNU AFFERO GENERAL PUBLIC LICENSE")
    assert "13. Remote Network Interaction" in text and "END OF TERMS AND CONDITIONS" in text
