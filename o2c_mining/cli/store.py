"""``o2c store``: the versions that ``--known-at`` takes."""

from __future__ import annotations

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import emit, table

app = typer.Typer(no_args_is_help=True, help="The event store: its versions.", rich_markup_mode=None)


@app.callback()
def _store() -> None:
    """The event store: its versions."""


@app.command()
def versions() -> None:
    """List the complete loads, newest last: number, time, what they brought."""
    from o2c_mining.bootstrap import open_store

    history = open_store(common.workspace()).snapshot().history()
    rows = [
        {
            "version": row["commit"],
            "committed_at": row["committed_at"],
            "source": row["source"],
            "stream": row["stream"],
            "read": row["read"],
            "accepted": row["accepted"],
        }
        for row in history
    ]
    text = table(
        ("version", "committed at", "source", "stream", "read", "accepted"),
        [list(row.values()) for row in rows],
        right=(0, 4, 5),
    )
    emit({"versions": rows}, text if rows else "the store is empty; run `o2c extract`")
