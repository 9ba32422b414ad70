"""Find or make the contact of an address, with its row locked, in the caller's transaction."""

import base64
import secrets
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, update

from consent.addresses import Address
from consent.store import database
from consent.store.contacts import Contact

_IDENTIFIERS = ("id", "consent_key", "deny_key", "abuse_key")


def lock_or_make(connection: Connection, address: Address, language: str, now: datetime) -> str:
    """Return the id of the address's contact, made if need be, its row locked. One statement on SQLite.

    The update on conflict changes nothing; it is there to lock the row and to return its id.
    """
    fresh = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
    values = dict(
        zip(_IDENTIFIERS, (fresh, address.consent_key, address.deny_key, address.abuse_key), strict=True),
        language=language,
        epoch=0,
        created_at=now,
    )
    return str(connection.execute(_lock_or_make(connection.dialect.name), values).scalar_one())


def set_place(connection: Connection, contact: str, place: str) -> None:
    """Keep *place* (a country, or country-province) as where the person is."""
    connection.execute(update(Contact).where(Contact.id == contact).values(place=place))


@cache
def _lock_or_make(dialect: str) -> Any:
    statement = database.upserting(dialect, Contact)
    return statement.on_conflict_do_update(
        index_elements=["consent_key"], set_={"consent_key": statement.excluded.consent_key}
    ).returning(Contact.id)
