"""Run the fuzzer on one parser within limits, and say what it found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import SOAK, soak
from tests.fuzz.parsers import seeds

ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).parent / "found"
SECONDS, SOAK_SECONDS = 60, 1800
SEED = 20261122
_HANGS = 60  # seconds after which a file is given up; how much work it may make is counted in the harness
_LEAST, _GROWTH = 2048, 1.25  # how long a file may get: many small ones find more than a few large ones
_DONE = re.compile(r"^#(\d+)\s+DONE", re.MULTILINE)
_WORDS = (
    '"<?xml"', '"</"', '"/>"', '"<!--"', '"-->"', '"<![CDATA["', '"<!DOCTYPE"', '"&#x0;"', '"&lt;"', '"key=\\""',
    '"value=\\""', '"<event>"', '"</event>"', '"<trace>"', '"</trace>"', '"concept:name"', '"time:timestamp"',
    '"lifecycle:transition"', '"start"', '"null"', '"1e999"', '"9999-12-31T23:59:59-14:00"', '"0001-01-01"',
    '"2026-01-05T10:00:00Z"', '"\\\\ud800"', '"[[[[[["', '"{\\"a\\":"', '"&a "', '"*a"', '"!!python/object:os.system"',
    '"undecided"', '"99999999999999999999"', '"-9223372036854775809"', '"NaN"', '"\\xff\\xfe"', '"\\xef\\xbb\\xbf"',
)  # fmt: skip


def fuzz(name: str, folder: Path) -> int:
    """How many files the parser read; asserts that each was read or refused in time and within memory."""
    given, corpus, words = folder / "given", folder / "corpus", folder / "words"
    given.mkdir()
    corpus.mkdir()
    for number, data in enumerate(seeds(name, folder)):
        (given / f"seed-{number}").write_bytes(data)
    for path in (FOUND / name).glob("*") if (FOUND / name).is_dir() else ():
        (given / path.name).write_bytes(path.read_bytes())
    words.write_text("\n".join(_WORDS) + "\n", encoding="utf-8")
    largest = max(path.stat().st_size for path in given.iterdir())
    options = [
        f"-max_total_time={soak(SECONDS, SOAK_SECONDS)}",
        f"-seed={soak(SEED, 0)}",  # one way each time in CI; soak goes anywhere
        f"-timeout={_HANGS}",
        f"-max_len={max(_LEAST, round(_GROWTH * largest))}",
        "-len_control=0",
        "-detect_leaks=0",
        "-print_final_stats=1",
        f"-dict={words}",
        f"-artifact_prefix={folder}/",
        "-reload=0",
        f"-seed_inputs={','.join(str(path) for path in sorted(given.iterdir()))}",  # a folder has no order of its own
        str(given),
        str(corpus),
    ]
    done = _run(name, options, folder)
    left = [path for path in folder.iterdir() if path.name.startswith(("crash-", "timeout-", "oom-", "slow-"))]
    assert done.returncode == 0, (
        f"{name} ended with {done.returncode} on {[path.read_bytes()[:2000] for path in left]}:\n"
        f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    )
    count = _DONE.search(done.stderr)
    assert count is not None, done.stderr[-2000:]
    return int(count.group(1))


def _run(name: str, options: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.harness", name, *options],
        cwd=ROOT,
        env={
            **os.environ,
            "TMPDIR": str(folder),
            "ARROW_DEFAULT_MEMORY_POOL": "system",
            "PYTHONHASHSEED": "random" if SOAK else "0",
        },
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
