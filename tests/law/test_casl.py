"""The rules of Canada: who said what last, the one confirmation mail, and what a notice must hold."""

from datetime import timedelta

import pytest
from hypothesis import given as for_any

from consent.law import casl
from consent.law.citations import CASL, ECPR, GIC
from tests.law import histories
from tests.law.histories import (
    MOMENT,
    TOPIC,
    ask,
    delivered,
    given,
    hour,
    requested,
    sent,
    withdrawn,
)

QUIET = timedelta(days=30)
NOW = timedelta(0)
STEPS = (-MOMENT, NOW, MOMENT)
ENGLISH = """Acme Inc., 12 King Street West, Toronto ON  M5H 1A1, asks for your consent to send you its newsletter.
    Write to us at privacy@acme.example. You can withdraw your consent at any time."""
FRENCH = """Acme Québec inc., 12, rue Sainte-Catherine Ouest, Montréal (Québec) H3B 1A1, demande votre consentement.
    Téléphone : 514 555-0100. Vous pouvez vous désabonner en tout temps."""
MISSING = {
    "name": "the name of who is asking",
    "address": "the mailing address",
    "contact": "a phone number, an e-mail or a web address",
    "withdrawal": "the statement that consent can be withdrawn",
}
IN_ENGLISH = {
    "names": ["Acme Inc."],
    "address": "12 King Street West, Toronto ON M5H 1A1",
    "contacts": ["privacy@acme.example", "416 555-0100"],
}
IN_FRENCH = {
    "names": ["Acme Inc.", "Acme Québec inc."],
    "address": "12, rue Sainte-Catherine Ouest, Montréal (Québec) H3B 1A1",
    "contacts": ["514 555-0100", "acme.example"],
}


def may_confirm(at, *facts, topic=TOPIC):
    """Whether a confirmation mail may go at the instant *at*."""
    return bool(casl.confirmation(ask(at, topic, "confirmation"), facts))


def test_express_consent_is_the_basis_from_its_own_instant_and_without_end():
    consent = given(hour(1))
    decision = casl.commercial(ask(hour(99)), [consent])
    assert (decision.basis.regime, decision.basis.ground) == ("casl", "express")
    assert (decision.basis.since, decision.basis.until) == (hour(1), None)
    assert decision.reasons[0].fact is consent


def test_a_sentence_names_the_topic_and_the_day():
    assert "acme/newsletter on 1 January 2026" in casl.commercial(ask(hour(9)), [given(hour(1))]).reasons[0].text


@pytest.mark.parametrize(
    ("scope", "reach"),
    [
        ({"topic": TOPIC, "brand": "acme"}, "acme/newsletter"),
        ({"brand": "acme"}, "acme"),
        ({"organization": "acme-inc"}, "acme-inc"),
        ({}, "every message"),
    ],
)
def test_a_refusal_says_what_the_person_left(scope, reach):
    decision = casl.commercial(ask(hour(9)), [withdrawn(hour(1), **scope)])
    assert decision.reasons[0].text.startswith(f"The person withdrew from {reach} on 1 January 2026")


def test_of_two_noes_the_later_is_the_reason():
    first, second = withdrawn(hour(1), topic=TOPIC), withdrawn(hour(2), brand="acme")
    assert casl.commercial(ask(hour(9)), [second, first]).reasons[0].fact is second


@pytest.mark.parametrize("scope", [{"topic": TOPIC}, {"brand": "acme"}, {"organization": "acme-inc"}, {}])
@pytest.mark.parametrize("step", STEPS)
def test_a_tie_between_yes_and_no_goes_to_the_no(scope, step):
    facts = [withdrawn(hour(5), **scope), given(hour(5) + step)]
    assert bool(casl.commercial(ask(hour(9)), facts)) == (step > NOW)


def test_two_facts_in_one_instant_are_told_apart_by_when_they_were_recorded():
    facts = [given(hour(1), recorded=hour(3), entry="late"), given(hour(1), recorded=hour(2), entry="early")]
    assert casl.latest(facts).entry == "late"


def test_the_latest_fact_is_the_one_that_occurred_last_not_the_one_recorded_last():
    facts = [given(hour(2), entry="later"), given(hour(1), recorded=hour(9), entry="told later")]
    assert casl.latest(facts).entry == "later"


def test_of_no_facts_none_is_the_latest():
    assert casl.latest([]) is None


@for_any(histories.histories, histories.questions)
def test_every_answer_has_a_sentence_a_provision_and_unless_allowed_a_cure(history, question):
    decision = casl.commercial(question, history)
    (reason,) = decision.reasons
    assert reason.text.endswith(".")
    assert reason.citation in {*CASL.values(), *ECPR.values()}
    assert decision or decision.remedy.endswith(".")


@for_any(histories.histories, histories.questions)
def test_the_reason_is_a_fact_that_had_occurred_and_was_known(history, question):
    fact = casl.commercial(question, history).reasons[0].fact
    assert fact is None or (fact in history and question.sees(fact))


@for_any(histories.histories, histories.questions)
def test_every_delivery_that_was_seen_is_listed_as_no_consent(history, question):
    seen = [f for f in history if isinstance(f, histories.Delivery) and question.sees(f)]
    assert list(casl.commercial(question, history).not_consent) == seen


def test_a_sign_up_is_answered_by_one_mail():
    assert may_confirm(hour(1), requested(hour(1)))


