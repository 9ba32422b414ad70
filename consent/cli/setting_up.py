"""``consent migrate``, ``setup`` and ``api-key create``."""

from pathlib import Path

import click

from consent import clock
from consent.cli.session import app_context, origin
from consent.records import signing
from consent.setup import apply, keys, read
from consent.store import schema


@click.command()
@click.option(
    "--to", metavar="NUMBER", help="Another schema than the newest, such as 0003: before going back a version."
)
def migrate(to: str | None) -> None:
    """Bring the database to the newest schema; safe to run again."""
    with app_context(migrated=False):
        schema.migrate(to or "head")
    click.echo(f"The database is at schema {to or schema.head()}.")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def setup(file: Path) -> None:
    """Create or update organizations, brands, topics, notices and forms from FILE; safe to run again."""
    with app_context() as app:
        settings = app.config["CONSENT"]
        wanted = read.read(file, development=settings.development)
        changes = apply.apply(wanted, origin(app), signing.vkey(settings.ledger_key, settings.ledger_origin))
    click.echo("\n".join(changes) or "Nothing to change.")


@click.group("api-key")
def api_key() -> None:
    """Keys for the API."""


@api_key.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(keys.SCOPES), help="Repeat it.")
@click.argument("more", nargs=-1, type=click.Choice(keys.SCOPES))
def create_api_key(name: str, scopes: tuple[str, ...], more: tuple[str, ...]) -> None:
    """Make a key that may do what its scopes say, and print it; it is shown this once."""
    with app_context():
        click.echo(keys.create(name, sorted({*scopes, *more}), clock.now()))
