"""Write requirements.lock and requirements-dev.lock from what this environment has installed.

The closure of the project's dependencies (and of the groups ``postgres``, ``spark`` and ``dev`` for the second file)
is taken from the installed packages' own metadata, so the lock names exactly what the tests ran with. No index address
and no path is written. Run it with the project's environment: ``make lock``.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Exact versions, written by `make lock`; install with `pip install -r {name}`.\n"


def closure(requirements: list[str]) -> dict[str, str]:
    """Return ``{package: version}`` of the requirements and of everything they need here, by name."""
    found: dict[str, str] = {}
    done: set[tuple[str, frozenset[str]]] = set()
    todo = [Requirement(text) for text in requirements]
    while todo:
        need = todo.pop()
        name, extras = canonicalize_name(need.name), frozenset(need.extras)
        if (name, extras) in done:
            continue
        done.add((name, extras))
        try:
            package = distribution(name)
        except PackageNotFoundError:
            sys.exit(f"error: {need} is not installed; expected every dependency; run `pip install '{need}'` first")
        if not need.specifier.contains(package.version, prereleases=True):
            sys.exit(f"error: {name} {package.version} is installed; expected {need}; install a fitting version first")
        found[name] = package.version
        for text in package.requires or []:
            child = Requirement(text)
            environments = [{"extra": extra} for extra in extras] or [{"extra": ""}]
            if child.marker is None or any(child.marker.evaluate(environment) for environment in environments):
                todo.append(child)
    return dict(sorted(found.items()))


def write(name: str, pins: dict[str, str]) -> None:
    """Write one lock file."""
    lines = [f"{package}=={version}\n" for package, version in pins.items()]
    (ROOT / name).write_text(HEADER.format(name=name) + "".join(lines), encoding="utf-8")


def main() -> None:
    """Write both locks."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        document = tomllib.load(file)
    project = document["project"]
    groups = project["optional-dependencies"]
    runtime = closure([*project["dependencies"], *document["build-system"]["requires"]])
    everything = closure([*project["dependencies"], *groups["postgres"], *groups["spark"], *groups["dev"]])
    write("requirements.lock", runtime)
    write("requirements-dev.lock", {name: pin for name, pin in everything.items() if name not in runtime})


if __name__ == "__main__":
    main()
