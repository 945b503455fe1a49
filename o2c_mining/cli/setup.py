"""``o2c init``: a workspace to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import emit


def init(directory: Annotated[Path | None, typer.Argument(metavar="DIR", help="Folder to make.")] = None) -> None:
    """Make a workspace: settings, reference model, SLA, calendar; all commented, all working."""
    from o2c_mining.bootstrap import init_workspace

    target = directory or common.current.workspace
    written = init_workspace(target)
    lines = [f"wrote {path.relative_to(target)}" for path in written] or ["everything was there already"]
    lines.append(
        f"next: `o2c import` an event log, or name your systems under [[source]] in {target / 'o2c.toml'} and run "
        "`o2c extract`"
    )
    emit({"workspace": target.resolve(), "written": [p.relative_to(target) for p in written]}, "\n".join(lines))
