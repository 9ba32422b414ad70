"""The question as a whole: what holds for any history, in any order, at any instant."""

import dataclasses
import random
from datetime import timedelta

import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st

from consent.law.decide import KINDS, Standing, decide, standing
from consent.law.decision import STATES
from tests.law import histories
from tests.law.histories import (
    LAST_HOUR,
    MOMENT,
    ORGANIZATIONS,
    START,
    TOPIC,
    TOPICS,
    ExpressConsent,
    answer,
    ask,
    delivered,
    given,
    hour,
    requested,
    withdrawn,
)
from tests.people import CHLOE

STEPS = (-MOMENT, timedelta(0), MOMENT)


def instants(history):
    """Return every instant of *history*, the moments before and after it, and some long after everything."""
    told = {at for fact in history for at in (fact.occurred_at, fact.recorded_at)}
    return sorted({at + step for at in told | {START} for step in STEPS} | {hour(LAST_HOUR * 50)})


def open_at(window: Standing, at):
    """Whether *at* lies within *window*, whose end is not part of it."""
    begun = window.allowed_from is not None and window.allowed_from <= at
    return begun and (window.allowed_until is None or at < window.allowed_until)


def without_twin_flaws(history):
    """Keep one of those consents that coincide in both times: the law says a flaw, not which of two."""
    seen, kept = set(), []
    for fact in history:
        twin = (fact.occurred_at, fact.recorded_at, isinstance(fact, ExpressConsent) and fact.topic)
        if not isinstance(fact, ExpressConsent) or twin not in seen:
            kept.append(fact)
        seen.add(twin)
    return kept


@for_any(histories.histories.map(without_twin_flaws), histories.questions, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_come_changes_nothing(history, question, shuffler: random.Random):
    shuffled = list(history)
    shuffler.shuffle(shuffled)
    assert answer(decide(question, shuffled)) == answer(decide(question, history))
    assert answer(decide(question, history[::-1])) == answer(decide(question, history))


@for_any(histories.histories, histories.questions, histories.withdrawals)
def test_a_withdrawal_more_never_turns_deny_into_allow(history, question, no):
    assert decide(question, history) or not decide(question, [*history, no])


@for_any(histories.histories, histories.questions, histories.consents)
def test_an_express_consent_more_never_turns_allow_into_deny(history, question, yes):
    assert decide(question, [*history, yes]) or not decide(question, history)


@for_any(histories.histories, histories.questions, st.lists(histories.deliveries, max_size=5))
def test_deliveries_never_change_an_answer(history, question, more):
    assert answer(decide(question, [*more, *history])) == answer(decide(question, history))


@for_any(
    st.lists(histories.deliveries | histories.requests | histories.confirmations, max_size=12),
    histories.hours,
    histories.topics,
    st.sampled_from([kind for kind in KINDS if kind != "confirmation"]),
)
def test_welcome_is_not_consent(history, number, topic, kind):
    assert not decide(ask(hour(number), topic, kind), history)


def test_chloe_who_opened_every_welcome_mail_for_a_year_is_still_not_written_to():
    history = [delivered(hour(24 * n), kind, entry=CHLOE.email) for n in range(365) for kind in histories.DELIVERIES]
    decision = decide(ask(hour(24 * 365)), history)
    assert answer(decision) == (False, "unknown", "no_consent")
    assert list(decision.not_consent) == history


@for_any(histories.histories, histories.topics, histories.scopes)
def test_only_an_express_consent_later_than_a_no_lifts_it(history, topic, scope):
    at = hour(LAST_HOUR)
    no = withdrawn(at, **scope)
    if no.covers(ask(at, topic)):
        assert not decide(ask(at, topic), [*history, no])
        assert decide(ask(at + MOMENT, topic), [*history, no, given(at + MOMENT, topic)])


@for_any(histories.histories, histories.questions)
def test_what_occurred_later_than_the_instant_asked_about_is_left_out(history, question):
    earlier = [fact for fact in history if fact.occurred_at <= question.at]
    assert decide(question, history) == decide(question, earlier)


@for_any(histories.histories, histories.questions, histories.hours)
def test_what_was_recorded_later_than_the_instant_known_at_is_left_out(history, question, number):
    known = dataclasses.replace(question, known_at=hour(number))
    earlier = [fact for fact in history if fact.recorded_at <= hour(number)]
    assert decide(known, history) == decide(dataclasses.replace(question, known_at=None), earlier)


def test_a_no_that_arrived_late_counts_today_and_not_in_what_was_known_then():
    history = [given(hour(1)), withdrawn(hour(5), recorded=hour(50), topic=TOPIC)]
    assert not decide(ask(hour(6)), history)
    assert decide(ask(hour(6), known_at=hour(49)), history)


@for_any(histories.histories, histories.questions)
def test_a_no_to_one_organization_never_reaches_another(history, question):
    others = [slug for slug in set(ORGANIZATIONS.values()) if slug != question.organization]
    more = [withdrawn(hour(n), organization=slug) for slug in others for n in (0, LAST_HOUR)]
    assert answer(decide(question, history + more)) == answer(decide(question, history))


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        ({"topic": TOPIC}, {"acme/promotions", "zest/newsletter", "rival/newsletter"}),
        ({"brand": "acme"}, {"zest/newsletter", "rival/newsletter"}),
        ({"organization": "acme-inc"}, {"rival/newsletter"}),
        ({}, set()),
    ],
)
def test_leaving_more_leaves_less(scope, left):
    history = [given(hour(1), topic) for topic in TOPICS] + [withdrawn(hour(2), **scope)]
    assert {topic for topic in TOPICS if decide(ask(hour(3), topic), history)} == left


