"""``o2c init`` and ``o2c check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import emit, table


def init(directory: Annotated[Path | None, typer.Argument(metavar="DIR", help="Folder to make.")] = None) -> None:
    """Make a workspace: settings, reference model, SLA, calendar; all commented, all working."""
    from o2c_mining.bootstrap import init_workspace

    target = directory or common.current.workspace
    written = init_workspace(target)
    lines = [f"wrote {path.relative_to(target)}" for path in written] or ["everything was there already"]
    lines.append(f"next: name your systems under [[source]] in {target / 'o2c.toml'}, then run `o2c extract`")
    emit({"workspace": target.resolve(), "written": [p.relative_to(target) for p in written]}, "\n".join(lines))


def check() -> None:
    """Data quality: findings of the log, and whether every row that was read is accounted for."""
    from o2c_mining.log.validate import validate

    log = common.log()
    findings = validate(log)
    certificate: dict[tuple[str, str], dict[str, object]] = {}
    for row in log.snapshot.history():
        key = (str(row["source"]), str(row["stream"]))
        entry = certificate.setdefault(
            key, {"source": key[0], "stream": key[1], "in_source": 0, "in_log": 0, "quarantined": 0, "duplicate": 0}
        )
        for name, column in (("in_source", "read"), ("in_log", "accepted")):
            entry[name] = int(str(entry[name])) + int(str(row[column] or 0))
        for name in ("quarantined", "duplicate"):
            entry[name] = int(str(entry[name])) + int(str(row[name] or 0))
    rows = list(certificate.values())
    for entry in rows:
        parts = (int(str(entry[name])) for name in ("in_log", "quarantined", "duplicate"))
        entry["difference"] = int(str(entry["in_source"])) - sum(parts)
    text = table(
        ("source", "stream", "read", "in log", "quarantined", "duplicate", "difference"),
        [list(entry.values()) for entry in rows],
        right=(2, 3, 4, 5, 6),
    )
    found = [f"{f.severity}: {f.rule}: {f.count:,} in {f.table}, e.g. {f.example}; {f.why}; {f.mend}" for f in findings]
    emit({"certificate": rows, "findings": findings}, text + "\n\n" + ("\n".join(found) or "no findings"))
    if any(f.severity == "error" for f in findings) or any(entry["difference"] for entry in rows):
        raise typer.Exit(1)
