"""A "no" that reaches us by another way than our pages, and stops of delivery that are no "no".

A withdrawal is the person's, and only a later express act of theirs ends it. A suppression is about delivery: an
address that bounces, or one that the company itself put aside; it is lifted by naming its entry.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from consent import addresses, catalogue
from consent.addresses import Address
from consent.catalogue import Brand, Topic
from consent.records.append import Draft
from consent.records.history import History
from consent.store import database
from consent.store.contacts import Contact
from consent.store.ledger import ErasedAddress, LedgerEntry
from consent.subscriptions.acts import Act
from consent.subscriptions.recording import Refused, Told

#: How a withdrawal came in, and the ledger's channel for it.
CHANNELS = {
    "reply_stop": "mail", "mail": "mail", "email": "mail", "phone": "phone", "paper": "paper", "in_person": "in_person",
    "web": "web", "api": "api", "one_click": "one_click", "one_click_post": "one_click", "provider": "provider",
    "other_authorized_user": "provider", "import": "import",
}  # fmt: skip
REASONS = ("hard_bounce", "complaint", "invalid", "manual")
_STOPS = ("suppression.added", "bounce.received", "complaint.received")


@dataclass(frozen=True)
class Refusal:
    """A withdrawal that is told: *scope* is ``all``, ``unspecified``, a brand or ``brand/topic``.

    With *brand*, ``all`` and ``unspecified`` are that brand's organization; without, every organization. *party* is a
    name that is not set up here: a collector of consents for us, or another user of them.
    """

    address: Address
    scope: str
    channel: str
    brand: Brand | None = None
    party: str | None = None
    occurred_at: datetime | None = None
    objection: bool = False


def withdrawal(what: Refusal) -> Told:
    """Return *what* for recording. Raises Refused for a scope that is none, or that is not of the brand."""
    reach = _reach(what)
    details = {"scope": reach["scope"], "route": what.channel, **reach["details"]}
    if what.objection:
        details["reason"] = "objection"

    def draft(past: History, act: Act) -> Draft:
        if what.party and not _shares(past, what.party):
            raise Refused("brand", f"{what.party} is neither a brand here nor a collector on record for this person.")
        fields = {
            "brand": reach["brand"],
            "topic": reach["topic"],
            "channel": CHANNELS[what.channel],
            "occurred_at": min(what.occurred_at or act.now, act.now),
            "details": details,
        }
        return Draft("consent.withdrawn", act.actor, fields, {"email": what.address.typed, **act.evidence})

    language = what.brand.languages[0] if what.brand else catalogue.LANGUAGES[0]
    return Told(what.address, draft, reach["topics"], language)


def suppression(
    address: Address, reason: str, brand: Brand | None, occurred_at: datetime | None, evidence: Mapping[str, str]
) -> Told:
    """Return the stop for recording; a complaint is a "no" to the brand's organization, or to every one."""

    def draft(_: History, act: Act) -> Draft:
        details = {"reason": reason} | ({"organization": brand.organization.slug} if brand else {})
        at = min(occurred_at or act.now, act.now)
        fields = {"channel": act.channel, "occurred_at": at, "details": details}
        return Draft("suppression.added", act.actor, fields, {"email": address.typed, **act.evidence, **evidence})

    return Told(address, draft, _all_topics())


def lifting(address: Address, entry: str) -> Told:
    """Return for recording that the suppression of *entry* was a mistake. A complaint is the person's and stays."""

    def draft(past: History, act: Act) -> Draft:
        found = next((i for i in past.own if i.entry_id == entry and i.body["kind"] in _STOPS), None)
        if found is None:
            raise Refused("lifts", "This is no entry of a suppression of this person.")
        reason = _reason(found.body["kind"], found.body["details"])
        if reason == "complaint":
            raise Refused("lifts", "A complaint is the person's own no; only a later express act of theirs ends it.")
        if any(entry in i.body["refs"] for i in past.own if i.body["kind"] == "suppression.lifted"):
            raise Refused("lifts", "This suppression is lifted already.")
        fields = {"channel": act.channel, "refs": [entry], "details": {"reason": reason}}
        return Draft("suppression.lifted", act.actor, fields, act.evidence)

    return Told(address, draft, _all_topics())


