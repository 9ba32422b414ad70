"""The kinds of message that need no consent, each with the fact that it needs instead."""

from datetime import timedelta

import pytest
from hypothesis import given as for_any

from consent.law.citations import CASL, GIC, POLICY
from consent.law.decide import decide
from consent.law.kinds import EXEMPT, KINDS
from tests.law import histories
from tests.law.histories import (
    NOW,
    PROMOTIONS,
    SCOPES,
    STEPS,
    TOPIC,
    ask,
    contacted,
    delivered,
    ended,
    given,
    hour,
    related,
    requested,
    sent,
    sold,
    through,
    withdrawn,
)

QUIET = timedelta(days=30)
FACTS = [
    ("receipt", related(hour(1)), CASL["6(6)(b)"]),
    ("receipt", related(hour(1), "lease"), CASL["6(6)(b)"]),
    ("receipt", related(hour(1), "barter"), CASL["6(6)(b)"]),
    ("recall", related(hour(1)), CASL["6(6)(c)"]),
    ("quote", related(hour(1), "quote_request"), CASL["6(6)(a)"]),
    ("account_notice", related(hour(1), "subscription"), CASL["6(6)(d)"]),
    ("account_notice", related(hour(1), "membership"), CASL["6(6)(d)"]),
    ("account_notice", related(hour(1), "account"), CASL["6(6)(d)"]),
    ("account_notice", related(hour(1), "loan"), CASL["6(6)(d)"]),
    ("account_notice", contacted(hour(1), "account"), CASL["6(6)(d)"]),
    ("reply", contacted(hour(1), "question"), GIC["3(b)"]),
    ("reply", related(hour(1), "inquiry"), GIC["3(b)"]),
    ("reply", related(hour(1), "quote_request"), GIC["3(b)"]),
    ("reply", related(hour(1), "demo_request"), GIC["3(b)"]),
]
each = pytest.mark.parametrize(("kind", "fact", "citation"), FACTS)
needing = pytest.mark.parametrize("kind", ["receipt", "recall", "quote", "account_notice", "reply", "confirmation"])


def judge(kind, *facts, at=99, topic=None, **more):
    return decide(ask(hour(at), topic, kind, **more), facts)


def may_confirm(at, *facts, topic=TOPIC, **more):
    """Whether a confirmation mail may go at the instant *at*."""
    return bool(decide(ask(at, topic, "confirmation", **more), facts))


@each
def test_a_kind_goes_with_its_fact_at_once(kind, fact, citation):
    decision = judge(kind, fact, at=1)
    assert (bool(decision), decision.code, decision.basis) == (True, f"exempt_{kind}", None)
    assert (decision.reasons[0].citation, decision.reasons[0].fact) == (citation, fact)


@each
@pytest.mark.parametrize("act", ["withdrawn", "complained", "objected"])
def test_a_kind_with_its_fact_survives_every_withdrawal(kind, fact, citation, act):
    decision = judge(kind, fact, withdrawn(hour(5), act=act), given(hour(2)), topic=TOPIC)
    assert (bool(decision), decision.state) == (True, "withdrawn")


@each
def test_a_fact_of_another_brand_is_no_fact_of_ours(kind, fact, citation):
    assert judge(kind, fact, brand="zest").code == "fact_missing"


@needing
def test_without_its_fact_a_kind_is_denied_whatever_consent_there_is(kind):
    decision = judge(kind, given(hour(1)), through(hour(1)), delivered(hour(2)), topic=TOPIC)
    assert (bool(decision), decision.code, decision.remedy) == (False, "fact_missing", "record_fact")


@needing
def test_what_is_missing_is_named(kind):
    reason = judge(kind).reasons[0]
    assert "acme" in reason.text() and kind in reason.text() and "acme" in reason.text("fr")


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        ("receipt", related(hour(1), "inquiry")),
        ("recall", related(hour(1), "subscription")),
        ("quote", related(hour(1))),
        ("quote", related(hour(1), "inquiry")),
        ("account_notice", related(hour(1))),
        ("account_notice", related(hour(1), "contract")),
        ("account_notice", contacted(hour(1), "question")),
        ("reply", contacted(hour(1), "account")),
        ("reply", related(hour(1))),
    ],
)
def test_the_fact_of_one_kind_is_not_that_of_another(kind, fact):
    assert judge(kind, fact).code == "fact_missing"


