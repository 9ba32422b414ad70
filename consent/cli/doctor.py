"""``consent doctor``: is everything as it should be? One line each; exit status 1 if something is not."""

import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import click
from sqlalchemy import Connection, func, select, text
from sqlalchemy.engine import make_url

from consent import catalogue, clock
from consent.cli.session import app_context
from consent.config import BadSettings, Settings
from consent.ledger.merkle import BrokenTree
from consent.mail import dkim_keys
from consent.mail.dkim_keys import BadDkim
from consent.mail.domain.ask import NoResolver, Resolver, about_domain, about_links, asking, system_resolver
from consent.mail.domain.findings import Mark
from consent.records import enforcement, permissions, prove, sequence, signing
from consent.records.permissions import Role
from consent.records.signing import KeyTrouble, Publisher
from consent.store import database
from consent.store.ledger import LedgerEntry
from consent.web import health

_COLOURS: dict[Mark, str] = {"ok": "green", "warn": "yellow", "FAIL": "red"}
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_SECONDS = 5
_AHEAD = timedelta(seconds=60)
_LITTLE = 1024**3  # bytes free on the disk


class _Wrong(Exception):
    """What the line says is not as it should be."""


@click.command()
@click.option("--mail", "dns", is_flag=True, help="Ask DNS as well whether receivers can trust the brands' mail.")
@click.option("--selector", "selectors", multiple=True, metavar="NAME", help="A DKIM key to look at, with --mail.")
@click.pass_obj
def doctor(resolver: Resolver | None, dns: bool, selectors: tuple[str, ...]) -> None:
    """Check the settings, the database and its guards, the ledger's key, the clock, and where mail goes."""
    if selectors and not dns:
        raise click.UsageError("--selector says which key to look up: add --mail.")
    well = True
    try:
        with app_context(migrated=False) as app:
            settings: Settings = app.config["CONSENT"]
            _say("settings", "ok", f"{settings.environment}, links begin with {settings.base_url}")
            for name, check in _CHECKS.items():
                well &= _run(name, check, settings)
                if name == "schema" and health.schema_problem():
                    break  # the others would only fail for want of tables
            else:
                well &= not dns or _domains(settings, resolver, selectors)
    except BadSettings as error:
        _say("settings", "FAIL", str(error))
        well = False
    sys.exit(0 if well else 1)


def _run(name: str, check: Callable[[Settings], str], settings: Settings) -> bool:
    try:
        _say(name, "ok", check(settings))
    except (_Wrong, KeyTrouble) as error:
        _say(name, "FAIL", str(error))
        return False
    return True


def _say(name: str, mark: Mark, text: str) -> None:
    click.echo(f"{click.style(f'{mark:<4}', fg=_COLOURS[mark], bold=mark == 'FAIL')}  {name:<9} {text}")


def _domains(settings: Settings, resolver: Resolver | None, selectors: Sequence[str]) -> bool:
    """Say what DNS holds about each domain that we write from, and return whether nothing is wrong."""
    try:
        ask = asking(resolver or system_resolver())
    except NoResolver as error:
        _say("dns", "FAIL", str(error))
        return False
    try:
        known = _selectors(settings)
    except BadDkim as error:
        _say("dkim", "FAIL", str(error))
        return False
    found = about_links(ask, urlsplit(settings.base_url).hostname or "")
    for domain, own in sorted(known.items()):
        names = dict.fromkeys([*selectors, *own])
        found += about_domain(ask, domain, domain, names)  # the envelope's sender is From: transport.Carrier
    for finding in found:
        _say(finding.about, finding.mark, finding.text)
    return all(finding.mark != "FAIL" for finding in found)


def _selectors(settings: Settings) -> dict[str, list[str]]:
    """Return the domains that we write from, and of each the DKIM keys that set-up names or that we sign with.

    Raises BadDkim if one of the keys that we sign with cannot be used.
    """
    found: dict[str, list[str]] = {}
    for brand in catalogue.current().brands.values():
        found.setdefault(brand.domain.lower(), []).extend(brand.dkim_selectors)
    for domain, key in dkim_keys.load(settings.dkim_keys).items() if settings.dkim_keys else ():
        if domain in found:
            found[domain].append(key.selector)
    return found


