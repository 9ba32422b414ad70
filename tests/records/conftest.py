"""The log of 600 entries that the audit's tests tamper with; it is built once for each file of tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House
from tests.postgres import Postgres
from tests.records import tampering
from tests.records.tampering import Log


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres | None) -> Iterator[Path]:
    """Where the log is kept once it was built."""
    yield tmp_path_factory.mktemp("log")
    tampering.forget_saved(postgres)


@pytest.fixture
def log(house: House, tmp_path: Path, store: Path) -> Log:
    """A log that nobody has tampered with yet; its people have their addresses."""
    return tampering.build(house, tmp_path, store)
