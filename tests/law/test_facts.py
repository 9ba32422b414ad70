"""Facts: how far a "no" reaches, what a consent covers, and what a question can see."""

import pytest
from hypothesis import given as for_any

from consent.law.facts import Delivery, Seen, brand_of, name_of
from tests.law.histories import (
    MOMENT,
    NOW,
    START,
    TOPIC,
    TOPICS,
    ask,
    delivered,
    given,
    hour,
    questions,
    requested,
    sent,
    through,
    times,
    topics,
    voided,
    withdrawn,
)

REACH = [  # what the person left, and which of TOPICS that covers
    ({"topic": "acme/newsletter"}, ["acme/newsletter"]),
    ({"topic": "acme/newsletter", "brand": "acme"}, ["acme/newsletter"]),
    ({"topic": "acme/newsletter", "organization": "acme-inc"}, ["acme/newsletter"]),
    ({"brand": "acme"}, ["acme/newsletter", "acme/promotions"]),
    ({"organization": "acme-inc"}, ["acme/newsletter", "acme/promotions", "zest/newsletter"]),
    ({"organization": "rival-inc"}, ["rival/newsletter"]),
    ({"brand": "acme", "organization": "acme-inc"}, ["acme/newsletter", "acme/promotions"]),
    ({}, list(TOPICS)),
    ({"topic": "acme/news"}, []),
    ({"brand": "acm"}, []),
    ({"organization": "acme"}, []),
]


def sees(question, fact):
    return fact in question.seen([fact]).of(Delivery)


@pytest.mark.parametrize(("scope", "reached"), REACH)
def test_a_withdrawal_reaches_what_the_person_left_and_no_more(scope, reached):
    no = withdrawn(START, **scope)
    assert [topic for topic in TOPICS if no.covers(ask(START, topic))] == reached


@for_any(topics)
def test_a_topic_is_less_than_its_brand_and_a_brand_less_than_its_organization(topic):
    question = ask(START, topic)
    scopes = [{"topic": topic}, {"brand": question.brand}, {"organization": question.organization}]
    reached = [{t for t in TOPICS if withdrawn(START, **scope).covers(ask(START, t))} for scope in scopes]
    assert {topic} == reached[0] <= reached[1] <= reached[2] < set(TOPICS)


@pytest.mark.parametrize(
    ("scope", "kind", "reached"),
    [
        ({"topic": TOPIC}, "commercial", True),
        ({"topic": TOPIC}, "receipt_with_offer", True),
        ({"topic": TOPIC}, "consent_request", False),
        ({"topic": "zest/newsletter"}, "commercial", False),
        ({"brand": "acme"}, "consent_request", True),
        ({"organization": "acme-inc"}, "consent_request", True),
    ],
)
def test_a_message_without_a_topic_is_reached_by_a_no_to_any_topic_unless_it_asks_for_consent(scope, kind, reached):
    assert withdrawn(START, **scope).covers(ask(START, None, kind)) == reached


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ({}, {"acme", "acme-inc", "zest"}),
        ({"organization": "acme-inc"}, {"acme-inc"}),
        ({"brand": "acme", "organization": "acme-inc"}, {"acme"}),
        ({"topic": TOPIC, "brand": "acme", "organization": "acme-inc"}, set()),
    ],
)
def test_a_no_reaches_a_name_if_it_is_to_all_of_it(scope, names):
    assert {name for name in ("acme", "acme-inc", "zest") if withdrawn(START, **scope).reaches(name)} == names


def test_a_consent_covers_the_same_purpose_of_every_brand_that_it_names():
    yes = given(START, on_behalf_of=("acme", "rival"))
    covered = [topic for topic in (*TOPICS, "rival/promotions") if yes.covers(ask(START, topic))]
    assert covered == ["acme/newsletter", "rival/newsletter"]


def test_only_a_consent_for_senders_unknown_covers_a_message_without_a_topic():
    assert not given(START).covers(ask(START, None))
    assert through(START).covers(ask(START, None))
    assert not through(START).covers(ask(START, None, brand="zest"))


def test_who_may_rely_on_a_consent_for_senders_unknown():
    assert through(START).parties == ("acme", "acme-inc", "listco")
    assert given(START).parties == ()


def test_a_confirmation_mail_uses_up_the_sign_ups_that_it_names():
    assert sent(hour(1), "A", "B").uses_up(requested(hour(5), entry="B"))
    assert not sent(hour(1), "A").uses_up(requested(hour(1), entry="B"))


@pytest.mark.parametrize(("at", "used"), [(hour(1) - MOMENT, True), (hour(1), True), (hour(1) + MOMENT, False)])
def test_a_confirmation_mail_for_a_topic_uses_up_the_sign_ups_before_it(at, used):
    assert sent(hour(1), topic=TOPIC).uses_up(requested(at)) == used
    assert not sent(hour(1), topic=TOPIC).uses_up(requested(at, "acme/promotions"))


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_its_brand_and_its_name(topic):
    assert f"{brand_of(topic)}/{name_of(topic)}" == topic


def test_a_question_sees_a_fact_from_the_instant_in_which_it_occurred():
    fact = delivered(hour(1))
    assert [sees(ask(hour(1) + step), fact) for step in (-MOMENT, NOW, MOMENT)] == [False, True, True]


def test_a_question_as_known_earlier_sees_a_fact_from_the_instant_in_which_it_was_recorded():
    fact = delivered(hour(1), recorded=hour(5))
    known = [hour(5) - MOMENT, hour(5), hour(6), None]
    assert [sees(ask(hour(9), known_at=at), fact) for at in known] == [False, True, True, True]


def test_a_question_does_not_see_what_is_known_to_be_recorded_wrongly():
    fact, void = delivered(hour(1), entry="A"), voided(hour(8), "A")
    assert ask(hour(9)).seen([fact, void]).of(Delivery) == ()
    assert ask(hour(5)).seen([fact, void]).of(Delivery) == ()  # we know better now
    assert ask(hour(5), known_at=hour(7)).seen([fact, void]).of(Delivery) == [fact]


def test_what_is_seen_is_sorted_by_what_it_is_and_keeps_its_order():
    first, second, no = delivered(hour(2)), delivered(hour(1)), withdrawn(hour(1))
    seen = Seen([first, no, second])
    assert seen.of(Delivery) == [first, second]


@for_any(questions, times)
def test_a_later_question_sees_whatever_an_earlier_one_saw(question, when):
    fact = delivered(when["occurred_at"], recorded=when["recorded_at"])
    later = ask(question.at + MOMENT, question.topic, brand=question.brand, known_at=question.known_at)
    assert sees(later, fact) >= sees(question, fact)
