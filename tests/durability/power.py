"""What a disk may hold after the power fails: everything flushed, and of the rest whatever chance left.

A recorder stands in for ``fsync``. It keeps the content of every file and the entries of every folder as of their last
flush. A power cut is built from that and from what the folder holds now: content that was written but not flushed is
whole, cut short, zeros or empty; a name that was made, removed or replaced without its folder being flushed is there or
not. That is stricter than the usual file systems, and what POSIX promises.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


class PowerFailed(BaseException):
    """Ends the process that lost its power; no ``except Exception`` may live on."""


@dataclass(slots=True)
class Disk:
    """The durable side of one folder."""

    root: Path
    content: dict[int, bytes] = field(default_factory=dict)
    entries: dict[Path, dict[str, int]] = field(default_factory=dict)

    def flush_everything(self) -> None:
        """As after a clean shutdown."""
        for folder, _, files in os.walk(self.root):
            for name in files:
                self.flush(Path(folder) / name)
            self.flush(Path(folder))

    def flush(self, path: Path) -> None:
        """``fsync`` of a file or folder."""
        if path.is_dir():
            self.entries[path] = {child.name: child.lstat().st_ino for child in path.iterdir()}
        elif path.exists():
            self.content[path.stat().st_ino] = path.read_bytes()

    def cut(self, target: Path, dice: random.Random) -> None:
        """Write what a power cut now might leave into ``target``."""
        target.mkdir(parents=True)
        self._folder(self.root, target, dice)

    def _folder(self, folder: Path, target: Path, dice: random.Random) -> None:
        now = {child.name: child for child in folder.iterdir()} if folder.is_dir() else {}
        flushed = self.entries.get(folder, {})
        for name in sorted({*now, *flushed}):
            inode = now[name].lstat().st_ino if name in now else None
            chosen = inode if flushed.get(name) == inode else dice.choice([inode, flushed.get(name)])
            if chosen is None:
                continue
            if chosen == inode:
                path = now[name]
                if path.is_dir():
                    (target / name).mkdir()
                    self._folder(path, target / name, dice)
                else:
                    self._file(path.read_bytes(), self.content.get(chosen), target / name, dice)
            elif folder / name in self.entries:  # a folder that was removed, and may be there again
                (target / name).mkdir()
                self._folder(folder / name, target / name, dice)
            else:
                self._file(None, self.content.get(chosen), target / name, dice)

    def _file(self, now: bytes | None, flushed: bytes | None, target: Path, dice: random.Random) -> None:
        if now is not None and now == flushed:
            target.write_bytes(now)
            return
        written = now if now is not None else b""
        chances = [written, written[: dice.randint(0, len(written))], bytes(len(written)), b""]
        if flushed is not None:
            chances.append(flushed)
        target.write_bytes(dice.choice(chances if now is not None else chances[-1:]))


@dataclass(slots=True)
class Recorder:
    """Stands in for ``durable.sync_path``: flushes to the emulated disk and may cut the power at any flush.

    ``cuts`` are numbers of flushes before which the state of the disk is written down: ``taken`` has, for every one,
    the folder and what ``promised`` said at that moment. With ``stop`` the process dies there.
    """

    disk: Disk
    cuts: frozenset[int]
    into: Path
    dice: random.Random
    promised: Callable[[], int]
    stop: bool = False
    flushes: int = 0
    taken: list[tuple[Path, int]] = field(default_factory=list)

    def __call__(self, path: Path) -> None:
        self.flushes += 1
        if self.flushes in self.cuts:
            target = self.into / f"cut{self.flushes}"
            self.disk.cut(target, self.dice)
            for source in self.disk.root.iterdir():  # the source system has a disk of its own
                if source.is_file():
                    shutil.copy(source, target / source.name)
            self.taken.append((target, self.promised()))
            if self.stop:
                raise PowerFailed
        self.disk.flush(path)
