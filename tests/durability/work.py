"""A small company that loads again and again: the same steps whether or not something interrupts them.

Every step moves the source a little further, extracts it, imports a file and now and then compacts the store. A step
that was interrupted is done again from its beginning; the next one begins only when it is done.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from o2c_mining import bootstrap
from o2c_mining.config import Config, Retention, load_config
from o2c_mining.connect import stage_source, transform_source
from o2c_mining.connect.contract import ContractSource
from o2c_mining.exchange.read import Asked
from o2c_mining.log import compaction, failpoints, retention
from o2c_mining.log.event_log import Settings
from o2c_mining.log.store import Store, Writer
from o2c_mining.trace.refresh import refresh
from tests.connect.shop import ShopConnector, create_shop, fill_shop

STEPS = 5
# A clean-up in the far future removes what it may: readers of these tests open nothing for a week.
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def settings(lenses: tuple[str, ...]) -> Settings:
    """Traces of these lenses are kept; with none a step takes a fifth of the time."""
    return Settings(config=Config(lenses=lenses))


def prepare(folder: Path, lenses: tuple[str, ...]) -> None:
    """A workspace with its source and files, nothing loaded."""
    folder.mkdir(parents=True)
    (folder / "o2c.toml").write_text(f"lenses = {json.dumps(lenses)}\n", encoding="utf-8")
    with closing(create_shop(folder / "shop.sqlite")) as connection:
        fill_shop(connection, 12)
        connection.execute("CREATE TABLE step (done INTEGER)")
        connection.execute("INSERT INTO step VALUES (0)")
    for number in range(STEPS):
        file = folder / f"file{number % 2}-{number}.jsonocel"
        file.write_text(json.dumps(_ocel(number)), encoding="utf-8")


def steps_done(folder: Path) -> int:
    """How many steps are complete."""
    with closing(sqlite3.connect(folder / "shop.sqlite")) as connection:
        ((done,),) = connection.execute("SELECT done FROM step").fetchall()
    return int(done)


def run(folder: Path, tell: Callable[[int], None] = lambda number: None) -> None:
    """Do all steps that are left; ``tell`` hears the number of every commit once it is promised to be there."""
    while (number := steps_done(folder)) < STEPS:
        for part in _parts(folder, number):
            part()
            tell(Store(folder / "store").snapshot().number)
        _advance(folder, number)


def child(folder: str, told: str, point: str | None) -> None:
    """``run`` in a process that may be killed; promises go to a file before anything else happens."""
    failpoints.arm(point)
    descriptor = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    run(Path(folder), lambda number: os.fsync(descriptor) if os.write(descriptor, f"{number}\n".encode()) else None)


def _parts(folder: Path, number: int) -> list[Callable[[], None]]:
    parts: list[Callable[[], None]] = [lambda: _extract(folder)]
    if number % 2:
        parts.append(lambda: _import(folder, number))
    if number % 2 == 0 and number:
        parts.append(lambda: _compact(folder))
    return parts


def _extract(folder: Path) -> None:
    source = ContractSource("shop", "shop", {}, url=f"sqlite:///{folder / 'shop.sqlite'}")
    connector = ShopConnector(page_rows=9)
    with Store(folder / "store").writer() as writer:
        staged = stage_source(source, connector, writer, base=folder, commit_rows=20)
        result = transform_source(source, connector, writer, staged)
        refresh(writer, settings(load_config(folder / "o2c.toml").lenses), result.touched["object_id"].to_pylist())
        if result.batches:
            writer.commit(result.batches)


def _import(folder: Path, number: int) -> None:
    (path,) = folder.glob(f"file*-{number}.jsonocel")
    bootstrap.import_files(bootstrap.open_workspace(folder), [path], Asked())


def _compact(folder: Path) -> None:
    with Store(folder / "store").writer() as writer:
        compact(writer)


def compact(writer: Writer) -> None:
    """Compact and let go of all versions but the last three, as if a long time had passed."""
    compaction.compact(writer, lambda table, rows: None)
    rule = Retention(keep_versions=3)
    retention.clean_up(writer.base, rule, now=LATER, dry_run=False, report=lambda what, count: None)


def _advance(folder: Path, number: int) -> None:
    """The source goes on, and the step is done, in one transaction of the source."""
    moment = f"2026-02-{number + 1:02d} 10:00:00"
    with closing(sqlite3.connect(folder / "shop.sqlite", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        columns = "id, state, created_at, done_at, changed_at"
        new = (1000 + number, "done", moment, moment, moment)
        connection.execute(f"INSERT INTO document ({columns}) VALUES (?, ?, ?, ?, ?)", new)
        connection.execute(
            "UPDATE document SET state = 'done', done_at = ?, changed_at = ? WHERE id = ?",
            (moment, moment, 2 * number + 2),
        )
        connection.execute("DELETE FROM line WHERE document = ?", (3 * number + 1,))
        connection.execute("UPDATE step SET done = ?", (number + 1,))
        connection.execute("COMMIT")


def _ocel(number: int) -> dict[str, Any]:
    """A file about six documents, each with two events; the next file that is imported has two of them as well."""
    names = [f"f{index}" for index in range(2 * number, 2 * number + 6)]
    events = [
        {
            "id": f"{name}-{kind}",
            "type": kind,
            "time": (datetime(2026, 3, 1, 8 + hours, tzinfo=UTC) + timedelta(days=int(name[1:]))).isoformat(),
            "attributes": [],
            "relationships": [{"objectId": name, "qualifier": "document"}],
        }
        for name in names
        for hours, kind in enumerate(("Create Document", "Finish Document"))
    ]
    return {
        "objectTypes": [{"name": "document", "attributes": []}],
        "eventTypes": [{"name": kind, "attributes": []} for kind in ("Create Document", "Finish Document")],
        "objects": [{"id": name, "type": "document", "attributes": [], "relationships": []} for name in names],
        "events": events,
    }
