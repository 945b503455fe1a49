"""Feed one parser with changed files: ``python -m tests.fuzz.harness PARSER [libFuzzer options] GIVEN CORPUS``.

Coverage of the readers guides the changes. Anything but a declared error ends the run and leaves the file that
caused it. What the given files take, read once before all, is no part of the memory that is allowed.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

LONGEST = 5  # seconds of work per file
EXTRA_MB = 512
# What is written in Python of the way from bytes to rows; the rest is compiled, and blind.
_FOLLOWED = [
    "o2c_mining.exchange",
    "o2c_mining.documents",
    "connectors.bank_statements",
    "yaml.reader",
    "yaml.scanner",
    "yaml.parser",
    "yaml.composer",
    "yaml.constructor",
    "openpyxl.reader",
    "openpyxl.worksheet._reader",
]


_LIBC = ctypes.CDLL(None)


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p)
def _ended(status: int, _: object) -> None:
    """Leave at once: libFuzzer exits holding Python's lock, for which a thread that Arrow waits for may wait too."""
    os._exit(status)


def main() -> None:
    """Run until libFuzzer has had enough; it ends the process."""
    import atheris

    with atheris.instrument_imports(include=_FOLLOWED):
        from tests.fuzz.parsers import DECLARED, parse

    name, *options, given, corpus = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)

        def one(data: bytes) -> None:
            start = time.process_time()
            with suppress(*DECLARED):
                parse(name, data, place)
            if time.process_time() - start > LONGEST:
                raise TimeoutError(f"more than {LONGEST} seconds of work")

        for path in sorted(Path(given).iterdir()):
            one(path.read_bytes())
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        _LIBC.on_exit(_ended, None)
        atheris.Setup([sys.argv[0], *options, f"-rss_limit_mb={used + EXTRA_MB}", corpus], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
