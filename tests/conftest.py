"""Rules for the whole test run.

With ``O2C_NO_SKIP=1`` (as .ci/run sets it) a skipped test is a failed one. With ``O2C_SOAK=1`` (as ``make soak``
sets it) tests marked ``soak`` do many times the work they do otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

NO_SKIP = os.environ.get("O2C_NO_SKIP") == "1"
SOAK = os.environ.get("O2C_SOAK") == "1"
_SOAK_SECONDS = 6 * 3600


def soak(ci: int, soak: int) -> int:
    """How often a test marked ``soak`` repeats what it does: ``ci`` times in every run, ``soak`` times in `make soak`.

    ``O2C_SOAK_SHARE=0.1`` makes a soak of a tenth, never less than ``ci``.
    """
    if not SOAK:
        return ci
    return max(ci, round(soak * float(os.environ.get("O2C_SOAK_SHARE", "1"))))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A soak takes as long as it takes."""
    for item in items:
        if SOAK and item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.timeout(_SOAK_SECONDS), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where no skip is allowed."""
    report = yield
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where no skip is allowed: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is collected."""
    report = yield
    if NO_SKIP and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped where no skip is allowed: {report.longrepr}"
    return report
