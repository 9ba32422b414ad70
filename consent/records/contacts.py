"""Find or make the contact of an address, which is the caller's alone until its transaction ends.

Whoever writes about a person first takes the turn of their address, in its loose form. A row would not do: of two
people who sign up and leave under two spellings at the same time, neither sees the other's row yet, and each would
miss the other's "no". One lock, taken first, also leaves no order in which two transactions could wait for each other.
On SQLite the transaction itself is the turn.
"""

import base64
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, select, update

from consent import addresses
from consent.addresses import Address
from consent.store import database
from consent.store.contacts import Contact
from consent.store.ledger import ErasedAddress

_IDENTIFIERS = ("id", "consent_key", "deny_key", "abuse_key")
_MOST_ASKED = 10_000  # parameters of one statement
_TURN_LOCK = 0x434F4E  # names the turns among the advisory locks of the database
_TURN = select(func.pg_advisory_xact_lock(_TURN_LOCK, func.hashtext(bindparam("key"))))
_TURN_OF_CONTACT = select(
    func.pg_advisory_xact_lock(_TURN_LOCK, func.hashtext(func.coalesce(Contact.deny_key, Contact.id)))
).where(Contact.id == bindparam("contact"))
_TURN_KEYS = (
    select(func.hashtext(func.coalesce(Contact.deny_key, Contact.id)).label("key"))
    .where(Contact.id.in_(bindparam("ids", expanding=True)))
    .distinct()
    .order_by("key")
    .subquery()
)
_TURNS = select(func.pg_advisory_xact_lock(_TURN_LOCK, _TURN_KEYS.c.key))
_ERASURE = (
    select(ErasedAddress.erased_at, ErasedAddress.entry_id)
    .where(ErasedAddress.digest.in_(bindparam("digests", expanding=True)))
    .order_by(ErasedAddress.erased_at.desc())
    .limit(1)
)


def take_turn(connection: Connection, contact: str) -> None:
    """Wait until nobody else writes about *contact*, by whatever spelling of the address, and keep it so.

    One statement on PostgreSQL, none on SQLite. What is read afterwards is no older than the turn.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(_TURN_OF_CONTACT, {"contact": contact}).all()


def take_turns(connection: Connection, contacts: Collection[str]) -> None:
    """Take the turns of several *contacts*, each as :func:`take_turn`, in an order that is the same for everybody."""
    if connection.dialect.name != "sqlite":
        connection.execute(_TURNS, {"ids": list(contacts)}).all()


def lock_or_make(connection: Connection, address: Address, language: str, now: datetime) -> str:
    """Take the turn of the address, and return the id of its contact, made if need be, with its row locked.

    One statement on SQLite, two on PostgreSQL. The update on conflict changes nothing; it is there to lock the row
    and to return its id. A new contact remembers when somebody with this address was erased.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(_TURN, {"key": address.deny_key}).all()
    fresh = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
    values: dict[str, Any] = dict(
        zip(_IDENTIFIERS, (fresh, address.consent_key, address.deny_key, address.abuse_key), strict=True),
        language=language,
        epoch=0,
        created_at=now,
        digests=digests(connection, address.deny_key),
    )
    return str(connection.execute(_lock_or_make(connection.dialect.name), values).scalar_one())


def digests(connection: Connection, deny_key: str) -> list[str]:
    """Return every digest under which an erased address may be remembered, the one that is written last."""
    return [addresses.digest(deny_key, key) for key in database.digest_keys(connection)]


def erasure_of(connection: Connection, deny_key: str) -> tuple[datetime, str] | None:
    """Return when the address was last erased and the entry that says so, or None. One statement."""
    row = connection.execute(_ERASURE, {"digests": digests(connection, deny_key)}).first()
    return (row.erased_at, row.entry_id) if row else None


def erased_among(connection: Connection, deny_keys: Sequence[str]) -> set[str]:
    """Return those of *deny_keys* that were erased. One statement while nobody ever was."""
    if not connection.execute(select(exists().select_from(ErasedAddress))).scalar():
        return set()
    whose = {digest: key for key in deny_keys for digest in digests(connection, key)}
    found: set[str] = set()
    every = list(whose)
    for first in range(0, len(every), _MOST_ASKED):
        part = every[first : first + _MOST_ASKED]
        rows = connection.execute(select(ErasedAddress.digest).where(ErasedAddress.digest.in_(part))).scalars()
        found |= {whose[digest] for digest in rows}
    return found


def set_place(connection: Connection, contact: str, place: str) -> None:
    """Keep *place* (a country, or country-province) as where the person is."""
    connection.execute(update(Contact).where(Contact.id == contact).values(place=place))


@cache
def _lock_or_make(dialect: str) -> Any:
    last = {
        "erased_at": _ERASURE.with_only_columns(ErasedAddress.erased_at).scalar_subquery(),
        "erased_entry": _ERASURE.with_only_columns(ErasedAddress.entry_id).scalar_subquery(),
    }
    columns: dict[str, Any] = {name: bindparam(name) for name in (*_IDENTIFIERS, "language", "epoch", "created_at")}
    statement = database.upserting(dialect, Contact).values(**columns, **last)
    return statement.on_conflict_do_update(
        index_elements=["consent_key"], set_={"consent_key": statement.excluded.consent_key}
    ).returning(Contact.id)
