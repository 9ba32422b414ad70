"""Dated cases that a lawyer can write in a spreadsheet: a history, a question, and the answer to expect.

A case is one row with the columns of :data:`COLUMNS`. ``history`` is a JSON list of facts, each with ``at`` (when it
occurred, with a zone), ``kind`` and ``brand``, perhaps ``recorded_at`` and ``zone``, and the fields of its kind
(:data:`FIELDS`). Anything else is an error and never ignored. ``acme`` and ``zest`` are two brands of one
organization in Toronto; every other brand is an organization of its own.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from consent.law import facts
from consent.law.facts import Fact, Question
from consent.law.implied import TYPES
from consent.law.kinds import KINDS
from consent.law.places import PLACE

COLUMNS = (
    "id", "sender_place", "recipient_place", "history", "asked_at", "brand", "topic", "kind", "expect", "basis",
    "citation", "settled", "note",
)  # fmt: skip
NEEDED = frozenset({"id", "history", "asked_at", "brand", "kind", "expect"})
ORGANIZATIONS = {"acme": "acme-inc", "zest": "acme-inc"}
ZONE = ZoneInfo("America/Toronto")
_OLDEST = 36_500
LINK_DAYS = 7  # policy: a confirmation answered later than this gives nothing
YEARS = range(1900, 9001)  # far enough from both ends of the calendar that no zone and no period leaves it
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
_TOPIC = re.compile(r"[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*\Z")
#: Codes of a refusal for good that is about the mailbox (RFC 3463: no such address, or disabled), not about us.
_HARD = re.compile(r"5\.(0\.\d+|1\.[0-6]|1\.10|2\.1)\Z")

_COMMON = frozenset({"at", "kind", "brand", "recorded_at", "zone"})
#: The kinds of fact and the fields that each may have beside the common ones.
FIELDS: Mapping[str, frozenset[str]] = {
    "consent.requested": frozenset({"topic", "notice_complete"}),
    "confirmation.sent": frozenset({"topic"}),
    "confirmation.fetched": frozenset({"topic"}),
    "confirmation.answered": frozenset({"topic", "link_age_days"}),
    "consent.given": frozenset(
        {
            "topic", "method", "notice_complete", "evidence", "on_behalf_of", "imported", "collector", "conditions_met",
        }
    ),
    "consent.withdrawn": frozenset({"scope", "channel"}),
    "relationship.recorded": frozenset(
        {
            "type", "opt_out_offered", "similar", "voided", "registered_charity", "referrer", "relationships_ok",
            "named_in_message", "evidence", "by_recipient", "no_spam_notice", "role_relevant",
        }
    ),
    "relationship.ended": frozenset({"type"}),
    "business.sold": frozenset({"to"}),
    "message.sent": frozenset({"topic"}),
    "conversion.recorded": frozenset({"type"}),
    "contact.imported": frozenset({"source", "detail"}),
    "contact.erased": frozenset(),
    "account.created": frozenset(),
    "question.received": frozenset(),
    "objection.received": frozenset(),
    "complaint.received": frozenset({"format"}),
    "bounce.received": frozenset({"code"}),
    "welcome.sent": frozenset({"link", "topic"}),
    "welcome.delivered": frozenset({"link", "topic"}),
    "welcome.opened": frozenset({"link", "topic"}),
    "link.clicked": frozenset({"link", "topic"}),
    "unsubscribe.fetched": frozenset({"link", "topic"}),
}  # fmt: skip
_FLAGS = frozenset(
    {
        "notice_complete", "imported", "conditions_met", "opt_out_offered", "similar", "voided", "registered_charity",
        "relationships_ok", "named_in_message", "by_recipient", "no_spam_notice", "role_relevant",
    }
)  # fmt: skip
_MARKS = ("opt_out_offered", "similar", "registered_charity", "by_recipient", "no_spam_notice", "role_relevant",
          "relationships_ok", "named_in_message", "evidence")  # fmt: skip


class BadCase(ValueError):
    """The case cannot be read; the message says what is wrong with which field."""


@dataclass(frozen=True)
class Case:
    """One case: its id, the question and the facts, the expected answer, and the label that counsel gave the basis."""

    id: str
    question: Question
    facts: tuple[Fact, ...]
    expect: str
    basis: str
    note: str


def read(row: Mapping[str, str | None]) -> Case:
    """Return the case in *row*, whose keys are those of COLUMNS. Raises BadCase."""
    text = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if missing := sorted(name for name in NEEDED if not text[name]):
        raise BadCase(f"{', '.join(missing)}: empty, and a case needs it.")
    if text["expect"] not in ("allow", "deny"):
        raise BadCase(f"expect: {text['expect']!r} is neither allow nor deny.")
    return Case(text["id"], _question(text), history(text["history"]), text["expect"], text["basis"], text["note"])


def organization_of(brand: str) -> str:
    """Return the organization that *brand* is a name of, in the world of the cases."""
    return ORGANIZATIONS.get(brand, brand)


def history(text: str) -> tuple[Fact, ...]:
    """Return the facts that the JSON list *text* spells. Raises BadCase."""
    try:
        rows = json.loads(text)
        json.dumps(rows, ensure_ascii=False).encode()  # an escape may spell half a character
    except (ValueError, RecursionError):
        raise BadCase("history: not JSON.") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadCase("history: not a JSON list of objects.")
    for number, row in enumerate(rows, 1):
        _check(row, f"history, fact {number}")
    requests = [row for row in rows if row["kind"] == "consent.requested"]
    found = (_fact(row, f"E{number}", requests) for number, row in enumerate(rows, 1))
    return tuple(fact for fact in found if fact is not None)


def _question(text: Mapping[str, str]) -> Question:
    for name in ("sender_place", "recipient_place"):
        if text[name] and not PLACE.fullmatch(text[name]):
            raise BadCase(f"{name}: {text[name]!r} is no place; write a country like CA, or CA-QC.")
    if text["kind"] not in KINDS:
        raise BadCase(f"kind: {text['kind']!r} is no kind of message; one of {', '.join(KINDS)}.")
    if not _NAME.match(text["brand"]) or (text["topic"] and not _TOPIC.match(text["topic"])):
        raise BadCase("brand, topic: write them like acme and acme/newsletter.")
    return Question(
        organization=organization_of(text["brand"]),
        brand=text["brand"],
        topic=text["topic"] or None,
        at=_instant(text["asked_at"], "asked_at"),
        zone=ZONE,
        kind=text["kind"],
        sender_place=text["sender_place"] or None,
        place=text["recipient_place"] or None,
    )


def _instant(text: object, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
        known = at.tzinfo is not None and at.year in YEARS
        instant = at.astimezone(UTC)
    except (ValueError, OverflowError):
        known = False
    if not known:
        raise BadCase(f"{where}: {text!r} is no time with a zone; write it like 2026-06-01T10:00:00-04:00.")
    return instant


def _zone(name: object, where: str) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        raise BadCase(f"{where}: {name!r} is no time zone; write one like America/Vancouver.") from None


def _check(row: dict[str, Any], where: str) -> None:
    """Raise BadCase unless *row* is a fact of the vocabulary, with its fields and no others."""
    kind = row.get("kind")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise BadCase(f"{where}: {kind!r} is no kind of fact.")
    if unknown := sorted(row.keys() - _COMMON - FIELDS[kind]):
        raise BadCase(f"{where}: {kind} has no field {', '.join(unknown)}.")
    if not _matches(_NAME, row.get("brand")):
        raise BadCase(f"{where}: {kind} names no brand.")
    for name in sorted(row.keys() & _FLAGS):
        if not isinstance(row[name], bool):
            raise BadCase(f"{where}, {name}: write true or false.")
    _read_times(row, where)
    _check_words(row, where)


def _read_times(row: dict[str, Any], where: str) -> None:
    """Put instants and a zone in the place of their texts."""
    row["at"] = _instant(row.get("at"), f"{where}, at")
    if "recorded_at" in row:
        row["recorded_at"] = _instant(row["recorded_at"], f"{where}, recorded_at")
    if row.get("zone") is not None:
        row["zone"] = _zone(row["zone"], f"{where}, zone")


def _check_words(row: Mapping[str, Any], where: str) -> None:
    kind = row["kind"]
    needs_topic = kind in ("consent.requested", "confirmation.answered") or (
        kind == "consent.given" and row.get("method") != "unknown_third_party"
    )
    if (needs_topic or row.get("topic") is not None) and not _matches(_TOPIC, row.get("topic")):
        raise BadCase(f"{where}, topic: write it like acme/newsletter.")
    if kind in ("relationship.recorded", "relationship.ended") and row.get("type") not in TYPES:
        raise BadCase(f"{where}, type: {row.get('type')!r} is no relationship; one of {', '.join(TYPES)}.")
    scope = row.get("scope")
    if kind == "consent.withdrawn" and not (_matches(_TOPIC, scope) or _matches(_NAME, scope)):
        raise BadCase(f"{where}, scope: write all, unspecified, a brand, or brand/topic.")
    if kind == "business.sold" and not _matches(_NAME, row.get("to")):
        raise BadCase(f"{where}, to: name the brand that bought the business.")
    if kind == "consent.given" and not isinstance(row.get("method"), str):
        raise BadCase(f"{where}, method: say how consent was given.")
    _check_details(row, where)


def _check_details(row: Mapping[str, Any], where: str) -> None:
    age, brands = row.get("link_age_days"), row.get("on_behalf_of")
    if age is not None and (isinstance(age, bool) or not isinstance(age, int | float) or not 0 <= age <= _OLDEST):
        raise BadCase(f"{where}, link_age_days: write a number of days.")
    if row.get("collector") is not None and not _matches(_NAME, row["collector"]):
        raise BadCase(f"{where}, collector: name who collected the consent.")
    if row.get("evidence") is not None and not isinstance(row["evidence"], str):
        raise BadCase(f"{where}, evidence: write a text, or null for none.")
    if brands is not None and not (isinstance(brands, list) and all(_matches(_NAME, brand) for brand in brands)):
        raise BadCase(f"{where}, on_behalf_of: write a list of brands.")


def _matches(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and bool(pattern.match(text))


def _fact(row: Mapping[str, Any], entry: str, requests: Sequence[Mapping[str, Any]]) -> Fact | None:
    """Return the fact that the checked *row* is; None for what no rule may use, such as a page that was fetched."""
    common = {"occurred_at": row["at"], "recorded_at": row.get("recorded_at", row["at"]), "entry": entry}
    family, _, what = row["kind"].partition(".")
    if family == "consent":
        return _CONSENT[what](row, common)
    if family == "confirmation":
        return _confirmation(row, common, requests)
    if family == "relationship":
        return _relationship(row, common)
    return _other(row, common)


def _requested(row: Mapping[str, Any], common: dict[str, Any]) -> Fact:
    return facts.ConsentRequested(topic=row["topic"], **common)


def _given(row: Mapping[str, Any], common: dict[str, Any]) -> Fact:
    collector = row.get("collector")
    return facts.ExpressConsent(
        brand=row["brand"],
        organization=organization_of(row["brand"]),
        topic=row.get("topic"),
        method=row["method"],
        notice_complete=row.get("notice_complete", False),
        evidence=row.get("evidence"),
        on_behalf_of=tuple(row.get("on_behalf_of") or ()),
        imported=row.get("imported", False),
        collector=organization_of(collector) if collector else None,
        conditions_met=row.get("conditions_met", False),
        **common,
    )


def _withdrawn(row: Mapping[str, Any], common: dict[str, Any]) -> Fact:
    scope, organization = row["scope"], organization_of(row["brand"])
    if "/" in scope:
        return facts.Withdrawal(topic=scope, organization=organization_of(facts.brand_of(scope)), **common)
    if scope not in ("all", "unspecified"):
        return facts.Withdrawal(brand=scope, organization=organization_of(scope), **common)
    bare = scope == "unspecified"
    return facts.Withdrawal(organization=organization, unspecified=bare, told=row["brand"], **common)


_CONSENT = {"requested": _requested, "given": _given, "withdrawn": _withdrawn}


def _confirmation(row: Mapping[str, Any], common: dict[str, Any], requests: Sequence[Mapping[str, Any]]) -> Fact | None:
    topic = row.get("topic")
    if row["kind"] == "confirmation.sent":
        return facts.ConfirmationSent(topic=topic, **common)
    if row["kind"] == "confirmation.fetched" or (row.get("link_age_days") or 0) > LINK_DAYS:
        return None
    asked = max(
        (r for r in requests if r["topic"] == topic and r["at"] <= row["at"]), key=lambda r: r["at"], default=None
    )
    begun = [asked["at"]] if asked else []
    if row.get("link_age_days") is not None:
        begun.append(row["at"] - timedelta(days=row["link_age_days"]))
    return facts.ExpressConsent(
        brand=facts.brand_of(str(topic)),
        organization=organization_of(facts.brand_of(str(topic))),
        topic=topic,
        method="confirm_button",
        notice_complete=asked.get("notice_complete", True) if asked else True,
        asked_at=min(begun, default=None),
        **common,
    )


def _relationship(row: Mapping[str, Any], common: dict[str, Any]) -> Fact | None:
    named = {"type": row["type"], "brand": row["brand"], "zone": row.get("zone")}
    if row["kind"] == "relationship.ended":
        return facts.RelationshipEnded(**named, **common)
    if row.get("voided"):
        return None
    marks = {name: row[name] for name in _MARKS if row.get(name) is not None}
    if row["type"] == "referral":
        marks["named_in_message"] = bool(row.get("named_in_message") and row.get("referrer"))
    return facts.Relationship(organization=organization_of(row["brand"]), **named, **marks, **common)


def _other(row: Mapping[str, Any], common: dict[str, Any]) -> Fact | None:
    kind, brand = row["kind"], row["brand"]
    organization = organization_of(brand)
    if kind.startswith("welcome."):
        return facts.Delivery(kind=kind, **common)
    if kind == "bounce.received" and not _HARD.match(str(row.get("code", "5.1.1"))):
        return None
    made: dict[str, Callable[[], Fact]] = {
        "complaint.received": lambda: facts.Withdrawal(organization=organization, act="complained", **common),
        "objection.received": lambda: facts.Withdrawal(organization=organization, act="objected", **common),
        "bounce.received": lambda: facts.Suppression(reason="hard_bounce", **common),
        "contact.erased": lambda: facts.Erasure(organization=organization, **common),
        "business.sold": lambda: facts.BusinessSold(brand=brand, to=row["to"], **common),
        "message.sent": lambda: facts.MessageSent(organization=organization, **common),
        "conversion.recorded": lambda: facts.Conversion(brand=brand, **common),
        "account.created": lambda: facts.Contacted(brand=brand, what="account", **common),
        "question.received": lambda: facts.Contacted(brand=brand, what="question", **common),
    }
    return made[kind]() if kind in made else None
