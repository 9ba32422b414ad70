"""A person signs up: the request is recorded with the words that were shown, and the confirmation mail queued.

Nothing is sent here and nothing about the address is revealed: whether a mail goes, and which, the worker
decides. A sign-up never changes a standing; only its confirmation does. One for topics that are all held
already records nothing, and queues a link to the preference centre.
"""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, insert

from consent import outbox
from consent.addresses import Address
from consent.catalogue import Form, Notice, Topic
from consent.law import casl, decide
from consent.law.facts import ConsentRequested, ExpressConsent, Fact, Withdrawal
from consent.records import append, history
from consent.records.append import Draft
from consent.records.history import History
from consent.records.standing import question
from consent.store import database
from consent.store.contacts import Contact
from consent.store.signups import Signup
from consent.subscriptions.acts import Act

VALID_DAYS = 7
PENDING = timedelta(minutes=15)  # so long a repeated sign-up is taken for an impatient second press
_NEW_SIGNUP = insert(Signup)
_IDENTIFIERS = ("id", "consent_key", "deny_key", "abuse_key")


@dataclass(frozen=True)
class Request:
    """What was asked for: *topics* of *form*, in *language*, after seeing the words of *notice*."""

    address: Address
    form: Form
    topics: tuple[Topic, ...]
    language: str
    notice: Notice
    source: str
    method: str = "checkbox_unticked"
    name: str | None = None


def request(wanted: Request, act: Act) -> None:
    """Record the sign-up and queue its mail; the same answer, None, whatever is known of the address."""
    with database.writing() as connection:
        contact = _contact(connection, wanted, act.now)
        past = history.read(connection, contact)
        record(connection, past, wanted, act.in_turn(past))


def record(connection: Connection, past: History, wanted: Request, act: Act) -> tuple[Topic, ...]:
    """Do what :func:`request` does in the caller's transaction, for the contact of *past*, whose row it has locked.

    Return the topics for which a confirmation mail was queued.
    """
    facts = past.facts()
    missing = tuple(topic for topic in wanted.topics if not decide.decide(question(topic, act.now), facts))
    if not missing:
        _mail_preferences(connection, past, wanted, act)
    elif not all(_pending(facts, topic, act.now) for topic in missing):
        _append(connection, past, wanted, missing, act)
        return missing
    return ()


def _contact(connection: Connection, wanted: Request, now: datetime) -> str:
    """Return the id of the address's contact, made if need be, its row locked. One statement on SQLite.

    The update on conflict changes nothing; it is there to lock the row and to return its id.
    """
    fresh = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
    address = wanted.address
    values = dict(
        zip(_IDENTIFIERS, (fresh, address.consent_key, address.deny_key, address.abuse_key), strict=True),
        language=wanted.language,
        epoch=0,
        created_at=now,
    )
    return str(connection.execute(_lock_or_make(connection.dialect.name), values).scalar_one())


@cache
def _lock_or_make(dialect: str) -> Any:
    statement = database.upserting(dialect, Contact)
    return statement.on_conflict_do_update(
        index_elements=["consent_key"], set_={"consent_key": statement.excluded.consent_key}
    ).returning(Contact.id)


def _pending(facts: Sequence[Fact], topic: Topic, now: datetime) -> bool:
    """Whether *topic* was asked for moments ago, and neither confirmed nor refused since."""
    asked = casl.latest(f for f in facts if isinstance(f, ConsentRequested) and f.topic == topic.slug)
    answers = (
        f
        for f in facts
        if (isinstance(f, ExpressConsent) and f.topic == topic.slug)
        or (isinstance(f, Withdrawal) and f.covers(question(topic, now)))
    )
    answer = casl.latest(answers)
    if asked is None or (answer and answer.occurred_at >= asked.occurred_at):
        return False
    return now - asked.occurred_at < PENDING


def _append(connection: Connection, past: History, wanted: Request, topics: Sequence[Topic], act: Act) -> None:
    drafts = [_requested(wanted, topic, act) for topic in topics]
    rows = append.about(connection, act.origin, past.contact, past.head, drafts)
    handle = secrets.token_bytes(8)
    connection.execute(
        _NEW_SIGNUP,
        [
            {
                "handle": handle,
                "contact_id": past.contact,
                "organization": wanted.form.brand.organization.slug,
                "form": wanted.form.reference,
                "notice": wanted.notice.sha256,
                "language": wanted.language,
                "topics": [topic.slug for topic in topics],
                "entries": [row.entry.id for row in rows],
                "network": act.network,
                "requested_at": act.now,
                "expires_at": act.now + timedelta(days=VALID_DAYS),
            }
        ],
    )
    mail = append.new_id(act.now)
    outbox.put(connection, mail, "mail.confirmation", past.contact, rows[0].entry.id, {"signup": handle.hex()}, act.now)


def _requested(wanted: Request, topic: Topic, act: Act) -> Draft:
    return Draft(
        "consent.requested",
        act.actor,
        {
            "brand": topic.brand.slug,
            "topic": topic.slug,
            "channel": act.channel,
            "source": wanted.source,
            "form": wanted.form.reference,
            "notice": wanted.notice.sha256,
            "language": wanted.language,
            "details": {"method": wanted.method, "notice_complete": True},  # an incomplete one cannot be published
        },
        {"email": wanted.address.typed, "name": wanted.name, **act.evidence},
    )


def _mail_preferences(connection: Connection, past: History, wanted: Request, act: Act) -> None:
    cause = past.own[-1].entry_id
    payload = {
        "organization": wanted.form.brand.organization.slug,
        "brand": wanted.form.brand.slug,
        "topics": [topic.slug for topic in wanted.topics],
        "language": wanted.language,
    }
    outbox.put(connection, append.new_id(act.now), "mail.preferences", past.contact, cause, payload, act.now)
