"""API keys: ``ck_<id>_<secret>``, shown once, kept as the SHA-256 of 256 random bits."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select

from consent import clock
from consent.store import database
from consent.store.keys import ApiKey

SCOPES = ("signups", "decisions", "records", "sends", "leads", "exports", "webhooks:manage", "contacts")
_NOBODY = bytes(32)
_KEPT_SECONDS = 2.0
_kept: dict[bytes, tuple[float, tuple[str, frozenset[str]]]] = {}


@database.retried
def create(name: str, scopes: Sequence[str], now: datetime) -> str:
    """Make a key that may do *scopes* (each one of SCOPES) and return it; it cannot be shown again."""
    id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    row = {
        "id": id,
        "name": name,
        "secret_sha256": hashlib.sha256(secret.encode()).digest(),
        "scopes": list(scopes),
        "created_at": now,
    }
    with database.writing() as connection:
        connection.execute(insert(ApiKey), [row])
    return f"ck_{id}_{secret}"


def check(text: str) -> tuple[str, frozenset[str]] | None:
    """Return the id and the scopes of the key *text*, or None; takes as long for a wrong id as for a wrong secret.

    A good answer is kept for a moment under the digest of the key, so that a busy client costs no statement.
    """
    digest = hashlib.sha256(text.encode()).digest()
    kept = _kept.get(digest)
    if kept and clock.monotonic() - kept[0] < _KEPT_SECONDS:
        return kept[1]
    found = _look_up(text)
    if found:
        _kept[digest] = (clock.monotonic(), found)
    return found


def _look_up(text: str) -> tuple[str, frozenset[str]] | None:
    prefix, _, rest = text.replace("\0", "").partition("_")  # PostgreSQL takes no NUL
    id, _, secret = rest.partition("_")
    with database.reading() as connection:
        row = connection.execute(select(ApiKey.secret_sha256, ApiKey.scopes).where(ApiKey.id == id)).first()
    fits = hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), row.secret_sha256 if row else _NOBODY)
    return (id, frozenset(row.scopes)) if row and fits and prefix == "ck" else None
