"""What most commands begin with: the app, with its settings checked and its database reachable."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy.engine import make_url

from consent import clock
from consent.app import create_app
from consent.config import BadSettings, Settings
from consent.records.append import Origin
from consent.store import database
from consent.web import health


def prepare_folder(url: str) -> None:
    """Make the folder that a SQLite file is to lie in, and the file, which holds addresses, for its owner alone."""
    path = make_url(url).database
    if url.startswith("sqlite") and path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch(mode=0o600)


@contextmanager
def app_context(settings: Settings | None = None, *, migrated: bool = True) -> Iterator[Flask]:
    """Give the app with its context pushed; BadSettings if the schema is not there (unless *migrated* is false)."""
    app = create_app(settings)
    prepare_folder(app.config["CONSENT"].database_url)
    with app.app_context():
        if migrated and (problem := health.schema_problem()):
            raise BadSettings(problem)
        try:
            yield app
        finally:
            for engine in database.db.engines.values():
                engine.dispose()


def origin(app: Flask) -> Origin:
    """Return the ledger's name and the present instant."""
    return Origin(app.config["CONSENT"].ledger_origin, clock.now())
