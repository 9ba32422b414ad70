"""Bring the database to the newest schema, and say which one it has."""

import logging

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from consent.resources import folder
from consent.store import database
from consent.store.base import Base


def head() -> str:
    """Return the newest schema revision, as migrations/.current-head holds it."""
    return (folder("migrations") / ".current-head").read_text("utf-8").strip()


class NoSuchSchema(ValueError):
    """No migration has that number."""


@database.retried
def migrate(revision: str = "head") -> None:
    """Bring the database to the schema *revision*, forward or back; does nothing when it is there.

    Everything happens in one transaction. Raises NoSuchSchema; then nothing was changed.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with database.writing() as connection:
        database.alone(connection, "migrate")
        config = alembic_config(connection)
        known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]  # newest first
        wanted = known[0] if revision == "head" else revision
        if wanted not in known:
            raise NoSuchSchema(f"There is no schema {wanted}: the first is {known[-1]}, the newest {known[0]}.")
        now = MigrationContext.configure(connection).get_current_revision()
        if now not in [None, *known]:
            raise NoSuchSchema(f"The database has schema {now}, which this version does not know: use the newer one.")
        back = now is not None and known.index(wanted) > known.index(now)
        (command.downgrade if back else command.upgrade)(config, wanted)


def alembic_config(connection: object) -> Config:
    """Return Alembic's configuration for work over *connection*."""
    config = Config()
    config.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, metadata=Base.metadata)
    return config
