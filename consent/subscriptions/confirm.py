"""The person confirms a sign-up: consent is given, once, and the welcome mail queued.

Only the POST of the confirm button comes here. A link that is older than a withdrawal, or than a newer sign-up,
gives nothing; one that was used says so. Where signs say that a machine may have pressed (``automation``), every topic
must have been ticked too, or nothing is given yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

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
from consent.subscriptions import automation
from consent.subscriptions.acts import Act
from consent.subscriptions.automation import MAILS, Press
from consent.tokens import BadLink


class EndedLink(BadLink):
    """The link is ours, but it expired, was replaced by a newer one, or the person has said no since."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self.link = link


@dataclass(frozen=True)
class Confirmation:
    """What pressing the button does or did: *open_topics* are still to be confirmed.

    Where there are *signs* of a machine, each of them needs a tick; *waits* if a press came without.
    """

    link: Link
    asked: Asked
    open_topics: tuple[Topic, ...]
    renewal: bool = False  # whether we asked, before implied consent ends, and not the person
    signs: frozenset[str] = frozenset()
    waits: bool = False

    @property
    def already(self) -> bool:
        """Whether everything was confirmed before."""
        return not self.open_topics


def show(token: str, keys: Sequence[str], now: datetime, *, head: bool = False) -> Confirmation:
    """Return what the link would confirm; changes nothing. Raises BadLink, EndedLink.

    *head* is whether the same network sent HEAD to a link of ours in the last minute.
    """
    with database.reading() as connection:
        link = open_link(connection, token, "c", keys)
        past = history.read(connection, link.contact)
        now = past.present(now)
        found = _judge(link, past, now)
        return replace(found, signs=automation.before(found.asked, past, now, head=head))


@database.retried
def give(token: str, keys: Sequence[str], act: Act, press: Press) -> Confirmation:
    """Record the consent that the link's sign-up asked for, and queue the welcome mail; do it once.

    Returns what was found before: ``already`` is true when there was nothing left to confirm, ``waits`` when the press
    needs ticks that it did not bring; nothing was recorded then. Raises BadLink, EndedLink.
    """
    with database.writing() as connection:
        link, past, act = _in_turn(connection, token, keys, act)
        found = _signed(_judge(link, past, act.now), past, press, keys, act.now)
        if found.already or found.waits:
            return found
        drafts = [_given(found, past, topic, act) for topic in found.open_topics]
        rows = append.about(connection, act.origin, link.contact, past.head, drafts)
        standing.update(connection, standing.extend(past, rows), found.open_topics, act.now)
        payload = {"signup": link.handle.hex()}
        mail, cause = append.new_id(act.now), rows[0].entry.id
        outbox.put(connection, mail, "mail.welcome", link.contact, link.address, cause, payload, act.now)
    return found


@database.retried
def touch(token: str, keys: Sequence[str], act: Act) -> Confirmation:
    """Record, once for a sign-up, that the form was sent which no person sees; it bears on no standing.

    Returns what the link would confirm. Raises BadLink, EndedLink.
    """
    with database.writing() as connection:
        link, past, act = _in_turn(connection, token, keys, act)
        found = _judge(link, past, act.now)
        signs = automation.before(found.asked, past, act.now, head=False) | {automation.DECOY}
        if not found.already and not automation.touched(found.asked, past):
            append.about(connection, act.origin, link.contact, past.head, [_touched(found, act)])
    return replace(found, signs=signs, waits=not found.already)


def _in_turn(connection: Connection, token: str, keys: Sequence[str], act: Act) -> tuple[Link, History, Act]:
    """Open the link, wait for its contact's turn, and return what is on record by then."""
    link = open_link(connection, token, "c", keys)
    contacts.take_turn(connection, link.contact)
    past = history.read(connection, link.contact)
    return link, past, act.in_turn(past)


def _signed(found: Confirmation, past: History, press: Press, keys: Sequence[str], now: datetime) -> Confirmation:
    """Return *found* with the signs that a machine pressed, and whether ticks are missing because of them."""
    page = automation.unseal(press.page, found.link.handle, keys)
    signs = automation.before(found.asked, past, now, head=press.head) | automation.of_press(page, now)
    unticked = {topic.slug for topic in found.open_topics} - press.ticked
    return replace(found, signs=signs, waits=bool(unticked) and automation.asks(signs, pressed=press.pressed))


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
    mails = [i.entry_id for i in past.own if i.body["kind"] in MAILS and set(refs) & set(i.body["refs"])]
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
                "signs": sorted(found.signs),
            },
        },
        act.evidence,
    )


def _touched(found: Confirmation, act: Act) -> Draft:
    fields = {
        "brand": found.open_topics[0].brand.slug,
        "topic": found.open_topics[0].slug if len(found.open_topics) == 1 else None,
        "channel": act.channel,
        "form": found.asked.form,
        "refs": list(found.asked.entries),
    }
    return Draft(automation.TOUCHED, "system", fields, act.evidence)
