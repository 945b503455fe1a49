"""The statement files of a folder: plain, gzipped, or in tar archives; each opened as a bounded stream."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from connectors.bank_statements.camt import RefusedFileError
from o2c_mining.errors import ConfigError

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz")
SINGLE = (".xml", ".camt", ".c53", ".xml.gz", ".camt.gz", ".c53.gz")

MAX_STORED_BYTES = 200_000_000
MAX_BYTES = 2_000_000_000
FREE_BYTES = 64_000_000
MAX_RATIO = 100
MAX_MEMBERS = 10_000
_DAMAGED = (tarfile.TarError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, EOFError)


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A file of the folder; ``name`` is its path below it."""

    name: str
    path: Path
    size: int
    modified_ns: int

    def digest(self) -> str:
        """SHA-256 of its bytes."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def statement_files(folder: Path) -> list[StatementFile]:
    """Files that may hold statements, in name order; raises ``ConfigError`` when the folder is missing."""
    if not folder.exists():
        raise ConfigError(f"there is no {folder}; expected a folder with camt.053 files; correct 'path'")
    root = folder if folder.is_dir() else folder.parent
    found = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    files = []
    for path in found:
        name = path.relative_to(root).as_posix()
        if not path.is_file() or path.is_symlink() or path.name.startswith(".") or not _is_wanted(path.name):
            continue
        state = path.stat()
        files.append(StatementFile(name, path, state.st_size, state.st_mtime_ns))
    return files


def open_streams(file: StatementFile) -> Iterator[tuple[str, IO[bytes]]]:
    """Each XML document in the file with a name for messages; raises ``RefusedFileError`` for what is too large."""
    if file.size > MAX_STORED_BYTES:
        raise RefusedFileError("file-too-large", f"the file has more than {MAX_STORED_BYTES} bytes")
    lowered = file.name.lower()
    try:
        with ExitStack() as stack:
            if lowered.endswith(ARCHIVES):
                archive = stack.enter_context(tarfile.open(file.path, mode="r:*"))
                for number, member in enumerate(archive):
                    if number >= MAX_MEMBERS:
                        raise RefusedFileError("file-too-large", f"the archive has more than {MAX_MEMBERS} files")
                    stream = archive.extractfile(member) if member.isreg() else None
                    if stream is not None and _is_wanted(member.name) and not member.name.lower().endswith(ARCHIVES):
                        is_packed = member.name.lower().endswith(".gz")
                        inner = gzip.GzipFile(fileobj=stream) if is_packed else stream
                        yield f"{file.name}:{member.name}", _bounded(cast(IO[bytes], inner), file.size)
            elif lowered.endswith(".gz"):
                yield file.name, _bounded(cast(IO[bytes], stack.enter_context(gzip.open(file.path))), file.size)
            else:
                yield file.name, _bounded(stack.enter_context(file.path.open("rb")), file.size)
    except _DAMAGED as error:
        raise RefusedFileError("damaged-archive", f"the archive cannot be read ({error})") from error


def _is_wanted(name: str) -> bool:
    return name.lower().endswith((*SINGLE, *ARCHIVES))


def _bounded(stream: IO[bytes], stored: int) -> IO[bytes]:
    return cast(IO[bytes], _Bounded(stream, stored))


class _Bounded(io.RawIOBase):
    """A stream that ends with an error when a small file unpacks to an enormous one."""

    def __init__(self, stream: IO[bytes], stored: int) -> None:
        super().__init__()
        self._stream = stream
        self._stored = max(stored, 1)
        self._read = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._stream.read(size if size >= 0 else FREE_BYTES)
        except _DAMAGED as error:
            raise RefusedFileError("damaged-archive", f"the file cannot be unpacked ({error})") from error
        self._read += len(data)
        if self._read > MAX_BYTES or (self._read > FREE_BYTES and self._read > MAX_RATIO * self._stored):
            raise RefusedFileError("file-too-large", f"the file unpacks to more than {self._read} bytes")
        return data
