"""The prepared database that every site is a copy of, and a site to strike."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clusters import Cluster, cluster
from tests.faults import processes
from tests.faults.processes import Site

TEMPLATE = "prepared"
OpenSite = Callable[[str], Site]


@pytest.fixture(scope="session")
def durable() -> Iterator[Cluster]:
    """A PostgreSQL server that may be crashed."""
    with cluster() as made:
        yield made


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that a site on SQLite begins with."""
    folder = tmp_path_factory.mktemp("prepared-sqlite")
    processes.prepare(folder, processes.sqlite_url(folder))
    return folder


@pytest.fixture(scope="session")
def prepared_postgresql(tmp_path_factory: pytest.TempPathFactory, durable: Cluster) -> Path:
    """A folder with the key of a ledger, whose database is the template of that name."""
    folder = tmp_path_factory.mktemp("prepared-postgresql")
    processes.prepare(folder, durable.make(TEMPLATE))
    return folder


@pytest.fixture
def open_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenSite]:
    """A way to get a site on ``sqlite`` or ``postgresql`` that is not started yet; it ends with the test."""
    with ExitStack() as stack:

        def make(database: str) -> Site:
            prepared = request.getfixturevalue(f"prepared_{database}")
            server = request.getfixturevalue("durable") if database == "postgresql" else None
            return stack.enter_context(processes.site(prepared, tmp_path / "site", server, TEMPLATE))

        yield make
