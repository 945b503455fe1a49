"""``o2c import`` and ``o2c export``: event logs as files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.errors import ConfigError

if TYPE_CHECKING:
    from o2c_mining.bootstrap import Progress

_IMPORTS = "auto|csv|parquet|xlsx|xes|ocel"
_EXPORTS = "ocel-json|ocel-xml|ocel-sqlite|xes|csv|parquet"


def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH ...", help="Event logs or tables.")],
    format_: Annotated[str, typer.Option("--format", metavar=_IMPORTS, help="Default: what the file is.")] = "auto",
    mapping: Annotated[
        Path | None, typer.Option("--mapping", metavar="FILE", help="How to read a table, from an earlier import.")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Take the best guess where a table is unclear.")] = False,
    case_type: Annotated[
        str | None, typer.Option("--case-type", metavar="NAME", help="What a case of XES or a table is, e.g. order.")
    ] = None,
) -> None:
    """Load event logs: XES, OCEL, CSV, Excel, Parquet. What is loaded already adds nothing."""
    from o2c_mining import bootstrap
    from o2c_mining.exchange.read import Asked

    if format_ not in _IMPORTS.split("|"):
        raise ConfigError(f"--format {format_!r} is unknown; expected one of {_IMPORTS.replace('|', ', ')}; correct it")
    workspace = common.workspace()
    company = workspace.config.company
    zone = company.timezone if "timezone" in company.model_fields_set else None
    asked = Asked(format_, case_type, mapping, accept, zone)
    with _progress("import") as progress:
        result = bootstrap.import_files(workspace, paths, asked, progress=progress)
    for text in result.notes:
        common.note(f"note: {text}")
    columns = ("source", "stream", "read", "accepted", "quarantined", "duplicate")
    rows = [{name: getattr(batch, name) for name in columns} for batch in result.batches]
    payload = {
        "batches": rows,
        "notes": result.notes,
        "refreshed_cases": result.refreshed_cases,
        "version": result.version,
    }
    text = common.table(columns, [list(row.values()) for row in rows], right=(2, 3, 4, 5))
    common.emit(payload, f"{text}\nversion {result.version}; {result.refreshed_cases:,} cases refreshed")


def export(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="File, or folder for the tables as Parquet.")],
    format_: Annotated[str | None, typer.Option("--format", metavar=_EXPORTS, help="Default: by the name.")] = None,
    lens: common.LensOption = None,
    from_: common.FromOption = None,
    to: common.ToOption = None,
    where: common.WhereOption = None,
    with_: common.WithOption = None,
    without: common.WithoutOption = None,
    variant: common.VariantOption = None,
) -> None:
    """Write the log, or the chosen cases with their objects and events."""
    from o2c_mining import bootstrap
    from o2c_mining.exchange.write import format_of

    chosen = common.object_filter(lens, from_, to, where, with_, without, variant)
    kind = format_of(path, format_)
    with _progress("export") as progress:
        result = bootstrap.export_log(
            common.workspace(),
            path,
            kind,
            chosen=chosen,
            as_of=common.current.as_of,
            known_at=common.current.known_at,
            progress=progress,
        )
    for text in result.notes:
        common.note(f"note: {text}")
    payload = {"path": result.path, "format": format_ or kind, "rows": result.rows, "notes": result.notes}
    lines = [f"{name}: {count:,}" for name, count in result.rows.items()]
    common.emit(payload, f"wrote {path} ({kind})\n" + "\n".join(lines))


@contextmanager
def _progress(what: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    from o2c_mining.bootstrap import Progress

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,} events"))
    console = Console(stderr=True)
    shown = Bar(*columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal)
    with shown as bar:
        task = bar.add_task(what, total=None)
        yield Progress(lambda text, rows: bar.update(task, description=f"{what} {text}", advance=rows))
