"""The house on a database of its own: the real migrations, the example company, real letters in a folder."""

import shutil
import socket
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent import catalogue, clock
from consent.app import create_app
from consent.cli import work
from consent.config import Settings, read
from consent.records.append import Origin
from consent.resources import folder
from consent.setup import apply, keys
from consent.setup import read as setup_file
from consent.store import database, schema
from tests import postgres as postgres_server
from tests.api.calling import Caller
from tests.house import House
from tests.postgres import Postgres

TEMPLATE = f"migrated_{uuid.uuid4().hex}"  # of this process: several may share a server
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the other database, and on PostgreSQL what needs no database at all."""
    if config.getoption("--database") == "sqlite":
        mine = [item for item in items if not item.get_closest_marker("postgresql")]
    else:
        mine = [i for i in items if "app" in getattr(i, "fixturenames", ()) and not i.get_closest_marker("sqlite")]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(mine)])
    items[:] = mine


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres | None]:
    """A PostgreSQL server for the whole run, or None when the tests run on SQLite."""
    if request.config.getoption("--database") == "sqlite":
        yield None
        return
    with postgres_server.running() as server:
        yield server


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres | None) -> Path:
    """A database with the real schema and the example company, to be copied: a file, or the template ``migrated``."""
    path = tmp_path_factory.mktemp("migrated")
    more = {"CONSENT_DATABASE_URL": postgres.make(TEMPLATE)} if postgres else {}
    app = create_app(settings_for(path, **more))
    with app.app_context():
        schema.migrate()
        apply.apply(
            setup_file.read(folder("examples") / "acme.toml"), Origin("consent.example.com/ledger", clock.now())
        )
    dispose(app)
    return path / "consent.db"


@pytest.fixture
def app(migrated: Path, tmp_path: Path, postgres: Postgres | None) -> Iterator[Flask]:
    """The app on a fresh copy of the database, with its context pushed; the clock is put right afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    if postgres:
        more = {"CONSENT_DATABASE_URL": postgres.make(name, TEMPLATE)}
    else:
        shutil.copy(migrated, tmp_path / "consent.db")
        more = {}
    app = create_app(settings_for(tmp_path, **more))
    with app.app_context():
        catalogue.reload()
        yield app
    dispose(app)
    clock.set_offset(0)
    if postgres:
        postgres.drop(name)


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