def _reason(kind: str, details: Mapping[str, Any]) -> str:
    """Return why an entry stops delivery; empty if it does not."""
    if kind == "bounce.received":
        return "hard_bounce" if details["stops"] else ""
    return "complaint" if kind == "complaint.received" else str(details["reason"])


class Listed(NamedTuple):
    """One line of the suppression list: an entry that adds or lifts one, and the address as a keyed digest."""

    entry: str
    kind: str
    reason: str
    digest: str
    occurred_at: datetime


def listed(after: str, most: int, secret: str) -> list[Listed]:
    """Return up to *most* lines of the suppression list that were recorded after the entry *after*, oldest first.

    A digest is HMAC-SHA-256 of the address's loose form under *secret*, so that a processor can compare without
    learning addresses. An erased address is there by its digest alone, which erasing kept (reason ``erased``).
    """
    wanted = (
        select(LedgerEntry.entry_id, LedgerEntry.kind, LedgerEntry.body, LedgerEntry.occurred_at, Contact.deny_key)
        .join(Contact, Contact.id == LedgerEntry.contact)
        .where(LedgerEntry.kind.in_((*_STOPS, "suppression.lifted")), LedgerEntry.entry_id > after)
        .where(Contact.deny_key.is_not(None))
        .order_by(LedgerEntry.entry_id)
        .limit(most)
    )
    gone = select(ErasedAddress).where(ErasedAddress.entry_id > after).order_by(ErasedAddress.entry_id).limit(most)
    with database.reading() as connection:
        rows = connection.execute(wanted).all()
        erased = connection.execute(gone.with_only_columns(*ErasedAddress.__table__.columns)).all()
    lines = [Listed(row.entry_id, "contact.erased", "erased", row.digest, row.erased_at) for row in erased]
    lines += [
        Listed(
            row.entry_id,
            row.kind,
            _reason(row.kind, json.loads(row.body)["details"]),
            addresses.digest(row.deny_key, secret),
            row.occurred_at,
        )
        for row in rows
    ]
    return sorted(lines)[:most]


def _reach(what: Refusal) -> dict[str, Any]:
    """Return how far the withdrawal goes: its words for the entry, and the topics whose standing it may change."""
    known = catalogue.current()
    if what.party and what.scope not in ("all", "unspecified"):
        raise Refused("scope", "A withdrawal told to somebody else reaches everything: write all or unspecified.")
    if "/" in what.scope:
        topic = known.topics.get(what.scope)
        if topic is None or (what.brand and topic.brand.slug != what.brand.slug):
            raise Refused("scope", f"There is no topic {what.scope!r}" + (" of this brand." if what.brand else "."))
        details = {"organization": topic.brand.organization.slug}
        return _words("topic", topic.brand.slug, topic.slug, details, (topic,))
    if what.scope not in ("all", "unspecified"):
        return _brand_reach(what)
    details = {"told": what.brand.slug} if what.brand else {}
    scope = "unspecified" if what.scope == "unspecified" else "organization"
    organization = what.brand.organization.slug if what.brand else what.party
    topics = known.topics_of(what.brand.organization.slug) if what.brand else _all_topics()
    details |= {"organization": organization} if organization else {}
    return _words(scope, None, None, details, topics)


def _shares(past: History, party: str) -> bool:
    """Whether a consent on record was given through the collector *party*."""
    return any(item.body["details"].get("collector") == party for item in (*past.own, *past.others))


def _brand_reach(what: Refusal) -> dict[str, Any]:
    brand = catalogue.current().brands.get(what.scope)
    if brand is None or (what.brand and what.brand.slug != brand.slug):
        raise Refused("scope", "Write all, unspecified, a brand, or brand/topic; and the brand must be the same.")
    topics = tuple(topic for topic in _all_topics() if topic.brand.slug == brand.slug)
    return _words("brand", brand.slug, None, {"organization": brand.organization.slug}, topics)


def _words(
    scope: str, brand: str | None, topic: str | None, details: Mapping[str, str], topics: tuple[Topic, ...]
) -> dict[str, Any]:
    return {"scope": scope, "brand": brand, "topic": topic, "details": dict(details), "topics": topics}


def _all_topics() -> tuple[Topic, ...]:
    return tuple(catalogue.current().topics.values())
