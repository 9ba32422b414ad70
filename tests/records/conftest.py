"""The log of 600 entries that the audit's tests tamper with; it is built once for each file of tests."""

from pathlib import Path

import pytest

from tests.house import House
from tests.records import tampering
from tests.records.tampering import Log


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the log is kept once it was built."""
    return tmp_path_factory.mktemp("log")


@pytest.fixture
def log(house: House, tmp_path: Path, store: Path) -> Log:
    """A log that nobody has tampered with yet; its people have their addresses."""
    return tampering.acquainted(tampering.build(house, tmp_path, store))
