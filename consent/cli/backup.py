"""``consent backup``."""

from pathlib import Path

import click

from consent import clock
from consent.cli.session import app_context
from consent.records import backup as backups


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def backup(folder: Path) -> None:
    """Write a copy of the database into DIR while the service runs, and the signed head that it contains."""
    with app_context():
        made = backups.make(folder, clock.now())
    click.echo(f"{made.path}  {_size(made.bytes)}, {made.entries:,} entries")
    if made.note:
        click.echo(f"{made.note}  covers {made.signed:,} of them; for `consent audit --checkpoint` after a restore")
    click.echo("Not in it: CONSENT_SECRET_KEYS, the ledger's key and its .signed file. Keep them elsewhere.")


def _size(bytes: int) -> str:
    """Return *bytes* as people say them."""
    return f"{bytes / 1e6:,.1f} MB" if bytes >= 1e5 else f"{bytes / 1e3:,.1f} kB"
