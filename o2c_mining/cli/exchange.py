"""``o2c import`` and ``o2c export``: event logs as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.filters import CASES, filtered_by
from o2c_mining.errors import ConfigError

if TYPE_CHECKING:
    from o2c_mining.bootstrap import Imported
    from o2c_mining.trace.select import ObjectFilter

_IMPORTS = "auto|csv|parquet|xlsx|xes|ocel"
_EXPORTS = "ocel-json|ocel-xml|ocel-sqlite|xes|csv|parquet"


def import_(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH ...", help="Event logs or tables.", readable=False)
    ],  # what cannot be read is told as what is not there
    format_: Annotated[str, typer.Option("--format", metavar=_IMPORTS, help="Default: what the file is.")] = "auto",
    mapping: Annotated[
        Path | None, typer.Option("--mapping", metavar="FILE", help="How to read a table, from an earlier import.")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Take the best guess where a table is unclear.")] = False,
    case_type: Annotated[
        str | None, typer.Option("--case-type", metavar="NAME", help="What a case of XES or a table is, e.g. order.")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take back what these files brought; they need not be there any more.")
    ] = False,
) -> None:
    """Load event logs: XES, OCEL, CSV, Excel, Parquet. What is loaded already adds nothing."""
    from o2c_mining import bootstrap
    from o2c_mining.exchange.read import Asked

    if format_ not in _IMPORTS.split("|"):
        raise ConfigError(f"--format {format_!r} is unknown; expected one of {_IMPORTS.replace('|', ', ')}; correct it")
    workspace = common.workspace()
    if withdraw:
        _tell(bootstrap.withdraw_files(workspace, paths))
        return
    company = workspace.config.company
    zone = company.timezone if "timezone" in company.model_fields_set else None
    asked = Asked(format_, case_type, mapping, accept, zone)
    with common.progress("import", "events") as report:
        result = bootstrap.import_files(workspace, paths, asked, progress=bootstrap.Progress(report))
    _tell(result)


def _tell(result: Imported) -> None:
    """What was read, and what became of it."""
    for text in result.notes:
        common.note(f"note: {text}")
    columns = ("source", "stream", "read", "accepted", "quarantined", "duplicate", "deleted")
    rows = [{name: getattr(batch, name) for name in columns} for batch in result.batches]
    payload = {
        "batches": rows,
        "notes": result.notes,
        "refreshed_cases": result.refreshed_cases,
        "version": result.version,
    }
    text = common.table(columns, [list(row.values()) for row in rows], right=(2, 3, 4, 5, 6))
    common.emit(payload, f"{text}\nversion {result.version}; {result.refreshed_cases:,} cases refreshed")


@filtered_by(CASES)
def export(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="File, or folder for the tables as Parquet.")],
    format_: Annotated[str | None, typer.Option("--format", metavar=_EXPORTS, help="Default: by the name.")] = None,
    *,
    chosen: ObjectFilter,
) -> None:
    """Write the log, or the chosen cases with their objects and events."""
    from o2c_mining import bootstrap
    from o2c_mining.exchange.write import format_of

    kind = format_of(path, format_)
    with common.progress("export", "events") as report:
        result = bootstrap.export_log(
            common.workspace(),
            path,
            kind,
            chosen=chosen,
            as_of=common.current.as_of,
            known_at=common.current.known_at,
            progress=bootstrap.Progress(report),
        )
    for text in result.notes:
        common.note(f"note: {text}")
    payload = {"path": result.path, "format": format_ or kind, "rows": result.rows, "notes": result.notes}
    lines = [f"{name}: {count:,}" for name, count in result.rows.items()]
    common.emit(payload, f"wrote {path} ({kind})\n" + "\n".join(lines))
