"""What every command shares: where it runs, the filters, and how results and errors are printed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from o2c_mining.errors import ConfigError

if TYPE_CHECKING:
    from o2c_mining.bootstrap import Workspace
    from o2c_mining.log.event_log import EventLog
    from o2c_mining.trace.select import ObjectFilter, Traces


@dataclass(slots=True)
class Context:
    """Options that are accepted before and after every subcommand."""

    workspace: Path
    json: bool = False
    as_of: datetime | date | None = None
    known_at: int | datetime | date | None = None


current = Context(Path(os.environ.get("O2C_WORKSPACE", ".")))

TimeOption = Annotated[
    str | None, typer.Option("--time", metavar="working|calendar", help="Which time counts (default: working).")
]


def workspace() -> Workspace:
    """The workspace the command runs in."""
    from o2c_mining.bootstrap import open_workspace

    return open_workspace(current.workspace)


def log(*, may_lack_events: bool = False) -> EventLog:
    """The log of the workspace at ``--as-of`` and ``--known-at``."""
    from o2c_mining.bootstrap import open_log

    return open_log(workspace(), as_of=current.as_of, known_at=current.known_at, may_lack_events=may_lack_events)


def traces(chosen: ObjectFilter) -> Traces:
    """The chosen cases of the workspace's log."""
    from o2c_mining.trace.select import refuse_silent_lens, select

    found = select(log(), chosen)
    refuse_silent_lens(found.log, found.lens)
    return found


def working_time(option: str | None, opened: EventLog) -> bool:
    """Whether working time counts: as asked for, else whenever a calendar is configured."""
    if option is None:
        return opened.settings.calendar is not None
    if option not in ("working", "calendar"):
        raise ConfigError(f"--time {option!r} is unknown; expected working or calendar; correct it")
    return option == "working"


def parse_time(name: str, text: str) -> datetime:
    """An ISO time; without offset it is UTC; a day means its start, a week is no time."""
    try:
        if "W" in text:
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"{name} {text!r} is no time; expected ISO 8601 in the years 1 to 9999 UTC; "
            "for example 2026-01-31T12:00:00+00:00"
        ) from error


def parse_moment(name: str, text: str) -> datetime | date:
    """An ISO time, as above, or a day: whoever opens the log knows in which zone it ends."""
    try:
        return parse_time(name, text) if "W" in text else date.fromisoformat(text)
    except ValueError:
        return parse_time(name, text)


def parse_known_at(text: str) -> int | datetime | date:
    """A version number, an ISO time or a day."""
    return int(text) if text.isdigit() else parse_moment("--known-at", text)


def plain(value: Any) -> Any:
    """A result as JSON values: field names without trailing underscore, times in ISO 8601 UTC, money as strings."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name.rstrip("_"): plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Path):
        return str(value)
    return value


def emit(payload: Any, text: str) -> None:
    """Print the result: one JSON document with ``--json``, else the text."""
    if current.json:
        sys.stdout.write(json.dumps(plain(payload), ensure_ascii=False, allow_nan=False, indent=2) + "\n")
    else:
        sys.stdout.write(text.rstrip("\n") + "\n")


def note(text: str) -> None:
    """Something worth knowing beside the result, on stderr."""
    sys.stderr.write(text + "\n")


@contextmanager
def progress(what: str, unit: str) -> Iterator[Callable[[str, int], None]]:
    """A line on stderr, where that is a terminal, that says what is being done and how many units are done."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn(f"{{task.completed:,}} {unit}"))
    console = Console(stderr=True)
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda text, count: bar.update(task, description=f"{what} {text}", advance=count)


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[int] = ()) -> str:
    """Rows as aligned plain text; ``right`` lists the columns to align right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max([len(header), *(len(row[i]) for row in cells)]) for i, header in enumerate(headers)]

    def line(values: Sequence[str]) -> str:
        parts = [v.rjust(w) if i in right else v.ljust(w) for i, (v, w) in enumerate(zip(values, widths, strict=True))]
        return "  ".join(parts).rstrip()

    return "\n".join([line(list(headers)), line(["-" * width for width in widths]), *(line(row) for row in cells)])


def working_day(log: EventLog, working: bool) -> float | None:
    """Seconds of a working day where working time is shown, else nothing."""
    calendar = log.settings.calendar
    return calendar.day_seconds if working and calendar is not None else None


def span(seconds: float | None, working_day: float | None = None) -> str:
    """A duration for people: one unit rule here and on the screens, minutes below 1 h, hours below 1 d, then days.

    Of working time days are working days (``wd``) of so many seconds.
    """
    if seconds is None:
        return "not yet known"
    day = working_day or 86400
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < day:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / day:.1f} {'d' if working_day is None else 'wd'}"