def _schema(settings: Settings) -> str:
    if problem := health.schema_problem():
        raise _Wrong(problem)
    known = catalogue.current()
    if not known.topics:
        raise _Wrong("Nothing is set up yet: run `consent setup FILE.toml`.")
    return f"newest; {len(known.brands)} brands, {len(known.topics)} topics, {len(known.forms)} forms"


def _guards(settings: Settings) -> str:
    with database.reading() as connection:
        if found := enforcement.problems(connection):
            raise _Wrong(" ".join(found))
    return "the database refuses to change or delete what the ledger holds"


def _role(settings: Settings) -> str:
    if sequence.inline():
        return "whoever may write the file"
    with database.reading() as connection:
        if found := permissions.lacking(connection, [Role.WEB]):
            raise _Wrong(found)
        found = permissions.excess(connection)
        login = connection.execute(text("SELECT current_user")).scalar_one()
    if found and settings.environment == "production":
        raise _Wrong(found)
    return f"{login} could change the ledger: not for production" if found else f"{login} can only add to the ledger"


def _ledger(settings: Settings) -> str:
    with database.reading() as connection:
        size, head = sequence.size(connection), prove.newest(connection)
        publisher = signing.load(settings.ledger_key, settings.ledger_origin)
        if head is None and publisher is None:
            raise _Wrong(f"{size} entries, never signed, and no key here: `consent ledger key new`, `consent worker`.")
        if late := health.unsigned(clock.now()):
            raise _Wrong(" ".join(late))
        if publisher:
            _continues(publisher, size, connection)
    whose = publisher.signers[0].verifier.vkey if publisher else "the key is elsewhere"
    return f"{size} entries, {head.size if head else 0} of them signed; {whose}"


def _continues(publisher: Publisher, size: int, connection: Connection) -> None:
    last = publisher.last()
    try:
        same = last.size <= size and prove.root(connection, last.size) == last.root
    except BrokenTree:
        same = True  # tiles are written when the next head is signed
    if not same:
        raise _Wrong(
            f"The ledger does not continue the last note that was signed ({last.size} entries): run the audit."
        )


def _clock(settings: Settings) -> str:
    with database.reading() as connection:
        newest = connection.execute(select(func.max(LedgerEntry.entry_id))).scalar()
        when: datetime | None = (
            connection.execute(select(LedgerEntry.recorded_at).where(LedgerEntry.entry_id == newest)).scalar()
            if newest
            else None
        )
    now = clock.now()
    if when and when - now > _AHEAD:
        raise _Wrong(f"This host's clock says {now:%Y-%m-%d %H:%M:%S} UTC, and the newest entry is from later: set it.")
    return f"{now:%Y-%m-%d %H:%M:%S} UTC" + (f", shifted by {settings.clock_offset} s" if settings.clock_offset else "")


def _mail(settings: Settings) -> str:
    with database.reading():
        late = health.late_mail(clock.now())
    if late:
        raise _Wrong(" ".join(late))
    url = urlsplit(settings.smtp_url)
    if url.scheme not in _PORTS:
        return "kept in a folder"
    where = (url.hostname or "", url.port or _PORTS[url.scheme])
    try:
        socket.create_connection(where, _SECONDS).close()
    except OSError as error:
        raise _Wrong(f"{where[0]} port {where[1]} does not answer: {error.strerror or type(error).__name__}.") from None
    return f"{where[0]} port {where[1]} answers"


def _disk(settings: Settings) -> str:
    path = make_url(settings.database_url).database
    if not settings.database_url.startswith("sqlite") or not path:
        return "the database is another host's"
    free = shutil.disk_usage(str(path)).free
    if free < _LITTLE:
        raise _Wrong(f"{free // 1024**2} MiB are left beside the database.")
    return f"{free // 1024**3} GiB are left beside the database"


_CHECKS: dict[str, Callable[[Settings], str]] = {
    "schema": _schema,
    "guards": _guards,
    "role": _role,
    "ledger": _ledger,
    "clock": _clock,
    "mail": _mail,
    "disk": _disk,
}
