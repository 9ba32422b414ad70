"""Bring the database to the newest schema, and say which one it has."""

import logging

from alembic import command
from alembic.config import Config

from consent.resources import folder
from consent.store import database
from consent.store.base import Base


def head() -> str:
    """Return the newest schema revision, as migrations/.current-head holds it."""
    return (folder("migrations") / ".current-head").read_text("utf-8").strip()


@database.retried
def migrate() -> None:
    """Bring the database to the newest schema; does nothing when it is there. Safe to run again."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with database.writing() as connection:
        database.alone(connection, "migrate")
        command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: object) -> Config:
    """Return Alembic's configuration for work over *connection*."""
    config = Config()
    config.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, metadata=Base.metadata)
    return config
