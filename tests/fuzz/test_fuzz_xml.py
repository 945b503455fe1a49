"""XES and OCEL in XML of any shape: read or refused by a declared error, within 5 seconds and 512 MB."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.run import fuzz

pytest.importorskip("atheris", reason="the fuzzer atheris is not installed; it is made for Linux")


@pytest.mark.soak
@pytest.mark.parametrize("name", ("xes", "ocel_xml", "ocel1_xml"))
def test_no_file_does_harm(tmp_path: Path, name: str) -> None:
    assert fuzz(name, tmp_path) > 100
