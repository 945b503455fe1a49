"""Feed one parser with changed files for a while: ``python -m tests.fuzz.harness PARSER FOLDER [libFuzzer options]``.

Coverage of our own readers guides the changes. Anything but a declared error ends the run and leaves the file that
caused it in ``FOLDER``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

LONGEST = 5  # seconds of work per file
_OURS = ["o2c_mining.exchange", "connectors.bank_statements", "o2c_mining.documents"]


def main() -> None:
    """Run until libFuzzer has had enough; it ends the process."""
    import atheris

    with atheris.instrument_imports(include=_OURS):
        from tests.fuzz.parsers import DECLARED, parse

    name, options = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)

        def one(data: bytes) -> None:
            start = time.process_time()
            with suppress(*DECLARED):
                parse(name, data, place)
            if time.process_time() - start > LONGEST:
                raise TimeoutError(f"more than {LONGEST} seconds of work")

        atheris.Setup([sys.argv[0], *options], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
