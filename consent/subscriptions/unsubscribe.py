"""The person leaves: at once, for good, and as often as they press.

A withdrawal is final until a later express act of the person. A second press finds the "no" standing and adds
nothing. Links for this never expire.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from consent import catalogue
from consent.catalogue import Topic
from consent.law.facts import ConsentRequested, ExpressConsent, Fact, Question, Withdrawal
from consent.records import append, contacts, history, standing
from consent.records.append import Draft
from consent.records.history import History
from consent.records.links import Link, open_link
from consent.records.standing import question
from consent.store import database
from consent.subscriptions.acts import Act

SCOPES = ("topic", "organization")


@dataclass(frozen=True)
class Leaving:
    """What the link can end: its topics, and whether any was ever confirmed (else it is a "not me")."""

    link: Link
    confirmed: bool


def show(token: str, keys: Sequence[str]) -> Leaving:
    """Return what the link can end; changes nothing. Raises BadLink."""
    with database.reading() as connection:
        link = open_link(connection, token, "u", keys)
        return Leaving(link, _confirmed(link, history.read(connection, link.contact)))


@database.retried
def withdraw(token: str, keys: Sequence[str], act: Act, scope: str = "topic") -> Leaving:
    """Record the withdrawal from the link's topics, or from the whole organization, unless it stands already.

    From a confirmation mail that was never confirmed, "topic" means "this was not me": the sign-up is dropped,
    and for a while no form makes us mail that address. Raises BadLink.
    """
    with database.writing() as connection:
        link = open_link(connection, token, "u", keys)
        contacts.take_turn(connection, link.contact)
        past = history.read(connection, link.contact)
        act = act.in_turn(past)
        leaving = Leaving(link, _confirmed(link, past))
        if past.head.closed:  # erased: nothing is mailed any more, and nothing more is recorded
            return leaving
        reason = None if leaving.confirmed else "not_me"
        if scope == "organization":
            leave_organization(connection, link, past, act, route="u", reason=reason)
        else:
            leave_topics(connection, past, link.topics, act, route="u", reason=reason)
    return leaving


def leave_topics(
    connection: Connection, past: History, topics: Sequence[Topic], act: Act, route: str, reason: str | None = None
) -> History:
    """Withdraw from those of *topics* where no "no" stands yet, and return the history as it is then."""
    facts = past.facts()
    going = [topic for topic in topics if not _left(facts, topic, act.now)]
    drafts = [_withdrawn(topic, past, act, route, reason) for topic in going]
    return _append(connection, past, drafts, going, act)


def leave_organization(
    connection: Connection, link: Link, past: History, act: Act, route: str, reason: str | None = None
) -> History:
    """Withdraw from everything of the link's organization, every brand, unless that "no" stands already."""
    slug = link.organization.slug
    topics = catalogue.current().topics_of(slug)
    facts = past.facts()
    if all(_left(facts, topic, act.now, organization=slug) for topic in topics):
        return past
    details = {"scope": "organization", "organization": slug, "route": route} | ({"reason": reason} if reason else {})
    draft = Draft("consent.withdrawn", act.actor, {"channel": act.channel, "details": details}, act.evidence)
    return _append(connection, past, [draft], topics, act)


def _append(
    connection: Connection, past: History, drafts: Sequence[Draft], topics: Sequence[Topic], act: Act
) -> History:
    if not drafts:
        return past
    rows = append.about(connection, act.origin, past.contact, past.head, drafts)
    after = standing.extend(past, rows)
    standing.update(connection, after, topics, act.now)
    return after


def _withdrawn(topic: Topic, past: History, act: Act, route: str, reason: str | None) -> Draft:
    details = {"scope": "topic", "organization": topic.brand.organization.slug, "route": route}
    details |= {"reason": reason} if reason else {}
    ended = [i.entry_id for i in past.own if i.body["kind"] == "consent.given" and i.body["topic"] == topic.slug]
    fields = {
        "brand": topic.brand.slug,
        "topic": topic.slug,
        "channel": act.channel,
        "refs": ended[-1:],
        "details": details,
    }
    return Draft("consent.withdrawn", act.actor, fields, act.evidence)


def _left(facts: Sequence[Fact], topic: Topic, now: datetime, organization: str | None = None) -> bool:
    """Whether a "no" to *topic* (to the whole *organization*, if given) stands, with nothing asked or given since."""
    asked = question(topic, now)
    noes = [f for f in facts if isinstance(f, Withdrawal) and f.covers(asked)]
    if organization:
        noes = [f for f in noes if f.topic is None and f.brand is None]
    if not noes:
        return False
    last = max(f.occurred_at for f in noes)
    return not any(f.occurred_at >= last and _asks_or_agrees(f, asked) for f in facts)


def _asks_or_agrees(fact: Fact, question: Question) -> bool:
    """Whether the person asked for the question's topic, or agreed to it, be it under another brand's name for it."""
    if isinstance(fact, ConsentRequested):
        return fact.topic == question.topic
    return isinstance(fact, ExpressConsent) and fact.covers(question)


def _confirmed(link: Link, past: History) -> bool:
    """Whether the person has had to do with the link's topics: else it is about a sign-up that was never confirmed.

    So it is if consent was given to one of them, or the link is about a standing anyway, or it came with our own
    question whether we may go on.
    """
    if link.asked is None:
        return True
    slugs, asked = {topic.slug for topic in link.topics}, set(link.asked.entries)
    return any(
        (item.body["kind"] == "consent.given" and item.body["topic"] in slugs)
        or (item.body["kind"] == "renewal.offered" and item.entry_id in asked)
        for item in past.own
    )
