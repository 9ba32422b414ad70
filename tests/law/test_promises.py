"""What holds for any history, in any order, at any instant, under whatever law."""

import dataclasses
import random
import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given as for_any
from hypothesis import settings
from hypothesis import strategies as st

from consent.law.decide import REGIMES, decide
from consent.law.decision import STATES
from consent.law.readings import READINGS
from tests.law import histories
from tests.law.histories import LAST_HOUR, MOMENT, ORGANIZATIONS, TOPIC, TOPICS, answer, ask, given, hour, withdrawn

YEAR = re.compile(r"\b\d{4}\b")


@settings(max_examples=300)
@for_any(histories.histories, histories.questions, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_come_changes_nothing(history, question, shuffler: random.Random):
    shuffled = list(history)
    shuffler.shuffle(shuffled)
    for other in (shuffled, history[::-1]):
        decision = decide(question, other)
        assert dataclasses.replace(decision, not_consent=()) == dataclasses.replace(
            decide(question, history), not_consent=()
        )


@settings(max_examples=300)
@for_any(histories.histories, histories.questions, histories.withdrawals)
def test_a_withdrawal_more_never_turns_deny_into_allow(history, question, no):
    assert decide(question, history) or not decide(question, [*history, dataclasses.replace(no, entry="X")])


@settings(max_examples=300)
@for_any(histories.histories, histories.commercial, histories.plain_consents)
def test_an_express_consent_more_never_turns_allow_into_deny(history, question, yes):
    assert decide(question, [*history, dataclasses.replace(yes, entry="X")]) or not decide(question, history)


@for_any(histories.histories, histories.questions, st.lists(histories.passive, max_size=5))
def test_deliveries_opens_clicks_and_conversions_never_change_an_answer(history, question, more):
    decision = decide(question, [*more, *history])
    assert answer(decision) == answer(decide(question, history))


@for_any(
    st.lists(histories.passive | histories.mails | histories.requests | histories.confirmations), histories.commercial
)
def test_welcome_is_not_consent(history, question):
    known = dataclasses.replace(question, sender_place="CA", place="CA")
    assert not decide(known, history)


@for_any(histories.histories, histories.commercial, histories.mails)
def test_our_own_mail_never_makes_more_mail_go(history, question, mail):
    assert decide(question, history) or not decide(question, [*history, dataclasses.replace(mail, entry="X")])


@for_any(histories.histories, histories.commercial)
def test_the_whole_never_allows_what_one_governing_law_denies(history, question):
    held = {"CA": "ca", "CA-QC": "ca", None: "ca", "AU": "ca", "MX": "ca", "US": "us", "GB": "uk", "FR": "eu"}
    laws = {held[question.place]} | ({held[question.sender_place]} - {"ca"})
    seen = question.seen(history)
    if decide(question, history):
        assert all(REGIMES[law].commercial(question, seen) for law in laws)


@for_any(histories.histories, histories.topics, st.sampled_from(histories.SCOPES))
def test_only_an_express_consent_later_than_a_no_lifts_it(history, topic, scope):
    at = hour(LAST_HOUR + 1000)
    no = withdrawn(at, entry="X", **scope)
    if no.covers(ask(at, topic)):
        assert not decide(ask(at, topic), [*history, no])
        stopped = any(isinstance(fact, histories.Erasure | histories.Suppression) for fact in history)
        assert stopped or decide(ask(at + MOMENT, topic), [*history, no, given(at + MOMENT, topic)])


@for_any(histories.histories, histories.questions, histories.hours)
def test_a_no_to_one_organization_never_reaches_another(history, question, number):
    apart = [f for f in history if not isinstance(f, histories.BusinessSold) and not getattr(f, "collector", None)]
    others = [slug for slug in set(ORGANIZATIONS.values()) if slug != question.organization]
    more = [withdrawn(hour(n), organization=slug, entry="X") for slug in others for n in (0, number, LAST_HOUR)]
    assert answer(decide(question, apart + more)) == answer(decide(question, apart))


@for_any(histories.histories, histories.questions)
def test_a_yes_to_one_organization_is_none_to_another(history, question):
    theirs = next(slug for slug in ORGANIZATIONS if ORGANIZATIONS[slug] != question.organization)
    more = [given(hour(n), f"{theirs}/newsletter", "checkbox_unticked", entry="X") for n in (0, LAST_HOUR)]
    assert bool(decide(question, history + more)) == bool(decide(question, history))


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


@for_any(histories.histories, histories.questions)
def test_every_answer_has_a_provision_and_says_the_same_in_both_languages(history, question):
    decision = decide(question, history)
    for reason in decision.reasons:
        english, french = reason.text("en"), reason.text("fr")
        assert english.endswith(".") and french.endswith(".") and english != french
        assert sorted(YEAR.findall(english)) == sorted(YEAR.findall(french))
        assert reason.citation.says.endswith((".", "(secondary)."))


@for_any(histories.histories, histories.questions)
def test_a_deny_names_a_cure_and_an_allow_a_basis_or_an_exemption(history, question):
    decision = decide(question, history)
    if decision:
        assert decision.basis or decision.code.startswith("exempt_") or question.kind == "address_transfer"
    else:
        assert decision.remedy
    assert decision.state in STATES
    assert set(decision.unsettled) <= set(READINGS)


@for_any(histories.histories, histories.questions)
def test_the_reason_is_a_fact_that_had_occurred_and_was_known(history, question):
    known = question.known_at
    for reason in decide(question, history).reasons:
        fact = reason.fact
        assert fact is None or (fact in history and fact.occurred_at <= question.at)
        assert fact is None or known is None or fact.recorded_at <= known


@for_any(histories.histories, histories.commercial)
def test_what_is_implied_until_a_day_is_denied_after_it(history, question):
    decision = decide(question, history)
    until = decision.basis and decision.basis.until
    if decision and until:
        ground = decision.reasons[0].fact
        others = (histories.Relationship, histories.ExpressConsent)
        alone = [fact for fact in history if fact is ground or not isinstance(fact, others)]
        after = until + timedelta(days=2)  # in whatever zone the day is counted
        later = dataclasses.replace(question, at=datetime(after.year, after.month, after.day, 12, tzinfo=question.zone))
        assert not decide(later, alone)
