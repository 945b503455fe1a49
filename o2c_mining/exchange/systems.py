"""How it travels that the system of a row is but the file it came from."""

from __future__ import annotations

SYSTEM = "o2c:system"  # an attribute of events and objects whose file named no system


def said_as(name: str, value: object, files: frozenset[str]) -> str:
    """The name an attribute goes out by: what a file did not say is marked as ours."""
    return SYSTEM if name == "system" and value in files else name