def test_that_mail_rests_on_the_sign_up_that_it_answers():
    asked = requested(hour(1))
    decision = casl.confirmation(ask(hour(2), kind="confirmation"), [asked])
    assert (decision.state, decision.code, decision.basis) == ("requested", "exempt_confirmation", None)
    assert (decision.reasons[0].citation, decision.reasons[0].fact) == (GIC["3(b)"], asked)


def test_without_a_sign_up_no_confirmation_mail_goes():
    assert not may_confirm(hour(9), delivered(hour(1)), given(hour(2)))


def test_a_sign_up_to_another_topic_earns_no_mail_for_this_one():
    assert not may_confirm(hour(9), requested(hour(1), "acme/promotions"))


@pytest.mark.parametrize("days", [0, 1, 7, 30, 365])
def test_there_is_no_reminder(days):
    facts = (requested(hour(1), entry="S1"), sent(hour(1), "S1"))
    assert not may_confirm(hour(1) + timedelta(days=days), *facts)


def test_one_mail_can_answer_the_sign_ups_to_two_topics():
    facts = (
        requested(hour(1), entry="S1"),
        requested(hour(1), "acme/promotions", entry="S2"),
        sent(hour(2), "S1", "S2"),
    )
    assert not may_confirm(hour(3), *facts)
    assert not may_confirm(hour(3), *facts, topic="acme/promotions")


def test_a_mail_that_answered_another_sign_up_leaves_this_one_waiting():
    assert may_confirm(hour(3), requested(hour(1), entry="S1"), sent(hour(2), "S2"))


def test_each_new_sign_up_earns_one_new_mail():
    facts = [requested(hour(1), entry="S1"), sent(hour(2), "S1"), requested(hour(3), entry="S2")]
    assert may_confirm(hour(4), *facts)
    assert not may_confirm(hour(4), *facts, sent(hour(4), "S2"))


@pytest.mark.parametrize("scope", [{"topic": TOPIC}, {"brand": "acme"}, {"organization": "acme-inc"}, {}])
@pytest.mark.parametrize("step", STEPS)
def test_only_a_sign_up_later_than_the_no_is_answered(scope, step):
    facts = (withdrawn(hour(5), **scope), requested(hour(5) + step))
    assert may_confirm(hour(9), *facts) == (step > NOW)


@pytest.mark.parametrize("step", STEPS)
def test_after_a_not_me_no_sign_up_is_answered_for_thirty_days(step):
    asked = hour(5) + QUIET + step
    assert may_confirm(asked, withdrawn(hour(5), not_me=True, topic=TOPIC), requested(asked)) == (step > NOW)


def test_a_sign_up_made_during_the_quiet_days_is_not_answered_after_them():
    facts = (withdrawn(hour(5), not_me=True, topic=TOPIC), requested(hour(6)))
    assert not may_confirm(hour(5) + 2 * QUIET, *facts)


def test_a_not_me_to_another_organization_quiets_nothing_here():
    assert may_confirm(hour(6), withdrawn(hour(5), not_me=True, organization="rival-inc"), requested(hour(6)))


@for_any(histories.histories, histories.questions)
def test_a_confirmation_mail_goes_only_for_a_sign_up_that_no_mail_has_answered(history, question):
    decision = casl.confirmation(question, history)
    answered = {e for f in history if isinstance(f, histories.ConfirmationSent) and question.sees(f) for e in f.answers}
    assert decision is None or decision.reasons[0].fact.entry not in answered


@for_any(histories.histories, histories.questions, histories.withdrawals)
def test_one_more_no_never_makes_a_confirmation_mail_go(history, question, no):
    if casl.confirmation(question, history) is None:
        assert casl.confirmation(question, [*history, no]) is None


@pytest.mark.parametrize(("words", "parts"), [(ENGLISH, IN_ENGLISH), (FRENCH, IN_FRENCH)], ids=["en", "fr"])
def test_a_complete_notice_has_no_gap(words, parts):
    assert casl.notice_gaps(words, **parts) == []


@pytest.mark.parametrize(
    ("words", "parts", "gone", "gap"),
    [
        (ENGLISH, IN_ENGLISH, "Acme Inc.", "name"),
        (ENGLISH, IN_ENGLISH, "12 King Street West", "address"),
        (ENGLISH, IN_ENGLISH, "privacy@acme.example", "contact"),
        (ENGLISH, IN_ENGLISH, "You can withdraw your consent at any time.", "withdrawal"),
        (FRENCH, IN_FRENCH, "Acme Québec inc.", "name"),
        (FRENCH, IN_FRENCH, "H3B 1A1", "address"),
        (FRENCH, IN_FRENCH, "514 555-0100", "contact"),
        (FRENCH, IN_FRENCH, "Vous pouvez vous désabonner en tout temps.", "withdrawal"),
    ],
)
def test_each_part_that_a_notice_lacks_is_named(words, parts, gone, gap):
    assert gone in words
    assert casl.notice_gaps(words.replace(gone, ""), **parts) == [MISSING[gap]]


def test_an_empty_notice_lacks_everything():
    assert casl.notice_gaps("", **IN_ENGLISH) == list(MISSING.values())


@pytest.mark.parametrize(
    "statement", ["You may UNSUBSCRIBE.", "Vous pouvez le retirer.", "Désinscription à tout moment."]
)
def test_a_notice_may_say_in_several_ways_that_consent_can_be_withdrawn(statement):
    words = ENGLISH.replace("You can withdraw your consent at any time.", statement)
    assert casl.notice_gaps(words, **IN_ENGLISH) == []


def test_capitals_and_line_ends_make_no_gap():
    assert casl.notice_gaps(ENGLISH.upper().replace(" ", "\n\t "), **IN_ENGLISH) == []
