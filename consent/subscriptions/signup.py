"""A person signs up: the request is recorded with the words that were shown, and the confirmation mail queued.

Nothing is sent here and nothing about the address is revealed: whether a mail goes, and which, the worker
decides. A sign-up never changes a standing; only its confirmation does. One for topics that are all held
already records nothing, and queues a link to the preference centre.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert

from consent import outbox
from consent.addresses import Address
from consent.catalogue import Form, Notice, Topic
from consent.law.express import latest
from consent.law.facts import ConsentRequested, ExpressConsent, Fact, Withdrawal
from consent.records import append, contacts, history
from consent.records.append import Draft
from consent.records.history import History
from consent.records.standing import agreed, question
from consent.store import database
from consent.store.signups import Signup
from consent.subscriptions.acts import Act

VALID_DAYS = 7
PENDING = timedelta(minutes=15)  # so long a repeated sign-up is taken for an impatient second press
_NEW_SIGNUP = insert(Signup)


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


class _Erased(Exception):
    """The address was erased; of a sign-up that nobody may answer, nothing is kept."""


@database.retried
def request(wanted: Request, act: Act) -> None:
    """Record the sign-up and queue its mail; the same answer, None, whatever is known of the address.

    Somebody who had everything erased is never written to again, not even to confirm: then nothing is recorded.
    """
    with suppress(_Erased), database.writing() as connection:
        contact = contacts.lock_or_make(connection, wanted.address, wanted.language, act.now)
        past = history.read(connection, contact)
        if past.erasure:
            raise _Erased
        record(connection, past, wanted, act.in_turn(past))


def record(connection: Connection, past: History, wanted: Request, act: Act) -> tuple[Topic, ...]:
    """Do what :func:`request` does in the caller's transaction, for the contact of *past*, whose row it has locked.

    Return the topics for which a confirmation mail was queued.
    """
    facts = past.facts()
    missing = tuple(topic for topic in wanted.topics if not agreed(topic, act.now, facts, past.place))
    if not missing:
        _mail_preferences(connection, past, wanted, act)
    elif not all(_pending(facts, topic, act.now) for topic in missing):
        _append(connection, past, wanted, missing, act)
        return missing
    return ()


def _pending(facts: Sequence[Fact], topic: Topic, now: datetime) -> bool:
    """Whether *topic* was asked for moments ago, and neither confirmed nor refused since."""
    asked = latest(f for f in facts if isinstance(f, ConsentRequested) and f.topic == topic.slug)
    answers = (
        f
        for f in facts
        if (isinstance(f, ExpressConsent) and f.topic == topic.slug)
        or (isinstance(f, Withdrawal) and f.covers(question(topic, now)))
    )
    answer = latest(answers)
    if asked is None or (answer and answer.occurred_at >= asked.occurred_at):
        return False
    return now - asked.occurred_at < PENDING


def _append(connection: Connection, past: History, wanted: Request, topics: Sequence[Topic], act: Act) -> None:
    drafts = [_requested(wanted, topic, act) for topic in topics]
    rows = append.about(connection, act.origin, past.contact, past.head, drafts)
    entries = [row.entry.id for row in rows]
    ask(connection, past.contact, wanted, topics, entries, act, "mail.confirmation")


def ask(
    connection: Connection,
    contact: str,
    wanted: Request,
    topics: Sequence[Topic],
    entries: Sequence[str],
    act: Act,
    mail: str,
) -> None:
    """Keep what the *mail*'s links will name, and queue it: the request of *entries*, in the words of its notice."""
    handle = secrets.token_bytes(8)
    connection.execute(
        _NEW_SIGNUP,
        [
            {
                "handle": handle,
                "contact_id": contact,
                "organization": wanted.form.brand.organization.slug,
                "form": wanted.form.reference,
                "notice": wanted.notice.sha256,
                "language": wanted.language,
                "topics": [topic.slug for topic in topics],
                "entries": list(entries),
                "network": act.network,
                "requested_at": act.now,
                "expires_at": act.now + timedelta(days=VALID_DAYS),
            }
        ],
    )
    to, cause, payload = wanted.address.consent_key, entries[0], {"signup": handle.hex()}
    outbox.put(connection, append.new_id(act.now), mail, contact, to, cause, payload, act.now)


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
    to, cause = wanted.address.consent_key, past.own[-1].entry_id
    payload = {
        "organization": wanted.form.brand.organization.slug,
        "brand": wanted.form.brand.slug,
        "topics": [topic.slug for topic in wanted.topics],
        "language": wanted.language,
    }
    outbox.put(connection, append.new_id(act.now), "mail.preferences", past.contact, to, cause, payload, act.now)
