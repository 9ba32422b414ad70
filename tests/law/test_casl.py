"""The rules of Canada: the order in which things count, how a denial is explained, and what a notice must hold."""

from datetime import date

import pytest
from hypothesis import given as for_any

from consent.law import casl
from consent.law.citations import CASL, COURT, CRTC, ECPR, GIC
from tests.law import histories
from tests.law.histories import (
    MOMENT,
    PROMOTIONS,
    SCOPES,
    TOPIC,
    ask,
    converted,
    ended,
    given,
    hour,
    mailed,
    on,
    related,
    requested,
    through,
    withdrawn,
)

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


REFERRAL = {"type": "referral", "relationships_ok": True, "named_in_message": True}


def commercial(at, *facts, **more):
    question = ask(at, **more)
    return casl.commercial(question, question.seen(facts))


def test_express_consent_is_the_basis_from_its_own_instant_and_without_end():
    consent = given(hour(1))
    decision = commercial(hour(1), consent)
    assert (str(decision.basis), decision.basis.since, decision.basis.until) == (
        "casl.express",
        date(2025, 12, 31),
        None,
    )
    assert (decision.state, decision.reasons[0].fact) == ("given", consent)


@pytest.mark.parametrize(
    ("consent", "key", "citation"),
    [
        (given(hour(1)), "confirmed", CASL["10(1)"]),
        (given(hour(1), method="paper"), "agreed", CASL["10(1)"]),
        (through(hour(1)), "agreed_through", CASL["10(2)"]),
    ],
)
def test_an_express_consent_is_told_as_what_it_was(consent, key, citation):
    reason = commercial(hour(9), consent).reasons[0]
    assert (reason.key, reason.citation) == (key, citation)


def test_a_consent_to_a_collector_is_a_ground_of_its_own_and_names_the_collector():
    decision = commercial(hour(9), through(hour(1)), topic=None)
    assert str(decision.basis) == "casl.express_third_party"
    assert decision.reasons[0].text().count("listco") == 2


def test_a_sentence_names_the_topic_and_the_day_in_the_zone_of_the_organization():
    assert "acme/newsletter on 31 December 2025" in commercial(hour(9), given(hour(1))).reasons[0].text()


@pytest.mark.parametrize(
    ("scope", "reach"), list(zip(SCOPES, ("acme/newsletter", "acme", "acme-inc", "every message"), strict=True))
)
def test_a_refusal_says_what_the_person_left(scope, reach):
    decision = commercial(hour(9), withdrawn(hour(6), **scope))
    assert decision.reasons[0].text().startswith(f"The person withdrew from {reach} on 1 January 2026")


def test_of_two_noes_the_later_is_the_reason():
    first, second = withdrawn(hour(1), topic=TOPIC), withdrawn(hour(2), brand="acme")
    assert commercial(hour(9), second, first).reasons[0].fact is second


@pytest.mark.parametrize("act", ["withdrawn", "complained", "objected"])
def test_each_act_of_refusing_is_an_answer_of_its_own(act):
    decision = commercial(hour(9), given(hour(1)), withdrawn(hour(2), act=act))
    assert (decision.state, decision.code, decision.remedy) == ("withdrawn", act, "respect")


@pytest.mark.parametrize("when", ["2026-01-10", "2026-03-10"])
def test_no_relationship_older_or_newer_revives_after_a_no(when):
    assert commercial(on("2026-04-01"), related(on(when)), withdrawn(on("2026-02-01"))).code == "withdrawn"


def test_express_consent_is_told_before_anything_implied():
    assert commercial(on("2026-04-01"), related(on("2026-01-10")), given(on("2026-01-11"))).code == "express_consent"


@pytest.mark.parametrize(
    ("facts", "key", "ground"),
    [
        ([related(on("2026-01-10"))], "implied", "casl.10(10)(a)"),
        ([related(on("2026-01-10"), "inquiry")], "implied", "casl.10(10)(e)"),
        ([related(on("2026-01-10"), "loan")], "implied_running", "casl.10(14)"),
        ([related(on("2025-01-10"), "contract"), ended(on("2026-01-10"), "contract")], "implied_ended", "casl.10(10)(d)"),
        ([related(on("2026-01-10"), "business_card", role_relevant=True, no_spam_notice=False)], "implied_open", "casl.10(9)(c)"),
    ],
)  # fmt: skip
def test_implied_consent_is_told_as_what_it_rests_on(facts, key, ground):
    decision = commercial(on("2026-04-01"), *facts)
    assert (decision.state, decision.code) == ("implied", "implied_consent")
    assert (decision.reasons[0].key, str(decision.basis)) == (key, ground)


def test_implied_consent_tells_its_first_and_last_day():
    basis = commercial(on("2026-04-01"), related(on("2026-01-10"))).basis
    assert (basis.since, basis.until) == (date(2026, 1, 10), date(2028, 1, 10))


def test_a_referral_allows_one_message_and_has_no_basis():
    referral = related(on("2026-01-10"), **REFERRAL)
    decision = commercial(on("2026-01-11"), referral)
    assert (decision.state, decision.code, decision.basis) == ("unknown", "exempt_referral", None)
    assert decision.reasons[0].citation == GIC["4(1)"]


@pytest.mark.parametrize("lack", ["relationships_ok", "named_in_message"])
def test_a_referral_needs_both_relationships_and_a_name(lack):
    assert not commercial(on("2026-01-11"), related(on("2026-01-10"), **REFERRAL | {lack: False}))


@pytest.mark.parametrize(("at", "allowed"), [(-MOMENT, True), (0 * MOMENT, False), (MOMENT, False)])
def test_a_message_since_the_referral_uses_it_up(at, allowed):
    facts = related(on("2026-01-10"), **REFERRAL), mailed(on("2026-01-10") + at)
    assert bool(commercial(on("2026-01-11"), *facts)) == allowed


