"""The preference centre: what stands, how it came about, and saving a choice.

The link shows a masked address and can only lower consent: unticking withdraws at once, ticking is a new sign-up
with its own confirmation mail.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from consent import addresses, catalogue, outbox
from consent.addresses import Address
from consent.catalogue import Form, Organization, Topic
from consent.law import decide
from consent.records import append, contacts, history, standing
from consent.records.append import Draft
from consent.records.facts import Item
from consent.records.history import History
from consent.records.links import Link, open_link
from consent.store import database
from consent.store.contacts import Contact
from consent.store.signups import Signup
from consent.subscriptions import signup, unsubscribe
from consent.subscriptions.acts import Act

LINK_EVERY = timedelta(minutes=15)  # /find mails a link to one person at most so often


@dataclass(frozen=True)
class Choice:
    """One topic as the page shows it."""

    topic: Topic
    standing: decide.Standing
    subscribed: bool  # whether mail about the topic is allowed now, by consent or by what is between them


@dataclass(frozen=True)
class Receipt:
    """A confirmed sign-up whose receipt can be opened: its row, and when it was confirmed."""

    handle: bytes
    topics: tuple[Topic, ...]
    given_at: datetime


@dataclass(frozen=True)
class Centre:
    """Everything that the page shows."""

    link: Link
    choices: tuple[Choice, ...]
    items: tuple[Item, ...]
    receipts: tuple[Receipt, ...]

    @property
    def masked(self) -> str:
        """The address, so that its owner knows it and a stranger learns little."""
        return addresses.mask(self.link.address) if self.link.address else ""


def show(token: str, keys: Sequence[str], now: datetime) -> Centre:
    """Return what the page of the link shows; changes nothing. Raises BadLink."""
    with database.reading() as connection:
        link = open_link(connection, token, "p", keys)
        past = history.read(connection, link.contact)
        return Centre(link, _choices(link, past, past.present(now)), past.own, _receipts(connection, past))


@database.retried
def save(
    token: str, keys: Sequence[str], shown: Iterable[str], ticked: Iterable[str], language: str, act: Act
) -> list[Topic]:
    """Save the choice among the topics *shown*; return those for which a confirmation mail was queued.

    Topics that the page did not show stay as they are. Raises BadLink.
    """
    shown, ticked = set(shown), set(ticked)
    with database.writing() as connection:
        link = open_link(connection, token, "p", keys)
        contacts.take_turn(connection, link.contact)
        past = history.read(connection, link.contact)
        act = act.in_turn(past)
        past = _set_language(connection, link, past, language, act)
        choices = [c for c in _choices(link, past, act.now) if c.topic.slug in shown]
        leaving = [c.topic for c in choices if c.subscribed and c.topic.slug not in ticked]
        joining = [c.topic for c in choices if not c.subscribed and c.topic.slug in ticked]
        past = unsubscribe.leave_topics(connection, past, leaving, act, route="p")
        return _ask(connection, link, past, joining, language, act)


@database.retried
def leave_everything(token: str, keys: Sequence[str], act: Act) -> Link:
    """Withdraw from everything of the link's organization. Raises BadLink."""
    with database.writing() as connection:
        link = open_link(connection, token, "p", keys)
        contacts.take_turn(connection, link.contact)
        past = history.read(connection, link.contact)
        unsubscribe.leave_organization(connection, link, past, act.in_turn(past), route="p")
    return link


@database.retried
def send_link(address: Address, act: Act) -> None:
    """Mail the person a link to their preference centre, one for each organization that knows them; else nothing.

    However the address is spelt: the mail goes to the spelling that is on record. Returns None either way, so that
    the caller's answer is the same.
    """
    with database.writing() as connection:
        known = select(Contact.id).where(Contact.deny_key == address.deny_key).order_by(Contact.id)
        for contact in connection.execute(known).scalars().all():
            contacts.take_turn(connection, contact)
            if not outbox.queued_since(connection, "mail.preferences", contact, act.now - LINK_EVERY):
                _queue_links(connection, history.read(connection, contact), address, act)


def _queue_links(connection: Connection, past: History, address: Address, act: Act) -> None:
    for organization, brand in _known_to(past):
        payload = {"organization": organization, "brand": brand, "topics": []}
        mail, cause = append.new_id(act.now), past.own[-1].entry_id
        outbox.put(connection, mail, "mail.preferences", past.contact, address.consent_key, cause, payload, act.now)


def _choices(link: Link, past: History, now: datetime) -> tuple[Choice, ...]:
    topics = catalogue.current().topics_of(link.organization.slug)
    standings = ((topic, standing.compute(past, topic, now)) for topic in topics)
    return tuple(Choice(topic, found, found.allows(now)) for topic, found in standings)


def _receipts(connection: Connection, past: History) -> tuple[Receipt, ...]:
    given = {ref: item for item in past.own if item.body["kind"] == "consent.given" for ref in item.body["refs"]}
    rows = connection.execute(
        select(Signup.handle, Signup.topics, Signup.entries)
        .where(Signup.contact_id == past.contact)
        .order_by(Signup.requested_at)
    )
    topics = catalogue.current().topics
    return tuple(
        Receipt(row.handle, tuple(topics[slug] for slug in row.topics if slug in topics), item.occurred_at)
        for row in rows
        if (item := next((given[entry] for entry in row.entries if entry in given), None))
    )


def _set_language(connection: Connection, link: Link, past: History, language: str, act: Act) -> History:
    if language == link.language or language not in catalogue.LANGUAGES:
        return past
    connection.execute(update(Contact).where(Contact.id == link.contact).values(language=language))
    draft = Draft(
        "preferences.changed", act.actor, {"channel": act.channel, "details": {"language": language}}, act.evidence
    )
    return standing.extend(past, append.about(connection, act.origin, link.contact, past.head, [draft]))


def _ask(
    connection: Connection, link: Link, past: History, topics: Sequence[Topic], language: str, act: Act
) -> list[Topic]:
    """Make a sign-up of each brand's newly ticked topics, by the brand's form that offers them."""
    asked: list[Topic] = []
    for form in catalogue.current().forms.values():
        wanted = tuple(topic for topic in topics if topic in form.topics and topic not in asked)
        if not wanted:
            continue
        request = _request(link, form, wanted, form.language(language))
        asked += signup.record(connection, past, request, act)
        past = history.read(connection, past.contact)
    return asked


def _request(link: Link, form: Form, topics: tuple[Topic, ...], language: str) -> signup.Request:
    address = addresses.parse(link.address)
    return signup.Request(address, form, topics, language, form.notices[language], form.source)


def _known_to(past: History) -> list[tuple[str, str]]:
    """Return (organization, brand to write as) for each organization on record, the newest brand of each."""
    brands = catalogue.current().brands
    known: dict[str, str] = {}
    for item in past.own:
        if item.body["brand"] in brands:
            organization: Organization = brands[item.body["brand"]].organization
            known[organization.slug] = item.body["brand"]
    return list(known.items())