@for_any(histories.histories, histories.topics)
def test_the_cached_window_agrees_with_the_answer_at_every_instant_around_every_fact(history, topic):
    for at in instants(history):
        assert open_at(standing(ask(at, topic), history), at) == bool(decide(ask(at, topic), history))


@for_any(histories.histories, histories.topics, st.integers(0, 10**6))
def test_the_cached_window_holds_until_something_new_occurs(history, topic, hours_later):
    cached = standing(ask(hour(LAST_HOUR), topic), history)
    later = hour(LAST_HOUR + hours_later)
    assert open_at(cached, later) == bool(decide(ask(later, topic), history))


@for_any(histories.histories, histories.topics)
def test_a_standing_names_the_state_its_beginning_and_its_entry(history, topic):
    question = ask(hour(LAST_HOUR), topic)
    cached, decision = standing(question, history), decide(question, history)
    fact = decision.reasons[0].fact
    assert cached.state == decision.state
    assert (cached.since, cached.entry) == ((fact.occurred_at, fact.entry) if fact else (None, None))
    assert cached.basis == ("casl.express" if decision else None)


def test_a_standing_is_about_commercial_mail_whatever_was_asked():
    assert standing(ask(hour(2), kind="confirmation"), [requested(hour(1))]).allowed_from is None


@for_any(histories.histories, histories.questions)
def test_a_decision_is_in_a_state_that_the_law_knows(history, question):
    assert decide(question, history).state in STATES


@for_any(histories.histories, histories.questions)
def test_a_kind_whose_fact_is_missing_is_judged_as_commercial(history, question):
    receipt, commercial = (dataclasses.replace(question, kind=kind) for kind in ("receipt", "commercial"))
    assert decide(receipt, history) == decide(commercial, history)


@for_any(histories.histories, histories.questions)
def test_a_confirmation_that_answers_no_sign_up_is_judged_as_commercial(history, question):
    confirmation, commercial = (dataclasses.replace(question, kind=kind) for kind in ("confirmation", "commercial"))
    decision = decide(confirmation, history)
    assert decision.code == "exempt_confirmation" or decision == decide(commercial, history)
