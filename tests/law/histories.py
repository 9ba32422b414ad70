"""Histories for the law's tests: short words for facts, and hypothesis strategies for any mixture of them."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from consent.law.facts import (
    BusinessSold,
    ConfirmationSent,
    ConsentRequested,
    Contacted,
    Conversion,
    Delivery,
    Erasure,
    ExpressConsent,
    MessageSent,
    Question,
    Relationship,
    RelationshipEnded,
    Suppression,
    Voiding,
    Withdrawal,
    brand_of,
)
from consent.law.implied import RUNNING, TYPES
from consent.law.kinds import KINDS

TORONTO, VANCOUVER, TOKYO = ZoneInfo("America/Toronto"), ZoneInfo("America/Vancouver"), ZoneInfo("Asia/Tokyo")
START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
NOW = timedelta(0)
STEPS = (-MOMENT, NOW, MOMENT)
TOPIC, PROMOTIONS = "acme/newsletter", "acme/promotions"
ORGANIZATIONS = {"acme": "acme-inc", "zest": "acme-inc", "rival": "rival-inc"}  # acme and zest are one legal person
TOPICS = (TOPIC, PROMOTIONS, "zest/newsletter", "rival/newsletter")
SCOPES = ({"topic": TOPIC}, {"brand": "acme"}, {"organization": "acme-inc"}, {})
COLLECTOR = "listco"
LAST_HOUR = 24 * 365 * 3
DELIVERIES = ("welcome.sent", "welcome.delivered", "welcome.opened", "welcome.clicked")
METHODS = ("confirm_button", "checkbox_unticked", "reply_agree", "oral", "prechecked_box", "terms_acceptance")
PLACES = ("CA", "CA-QC", None, "US", "GB", "FR", "AU", "MX")


def hour(number: int) -> datetime:
    """Return the instant *number* hours after START."""
    return START + timedelta(hours=number)


def on(day: str, clock: str = "10:00", zone: ZoneInfo = TORONTO) -> datetime:
    """Return the instant at which clocks in *zone* show *clock* on *day* (2026-05-14)."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone).astimezone(UTC)


def ask(at: datetime, topic: str | None = TOPIC, kind: str = "commercial", **more: Any) -> Question:
    """Return the question about *topic*, put by its brand to somebody in Canada unless *more* says otherwise."""
    brand = more.pop("brand", None) or brand_of(topic or TOPIC)
    known = {"organization": ORGANIZATIONS[brand], "zone": TORONTO, "place": "CA"}
    return Question(brand=brand, topic=topic, at=at, kind=kind, **known | more)


def common(at: datetime, recorded: datetime | None = None, entry: str = "E") -> dict[str, Any]:
    return {"occurred_at": at, "recorded_at": recorded or at, "entry": entry}


