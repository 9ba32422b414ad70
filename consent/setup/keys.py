"""API keys: ``ck_<id>_<secret>``, shown once, kept as the SHA-256 of 256 random bits; they may end, and be revoked."""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from consent import clock
from consent.store import database, trouble
from consent.store.keys import ApiKey

SCOPES = ("signups", "decisions", "records", "sends", "leads", "exports", "webhooks:manage", "contacts")
_NOBODY = bytes(32)
_CURE = "Make another one with `consent api-key create`."
_KEPT_SECONDS = 2.0
_USE_NOTED = timedelta(minutes=1)
_log = logging.getLogger("consent.keys")


class Ended(PermissionError):
    """The key is right, and opens nothing any more; the message says since when, and what to do."""


class NoSuchKey(LookupError):
    """No key has this id."""


@dataclass(frozen=True)
class Key:
    """Who calls, and what they may do; from *expires_at* on nothing."""

    id: str
    scopes: frozenset[str]
    expires_at: datetime | None


@dataclass(frozen=True)
class Listed:
    """A key as operators see it: everything but its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


_kept: dict[bytes, tuple[float, Key]] = {}
_used: dict[str, float] = {}


@database.retried
def create(name: str, scopes: Sequence[str], now: datetime, expires_at: datetime | None = None) -> str:
    """Make a key that may do *scopes* (each one of SCOPES) and return it; it cannot be shown again."""
    id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    row = {
        "id": id,
        "name": name,
        "secret_sha256": hashlib.sha256(secret.encode()).digest(),
        "scopes": list(scopes),
        "created_at": now,
        "expires_at": expires_at,
    }
    with database.writing() as connection:
        connection.execute(insert(ApiKey), [row])
    return f"ck_{id}_{secret}"


def listed() -> list[Listed]:
    """Return every key that was ever made, oldest first."""
    columns = (ApiKey.id, ApiKey.name, ApiKey.scopes, ApiKey.created_at)
    ends = (ApiKey.expires_at, ApiKey.last_used_at, ApiKey.revoked_at)
    with database.reading() as connection:
        rows = connection.execute(select(*columns, *ends).order_by(ApiKey.created_at, ApiKey.id)).all()
    return [Listed(row.id, row.name, tuple(row.scopes), *row[3:]) for row in rows]


@database.retried
def revoke(id: str, now: datetime) -> None:
    """Let the key *id* open nothing any more, on every host within two seconds; again changes nothing. NoSuchKey."""
    with database.writing() as connection:
        if connection.execute(select(ApiKey.id).where(ApiKey.id == id)).first() is None:
            raise NoSuchKey(f"There is no key {id!r}; `consent api-key list` names them.")
        connection.execute(update(ApiKey).where(ApiKey.id == id, ApiKey.revoked_at.is_(None)).values(revoked_at=now))
    for digest in [digest for digest, (_, key) in _kept.items() if key.id == id]:
        _kept.pop(digest, None)


def check(text: str) -> Key | None:
    """Return the key whose text *text* is, or None; takes as long for a wrong id as for a wrong secret. Raises Ended.

    A good answer is kept for a moment under the digest of the key, so that a busy client costs no statement.
    """
    digest = hashlib.sha256(text.encode()).digest()
    kept = _kept.get(digest)
    if kept and clock.monotonic() - kept[0] < _KEPT_SECONDS:
        return _current(kept[1])
    found = _look_up(text)
    if found:
        _kept[digest] = (clock.monotonic(), found)
    return found


def used(key: Key, now: datetime) -> None:
    """Note that *key* did something, at most once a minute a process, and on every host together.

    A bookkeeping that the database does not take just now must not undo an answer: it is noted a minute later.
    """
    last = _used.get(key.id)
    if last is not None and clock.monotonic() - last < _USE_NOTED.total_seconds():
        return
    _used[key.id] = clock.monotonic()
    old = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - _USE_NOTED)
    try:
        with database.writing() as connection:
            connection.execute(update(ApiKey).where(ApiKey.id == key.id, old).values(last_used_at=now))
    except (DBAPIError, PoolTimeout) as error:
        _log.warning("the use of a key is not noted: %s", trouble.sentence(error))


def _look_up(text: str) -> Key | None:
    prefix, _, rest = text.replace("\0", "").partition("_")  # PostgreSQL takes no NUL
    id, _, secret = rest.partition("_")
    columns = (ApiKey.secret_sha256, ApiKey.scopes, ApiKey.expires_at, ApiKey.revoked_at)
    with database.reading() as connection:
        row = connection.execute(select(*columns).where(ApiKey.id == id)).first()
    fits = hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), row.secret_sha256 if row else _NOBODY)
    if not (row and fits and prefix == "ck"):
        return None
    if row.revoked_at:
        raise Ended(f"This key was revoked on {row.revoked_at:%Y-%m-%d}. {_CURE}")
    return _current(Key(id, frozenset(row.scopes), row.expires_at))


def _current(key: Key) -> Key:
    if key.expires_at and key.expires_at <= clock.now():
        raise Ended(f"This key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC. {_CURE}")
    return key
