"""``consent ledger key`` and ``consent verify``."""

import sys

import click

from consent.cli.session import app_context, origin
from consent.ledger import verify as verifier
from consent.records import rotate as rotation
from consent.records import signing


@click.group()
def ledger() -> None:
    """Make, show and replace the key that signs the ledger's head."""


@ledger.group()
def key() -> None:
    """Make, show and replace the signing key."""


@key.command()
def new() -> None:
    """Make the signing key and print its public key, to be given to whoever is to check the ledger."""
    with app_context(migrated=False) as app:
        settings = app.config["CONSENT"]
        made = signing.create(settings.ledger_key, settings.ledger_origin)
    click.echo(made.signers[0].verifier.vkey)
    click.echo(f"The key is {settings.ledger_key}; keep {made.state.name} beside it, out of the backups.", err=True)


@key.command()
def show() -> None:
    """Print the public key, or both while one is being retired."""
    with app_context(migrated=False) as app:
        settings = app.config["CONSENT"]
        found = signing.load(settings.ledger_key, settings.ledger_origin)
    if found is None:
        raise signing.KeyTrouble(f"There is no key at {settings.ledger_key}; make one with `consent ledger key new`.")
    click.echo("\n".join(signer.verifier.vkey for signer in found.signers))


@key.command()
@click.option("--finish", is_flag=True, help="End the time in which the old key signs too, and delete it.")
def rotate(finish: bool) -> None:
    """Put a new key in place and print its public key; the old one signs beside it until --finish."""
    with app_context() as app:
        path = app.config["CONSENT"].ledger_key
        click.echo(rotation.finish(path, origin(app)) if finish else rotation.begin(path, origin(app)))
    if not finish:
        click.echo("Give it to whoever checks the ledger; then run this again with --finish.", err=True)


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    options_metavar="BUNDLE --key VKEY [OPTIONS]",
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="")
def verify(arguments: tuple[str, ...]) -> None:
    """Check a bundle offline, with nothing but its public key; the same program as the verify.py inside it."""
    sys.exit(verifier.main(list(arguments)))
