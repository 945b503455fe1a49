"""A backup's form: a folder, or one tar file, whose manifest names every file with its size and SHA-256.

What is half written carries another name, and what was changed afterwards is refused before anything is restored.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any

from o2c_mining.errors import LogError
from o2c_mining.log import durable

MANIFEST = "MANIFEST.json"
FORMAT = 1
_BLOCK = 1024 * 1024
_TAR = ".tar"

Manifest = dict[str, Any]


class Archive:
    """A backup being written: files go in one by one, the manifest last."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._partial = target.with_name(target.name + ".partial")
        self._files: dict[str, dict[str, Any]] = {}
        self._tar: tarfile.TarFile | None = None

    def __enter__(self) -> Archive:
        self._clear()
        if self.target.suffix == _TAR:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self._tar = tarfile.open(self._partial, "w", format=tarfile.PAX_FORMAT)
        else:
            self._partial.mkdir(parents=True)
        return self

    def put(self, name: str, path: Path) -> None:
        """Copy one file in under a relative name."""
        with path.open("rb") as file:
            size = path.stat().st_size
            read = _Hashing(file)
            if self._tar is not None:
                member = tarfile.TarInfo(name)
                member.size = size
                self._tar.addfile(member, read)
            else:
                copy = self._partial / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                with copy.open("wb") as out:
                    shutil.copyfileobj(read, out, _BLOCK)
                durable.sync_path(copy)
        self._files[name] = {"size": size, "sha256": read.digest()}

    def finish(self, facts: Manifest) -> None:
        """Write the manifest, flush everything and give the backup its name."""
        manifest = {"format": FORMAT, **facts, "files": self._files}
        text = json.dumps({**manifest, "sha256": _seal(manifest)}, indent=1, sort_keys=True) + "\n"
        if self._tar is not None:
            beside = self._partial.with_name(self._partial.name + ".manifest")
            beside.write_text(text, encoding="utf-8")
            self._tar.add(beside, MANIFEST)
            self._tar.close()
            beside.unlink()
            durable.sync_path(self._partial)
        else:
            durable.write_durably(self._partial / MANIFEST, text)
            for folder in (self._partial, *(path for path in self._partial.rglob("*") if path.is_dir())):
                durable.sync_path(folder)
        self._partial.rename(self.target)
        durable.sync_path(self.target.parent)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            if self._tar is not None:
                self._tar.close()
            self._clear()

    def _clear(self) -> None:
        if self._partial.is_dir():
            shutil.rmtree(self._partial)
        else:
            self._partial.unlink(missing_ok=True)


def manifest_of(backup: Path) -> Manifest:
    """A backup's manifest; its files are not looked at.

    Raises
    ------
    LogError
        If it is no backup, or its manifest was changed.
    """
    with _reading(backup) as opened:
        return _manifest(backup, opened(MANIFEST))


def unpack(backup: Path, into: Path, report: Callable[[str, int], None]) -> Manifest:
    """Copy a backup's files into an empty folder, each compared with the manifest; returns the manifest.

    Raises
    ------
    LogError
        If it is no backup, a file is missing or was changed, or the manifest was.
    """
    with _reading(backup) as opened:
        manifest = _manifest(backup, opened(MANIFEST))
        for name, facts in sorted(manifest["files"].items()):
            target = into / _safe(backup, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            file = opened(name)
            if file is None:
                raise _damaged(backup, f"{name} is missing")
            with file, target.open("wb") as out:
                read = _Hashing(file)
                try:
                    shutil.copyfileobj(read, out, _BLOCK)
                except (OSError, tarfile.TarError) as error:
                    raise _damaged(backup, f"{name} cannot be read ({error})") from error
            if target.stat().st_size != facts["size"] or read.digest() != facts["sha256"]:
                raise _damaged(backup, f"{name} is not what was backed up")
            durable.sync_path(target)
            report(name.split("/", 1)[0], 1)
    return manifest


@contextmanager
def _reading(backup: Path) -> Iterator[Callable[[str], IO[bytes] | None]]:
    """A function that opens a file of the backup by name; ``None`` where there is none."""
    if backup.is_dir():
        yield lambda name: (backup / name).open("rb") if (backup / name).is_file() else None
        return
    try:
        with tarfile.open(backup, "r:") as tar:
            members = {member.name: member for member in tar.getmembers() if member.isfile()}
            yield lambda name: tar.extractfile(members[name]) if name in members else None
    except FileNotFoundError as error:
        raise LogError(f"there is no backup at {backup}; expected a folder or a .tar file; correct the path") from error
    except tarfile.TarError as error:
        raise _damaged(backup, str(error)) from error


def _manifest(backup: Path, file: IO[bytes] | None) -> Manifest:
    if file is None:
        raise _damaged(backup, f"it has no {MANIFEST}")
    with file:
        try:
            manifest: Manifest = json.loads(file.read())
            seal = manifest.pop("sha256")
        except (ValueError, KeyError, TypeError, AttributeError, tarfile.TarError) as error:
            raise _damaged(backup, f"its {MANIFEST} cannot be read") from error
    if seal != _seal(manifest):
        raise _damaged(backup, f"its {MANIFEST} was changed")
    if manifest["format"] != FORMAT:
        raise LogError(
            f"{backup.name} has backup format {manifest['format']}; expected {FORMAT}; restore it with the version of "
            f"this program that made it ({manifest.get('tool_version')})"
        )
    return manifest


def _safe(backup: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise _damaged(backup, f"it names {name!r}, which lies outside")
    return path


def _damaged(backup: Path, what: str) -> LogError:
    return LogError(
        f"{backup.name} is not restored: {what}; expected a backup as `o2c store backup` wrote it; use another backup"
    )


def _seal(manifest: Manifest) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


class _Hashing:
    """Reads a file and remembers the hash of what went through."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._hash.update(block)
        return block

    def digest(self) -> str:
        return self._hash.hexdigest()
