"""The rules of the United Kingdom and the European Union: specific consent, or a customer who was asked."""

from datetime import date

import pytest

from consent.law import uk_eu
from consent.law.citations import EPRIVACY, GDPR, PECR
from tests.law.histories import ask, erased, given, hour, on, related, requested, sold, through, withdrawn

UK = ("GB", uk_eu.in_the_uk, PECR["22(2)"], PECR["22(3)"])
EU = ("DE", uk_eu.in_the_eu, EPRIVACY["13(1)"], EPRIVACY["13(2)"])
ASKED = {"opt_out_offered": True, "similar": True}
both = pytest.mark.parametrize(("place", "rule", "prior", "customer"), [UK, EU], ids=["uk", "eu"])


def judge(rule, place, *facts, at=99, **more):
    question = ask(hour(at), place=place, **more)
    return rule(question, question.seen(facts))


@both
def test_consent_allows(place, rule, prior, customer):
    decision = judge(rule, place, given(hour(1), method="checkbox_unticked"))
    assert (decision.state, decision.code, decision.reasons[0].citation) == ("given", "express_consent", prior)
    assert decision.basis.ground == "express"


@both
def test_without_consent_or_a_sale_nothing_goes(place, rule, prior, customer):
    decision = judge(rule, place)
    assert (decision.state, decision.code, decision.reasons[0].citation) == ("unknown", "no_consent", prior)


@both
@pytest.mark.parametrize("type", ["purchase", "lease", "barter", "quote_request"])
def test_a_customer_may_be_written_to_about_similar_products(place, rule, prior, customer, type):
    decision = judge(rule, place, related(hour(1), type, **ASKED))
    assert (decision.state, decision.code, decision.reasons[0].citation) == ("implied", "soft_opt_in", customer)
    assert (decision.basis.ground, decision.basis.since, decision.basis.until) == (
        customer.section,
        date(2025, 12, 31),
        None,
    )


@both
@pytest.mark.parametrize("type", ["inquiry", "demo_request", "subscription", "account", "donation", "business_card"])
def test_who_is_no_customer_may_not(place, rule, prior, customer, type):
    assert not judge(rule, place, related(hour(1), type, **ASKED))


@both
@pytest.mark.parametrize("lack", ["opt_out_offered", "similar"])
def test_the_refusal_must_have_been_offered_and_the_products_similar(place, rule, prior, customer, lack):
    assert judge(rule, place, related(hour(1), **ASKED | {lack: False})).code == "no_consent"


@both
def test_another_brands_customer_may_not(place, rule, prior, customer):
    decision = judge(rule, place, related(hour(1), brand="zest", **ASKED))
    assert (decision.code, decision.reasons[0].citation) == ("brand_not_covered", GDPR["4(11)"])


@both
def test_a_customer_whose_business_was_sold_is_neither_the_sellers_nor_the_buyers(place, rule, prior, customer):
    moved = sold(hour(5), "acme", "rival")
    assert not judge(rule, place, related(hour(1), **ASKED), moved)
    assert not judge(rule, place, related(hour(1), **ASKED), moved, topic="rival/newsletter")
    assert judge(rule, place, related(hour(6), **ASKED), moved)


@both
def test_a_customer_stays_one(place, rule, prior, customer):
    sale = related(hour(1), **ASKED)
    assert judge(rule, place, sale, at=1) and judge(rule, place, sale, at=24 * 365 * 30)


@both
def test_the_newest_sale_is_named(place, rule, prior, customer):
    first, second = related(hour(1), **ASKED), related(hour(2), **ASKED)
    assert judge(rule, place, second, first).reasons[0].fact is second


@both
@pytest.mark.parametrize("act", ["withdrawn", "complained", "objected"])
@pytest.mark.parametrize("number", [1, 9])
def test_a_no_is_absolute(place, rule, prior, customer, act, number):
    decision = judge(rule, place, related(hour(number), **ASKED), given(hour(1)), withdrawn(hour(5), act=act))
    assert (decision.code, decision.reasons[0].citation) == (act, GDPR["21(3)"])


@both
def test_a_later_consent_lifts_it(place, rule, prior, customer):
    assert judge(rule, place, withdrawn(hour(5)), given(hour(6)))


@both
@pytest.mark.parametrize(
    ("fact", "code", "citation"),
    [
        (given(hour(1), method="prechecked_box"), "invalid_method", GDPR["4(11)"]),
        (given(hour(1), notice_complete=False), "request_incomplete", GDPR["4(11)"]),
        (given(hour(1), method="oral"), "evidence_missing", GDPR["7(1)"]),
        (through(hour(1), conditions_met=False), "conditions_not_met", GDPR["4(11)"]),
        (requested(hour(1)), "unconfirmed", GDPR["7(1)"]),
        (given(hour(1), "acme/promotions"), "purpose_not_covered", GDPR["4(11)"]),
        (given(hour(1), "rival/newsletter"), "sender_not_covered", GDPR["4(11)"]),
    ],
)
def test_what_is_no_consent_is_named(place, rule, prior, customer, fact, code, citation):
    decision = judge(rule, place, fact)
    assert (bool(decision), decision.code, decision.reasons[0].citation) == (False, code, citation)


@both
def test_consent_for_senders_unknown_is_not_specific(place, rule, prior, customer):
    assert not judge(rule, place, through(hour(1), notice_complete=True))


@both
def test_consent_from_before_the_act_of_canada_must_be_informed_all_the_same(place, rule, prior, customer):
    old = given(on("2013-05-05"), method="paper", notice_complete=False, imported=True, evidence="scan")
    assert not judge(rule, place, old)


@both
def test_an_old_consent_that_was_not_informed_is_named_as_that(place, rule, prior, customer):
    old = given(on("2013-05-05"), method="paper", notice_complete=False, imported=True, evidence="scan")
    assert judge(rule, place, old).code == "request_incomplete"


@both
def test_the_windows_are_those_of_the_consent_or_of_the_sales(place, rule, prior, customer):
    question = ask(hour(99), place=place)
    sales = [related(hour(n), **ASKED) for n in (1, 2)]
    assert uk_eu.windows(question, question.seen(sales)) == [(hour(1), None), (hour(2), None)]
    assert uk_eu.windows(question, question.seen([*sales, given(hour(3))])) == [(hour(3), None)]
    assert uk_eu.windows(question, question.seen([*sales, withdrawn(hour(3))])) == []
    assert uk_eu.windows(question, question.seen([through(hour(1)), erased(hour(2))])) == []
