"""The person confirms a sign-up: consent is given, once, and the welcome mail queued.

Only the POST of the confirm button comes here. A link that is older than a withdrawal, or than a newer sign-up,
gives nothing; one that was used says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from consent import outbox
from consent.catalogue import Topic
from consent.law.facts import ConsentRequested, ExpressConsent, Fact, Withdrawal
from consent.records import append, contacts, history, standing
from consent.records.append import Draft
from consent.records.facts import REQUESTS
from consent.records.history import History
from consent.records.links import Asked, Link, open_link
from consent.records.standing import agreed, question
from consent.store import database
from consent.subscriptions.acts import Act
from consent.tokens import BadLink

_MAILS = ("confirmation.sent", "renewal.sent")


class EndedLink(BadLink):
    """The link is ours, but it expired, was replaced by a newer one, or the person has said no since."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self.link = link


@dataclass(frozen=True)
class Confirmation:
    """What pressing the button does or did: *open_topics* are still to be confirmed."""

    link: Link
    asked: Asked
    open_topics: tuple[Topic, ...]
    renewal: bool = False  # whether we asked, before implied consent ends, and not the person

    @property
    def already(self) -> bool:
        """Whether everything was confirmed before."""
        return not self.open_topics


def show(token: str, keys: Sequence[str], now: datetime) -> Confirmation:
    """Return what the link would confirm; changes nothing. Raises BadLink, EndedLink."""
    with database.reading() as connection:
        link = open_link(connection, token, "c", keys)
        past = history.read(connection, link.contact)
        return _judge(link, past, past.present(now))


@database.retried
def give(token: str, keys: Sequence[str], act: Act) -> Confirmation:
    """Record the consent that the link's sign-up asked for, and queue the welcome mail; do it once.

    Returns what was found before: ``already`` is true when there was nothing left to confirm.
    Raises BadLink, EndedLink.
    """
    with database.writing() as connection:
        link = open_link(connection, token, "c", keys)
        contacts.take_turn(connection, link.contact)
        past = history.read(connection, link.contact)
        act = act.in_turn(past)
        found = _judge(link, past, act.now)
        if found.already:
            return found
        drafts = [_given(found, past, topic, act) for topic in found.open_topics]
        rows = append.about(connection, act.origin, link.contact, past.head, drafts)
        standing.update(connection, standing.extend(past, rows), found.open_topics, act.now)
        payload = {"signup": link.handle.hex()}
        mail, cause = append.new_id(act.now), rows[0].entry.id
        outbox.put(connection, mail, "mail.welcome", link.contact, link.address, cause, payload, act.now)
    return found


def _judge(link: Link, past: History, now: datetime) -> Confirmation:
    """Return what the link can still confirm. Raises EndedLink if it can do nothing and did nothing that stands."""
    if link.asked is None:
        raise BadLink
    facts = past.facts()
    held = [topic for topic in link.topics if agreed(topic, now, facts, past.place)]
    alive = [t for t in link.topics if t not in held and not _ended(facts, link.asked, t, now)]
    if not held and not alive:
        raise EndedLink(link)
    ours = {item.entry_id for item in past.own if item.body["kind"] == "renewal.offered"}
    return Confirmation(link, link.asked, tuple(alive), not ours.isdisjoint(link.asked.entries))


def _ended(facts: Sequence[Fact], asked: Asked, topic: Topic, now: datetime) -> bool:
    """Whether the sign-up *asked* can no longer give consent to *topic*."""
    if now >= asked.expires_at:
        return True
    return any(
        (isinstance(f, Withdrawal) and f.covers(question(topic, now)) and f.occurred_at >= asked.requested_at)
        or (isinstance(f, ConsentRequested) and f.topic == topic.slug and f.occurred_at > asked.requested_at)
        or (isinstance(f, ExpressConsent) and f.topic == topic.slug and f.occurred_at > asked.requested_at)
        for f in facts
    )


def _given(found: Confirmation, past: History, topic: Topic, act: Act) -> Draft:
    """Draft ``consent.given``: it refers to its request and to the mail that carried the link."""
    requests = {i.entry_id for i in past.own if i.body["kind"] in REQUESTS and i.body["topic"] == topic.slug}
    refs = [entry for entry in found.asked.entries if entry in requests]
    mails = [i.entry_id for i in past.own if i.body["kind"] in _MAILS and set(refs) & set(i.body["refs"])]
    return Draft(
        "consent.given",
        act.actor,
        {
            "brand": topic.brand.slug,
            "topic": topic.slug,
            "channel": act.channel,
            "form": found.asked.form,
            "notice": found.asked.notice.sha256,
            "language": found.asked.notice.language,
            "refs": refs + mails,
            "details": {
                "method": "confirm_button",
                "notice_complete": True,
                "organization": topic.brand.organization.slug,
            },
        },
        act.evidence,
    )
