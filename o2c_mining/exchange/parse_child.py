"""The child that reads one file: ``python -m o2c_mining.exchange.parse_child REQUEST``, a file of JSON.

It answers in lines of JSON: how many rows it has read so far, and at last that it is done or why not.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from math import ceil
from pathlib import Path

from o2c_mining.config import Limits
from o2c_mining.errors import O2CError
from o2c_mining.exchange.apart import write_facts
from o2c_mining.exchange.detect import detect
from o2c_mining.exchange.limits import MEGABYTE
from o2c_mining.exchange.read import Asked, read_log, reader_of

_GRACE = 5  # seconds from the signal that time is up, which ends the process, to the one nobody can ignore


def main() -> int:
    """Read the file that the request names."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    asked = request["asked"]
    mapping = asked.pop("mapping")
    memory = int(request["memory_mb"])
    path, folder = Path(request["path"]), Path(request["folder"])
    limits = Limits.model_validate(request["limits"])
    seconds = int(request["seconds"])
    try:
        _allow(memory, seconds)
        reader_of(detect(path, limits))
        _allow(memory, seconds, last=True)  # its libraries are no part of what a file may take
        log = read_log(
            path,
            limits,
            Asked(**asked, mapping=Path(mapping) if mapping else None),
            lambda _, rows: _say(rows=rows),
            folder,
        )
        write_facts(log, folder)
    except O2CError as error:
        _say(error=type(error).__name__, message=str(error))
        return 0
    except MemoryError:
        message = (
            f"{path.name} needs more than {memory:,} MB of memory; expected less for its size; split it, or raise "
            "parse_memory_mb under [limits] if you trust it"
        )
        _say(error="LogError", message=message)
        return 0
    _say(done=True)
    return 0


def _allow(megabytes: int, seconds: int, *, last: bool = False) -> None:
    """So much work, and so much memory beyond what is in use; where the system does not tell that, only the first.

    After the ``last`` time nothing can allow more.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    spent = resource.getrusage(resource.RUSAGE_SELF)
    soft = seconds + ceil(spent.ru_utime + spent.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, soft + _GRACE if last else _hard(resource.RLIMIT_CPU)))
    status = Path("/proc/self/status")
    if not status.exists():
        return
    used = next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmData:"))
    limit = used + megabytes * MEGABYTE
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit if last else _hard(resource.RLIMIT_DATA)))


def _hard(what: int) -> int:
    return resource.getrlimit(what)[1]


def _say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a thread of Arrow's may still want Python's lock, and an orderly end would wait for it forever
