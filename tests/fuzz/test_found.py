"""Files the fuzzer once found a fault with, and the whole ones it begins with: read or refused as declared."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from tests.fuzz.parsers import DECLARED, PARSERS, parse, seeds
from tests.fuzz.run import FOUND


@pytest.mark.parametrize("path", sorted(FOUND.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_found_files_are_read_or_refused(tmp_path: Path, path: Path) -> None:
    with suppress(*DECLARED):
        parse(path.parent.name, path.read_bytes(), tmp_path)


@pytest.mark.parametrize("name", PARSERS)
def test_the_fuzzer_begins_with_files_that_are_read(tmp_path: Path, name: str) -> None:
    """Else it would learn nothing of what lies behind the first check."""
    read = 0
    for number, data in enumerate(seeds(name, tmp_path)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with suppress(*DECLARED):
            parse(name, data, folder)
            read += 1
    assert read


def test_every_parser_is_fuzzed() -> None:
    said = "".join(path.read_text() for path in Path(__file__).parent.glob("test_fuzz_*.py"))
    assert [name for name in PARSERS if said.count(f'"{name}"') != 1] == []


def test_every_found_file_belongs_to_a_parser() -> None:
    assert {path.name for path in FOUND.iterdir()} <= set(PARSERS)
