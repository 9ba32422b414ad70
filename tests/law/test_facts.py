"""Facts: how far a "no" reaches, and what a question can see."""

from datetime import timedelta

import pytest
from hypothesis import given as for_any

from tests.law.histories import MOMENT, START, TOPICS, ask, delivered, hour, questions, times, topics, withdrawn

REACH = [  # what the person left, and which of TOPICS that covers
    ({"topic": "acme/newsletter"}, ["acme/newsletter"]),
    ({"topic": "acme/newsletter", "brand": "acme"}, ["acme/newsletter"]),
    ({"brand": "acme"}, ["acme/newsletter", "acme/promotions"]),
    ({"organization": "acme-inc"}, ["acme/newsletter", "acme/promotions", "zest/newsletter"]),
    ({"organization": "rival-inc"}, ["rival/newsletter"]),
    ({"brand": "acme", "organization": "acme-inc"}, ["acme/newsletter", "acme/promotions"]),
    ({}, list(TOPICS)),
    ({"topic": "acme/news"}, []),
    ({"brand": "acm"}, []),
    ({"organization": "acme"}, []),
]


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


@pytest.mark.parametrize("topic", TOPICS)
def test_the_brand_of_a_topic_is_its_first_word(topic):
    assert ask(START, topic).brand == topic.split("/")[0]


def test_a_question_sees_a_fact_from_the_instant_in_which_it_occurred():
    fact = delivered(hour(1))
    assert [ask(hour(1) + step).sees(fact) for step in (-MOMENT, timedelta(0), MOMENT)] == [False, True, True]


def test_a_question_as_known_earlier_sees_a_fact_from_the_instant_in_which_it_was_recorded():
    fact = delivered(hour(1), recorded=hour(5))
    known = [hour(5) - MOMENT, hour(5), hour(6), None]
    assert [ask(hour(9), known_at=at).sees(fact) for at in known] == [False, True, True, True]


@for_any(questions, times)
def test_a_later_question_sees_whatever_an_earlier_one_saw(question, when):
    fact = delivered(when["occurred_at"], recorded=when["recorded_at"])
    later = ask(question.at + MOMENT, question.topic, known_at=question.known_at)
    assert later.sees(fact) >= question.sees(fact)
