"""Histories for the law's tests: short words for facts, and hypothesis strategies for any mixture of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from consent.law.facts import ConfirmationSent, ConsentRequested, Delivery, ExpressConsent, Fact, Question, Withdrawal

START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
TOPIC = "acme/newsletter"
ORGANIZATIONS = {"acme": "acme-inc", "zest": "acme-inc", "rival": "rival-inc"}  # acme and zest are one legal person
TOPICS = (TOPIC, "acme/promotions", "zest/newsletter", "rival/newsletter")
LAST_HOUR = 2_000
DELIVERIES = ("welcome.sent", "welcome.delivered", "welcome.opened", "welcome.clicked")


def hour(number: int) -> datetime:
    """Return the instant *number* hours after START."""
    return START + timedelta(hours=number)


def ask(at: datetime, topic: str = TOPIC, kind: str = "commercial", known_at: datetime | None = None) -> Question:
    """Return the question about *topic*, put to the organization that the topic belongs to."""
    organization = ORGANIZATIONS[topic.partition("/")[0]]
    return Question(topic=topic, organization=organization, at=at, kind=kind, known_at=known_at)


def common(at: datetime, recorded: datetime | None = None, entry: str = "E") -> dict[str, Any]:
    return {"occurred_at": at, "recorded_at": recorded or at, "entry": entry}


def requested(at: datetime, topic: str = TOPIC, **more: Any) -> ConsentRequested:
    return ConsentRequested(topic=topic, **common(at, **more))


def sent(at: datetime, *answers: str, **more: Any) -> ConfirmationSent:
    return ConfirmationSent(answers=answers, **common(at, **more))


def given(
    at: datetime, topic: str = TOPIC, method: str = "confirm_button", notice: bool = True, **more: Any
) -> ExpressConsent:
    return ExpressConsent(topic=topic, method=method, notice_complete=notice, **common(at, **more))


def withdrawn(at: datetime, not_me: bool = False, recorded: datetime | None = None, **scope: str) -> Withdrawal:
    return Withdrawal(not_me=not_me, **common(at, recorded), **scope)


def delivered(at: datetime, kind: str = "welcome.opened", **more: Any) -> Delivery:
    return Delivery(kind=kind, **common(at, **more))


hours = st.integers(0, 12) | st.integers(0, LAST_HOUR)  # a narrow range as well, so that instants coincide
topics = st.sampled_from(TOPICS)
times = st.builds(lambda at, late: common(hour(at), hour(at + late)), hours, st.integers(0, 3) | st.integers(0, 500))
scopes = st.one_of(
    topics.map(lambda topic: {"topic": topic, "brand": topic.partition("/")[0]}),
    st.sampled_from(sorted(ORGANIZATIONS)).map(lambda brand: {"brand": brand}),
    st.sampled_from(sorted(set(ORGANIZATIONS.values()))).map(lambda slug: {"organization": slug}),
    st.just({}),
)
entries = st.sampled_from(["A", "B", "C"])
requests = st.builds(
    lambda t, topic, entry: ConsentRequested(topic=topic, **t | {"entry": entry}), times, topics, entries
)
confirmations = st.builds(
    lambda t, ids: ConfirmationSent(answers=tuple(ids), **t), times, st.lists(entries, max_size=2)
)
consents = st.builds(
    lambda t, topic, method, notice: ExpressConsent(topic=topic, method=method, notice_complete=notice, **t),
    times,
    topics,
    st.sampled_from(["confirm_button", "prechecked_box", "terms_acceptance"]),
    st.booleans(),
)
withdrawals = st.builds(lambda t, scope, not_me: Withdrawal(not_me=not_me, **scope, **t), times, scopes, st.booleans())
deliveries = st.builds(lambda t, kind: Delivery(kind=kind, **t), times, st.sampled_from(DELIVERIES))
histories = st.lists(requests | confirmations | consents | withdrawals | deliveries, max_size=10)
questions = st.builds(
    lambda at, topic, kind, known: ask(hour(at), topic, kind, None if known is None else hour(known)),
    hours,
    topics,
    st.sampled_from(["commercial", "confirmation", "receipt"]),
    st.none() | hours,
)


def answer(decision: Any) -> tuple[bool, str, str]:
    """Return what a sending system acts upon."""
    return bool(decision), decision.state, decision.code


def from_case(row: dict[str, Any], number: int) -> Fact:
    """Return the fact that a line of a table of cases writes as a small JSON object."""
    small = dict(row)
    did, at = small.pop("did"), datetime.fromisoformat(small.pop("at"))
    more = {"entry": small.pop("entry", f"E{number}")}
    if recorded := small.pop("recorded", None):
        more["recorded"] = datetime.fromisoformat(recorded)
    if did == "requested":
        return requested(at, **small, **more)
    if did == "confirmation_sent":
        return sent(at, *small.pop("answers"), **more)
    if did == "consent":
        return given(at, **small, **more)
    if did == "withdrawn":
        return Withdrawal(**common(at, **more), **small)
    assert did in DELIVERIES and not small, f"{row} is not in the vocabulary"
    return delivered(at, did, **more)
