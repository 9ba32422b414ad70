"""``consent erase``."""

import re

import click

from consent import addresses
from consent.cli.session import app_context, origin
from consent.records import contacts, export
from consent.records import erase as erasing
from consent.store import database

_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


class Code(click.ParamType[str]):
    """A reason that the ledger keeps."""

    name = "CODE"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the code, or fail with what to write."""
        if not _CODE.match(value):
            self.fail(f"{value} is no code; write one like request, objection or retention.", param, ctx)
        return value


@click.command()
@click.argument("email")
@click.option("--reason", required=True, type=Code(), help="A code that is kept for good, such as request.")
@click.option("--reference", help="Such as a ticket's number; no personal data.")
def erase(email: str, reason: str, reference: str | None) -> None:
    """Erase everything that names EMAIL; its "no" stays, as a keyed digest, and so does the proof."""
    address = addresses.parse(email)
    with app_context() as app:
        try:
            row = erasing.erase(export.contact_id(email), reason, reference, origin(app), "system")
        except erasing.NotKnown:
            with database.reading() as connection:
                before = contacts.erasure_of(connection, address.deny_key)
            said = "This address was erased before" if before else "No contact has this address"
            raise click.UsageError(f"{said}; nothing was erased.") from None
    click.echo(f"Erased. Entry {row.entry.id} says so; the address is suppressed for good.")
