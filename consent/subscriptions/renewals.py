"""Before implied consent ends: who that will happen to, and the one mail that asks for express consent in time.

A mail that asks for consent is itself commercial (CASL s. 1(3)), so it may go only while what is implied still
stands; the law is asked when it is queued and again when it is handed over. It goes once for each ending.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, or_, select, update

from consent import addresses, catalogue
from consent.catalogue import Form, Topic
from consent.law import decide
from consent.law.decision import Decision
from consent.records import append, contacts, history
from consent.records.append import Draft, Origin
from consent.records.history import History
from consent.records.standing import question
from consent.store import database
from consent.store.contacts import Contact
from consent.store.standings import Standing
from consent.subscriptions import signup
from consent.subscriptions.acts import Act

AHEAD = timedelta(days=30)
_MOST = 200  # of one round of the timed job


@dataclass(frozen=True)
class Ending:
    """Implied consent of a contact that ends at *until*; *offered_at* is when it was last asked to go on."""

    contact: str
    email: str
    topic: str
    basis: str
    until: datetime
    offered_at: datetime | None


def ending(topic: Topic, now: datetime, within: timedelta, after: str, most: int) -> list[Ending]:
    """Return up to *most* contacts, by id, whose implied consent to *topic* stands now and ends *within* that time."""
    with database.reading() as connection:
        rows = connection.execute(_ending(topic, now, within).where(Standing.contact_id > after).limit(most)).all()
    return [Ending(*row) for row in rows]


@database.retried
def offer(email: addresses.Address, topic: Topic, form: Form, act: Act) -> str:
    """Queue the renewal mail about *topic* in the words of *form*, and return what became of it.

    ``queued``; ``already`` if it was queued for this ending; ``no_end`` if what is implied has none in sight; else the
    code of the decision by which it may not go, or by which it is not needed, such as ``withdrawn`` or
    ``express_consent``.
    """
    with database.writing() as connection:
        found = select(Contact.id).where(Contact.consent_key == email.consent_key)
        contact = connection.execute(found).scalar()
        return _offer(connection, contact, topic, form, act) if contact else "no_consent"


def offer_due(log: str, now: datetime) -> int:
    """Queue the renewal mails that are due, of topics that name a form for it, and return how many."""
    queued = 0
    for topic in catalogue.current().topics.values():
        form = catalogue.current().forms.get(topic.renewal_form or "")
        if form is None:
            continue
        with database.reading() as connection:
            due = _ending(topic, now, AHEAD).where(_not_looked_at(now)).limit(_MOST)
            waiting = [row.contact_id for row in connection.execute(due)]
        for contact in waiting:
            act = Act(Origin(log, now), {}, actor="system", channel="mail")
            queued += _offer_one(contact, topic, form, act) == "queued"
    return queued


@database.retried
def _offer_one(contact: str, topic: Topic, form: Form, act: Act) -> str:
    with database.writing() as connection:
        return _offer(connection, contact, topic, form, act)


def _offer(connection: Connection, contact: str, topic: Topic, form: Form, act: Act) -> str:
    contacts.take_turn(connection, contact)
    past = history.read(connection, contact)
    act = act.in_turn(past)
    mine = (Standing.contact_id == contact, Standing.topic == topic.slug)
    connection.execute(update(Standing).where(*mine).values(renewal_at=act.now))  # looked at: not again this time
    answer = judged(past, topic, act.now)
    if not answer or answer.state != "implied":
        return answer.code
    if answer.basis is None or answer.basis.until is None:
        return "no_end"
    if answer.basis.until.isoformat() in _offered(past, topic):
        return "already"
    _append(connection, past, topic, form, answer, act)
    return "queued"


def _offered(past: History, topic: Topic) -> set[str]:
    """Return the endings for which the person was asked already."""
    asked = (item.body for item in past.own if item.body["kind"] == "renewal.offered")
    return {body["details"].get("until", "") for body in asked if body["topic"] == topic.slug}


def judged(past: History, topic: Topic, at: datetime) -> Decision:
    """Return whether a mail that asks to go on may be sent at *at*, CASL s. 1(3)."""
    return decide.decide(question(topic, at, "consent_request", past.place), past.facts())


def _append(connection: Connection, past: History, topic: Topic, form: Form, answer: Decision, act: Act) -> None:
    person = connection.execute(select(Contact.consent_key, Contact.language).where(Contact.id == past.contact)).one()
    language = form.language(person.language)
    basis = answer.basis
    until = {"until": basis.until.isoformat()} if basis and basis.until else {}
    fields = {
        "brand": topic.brand.slug,
        "topic": topic.slug,
        "channel": act.channel,
        "form": form.reference,
        "notice": form.notices[language].sha256,
        "language": language,
        "refs": [answer.reasons[0].fact.entry] if answer.reasons[0].fact else [],
        "details": until,
    }
    rows = append.about(connection, act.origin, past.contact, past.head, [Draft("renewal.offered", act.actor, fields)])
    wanted = signup.Request(
        addresses.parse(person.consent_key), form, (topic,), language, form.notices[language], form.source
    )
    signup.ask(connection, past.contact, wanted, (topic,), [rows[0].entry.id], act, "mail.renewal")


def _ending(topic: Topic, now: datetime, within: timedelta) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Standing.contact_id,
            Contact.consent_key,
            Standing.topic,
            Standing.basis,
            Standing.allowed_until,
            Standing.renewal_at,
        )
        .join_from(Standing, Contact, Contact.id == Standing.contact_id)
        .where(Standing.topic == topic.slug, Standing.state == "implied", Contact.consent_key.is_not(None))
        .where(Standing.allowed_from <= now, Standing.allowed_until > now, Standing.allowed_until <= now + within)
        .where(Standing.then_from.is_(None))
        .order_by(Standing.contact_id)
    )


def _not_looked_at(now: datetime) -> ColumnElement[bool]:
    """Return the condition that the timed job did not look at it for this ending; a later one earns its own look."""
    return or_(Standing.renewal_at.is_(None), Standing.renewal_at <= now - AHEAD)