@pytest.mark.parametrize("type", ["subscription", "membership", "account", "loan"])
def test_what_has_ended_needs_no_more_notices(type):
    assert judge("account_notice", related(hour(1), type), ended(hour(5), type)).code == "fact_missing"


def test_a_receipt_may_follow_what_has_ended():
    assert judge("recall", related(hour(1)), ended(hour(5)), at=24 * 365 * 15)


def test_the_newest_fact_is_named():
    assert judge("receipt", related(hour(2), entry="new"), related(hour(1), entry="old")).reasons[0].fact.entry == "new"


def test_a_question_is_named_before_an_inquiry():
    assert judge("reply", related(hour(2), "inquiry"), contacted(hour(1))).reasons[0].key == "exempt_reply"


def test_after_a_sale_only_who_has_the_account_writes_about_it():
    facts = related(hour(1), "account", "rival"), sold(hour(5), "rival", "acme")
    assert judge("account_notice", *facts)
    assert not judge("account_notice", *facts, brand="rival")


def test_seller_and_buyer_of_a_business_may_both_answer_for_its_sales():
    facts = related(hour(1), brand="rival"), sold(hour(5), "rival", "acme")
    assert judge("receipt", *facts) and judge("receipt", *facts, brand="rival")
    assert not judge("receipt", *facts, brand="zest")
    assert not judge("receipt", *facts, at=4)


@pytest.mark.parametrize("scope", SCOPES)
def test_what_the_law_requires_goes_to_everybody(scope):
    decision = judge("legal_notice", withdrawn(hour(5), **scope))
    assert (bool(decision), decision.reasons[0].citation) == (True, GIC["3(c)"])


@pytest.mark.parametrize(("charity", "allowed"), [(True, True), (None, True), (False, False)])
def test_only_a_registered_charity_raises_funds(charity, allowed):
    decision = judge("fundraising", withdrawn(hour(5)), charity=charity)
    assert (bool(decision), decision.reasons[0].citation) == (allowed, GIC["3(g)"])
    assert decision.code == ("exempt_fundraising" if allowed else "fact_missing")


def test_a_processor_may_be_told_whom_not_to_write_to():
    assert judge("address_transfer_to_processor", withdrawn(hour(5))).code == "exempt_address_transfer_to_processor"


def test_no_withdrawal_is_acknowledged_by_mail():
    for facts in ([], [given(hour(1))], [withdrawn(hour(5))], [related(hour(1))]):
        assert judge("unsubscribe_ack", *facts, topic=TOPIC).code == "no_acknowledgement"


def test_a_receipt_with_an_offer_is_judged_as_the_offer():
    purchase = related(hour(1))
    assert judge("receipt_with_offer", purchase, at=2).code == "implied_consent_not_yet"
    assert judge("receipt_with_offer", purchase, given(hour(1), PROMOTIONS), at=2).code == "express_consent"
    assert judge("receipt_with_offer", purchase, withdrawn(hour(5), topic=PROMOTIONS), topic=TOPIC).code == "withdrawn"


@pytest.mark.parametrize("kind", sorted({"commercial", "employment", "delivery"}))
def test_a_kind_without_an_exemption_of_its_own_is_commercial(kind):
    assert judge(kind, related(hour(1))).code == "implied_consent"
    assert judge(kind, related(hour(1)), withdrawn(hour(5))).code == "withdrawn"


def test_every_exempt_kind_can_be_asked_about():
    assert set(KINDS) > EXEMPT
    assert not EXEMPT & {"commercial", "consent_request", "receipt_with_offer", "unsubscribe_ack", "address_transfer"}


def test_a_sign_up_is_answered_by_one_mail_that_rests_on_it():
    asked = requested(hour(1))
    decision = decide(ask(hour(1), TOPIC, "confirmation"), [asked])
    assert (decision.state, decision.code, decision.basis) == ("requested", "exempt_confirmation", None)
    assert (decision.reasons[0].citation, decision.reasons[0].fact) == (GIC["3(b)"], asked)


def test_a_sign_up_to_another_topic_earns_no_mail_for_this_one():
    assert not may_confirm(hour(9), requested(hour(1), PROMOTIONS))


def test_a_mail_for_no_topic_answers_any_sign_up_of_the_brand():
    assert may_confirm(hour(9), requested(hour(1), PROMOTIONS), topic=None)
    assert not may_confirm(hour(9), requested(hour(1), "zest/newsletter"), topic=None)