def taken(more: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Take what all facts have out of *more* and return it."""
    return common(at, more.pop("recorded", None), more.pop("entry", "E"))


def requested(at: datetime, topic: str = TOPIC, **more: Any) -> ConsentRequested:
    return ConsentRequested(topic=topic, **taken(more, at), **more)


def sent(at: datetime, *answers: str, **more: Any) -> ConfirmationSent:
    return ConfirmationSent(answers=answers, **taken(more, at), **more)


def given(at: datetime, topic: str | None = TOPIC, method: str = "confirm_button", **more: Any) -> ExpressConsent:
    whose = taken(more, at)
    brand = more.pop("brand", None) or brand_of(topic or TOPIC)
    known = {"brand": brand, "organization": ORGANIZATIONS.get(brand, brand), "notice_complete": True}
    return ExpressConsent(topic=topic, method=method, **whose, **known | more)


def through(at: datetime, brand: str = "acme", **more: Any) -> ExpressConsent:
    """Return a consent that the person gave to a collector of addresses for senders such as *brand*."""
    third = {"collector": COLLECTOR, "conditions_met": True, "notice_complete": False}
    return given(at, None, "unknown_third_party", brand=brand, **third | more)


def withdrawn(at: datetime, **more: Any) -> Withdrawal:
    return Withdrawal(**taken(more, at), **more)


def erased(at: datetime, organization: str | None = "acme-inc", **more: Any) -> Erasure:
    return Erasure(organization=organization, **taken(more, at), **more)


def suppressed(at: datetime, reason: str = "hard_bounce", **more: Any) -> Suppression:
    return Suppression(reason=reason, **taken(more, at), **more)


def voided(at: datetime, entry: str, **more: Any) -> Voiding:
    return Voiding(voids=entry, **common(at, more.pop("recorded", None), "V"), **more)


def related(at: datetime, type: str = "purchase", brand: str = "acme", **more: Any) -> Relationship:
    organization = ORGANIZATIONS.get(brand, brand)
    return Relationship(type=type, brand=brand, organization=organization, **taken(more, at), **more)


def ended(at: datetime, type: str = "subscription", brand: str = "acme", **more: Any) -> RelationshipEnded:
    return RelationshipEnded(type=type, brand=brand, **taken(more, at), **more)


def sold(at: datetime, brand: str, to: str, **more: Any) -> BusinessSold:
    return BusinessSold(brand=brand, to=to, **taken(more, at), **more)


def mailed(at: datetime, organization: str = "acme-inc", **more: Any) -> MessageSent:
    return MessageSent(organization=organization, **taken(more, at), **more)


def contacted(at: datetime, what: str = "question", brand: str = "acme", **more: Any) -> Contacted:
    return Contacted(brand=brand, what=what, **taken(more, at), **more)


def converted(at: datetime, brand: str = "acme", **more: Any) -> Conversion:
    return Conversion(brand=brand, **taken(more, at), **more)


def delivered(at: datetime, kind: str = "welcome.opened", **more: Any) -> Delivery:
    return Delivery(kind=kind, **taken(more, at), **more)


def numbered(facts: list[Any], first: int = 0) -> list[Any]:
    """Return *facts* as the entries E0, E1 …, so that they can refer to each other."""
    return [dataclasses.replace(fact, entry=f"E{number}") for number, fact in enumerate(facts, first)]


hours = st.integers(0, 12) | st.integers(0, LAST_HOUR)  # a narrow range as well, so that instants coincide
flags = st.booleans()
topics = st.sampled_from((TOPIC, TOPIC, *TOPICS))
brands = st.sampled_from(("acme", *ORGANIZATIONS))
organizations = st.sampled_from(("acme-inc", "rival-inc", COLLECTOR))
entries = st.sampled_from([f"E{number}" for number in range(10)])
zones = st.sampled_from((None, None, TORONTO, VANCOUVER, TOKYO))
times = st.builds(lambda at, late: common(hour(at), hour(at + late)), hours, st.integers(0, 3) | st.integers(0, 500))


def facts_of(make: Any, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the strategy for facts that *make* builds from times and *fields*."""
    return st.builds(lambda when, more: make(**when, **more), times, st.fixed_dictionaries(fields))


scopes = st.one_of(
    topics.map(lambda topic: {"topic": topic, "organization": ORGANIZATIONS[brand_of(topic)]}),
    brands.map(lambda brand: {"brand": brand, "organization": ORGANIZATIONS[brand]}),
    organizations.map(lambda slug: {"organization": slug}),
    organizations.map(lambda slug: {"organization": slug, "unspecified": True, "told": "zest"}),
    st.just({}),
)
requests = facts_of(ConsentRequested, topic=topics)
confirmations = facts_of(ConfirmationSent, answers=st.lists(entries, max_size=2).map(tuple)) | facts_of(
    ConfirmationSent, topic=topics
)
plain_consents = st.builds(
    lambda when, topic, more: given(when["occurred_at"], topic, recorded=when["recorded_at"], **more),
    times,
    topics,
    st.fixed_dictionaries(
        {
            "method": st.sampled_from(METHODS),
            "notice_complete": st.sampled_from((True, True, True, False)),
            "evidence": st.sampled_from((None, "full_recording")),
            "on_behalf_of": st.sampled_from(((), (), ("acme", "rival"), ("zest",))),
            "imported": st.sampled_from((False, False, True)),
            "asked_at": st.none() | hours.map(hour),
        }
    ),
)
third_party_consents = st.builds(
    lambda when, brand, met, collector: through(
        when["occurred_at"], brand, recorded=when["recorded_at"], conditions_met=met, collector=collector
    ),
    times,
    brands,
    flags,
    st.sampled_from((COLLECTOR, COLLECTOR, "otherlist")),
)
withdrawals = st.builds(
    lambda when, scope, act, not_me: Withdrawal(act=act, not_me=not_me, **scope, **when),
    times,
    scopes,
    st.sampled_from(("withdrawn", "complained", "objected")),
    flags,
)
erasures = facts_of(Erasure, organization=organizations | st.none())
suppressions = facts_of(Suppression, reason=st.sampled_from(("hard_bounce", "invalid", "manual")))
voidings = facts_of(Voiding, voids=entries)
MARKS = ("opt_out_offered", "similar", "registered_charity", "by_recipient", "no_spam_notice", "role_relevant")
relationships = st.builds(
    lambda when, brand, type, zone, marks: related(
        when["occurred_at"], type, brand, recorded=when["recorded_at"], zone=zone, **marks
    ),
    times,
    brands,
    st.sampled_from(("purchase", "inquiry", "subscription", *(t for t in TYPES if t != "referral"))),
    zones,
    st.fixed_dictionaries(
        {name: flags for name in MARKS} | {"evidence": st.sampled_from((None, "url+snapshot", "directory"))}
    ),
)
referrals = st.builds(
    lambda when, brand, ok, named: related(
        when["occurred_at"],
        "referral",
        brand,
        recorded=when["recorded_at"],
        relationships_ok=ok,
        named_in_message=named,
    ),
    times,
    brands,
    st.sampled_from((True, True, False)),
    st.sampled_from((True, True, False)),
)
ends = facts_of(
    RelationshipEnded, type=st.sampled_from(sorted(RUNNING)), brand=brands, zone=zones, ends=st.none() | entries
)
sales = facts_of(BusinessSold, brand=brands, to=brands)
mails = facts_of(MessageSent, organization=organizations)
contacts = facts_of(Contacted, brand=brands, what=st.sampled_from(("question", "account")))
conversions = facts_of(Conversion, brand=brands)
deliveries = facts_of(Delivery, kind=st.sampled_from(DELIVERIES))
passive = deliveries | conversions

spoken = st.one_of(requests, confirmations, plain_consents, withdrawals)
done = st.one_of(relationships, ends, mails, contacts, passive)
rare = st.one_of(erasures, suppressions, voidings, sales, third_party_consents, referrals)
lasting = st.one_of(
    spoken, withdrawals, relationships, ends, st.one_of(voidings, sales, third_party_consents, suppressions)
)
histories = st.lists(st.one_of(spoken, done, spoken, done, rare), max_size=8).map(numbered)
without_referrals = st.lists(lasting, max_size=7).map(numbered)  # a standing leaves referrals out
questions = st.builds(
    lambda at, topic, brand, kind, known, sender, place, charity: ask(
        hour(at),
        topic,
        kind,
        brand=brand_of(topic) if topic else brand,
        known_at=None if known is None else hour(known),
        sender_place=sender,
        place=place,
        charity=charity,
    ),
    hours,
    st.none() | topics | topics,
    brands,
    st.sampled_from(("commercial", *KINDS)),
    st.none() | hours,
    st.sampled_from(("CA", None, "US", "GB", "FR")),
    st.sampled_from(PLACES),
    st.sampled_from((None, True, False)),
)
commercial = questions.map(lambda question: dataclasses.replace(question, kind="commercial"))


def answer(decision: Any) -> tuple[bool, str, str]:
    """Return what a sending system acts upon."""
    return bool(decision), decision.state, decision.code
