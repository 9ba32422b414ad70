"""Decisions by the ten thousand: from the standings, one indexed query each, for commercial mail now.

A standing is what the law computed from a contact's entries when the last of them was recorded; which of its
windows is open is asked here, at the instant of the question.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import repeat
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, exists, or_, select

from consent import tokens
from consent.addresses import Address
from consent.catalogue import Topic
from consent.records import append, contacts, sequence
from consent.records.append import Draft, Origin
from consent.store import database
from consent.store.contacts import Contact
from consent.store.ledger import LedgerEntry
from consent.store.standings import Standing

MOST = 10_000
_LINES = 1000  # of one piece of a stream


class Verdict(NamedTuple):
    """What a standing says at an instant: whether mail may go, the state, its basis, and until when it may."""

    allowed: bool
    state: str
    basis: str | None
    until: datetime | None


NOBODY = Verdict(False, "unknown", None, None)
_ERASED = Verdict(False, "suppressed", None, None)


def ask(topic: Topic, wanted: Sequence[Address], now: datetime) -> dict[str, Verdict]:
    """Return what the standings say of *topic* at *now*, by the addresses' consent keys. Two statements.

    An address that is not there is unknown: NOBODY; but one that was erased is suppressed.
    """
    keys = list({address.consent_key for address in wanted})
    with database.reading() as connection:
        rows = connection.execute(_of(topic).where(Contact.consent_key.in_(keys))).all()
        found = {row.consent_key: _verdict(row, now) for row in rows}
        unknown = {address.deny_key: address.consent_key for address in wanted if address.consent_key not in found}
        erased = contacts.erased_among(connection, list(unknown)) if unknown else set()
    return found | {unknown[deny_key]: _ERASED for deny_key in erased}


def _of(topic: Topic) -> Select[*tuple[Any, ...]]:
    """Select contacts with their standing for *topic*, and whether a sign-up for it is all that is on record."""
    asked = exists().where(
        LedgerEntry.contact == Contact.id,
        LedgerEntry.topic.concat("") == topic.slug,  # so that the contact's entries are read, not the topic's
        LedgerEntry.kind.concat("") == "consent.requested",
    )
    return select(
        Contact.consent_key,
        Standing.state,
        Standing.basis,
        Standing.allowed_from,
        Standing.allowed_until,
        Standing.then_from,
        Standing.then_until,
        case((Standing.state.in_(("given", "withdrawn", "suppressed")), False), else_=asked).label("asked"),
    ).outerjoin(Standing, and_(Standing.contact_id == Contact.id, Standing.topic == topic.slug))


def _verdict(row: Any, now: datetime) -> Verdict:
    for first, last in ((row.allowed_from, row.allowed_until), (row.then_from, row.then_until)):
        if first is not None and first <= now and (last is None or now < last):
            return Verdict(True, row.state, row.basis, last)
    to_come = any(first is not None and now < first for first in (row.allowed_from, row.then_from))
    if row.state == "implied" and to_come:
        return Verdict(False, "implied", row.basis, None)
    if row.asked:
        return Verdict(False, "requested", None, None)
    state = "expired" if row.state == "implied" else row.state or "unknown"
    return Verdict(False, state, row.basis, None)


@database.retried
def permitted(topic: Topic, base_url: str, secret: str, origin: Origin, actor: str) -> Iterator[bytes]:
    """Record ``export.made``, and return JSON lines of everybody whom mail about *topic* may go to now.

    Each line has the address, the state and its basis, the one-click headers (RFC 8058), and the link to the
    preference centre. The lines come in pieces, in constant memory, from one point in time after the entry.
    """
    with database.writing() as connection:
        details = {"format": "decisions", "filters": {"topic": topic.slug}, "size": sequence.size(connection)}
        append.about_nobody(connection, origin, [Draft("export.made", actor, {"details": details})])
    return _stream(topic, base_url, secret, origin.now)


def _stream(topic: Topic, base_url: str, secret: str, now: datetime) -> Iterator[bytes]:
    organization = topic.brand.organization.id
    line = _line(topic, base_url)
    with database.reading() as connection:
        for rows in database.pieces(connection, _open(topic, now), _LINES):
            emails, handles, epochs, states, bases = zip(*rows, strict=True)
            to_leave = tokens.make_many("u", handles, repeat(0, len(rows)), organization, secret)
            to_choose = tokens.make_many("p", handles, epochs, organization, secret)
            quoted = map(encode_basestring_ascii, emails)
            yield "".join(map(line.__mod__, zip(quoted, states, bases, to_leave, to_choose, strict=True))).encode()


def _open(topic: Topic, now: datetime) -> Select[*tuple[Any, ...]]:
    """Select what a line is made of, of everybody who may be mailed about *topic* at *now*."""

    def holds(first: Any, last: Any) -> Any:
        return and_(first <= now, or_(last.is_(None), last > now))

    return (
        select(Contact.consent_key, Standing.handle, Contact.epoch, Standing.state, Standing.basis)
        .join_from(Standing, Contact, Contact.id == Standing.contact_id)
        .where(Standing.topic == topic.slug, Contact.consent_key.is_not(None))
        .where(
            or_(holds(Standing.allowed_from, Standing.allowed_until), holds(Standing.then_from, Standing.then_until))
        )
    )


def _line(topic: Topic, base_url: str) -> str:
    """Return the line with its holes: what all lines share is written once, for there are a million of them."""
    hole = {name: f"<{name}>" for name in ("email", "state", "basis", "leave", "choose")}
    line = {
        "email": hole["email"],
        "state": hole["state"],
        "basis": hole["basis"],
        "headers": {
            "List-Unsubscribe": f"<{base_url}/u/{hole['leave']}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": topic.brand.list_id(topic.slug.rpartition("/")[2]),
        },
        "preferences_url": f"{base_url}/p/{hole['choose']}",
    }
    text = json.dumps(line, separators=(",", ":")).replace("%", "%%").replace('"<email>"', "%s") + "\n"
    for name in ("state", "basis", "leave", "choose"):
        text = text.replace(hole[name], "%s")
    return text