@pytest.mark.parametrize("days", [0, 1, 7, 30, 365])
def test_there_is_no_reminder(days):
    facts = (requested(hour(1), entry="S1"), sent(hour(1), "S1"))
    decision = decide(ask(hour(1) + timedelta(days=days), TOPIC, "confirmation"), facts)
    assert (bool(decision), decision.code, decision.reasons[0].citation) == (False, "already_sent", CASL["1(3)"])


def test_one_mail_can_answer_the_sign_ups_to_two_topics():
    facts = requested(hour(1), entry="S1"), requested(hour(1), PROMOTIONS, entry="S2"), sent(hour(2), "S1", "S2")
    assert not may_confirm(hour(3), *facts)
    assert not may_confirm(hour(3), *facts, topic=PROMOTIONS)
    assert not may_confirm(hour(3), *facts, topic=None)


def test_a_mail_that_answered_another_sign_up_leaves_this_one_waiting():
    assert may_confirm(hour(3), requested(hour(1), entry="S1"), sent(hour(2), "S2"))
    facts = requested(hour(1), entry="S1"), requested(hour(1), PROMOTIONS, entry="S2"), sent(hour(2), "S2")
    assert may_confirm(hour(3), *facts, topic=None)


def test_each_new_sign_up_earns_one_new_mail():
    facts = [requested(hour(1), entry="S1"), sent(hour(2), "S1"), requested(hour(3), entry="S2")]
    assert may_confirm(hour(4), *facts)
    assert not may_confirm(hour(4), *facts, sent(hour(4), "S2"))


def test_the_newest_sign_up_decides_and_not_an_older_one_that_was_never_answered():
    facts = [requested(hour(1), entry="S1"), requested(hour(3), entry="S2"), sent(hour(4), "S2")]
    assert not may_confirm(hour(5), *facts)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("step", STEPS)
def test_only_a_sign_up_later_than_the_no_is_answered(scope, step):
    assert may_confirm(hour(9), withdrawn(hour(5), **scope), requested(hour(5) + step)) == (step > NOW)


@pytest.mark.parametrize("scope", [{"topic": PROMOTIONS}, {"brand": "zest"}, {"organization": "rival-inc"}])
def test_a_no_to_something_else_bars_no_confirmation(scope):
    assert may_confirm(hour(9), requested(hour(4)), withdrawn(hour(5), **scope))
    assert may_confirm(hour(9), requested(hour(4)), withdrawn(hour(5), **scope), topic=None)


@pytest.mark.parametrize("hours", [1, 24 * 365 * 10])
def test_after_a_complaint_no_form_makes_us_write(hours):
    decision = decide(
        ask(hour(5 + hours), TOPIC, "confirmation"),
        [withdrawn(hour(5), act="complained", organization="acme-inc"), requested(hour(5 + hours))],
    )
    assert (decision.state, decision.code, decision.remedy) == ("withdrawn", "refused_since", "respect")
    assert decision.reasons[0].citation == POLICY["Spamhaus Marketing FAQ"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("topic", [TOPIC, PROMOTIONS])
def test_after_a_not_me_no_sign_up_to_any_topic_is_answered_for_thirty_days(step, topic):
    asked = hour(5) + QUIET + step
    assert may_confirm(asked, withdrawn(hour(5), not_me=True, topic=topic), requested(asked)) == (step > NOW)


def test_a_sign_up_made_during_the_quiet_days_is_not_answered_after_them():
    facts = (withdrawn(hour(5), not_me=True, topic=TOPIC), requested(hour(6)))
    assert not may_confirm(hour(5) + 2 * QUIET, *facts)


def test_a_not_me_to_another_organization_quiets_nothing_here():
    assert may_confirm(hour(6), withdrawn(hour(5), not_me=True, organization="rival-inc"), requested(hour(6)))


@for_any(histories.histories, histories.questions)
def test_a_confirmation_mail_goes_only_for_a_sign_up_that_no_mail_has_answered(history, question):
    decision = decide(ask(question.at, question.topic, "confirmation", brand=question.brand), history)
    mails = [f for f in history if isinstance(f, histories.ConfirmationSent) and f.occurred_at <= question.at]
    void = {f.voids for f in history if isinstance(f, histories.Voiding)}
    answered = any(f.uses_up(decision.reasons[0].fact) for f in mails if f.entry not in void) if decision else False
    assert not answered
