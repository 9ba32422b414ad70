"""What the entries of a contact prove, as facts that the law understands. An entry that no rule may use is no fact."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from consent.law import facts
from consent.law.facts import Fact, brand_of
from consent.ledger.entries import instant


class Item(NamedTuple):
    """One entry of a history."""

    entry_id: str
    contact: str
    sequence: int | None
    body: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime
    leaf_hash: bytes


#: Marks of a relationship that the law asks about, each under its name in the entry's details.
MARKS = (
    "opt_out_offered", "similar", "registered_charity", "by_recipient", "no_spam_notice", "role_relevant", "evidence",
    "relationships_ok", "named_in_message",
)  # fmt: skip
#: What a confirmation can answer: the person's own sign-up, or our question before implied consent ends.
REQUESTS = frozenset({"consent.requested", "renewal.offered"})
_Common = dict[str, Any]


def of_items(items: Sequence[Item]) -> list[Fact]:
    """Return the facts that *items*, all of one contact, prove."""
    asked = {item.entry_id: item.occurred_at for item in items if item.body["kind"] in REQUESTS}
    found: list[Fact] = []
    for item in items:
        kind = item.body["kind"]
        common: _Common = {
            "occurred_at": item.occurred_at,
            "recorded_at": item.recorded_at,
            "entry": item.entry_id,
            "sequence": item.sequence,
        }
        if kind == "consent.given":
            found.append(_given(item.body, common, asked))
        elif kind in _MAKERS:
            found += _MAKERS[kind](item.body, common)
        elif kind.startswith("welcome."):
            found.append(facts.Delivery(kind=kind, **common))
    return found


def _given(body: Mapping[str, Any], common: _Common, asked: Mapping[str, datetime]) -> Fact:
    details, brand = body["details"], body["brand"] or brand_of(body["topic"] or "")
    return facts.ExpressConsent(
        brand=brand,
        organization=details.get("organization", brand),
        topic=body["topic"],
        method=details["method"],
        notice_complete=details.get("notice_complete", False),
        evidence=details.get("evidence"),
        on_behalf_of=tuple(details.get("on_behalf_of", ())),
        imported=details.get("imported", body["channel"] == "import"),
        asked_at=min((asked[ref] for ref in body["refs"] if ref in asked), default=None),
        collector=details.get("collector"),
        conditions_met=details.get("conditions_met", False),
        **common,
    )


def _requested(body: Mapping[str, Any], common: _Common) -> list[Fact]:
    return [facts.ConsentRequested(topic=body["topic"], **common)]


def _sent(body: Mapping[str, Any], common: _Common) -> list[Fact]:
    return [facts.ConfirmationSent(answers=tuple(body["refs"]), **common)]


def _withdrawn(body: Mapping[str, Any], common: _Common) -> list[Fact]:
    details = body["details"]
    return [
        facts.Withdrawal(
            topic=body["topic"],
            brand=body["brand"],
            organization=details.get("organization"),
            not_me=details.get("reason") == "not_me",
            act="objected" if details.get("reason") == "objection" else "withdrawn",
            unspecified=details.get("scope") == "unspecified",
            told=details.get("told"),
            **common,
        )
    ]


def _suppressed(body: Mapping[str, Any], common: _Common) -> list[Fact]:
    reason, organization = body["details"]["reason"], body["details"].get("organization")
    if reason == "complaint":
        return [facts.Withdrawal(organization=organization, act="complained", **common)]
    return [facts.Suppression(reason=reason, **common)]


def _bounced(body: Mapping[str, Any], common: _Common) -> list[Fact]:
    return [facts.Suppression(reason="hard_bounce", **common)] if body["details"]["stops"] else []


def _complained(body: Mapping[str, Any], common: _Common) -> list[Fact]:
    return [facts.Withdrawal(organization=body["details"].get("organization"), act="complained", **common)]


def _related(body: Mapping[str, Any], common: _Common) -> list[Fact]:
    details, brand = body["details"], body["brand"]
    named = {"type": details["type"], "brand": brand, "zone": _zone(details)}
    if details["type"] == "question":
        return [facts.Contacted(brand=brand, what="question", **common)]
    marks = {name: details[name] for name in MARKS if name in details}
    relationship = facts.Relationship(organization=details.get("organization", brand), **named, **marks, **common)
    if "ended_at" not in details:
        return [relationship]
    ended = common | {"occurred_at": instant(details["ended_at"])}
    return [relationship, facts.RelationshipEnded(ends=common["entry"], **named, **ended)]


def _ended(body: Mapping[str, Any], common: _Common) -> list[Fact]:
    details = body["details"]
    ended = {"type": details["type"], "brand": body["brand"], "zone": _zone(details)}
    return [facts.RelationshipEnded(ends=entry, **ended, **common) for entry in body["refs"]]


def _voided(body: Mapping[str, Any], common: _Common) -> list[Fact]:
    return [facts.Voiding(voids=ref, **common) for ref in body["refs"]]


def _erased(body: Mapping[str, Any], common: _Common) -> list[Fact]:
    return [facts.Erasure(**common)]


def _zone(details: Mapping[str, Any]) -> ZoneInfo | None:
    return ZoneInfo(details["zone"]) if "zone" in details else None


_MAKERS: Mapping[str, Callable[[Mapping[str, Any], _Common], list[Fact]]] = {
    "consent.requested": _requested,
    "confirmation.sent": _sent,
    "consent.withdrawn": _withdrawn,
    "suppression.added": _suppressed,
    "suppression.lifted": _voided,
    "bounce.received": _bounced,
    "complaint.received": _complained,
    "contact.erased": _erased,
    "relationship.recorded": _related,
    "relationship.ended": _ended,
    "relationship.voided": _voided,
}