def test_a_message_of_another_organization_or_a_referral_of_another_brand_is_another_matter():
    referral = related(on("2026-01-10"), **REFERRAL)
    assert commercial(on("2026-01-12"), referral, mailed(on("2026-01-11"), "rival-inc"))
    assert not commercial(on("2026-01-12"), referral, topic="zest/newsletter")


def test_nothing_on_record_is_denied_as_such():
    decision = commercial(hour(9))
    assert (decision.state, decision.code, decision.remedy) == ("unknown", "no_consent", "ask_elsewhere")
    assert (decision.reasons[0].citation, decision.reasons[0].fact) == (CASL["6(1)(a)"], None)


@pytest.mark.parametrize(
    ("more", "code", "citation"),
    [
        ({"method": "prechecked_box"}, "invalid_method", CRTC["2012-549"]),
        ({"method": "oral"}, "evidence_missing", CRTC["2012-548"]),
        ({"notice_complete": False}, "request_incomplete", ECPR["4"]),
    ],
)
def test_a_flaw_of_the_consent_is_named(more, code, citation):
    decision = commercial(hour(9), given(hour(1), **more))
    assert (decision.state, decision.code, decision.reasons[0].citation) == ("unknown", code, citation)


def test_conditions_that_were_not_met_are_named_with_the_collector():
    decision = commercial(hour(9), through(hour(1), conditions_met=False))
    assert (decision.code, decision.reasons[0].citation) == ("conditions_not_met", GIC["5(1)"])
    assert "listco" in decision.reasons[0].text("fr")


def test_the_newest_of_several_flawed_consents_is_named():
    facts = given(hour(1), method="oral"), given(hour(2), method="prechecked_box")
    assert commercial(hour(9), *facts).code == "invalid_method"


def test_a_sign_up_that_waits_is_told_as_such():
    decision = commercial(hour(9), requested(hour(1)))
    assert (decision.state, decision.code, decision.remedy) == ("requested", "unconfirmed", "wait_for_confirmation")
    assert commercial(hour(9), requested(hour(1), PROMOTIONS)).code == "no_consent"


def test_a_confirmation_of_an_incomplete_request_is_told_as_that():
    facts = requested(hour(1)), given(hour(2), notice_complete=False, asked_at=hour(1))
    assert commercial(hour(9), *facts).code == "request_incomplete"


def test_a_new_sign_up_after_a_flawed_consent_is_told_as_the_thing_to_wait_for():
    assert commercial(hour(9), given(hour(1), method="prechecked_box"), requested(hour(2))).code == "unconfirmed"


def test_what_has_ended_keeps_its_basis():
    decision = commercial(on("2030-01-01"), related(on("2026-01-10")))
    assert (decision.state, decision.code, decision.reasons[0].key) == ("expired", *["implied_consent_expired"] * 2)
    assert decision.basis.until == date(2028, 1, 10)


def test_what_ran_and_has_ended_says_both():
    facts = related(on("2020-01-10"), "subscription"), ended(on("2026-01-10"))
    assert commercial(on("2030-01-01"), *facts).reasons[0].key == "implied_ended_expired"


def test_of_what_has_ended_the_last_to_end_is_told():
    purchase, inquiry = related(on("2020-01-10")), related(on("2021-01-10"), "inquiry")
    assert commercial(on("2030-01-01"), inquiry, purchase).reasons[0].fact is purchase


def test_what_begins_tomorrow_says_wait():
    decision = commercial(on("2026-01-10", "20:00"), related(on("2026-01-10")))
    assert (decision.state, decision.code, decision.remedy) == ("implied", "implied_consent_not_yet", "wait_a_day")


@pytest.mark.parametrize(
    ("facts", "topic", "code", "citation"),
    [
        ([given(hour(1))], PROMOTIONS, "purpose_not_covered", CASL["10(1)(a)"]),
        ([given(hour(1))], None, "purpose_not_covered", CASL["10(1)(a)"]),
        ([given(hour(1))], "zest/newsletter", "brand_not_covered", CASL["10(1)(b)"]),
        ([related(hour(1))], "zest/newsletter", "brand_not_covered", CASL["10(1)(b)"]),
        ([given(hour(1))], "rival/newsletter", "sender_not_covered", CASL["10(1)(b)"]),
        ([related(hour(1), "referral")], "rival/newsletter", "no_consent", CASL["6(1)(a)"]),
        ([related(hour(1), "published_address")], TOPIC, "no_consent", COURT["2020 FCA 103"]),
        ([related(hour(1), "published_address")], "zest/newsletter", "brand_not_covered", CASL["10(1)(b)"]),
        ([given(hour(1), method="prechecked_box")], PROMOTIONS, "no_consent", CASL["6(1)(a)"]),
        ([converted(hour(1))], TOPIC, "no_consent", CASL["6(1)(a)"]),
    ],
)
def test_what_is_on_record_for_something_near_is_named(facts, topic, code, citation):
    decision = commercial(hour(99), *facts, topic=topic)
    assert (decision.code, decision.reasons[0].citation) == (code, citation)


def test_of_what_is_near_another_name_of_the_organization_comes_before_another_organization():
    facts = given(hour(1), "zest/newsletter"), given(hour(2), "rival/newsletter")
    assert "zest" in commercial(hour(9), *facts).reasons[0].text()


@for_any(histories.histories, histories.commercial)
def test_every_denial_has_one_reason_and_a_cure(history, question):
    decision = casl.commercial(question, question.seen(history))
    assert len(decision.reasons) == 1
    assert decision or decision.remedy


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
