"""The company's log, made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from o2c_mining import bootstrap
from tests.connectors.company import CompanyLog, unpack


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompanyLog]:
    """Both sources of the company, extracted and linked."""
    root = tmp_path_factory.mktemp("company")
    unpack(root)
    bootstrap.extract(bootstrap.open_workspace(root))
    yield CompanyLog(root)
