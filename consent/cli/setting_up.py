"""``consent migrate``, ``setup`` and ``api-key``."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

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


class _End(click.ParamType[datetime]):
    """When a key ends: a number of days from now, or the last day on which it works, in UTC."""

    name = "DAYS|DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the instant from which on the key opens nothing."""
        try:
            if value.isdecimal():
                end = clock.now() + timedelta(days=int(value))
            else:
                end = datetime.combine(date.fromisoformat(value), time.min, UTC) + timedelta(days=1)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no number of days, and no date like 2027-01-31.", param, ctx)
        if end <= clock.now():
            self.fail(f"{value!r} is over already.", param, ctx)
        return end


@api_key.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(keys.SCOPES), help="Repeat it.")
@click.option("--expires", type=_End(), help="After so many days, or the last day on which it works (UTC).")
@click.argument("more", nargs=-1, type=click.Choice(keys.SCOPES))
def create_api_key(name: str, scopes: tuple[str, ...], expires: datetime | None, more: tuple[str, ...]) -> None:
    """Make a key that may do what its scopes say, and print it; it is shown this once."""
    with app_context():
        click.echo(keys.create(name, sorted({*scopes, *more}), clock.now(), expires))


@api_key.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_api_keys(as_json: bool) -> None:
    """Print every key: what it may do, until when, and when it was used last. No secret is shown; none is kept."""
    with app_context():
        rows = [_shown(key) for key in keys.listed()]
    if as_json:
        click.echo("\n".join(json.dumps(row) for row in rows), nl=bool(rows))
    elif rows:
        cells = [
            [*rows[0]],
            *([_cell(value) for value in row.values()] for row in rows),
        ]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for line in cells:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    else:
        click.echo("There is no key yet; `consent api-key create NAME --scope SCOPE` makes one.")


@api_key.command("revoke")
@click.argument("id")
def revoke_api_key(id: str) -> None:
    """Let the key with this ID open nothing any more, on every host within two seconds."""
    with app_context():
        keys.revoke(id, clock.now())
    click.echo(f"The key {id} is revoked.")


def _shown(key: keys.Listed) -> dict[str, Any]:
    """Return *key* as it is printed, times to the minute in UTC."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "created": _minute(key.created_at),
        "expires": _minute(key.expires_at),
        "last used": _minute(key.last_used_at),
        "revoked": _minute(key.revoked_at),
    }


def _minute(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ") if at else None


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else value or "-"
