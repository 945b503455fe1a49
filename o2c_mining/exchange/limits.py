"""Files are opened here: how large they may be, packed and unpacked, is decided before they are read."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from o2c_mining.config import Limits
from o2c_mining.errors import LogError

MEGABYTE = 1024 * 1024
BLOCK = MEGABYTE
GZIP = b"\x1f\x8b"


class ByteSource(Protocol):
    """What the readers read from."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, empty at the end."""
        ...


class _Guarded:
    """Bytes of a file, unpacked where it is packed, up to the limits."""

    def __init__(self, file: BinaryIO | gzip.GzipFile, path: Path, limits: Limits) -> None:
        self._file, self._path, self._limits = file, path, limits
        self._packed = path.stat().st_size
        self._raw = 0

    def read(self, size: int = BLOCK, /) -> bytes:
        try:
            block = self._file.read(size if size > 0 else BLOCK)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise LogError(
                f"{self._path.name} is damaged ({error}); expected a whole gzip file; copy or download it again"
            ) from error
        self._raw += len(block)
        check_size(self._path, self._packed, self._raw, self._limits)
        return block


def check_size(path: Path, packed: int, raw: int, limits: Limits) -> None:
    """Refuse a file that unpacks to more than the limits allow.

    Raises
    ------
    LogError
        Naming the limit and the setting that raises it.
    """
    if raw > limits.raw_mb * MEGABYTE:
        raise LogError(
            f"{path.name} holds more than {limits.raw_mb:,} MB; expected less; split it, or raise raw_mb under [limits]"
        )
    if raw > limits.free_mb * MEGABYTE and raw > packed * limits.ratio:
        raise LogError(
            f"{path.name} unpacks to more than {limits.ratio} times its size; expected less past {limits.free_mb} MB; "
            "unpack it yourself if you trust it, or raise ratio under [limits]"
        )


def reachable(path: Path) -> bool:
    """Whether there is something at a path.

    Raises
    ------
    LogError
        If a folder on the way, or the folder it is, may not be read.
    """
    try:
        path.stat()
        if path.is_dir():
            next(path.iterdir(), None)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(path, error) from error
    return True


def _unreadable(path: Path, error: OSError) -> LogError:
    return LogError(f"{path} cannot be read ({error.strerror}); expected a file; correct the path or its permissions")


def check_file(path: Path, limits: Limits) -> None:
    """Refuse what is no readable file, or is packed larger than the limits allow."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            packed = file.read(2) in (GZIP, b"PK")
    except OSError as error:
        raise _unreadable(path, error) from error
    allowed = limits.compressed_mb if packed else limits.raw_mb
    if size > allowed * MEGABYTE:
        name = "compressed_mb" if packed else "raw_mb"
        raise LogError(
            f"{path.name} is larger than {allowed:,} MB; expected less; split it, or raise {name} under [limits]"
        )
    if size == 0:
        raise LogError(f"{path.name} is empty; expected an event log; export it again")


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[ByteSource]:
    """The unpacked bytes of a file, guarded by the limits."""
    check_file(path, limits)
    with path.open("rb") as file:
        if file.read(2) == GZIP:
            file.seek(0)
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield _Guarded(unpacked, path, limits)
        else:
            file.seek(0)
            yield _Guarded(file, path, limits)


def blocks(path: Path, limits: Limits) -> Iterator[bytes]:
    """The unpacked bytes of a file, a block at a time."""
    with opened(path, limits) as source:
        while block := source.read(BLOCK):
            yield block
