"""``o2c store``: versions of the log, compaction, backup, restore."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import emit, table

if TYPE_CHECKING:
    from o2c_mining.maintenance.upkeep import Upkeep

_HELP = "The event store: its versions, compaction, backup, restore."
app = typer.Typer(no_args_is_help=True, help=_HELP, rich_markup_mode=None)


@app.callback()
def _store() -> None:
    """The event store: its versions, compaction, backup, restore."""


@app.command()
def versions() -> None:
    """List the versions of the log, newest last: number, time, what they brought, whether they are kept."""
    from o2c_mining.maintenance import upkeep

    found = upkeep.versions(common.workspace())
    rows = [
        (
            version.version,
            version.committed_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
            ", ".join(version.sources),
            f"{version.read:,}",
            f"{version.accepted:,}",
            f"{version.deleted:,}",
            f"pinned: {version.pinned}" if version.pinned else "" if version.kept else "removed",
        )
        for version in found
    ]
    headers = ("version", "committed at (UTC)", "sources", "read", "accepted", "deleted", "")
    text = table(headers, rows, right=(0, 3, 4, 5))
    emit({"versions": found}, text if rows else "the store is empty; run `o2c extract`, or `o2c import` a file")


@app.command()
def compact(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be rewritten and removed.")] = False,
) -> None:
    """Rewrite many small files into few, and let go of versions that [store] in o2c.toml does not keep."""
    from o2c_mining.maintenance import upkeep

    with common.progress("compact", "rows") as report:
        done = upkeep.compact(
            common.workspace(),
            dry_run=dry_run,
            now=datetime.now(UTC),
            report=report,
            on_wait=lambda: common.note("another command writes to the store; waiting for it"),
        )
    emit(done, _compacted(done))


def _compacted(done: Upkeep) -> str:
    would = "would be " if done.dry_run else ""
    rows = [
        (
            item.table,
            item.files_before,
            "" if item.files_after is None else item.files_after,
            size(item.bytes_before),
            "" if item.bytes_after is None else size(item.bytes_after),
            f"{item.rows_dropped:,}",
        )
        for item in done.tables
    ]
    headers = ("table", "files", "now", "size", "now", "superseded rows left out")
    lines = [table(headers, rows, right=(1, 2, 3, 4, 5))] if rows else ["no table has small files to gather"]
    freed = done.freed
    lines.append(
        f"{len(freed.versions):,} old versions and {freed.files:,} files ({size(freed.bytes)}) {would}removed; "
        f"the newest version is {done.version}"
    )
    return "\n".join(lines)


@app.command()
def pin(
    version: Annotated[int, typer.Argument(metavar="N", help="Number of the version, as `o2c store versions` says.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it must stay.")],
) -> None:
    """Keep a version for good, whatever the retention rule says."""
    from o2c_mining.maintenance import upkeep

    made = upkeep.pin(common.workspace(), version, reason, now=datetime.now(UTC))
    emit(made, f"version {made.version} is pinned: {made.reason}")


@app.command()
def unpin(
    version: Annotated[int, typer.Argument(metavar="N", help="Number of a pinned version.")],
) -> None:
    """Let the retention rule decide about a version again."""
    from o2c_mining.maintenance import upkeep

    gone = upkeep.unpin(common.workspace(), version)
    emit(gone, f"version {gone.version} is no longer pinned")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="DIR|FILE", help="A new folder, or a new file ending in .tar.")],
) -> None:
    """Copy the newest complete version with its history, the alerts and the settings; others go on working."""
    from o2c_mining.maintenance.backup import backup as write

    with common.progress("backup", "files") as report:
        done = write(common.workspace(), target, now=datetime.now(UTC), report=report)
    for text in done.left_out:
        common.note(f"note: not in the backup: {text}")
    emit(done, f"wrote {done.path}: version {done.version}, {done.files:,} files, {size(done.bytes)}")


@app.command()
def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="What `o2c store backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is there; it is moved aside.")] = False,
) -> None:
    """Verify a backup and put it in place; the monitor evaluates everything anew afterwards."""
    from o2c_mining.maintenance.restore import restore as put_back

    root = common.current.workspace
    with common.progress("restore", "files") as report:
        done = put_back(backup, root.resolve(), force=force, now=datetime.now(UTC), report=report)
    for text in done.left_out:
        common.note(f"note: not in the backup: {text}")
    lines = [f"restored version {done.backed_up_version} of {done.made_at} into {root} as version {done.version}"]
    if done.replaced is not None:
        lines.append(f"what was there lies in {done.replaced}; remove it when you no longer need it")
    emit(done, "\n".join(lines))


def size(count: int) -> str:
    """Bytes for people."""
    if count < 1_000_000:
        return f"{count / 1000:,.0f} kB"
    return f"{count / 1_000_000:,.1f} MB" if count < 1_000_000_000 else f"{count / 1_000_000_000:,.1f} GB"
