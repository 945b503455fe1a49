"""``o2c extract``: increments from the configured sources into the event store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from o2c_mining.cli import common

if TYPE_CHECKING:
    from o2c_mining.bootstrap import Extracted, Workspace


def extract(
    sources: Annotated[list[str] | None, typer.Argument(metavar="[SOURCE ...]", help="Default: all sources.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again; what is known adds nothing.")] = False,
) -> None:
    """Load what is new or changed in the configured sources."""
    result = run_extract(common.workspace(), sources or (), full=full)
    common.emit(document(result), text(result))


def run_extract(workspace: Workspace, sources: Sequence[str] = (), *, full: bool = False) -> Extracted:
    """Extract with a progress bar on stderr where that is a terminal; elsewhere stderr holds messages only."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from o2c_mining import bootstrap

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} rows"))
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("extract", total=None)

        def report(what: str, rows: int) -> None:
            bar.update(task, description=what, advance=rows)

        return bootstrap.extract(workspace, sources, full=full, progress=bootstrap.Progress(report))


def document(result: Extracted) -> dict[str, Any]:
    """The JSON document of the contract."""
    return {
        "batches": [
            {
                "source": batch.source,
                "stream": batch.stream,
                "read": batch.read,
                "accepted": batch.accepted,
                "quarantined": batch.quarantined,
                "duplicate": batch.duplicate,
                "cursor": batch.cursor,
            }
            for batch in result.batches
        ],
        "watermark": result.watermark,
        "refreshed_cases": result.refreshed_cases,
        "version": result.version,
    }


def text(result: Extracted) -> str:
    """One line per source and one for the whole."""
    lines = []
    for source in dict.fromkeys(batch.source for batch in result.batches):
        rows = [batch for batch in result.batches if batch.source == source]
        staged = [batch for batch in rows if batch.stream not in ("transform", "link")]
        changed = sum(batch.accepted for batch in rows if batch not in staged)
        lines.append(
            f"{source}: {sum(batch.read for batch in staged)} rows read, "
            f"{sum(batch.accepted for batch in staged)} new or changed, "
            f"{sum(batch.quarantined for batch in rows)} quarantined; {changed} changes to the log"
        )
    until = result.watermark.isoformat(timespec="minutes") if result.watermark is not None else "unknown"
    lines.append(f"{result.refreshed_cases} cases refreshed; complete to {until}; version {result.version}")
    return "\n".join(lines)
