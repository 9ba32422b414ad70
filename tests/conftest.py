"""The house on a database of its own: the real migrations, the example company, real letters in a folder."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent import catalogue, clock
from consent.app import create_app
from consent.cli import work
from consent.config import Settings, read
from consent.records import publish
from consent.records.append import Origin
from consent.resources import folder
from consent.setup import apply, keys
from consent.setup import read as setup_file
from consent.store import database, schema
from tests import postgres as postgres_server
from tests.api.calling import Caller
from tests.house import House
from tests.postgres import CannotStart, Copies, Postgres

TEMPLATE = f"migrated_{uuid4().hex}"  # of this process: several share a server
SERVER, TROUBLE = pytest.StashKey[Postgres](), pytest.StashKey[str]()
SECRET = "2f6c1d9a7b3e4058c6d1e2f3a4b5968778695a4b3c2d1e0f9182736455463728"


def settings_for(path: Path, **more: str) -> Settings:
    """Return development settings that keep everything under *path*."""
    return read(
        {
            "CONSENT_ENV": "development",
            "CONSENT_DATABASE_URL": f"sqlite:///{path}/consent.db",
            "CONSENT_BASE_URL": "https://consent.example.com",
            "CONSENT_SECRET_KEYS": SECRET,
            "CONSENT_SMTP_URL": f"mailbox:{path}/mail",
            "CONSENT_LEDGER_KEY": f"{path}/ledger.key",
        }
        | more
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that says which database the service runs on."""
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite")


def pytest_configure(config: pytest.Config) -> None:
    """Start the one PostgreSQL that every worker of the run shares; without one CI fails, and others are told loudly."""
    if config.getoption("--database") == "sqlite" or hasattr(config, "workerinput") or config.option.collectonly:
        return
    stack = ExitStack()
    config.add_cleanup(stack.close)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or `timeout` would leave the server behind
    try:
        config.stash[SERVER] = stack.enter_context(postgres_server.running())
    except CannotStart as error:
        if os.environ.get("CI"):
            raise pytest.UsageError(f"No test can run on PostgreSQL. {error}") from None
        config.stash[TROUBLE] = str(error)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where the server is."""
    if SERVER in node.config.stash:
        node.workerinput["postgres"] = asdict(node.config.stash[SERVER])
    node.workerinput["no_postgres"] = TROUBLE in node.config.stash


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL run what needs a database at all and is not about SQLite's own ways; and the other way round."""
    on_sqlite = config.getoption("--database") == "sqlite"
    if TROUBLE in config.stash or getattr(config, "workerinput", {}).get("no_postgres"):
        mine = []
    elif on_sqlite:
        mine = [item for item in items if not item.get_closest_marker("postgresql")]
    else:
        mine = [i for i in items if "app" in getattr(i, "fixturenames", ()) and not i.get_closest_marker("sqlite")]
    kept = set(mine)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = mine


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where there is no PostgreSQL and nobody insists on it, that nothing ran is no failure."""
    if TROUBLE in session.config.stash and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in red that nothing ran on PostgreSQL, why, and what to do."""
    if TROUBLE in config.stash:
        terminalreporter.section("NO TEST RAN ON POSTGRESQL", sep="!", red=True, bold=True)
        terminalreporter.line(config.stash[TROUBLE], red=True)
        terminalreporter.line("With CI set in the environment this run would have failed.", red=True)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Postgres | None:
    """The PostgreSQL server of the whole run, or None when the tests run on SQLite."""
    config = request.config
    if told := getattr(config, "workerinput", {}).get("postgres"):
        return Postgres(**told)
    return config.stash.get(SERVER, None)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres | None) -> Iterator[Path]:
    """A database with the real schema and the example company, to be copied: a file, or a template."""
    path = tmp_path_factory.mktemp("migrated")
    more = {"CONSENT_DATABASE_URL": postgres.make(TEMPLATE)} if postgres else {}
    app = create_app(settings_for(path, **more))
    with app.app_context():
        schema.migrate()
        apply.apply(
            setup_file.read(folder("examples") / "acme.toml"), Origin("consent.example.com/ledger", clock.now())
        )
        publish.number_all(clock.now())  # as a worker would have done
    dispose(app)
    yield path / "consent.db"
    if postgres:
        postgres.drop(TEMPLATE)


@pytest.fixture(scope="session")
def copies(migrated: Path, postgres: Postgres | None) -> Iterator[Copies | None]:
    """Copies of the template on PostgreSQL."""
    if postgres is None:
        yield None
        return
    found = Copies(postgres, TEMPLATE)
    yield found
    found.close()


@pytest.fixture
def app(migrated: Path, tmp_path: Path, postgres: Postgres | None, copies: Copies | None) -> Iterator[Flask]:
    """The app on a fresh copy of the database, with its context pushed; the clock is put right afterwards."""
    name = copies.take() if copies else ""
    if postgres:
        more = {"CONSENT_DATABASE_URL": postgres.url(name)}
    else:
        shutil.copy(migrated, tmp_path / "consent.db")
        more = {}
    app = create_app(settings_for(tmp_path, **more))
    with app.app_context():
        catalogue.reload()
        yield app
    dispose(app)
    clock.set_offset(0)
    if copies:
        copies.give_back(name)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def dispose(app: Flask) -> None:
    """Close every connection of *app*."""
    with app.app_context():
        for engine in database.db.engines.values():
            engine.dispose()
    database.forget_turns()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser, or a mail client: it keeps no cookies."""
    return app.test_client(use_cookies=False)


@pytest.fixture
def house(app: Flask, client: FlaskClient, tmp_path: Path) -> House:
    """What a test does as a person would: sign up, read the mail, press the button."""
    return House(app, client, tmp_path / "mail", lambda: work.drain(app))


@pytest.fixture
def api_key(app: Flask) -> str:
    """A key that may do everything."""
    return keys.create("tests", keys.SCOPES, clock.now())


@pytest.fixture
def later() -> Iterator[object]:
    """A way to move the clock forward."""

    def move(**by: float) -> None:
        clock.set_offset(int(timedelta(**by).total_seconds()))

    yield move
    clock.set_offset(0)


@pytest.fixture
def api(client: FlaskClient, api_key: str) -> Caller:
    """The API, called with a key that may do everything."""
    return Caller(client, api_key)
