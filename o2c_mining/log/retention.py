"""Which versions of the log are kept, and which files none of them needs any more.

Nothing expires unless the configuration says so. A pinned version is never removed; neither is the newest, nor one that
was still the newest less than a week ago, as a reader may have it open. What is removed is written down before the
first file goes, so that a kill on the way leaves versions that say they are gone, never some that are half there.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from o2c_mining.config import Retention
from o2c_mining.errors import LogError
from o2c_mining.log import durable
from o2c_mining.log.failpoints import failpoint
from o2c_mining.log.snapshot import Snapshot, commit_time

# A reader that opened a version may go on reading its files for this long; delta-rs' own default.
READERS = timedelta(hours=168)
_FILE = "retention.json"


@dataclass(frozen=True, slots=True)
class Pin:
    """A version that must stay, and why."""

    version: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What is written down about versions: pins, and the numbers that were removed."""

    pins: tuple[Pin, ...] = ()
    removed: frozenset[int] = frozenset()

    def pin_of(self, version: int) -> Pin | None:
        """The pin of a version."""
        return next((pin for pin in self.pins if pin.version == version), None)


@dataclass(frozen=True, slots=True)
class Freed:
    """What a clean-up removed, or would remove."""

    versions: tuple[int, ...]
    files: int
    bytes: int


def kept_of(root: Path) -> Kept:
    """What is written down in a store."""
    path = root / _FILE
    if not path.is_file():
        return Kept()
    raw = json.loads(path.read_text(encoding="utf-8"))
    pins = tuple(Pin(int(p["version"]), str(p["reason"]), datetime.fromisoformat(p["at"])) for p in raw["pins"])
    return Kept(pins, frozenset(int(number) for number in raw["removed"]))


def pin(root: Path, snapshot: Snapshot, reason: str, *, now: datetime) -> Pin:
    """Keep a version whatever the rule says; the caller holds the store's lock."""
    if not reason.strip():
        raise LogError("a pin has no reason; expected why the version must stay; give one with --reason")
    kept = kept_of(root)
    made = Pin(snapshot.number, reason.strip(), now)
    others = tuple(other for other in kept.pins if other.version != made.version)
    _write(root, replace(kept, pins=tuple(sorted((*others, made), key=lambda pin: pin.version))))
    return made


def unpin(root: Path, version: int) -> Pin:
    """Let the rule decide about a version again; the caller holds the store's lock."""
    kept = kept_of(root)
    found = kept.pin_of(version)
    if found is None:
        pinned = ", ".join(str(pin.version) for pin in kept.pins) or "none"
        raise LogError(f"version {version} is not pinned; pinned are: {pinned}; see `o2c store versions`")
    _write(root, replace(kept, pins=tuple(pin for pin in kept.pins if pin != found)))
    return found


def refuse_removed(root: Path, number: int) -> None:
    """Tell a reader that a version is no longer there.

    Raises
    ------
    LogError
        If the version was removed by the retention rule.
    """
    if number in kept_of(root).removed:
        raise LogError(
            f"version {number} was removed by the retention rule; expected a version that is kept; "
            "`o2c store versions` lists them, `o2c store pin` keeps one for good"
        )


def expired(snapshot: Snapshot, rule: Retention, kept: Kept, *, now: datetime) -> tuple[int, ...]:
    """Versions that the rule lets go now."""
    if rule.keep_days is None and rule.keep_versions is None:
        return ()
    times = {int(str(row["commit"])): commit_time(row) for row in snapshot.history()}
    numbers = [number for number in sorted(times) if number not in kept.removed]
    recent = set(numbers[-rule.keep_versions :]) if rule.keep_versions is not None else set()
    found = []
    for number, follower in pairwise(numbers):
        replaced = times[follower]
        young = rule.keep_days is not None and now - replaced < timedelta(days=rule.keep_days)
        if number not in recent and not young and now - replaced >= READERS and kept.pin_of(number) is None:
            found.append(number)
    return tuple(found)


def clean_up(
    snapshot: Snapshot, rule: Retention, *, now: datetime, dry_run: bool, report: Callable[[str, int], None]
) -> Freed:
    """Remove expired versions and every file that no kept version needs; the caller holds the store's lock."""
    root = snapshot.root
    kept = kept_of(root)
    gone = expired(snapshot, rule, kept, now=now)
    kept = replace(kept, removed=kept.removed | set(gone))
    dead = dead_files(snapshot, kept, now=now)
    size = sum(file.stat().st_size for file in dead)
    if not dry_run:
        if gone:
            _write(root, kept)
            failpoint("retention.noted")
        for file in dead:
            file.unlink(missing_ok=True)
            failpoint("retention.file_removed")
            report("files removed", 1)
    return Freed(gone, len(dead), size)


def dead_files(snapshot: Snapshot, kept: Kept, *, now: datetime) -> list[Path]:
    """Files of the store that no kept version names and that nobody can be writing or reading any more."""
    needed = needed_files(snapshot, kept.removed)
    oldest = (now - READERS).timestamp()
    found = []
    for log in sorted(snapshot.root.glob("**/_delta_log")):
        table = log.parent
        for file in (*table.glob("*.parquet"), *table.glob("*=*/**/*.parquet"), *log.glob("*.tmp")):
            if file not in needed and file.stat().st_mtime < oldest:
                found.append(file)
    return found


def needed_files(snapshot: Snapshot, removed: Collection[int]) -> set[Path]:
    """Data files of every version up to the snapshot that was not removed, and of the commit rows themselves."""
    wanted: dict[str, set[int]] = {}
    for row in snapshot.history():
        if int(str(row["commit"])) not in removed:
            versions: Mapping[str, int] = json.loads(str(row["versions"]))
            for table, version in versions.items():
                wanted.setdefault(table, set()).add(version)
    needed: set[Path] = set()
    for table, numbers in wanted.items():
        needed |= _needed_of(snapshot.root / table, sorted(numbers))
    batches = snapshot.root / "batches"
    entries = durable.versions_on_disk(batches)
    recent = {v for v in entries if _age(durable.log_entry(batches, v)) < READERS}
    return needed | _needed_of(batches, sorted({*recent, *entries[-1:]}))


def _needed_of(table: Path, kept: list[int]) -> set[Path]:
    """Files whose life, from the version that adds them to the one that removes them, holds a kept version."""
    born: dict[str, int] = {}
    needed: set[str] = set()
    for version in range(kept[-1] + 1 if kept else 0):
        for line in durable.log_entry(table, version).read_text(encoding="utf-8").split("\n"):
            action = json.loads(line) if line.strip() else {}
            if "add" in action:
                born.setdefault(unquote(action["add"]["path"]), version)
            elif "remove" in action:
                path = unquote(action["remove"]["path"])
                start = born.pop(path, version)
                at = bisect_left(kept, start)
                if at < len(kept) and kept[at] < version:
                    needed.add(path)
    needed |= set(born)
    return {table / path for path in needed}


def _age(path: Path) -> timedelta:
    return timedelta(seconds=datetime.now(UTC).timestamp() - path.stat().st_mtime)


def _write(root: Path, kept: Kept) -> None:
    pins = [{**asdict(pin), "at": pin.at.isoformat()} for pin in kept.pins]
    text = json.dumps({"pins": pins, "removed": sorted(kept.removed)}, indent=1)
    durable.write_durably(root / _FILE, text + "\n")
