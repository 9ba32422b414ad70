"""One function a kind of mail: it returns the letter, or None when it is no longer lawful or wanted.

The law is asked here, at hand-off, not when the mail was queued (CASL s. 6(4)). Nothing that a stranger typed
is put into any of them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from babel.dates import format_date, format_datetime, format_time
from sqlalchemy import Connection, select

from consent import catalogue
from consent.catalogue import DARK_PAPER, LIGHT_PAPER, Brand, Topic
from consent.law import decide
from consent.mail import words
from consent.mail.headers import Letter
from consent.mail.overrides import Templates
from consent.outbox import Job
from consent.records import history, links
from consent.records.history import History
from consent.records.links import Link
from consent.records.standing import question
from consent.store.signups import Signup
from consent.store.standings import Standing


@dataclass(frozen=True)
class Desk:
    """What composing needs beside the database: the keys that sign links, the public URL, the instant."""

    keys: Sequence[str]
    base_url: str
    now: datetime
    templates: Templates = field(default_factory=dict)

    def url(self, link: Link, purpose: str) -> str:
        """Return the full address of the page *purpose* for what *link* names."""
        return f"{self.base_url}/{purpose}/{link.token(purpose, self.keys)}"


@dataclass(frozen=True)
class Papers:
    """The rows that letters are composed from, read for several of them at once."""

    links: Mapping[bytes, Link]
    pasts: Mapping[str, History]

    def link(self, job: Job) -> Link | None:
        """Return what the links of a mail about a sign-up name, or None if that is not there."""
        return self.links.get(_handle(job))


def papers(connection: Connection, jobs: Sequence[Job]) -> Papers:
    """Read what the letters of *jobs* are composed from. Three statements, however many they are."""
    handles = [_handle(job) for job in jobs if "signup" in job.payload]
    found = links.by_handles(connection, handles) if handles else {}
    return Papers(found, history.read_each(connection, {job.contact_id for job in jobs}))


def _handle(job: Job) -> bytes:
    return bytes.fromhex(job.payload["signup"])


def letter(connection: Connection, job: Job, desk: Desk, papers: Papers) -> Letter | None:
    """Return the letter that *job* asks for, or None if it must not go (any more)."""
    return _KINDS[job.kind](connection, job, desk, papers)


def _confirmation(_: Connection, job: Job, desk: Desk, papers: Papers) -> Letter | None:
    """Ask to confirm: one mail a sign-up, SOR/2013-221 s. 3(b)."""
    link = papers.link(job)
    if link is None or link.asked is None or not link.address:
        return None
    topics = _allowed(papers.pasts[job.contact_id], link, desk.now, "confirmation")
    if not topics or desk.now >= link.asked.expires_at:
        return None
    asked_on = link.asked.requested_at.astimezone(link.organization.zone)
    context = {
        "confirm_url": desk.url(link, "c"),
        "asked_on": _instant(asked_on.replace(second=0, microsecond=0), link.asked.notice.language),
        "network": link.asked.network,
        "days": (link.asked.expires_at - link.asked.requested_at).days,
    }
    return _letter("confirmation", job, desk, link, topics, topics[0].brand, link.asked.notice.language, context)


def _welcome(_: Connection, job: Job, desk: Desk, papers: Papers) -> Letter | None:
    """Say what was agreed and hand over the receipt. Commercial under the consent just given."""
    link = papers.link(job)
    if link is None or link.asked is None or not link.address:
        return None
    topics = _allowed(papers.pasts[job.contact_id], link, desk.now, "commercial")
    if not topics:
        return None
    zone = link.organization.zone
    context = {
        "notice": link.asked.notice,
        "receipt_url": desk.url(link, "r"),
        "agreed_on": format_date(job.created_at.astimezone(zone), "long", locale=link.asked.notice.language),
    }
    return _letter("welcome", job, desk, link, topics, topics[0].brand, link.asked.notice.language, context)


def _renewal(_: Connection, job: Job, desk: Desk, papers: Papers) -> Letter | None:
    """Ask for express consent before the implied one ends, and only while it stands (CASL s. 1(3))."""
    link, past = papers.link(job), papers.pasts[job.contact_id]
    if link is None or link.asked is None or not link.address or desk.now >= link.asked.expires_at:
        return None
    (topic,) = link.topics
    asked = question(topic, past.present(desk.now), "consent_request", past.place)
    answer = decide.decide(asked, past.facts())
    if answer.state != "implied" or not answer or answer.basis is None or answer.basis.until is None:
        return None
    language = link.asked.notice.language
    context = {
        "confirm_url": desk.url(link, "c"),
        "ends_on": format_date(answer.basis.until, "long", locale=language),
        "days": (link.asked.expires_at - link.asked.requested_at).days,
    }
    return _letter("renewal", job, desk, link, [topic], topic.brand, language, context)


def _preferences(connection: Connection, job: Job, desk: Desk, _: Papers) -> Letter | None:
    """Answer "send me my link", or a sign-up for what is held already."""
    handle = _any_handle(connection, job.contact_id, job.payload["organization"])
    link = links.by_handle(connection, handle) if handle else None
    found = catalogue.current()
    if link is None or not link.address or job.payload["brand"] not in found.brands:
        return None
    topics = [found.topics[slug] for slug in job.payload["topics"] if slug in found.topics]
    context = {"already": bool(topics)}
    return _letter("preferences", job, desk, link, topics, found.brands[job.payload["brand"]], link.language, context)


_KINDS: Mapping[str, Callable[[Connection, Job, Desk, Papers], Letter | None]] = {
    "mail.confirmation": _confirmation,
    "mail.welcome": _welcome,
    "mail.renewal": _renewal,
    "mail.preferences": _preferences,
}


def _letter(
    name: str,
    job: Job,
    desk: Desk,
    link: Link,
    topics: Sequence[Topic],
    brand: Brand,
    language: str,
    context: Mapping[str, Any],
) -> Letter:
    unsubscribe_url = desk.url(link, "u")
    language = language if language in brand.languages else brand.languages[0]
    everything = {
        "language": language,
        "brand": brand,
        "light_paper": LIGHT_PAPER,
        "dark_paper": DARK_PAPER,
        "organization": brand.organization.name,
        "topics": tuple(topics),
        "unsubscribe_url": unsubscribe_url,
        "preferences_url": desk.url(link, "p"),
    } | dict(context)
    subject, text, html = words.of(name, desk.templates.get((brand.slug, name, language)), everything)
    return Letter(
        id=job.id,
        sender_name=brand.business_name,
        sender=brand.from_address,
        recipient=link.address,
        subject=re.sub(r"[ \t\r\n]+", " ", subject).strip(),
        text=text,
        html=html,
        language=language,
        list_id=brand.list_id(_list(topics, name)),
        unsubscribe_url=unsubscribe_url,
        bounce_token=link.token("b", desk.keys),
    )


@lru_cache(maxsize=1000)
def _instant(at: datetime, language: str) -> str:
    """Return the day and minute as people of Canada write them, with the zone: a stranger's watch may be elsewhere."""
    locale = f"{language}_CA"
    day, time = format_date(at, "long", locale=locale), format_time(at, "short", locale=locale)
    return f"{day}, {time} {format_datetime(at, 'z', locale=locale)}"


def _list(topics: Sequence[Topic], name: str) -> str:
    return topics[0].slug.rpartition("/")[2] if len(topics) == 1 else name


def _allowed(past: History, link: Link, now: datetime, kind: str) -> list[Topic]:
    """Return the link's topics for which the law lets a message of *kind* go at *now*."""
    facts, instant = past.facts(), past.present(now)
    return [topic for topic in link.topics if decide.decide(question(topic, instant, kind, past.place), facts)]


def _any_handle(connection: Connection, contact: str, organization: str) -> bytes | None:
    """Return a row by which links can name the contact at *organization*: a standing, or else its last sign-up."""
    standing = select(Standing.handle).where(Standing.contact_id == contact, Standing.organization == organization)
    signup = select(Signup.handle).where(Signup.contact_id == contact, Signup.organization == organization)
    found = connection.execute(standing.order_by(Standing.topic).limit(1)).scalar()
    return found or connection.execute(signup.order_by(Signup.requested_at.desc()).limit(1)).scalar()
