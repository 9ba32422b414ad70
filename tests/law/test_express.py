"""What the person said: which "yes" is valid, how far each "no" reaches, and which of the two holds."""

import pytest
from hypothesis import given as for_any

from consent.law import express
from consent.law.express import flaw, last_word, latest, specific, valid
from tests.law import histories
from tests.law.histories import (
    COLLECTOR,
    MOMENT,
    NOW,
    PROMOTIONS,
    SCOPES,
    STEPS,
    TOPIC,
    ask,
    given,
    hour,
    on,
    through,
    withdrawn,
)

LATER = ask(hour(99))


def word(*facts, question=LATER):
    """Return ``yes``, ``no``, or None if the person said neither."""
    consent, refusal = last_word(question, question.seen(facts))
    return "yes" if consent else "no" if refusal else None


def flaw_of(**more):
    return flaw(LATER, given(hour(1), **more))


@pytest.mark.parametrize("method", sorted(express.OPT_IN_METHODS - {"oral"}))
def test_an_act_by_which_a_person_opts_in_is_valid(method):
    assert flaw_of(method=method) is None


@pytest.mark.parametrize("method", ["prechecked_box", "terms_acceptance", "import", "welcome.opened", ""])
def test_whatever_is_not_on_the_list_is_no_such_act(method):
    assert flaw_of(method=method) == "invalid_method"


@pytest.mark.parametrize(
    ("evidence", "found"),
    [
        ("full_recording", None),
        ("independent_verification", None),
        ("note", "evidence_missing"),
        (None, "evidence_missing"),
    ],
)
def test_oral_consent_must_be_proven(evidence, found):
    assert flaw_of(method="oral", evidence=evidence) == found


def test_the_request_must_have_said_everything():
    assert flaw_of(notice_complete=False) == "request_incomplete"


def test_a_method_is_looked_at_before_the_proof_and_the_proof_before_the_words():
    assert flaw_of(method="prechecked_box", notice_complete=False) == "invalid_method"
    assert flaw_of(method="oral", notice_complete=False) == "evidence_missing"


@pytest.mark.parametrize("step", STEPS)
def test_before_the_act_was_in_force_a_proven_import_needs_no_notice(step):
    at = on("2014-07-01", "00:00") + step
    old = given(at, method="paper", notice_complete=False, imported=True, evidence="scan")
    assert valid(LATER, old) == (step < NOW)


@pytest.mark.parametrize(("imported", "evidence"), [(True, None), (False, "scan"), (False, None)])
def test_an_old_consent_needs_its_evidence_and_its_import(imported, evidence):
    old = given(on("2013-05-05"), method="paper", notice_complete=False, imported=imported, evidence=evidence)
    assert flaw(LATER, old) == "request_incomplete"


@pytest.mark.parametrize(("met", "found"), [(True, None), (False, "conditions_not_met")])
def test_a_consent_for_senders_unknown_is_as_good_as_its_conditions(met, found):
    assert flaw(LATER, through(hour(1), conditions_met=met)) == found


def test_what_is_specific_is_valid_informed_and_not_for_anybody():
    assert specific(LATER, given(hour(1)))
    assert not specific(LATER, given(hour(1), method="prechecked_box"))
    assert not specific(LATER, through(hour(1), notice_complete=True))
    old = given(on("2013-05-05"), method="paper", notice_complete=False, imported=True, evidence="scan")
    assert (valid(LATER, old), specific(LATER, old)) == (True, False)


def test_who_said_nothing_has_no_last_word():
    assert word() is None


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("step", STEPS)
def test_a_tie_between_yes_and_no_goes_to_the_no(scope, step):
    assert word(withdrawn(hour(5), **scope), given(hour(5) + step)) == ("yes" if step > NOW else "no")


@pytest.mark.parametrize("step", STEPS)
def test_a_confirmation_counts_only_if_its_sign_up_is_later_than_the_no(step):
    yes = given(hour(9), asked_at=hour(5) + step)
    assert word(withdrawn(hour(5), topic=TOPIC), yes) == ("yes" if step > NOW else "no")


def test_a_sign_up_dated_after_its_own_confirmation_raises_nothing():
    assert word(withdrawn(hour(5)), given(hour(4), asked_at=hour(6))) == "no"


@pytest.mark.parametrize("when", [1, 5, 9])
def test_an_imported_consent_lifts_no_no_whatever_its_date(when):
    assert word(withdrawn(hour(5)), given(hour(when), imported=True)) == "no"


def test_an_imported_consent_counts_where_there_is_no_no():
    assert word(given(hour(1), imported=True)) == "yes"


def test_an_invalid_consent_lifts_nothing_and_takes_nothing_away():
    bad = given(hour(6), method="prechecked_box")
    assert word(withdrawn(hour(5)), bad) == "no"
    assert word(given(hour(1)), bad) == "yes"


def test_an_older_no_recorded_late_does_not_hide_a_later_one():
    facts = withdrawn(hour(9), entry="new"), given(hour(5)), withdrawn(hour(1), recorded=hour(20), entry="old")
    _, refusal = last_word(LATER, LATER.seen(facts))
    assert refusal.entry == "new"


def test_an_older_consent_recorded_late_does_not_hide_a_later_one():
    facts = given(hour(9), entry="new"), withdrawn(hour(5)), given(hour(1), recorded=hour(20), entry="old")
    consent, _ = last_word(LATER, LATER.seen(facts))
    assert consent.entry == "new"


def test_of_several_consents_the_latest_that_lifts_the_no_is_named():
    facts = given(hour(6), entry="mine"), given(hour(9), imported=True, entry="import"), withdrawn(hour(5))
    assert last_word(LATER, LATER.seen(facts))[0].entry == "mine"


def test_two_facts_in_one_instant_are_told_apart_by_when_they_were_recorded_and_by_their_entries():
    assert (
        latest([given(hour(1), recorded=hour(3), entry="A"), given(hour(1), recorded=hour(2), entry="B")]).entry == "A"
    )
    assert latest([given(hour(1), entry="A"), given(hour(1), entry="B")]).entry == "B"


def test_the_latest_fact_is_the_one_that_occurred_last_not_the_one_recorded_last():
    facts = [given(hour(2), entry="later"), given(hour(1), recorded=hour(9), entry="told later")]
    assert latest(facts).entry == "later"


def test_of_no_facts_none_is_the_latest():
    assert latest([]) is None


def test_a_consent_covers_the_brands_that_it_names_and_no_other():
    both = given(hour(1), on_behalf_of=("acme", "rival"))
    assert [word(both, question=ask(hour(2), f"{brand}/newsletter")) for brand in ("acme", "rival", "zest")] == [
        "yes", "yes", None,
    ]  # fmt: skip
    assert word(given(hour(1), on_behalf_of=("rival",))) is None


def test_a_consent_covers_its_own_purpose_and_no_message_without_one():
    assert word(given(hour(1), PROMOTIONS)) is None
    assert word(given(hour(1)), question=ask(hour(2), None)) is None


def test_a_consent_for_senders_unknown_covers_every_message_of_the_brand():
    yes = through(hour(1))
    assert [word(yes, question=ask(hour(2), topic)) for topic in (TOPIC, PROMOTIONS, None)] == ["yes"] * 3
    assert word(yes, question=ask(hour(2), "zest/newsletter")) is None


@pytest.mark.parametrize("told", [COLLECTOR, "acme-inc", "rival-inc", None])
def test_a_no_to_anybody_who_uses_a_list_reaches_everybody_who_does(told):
    facts = through(hour(1)), through(hour(1), "rival"), withdrawn(hour(5), organization=told)
    assert word(*facts) == "no"
    assert word(*facts, question=ask(hour(99), "rival/newsletter")) == "no"


def test_a_no_to_a_brand_that_uses_the_list_does_too():
    assert word(through(hour(1)), through(hour(1), "rival"), withdrawn(hour(5), brand="rival")) == "no"


def test_leaving_one_topic_of_another_user_does_not():
    facts = through(hour(1)), through(hour(1), "rival"), withdrawn(hour(5), topic="rival/newsletter")
    assert word(*facts) == "yes"


@pytest.mark.parametrize("other", ["rival-inc", "otherlist"])
def test_who_uses_another_list_is_not_in_the_chain(other):
    facts = through(hour(1)), through(hour(1), "rival", collector="otherlist"), withdrawn(hour(5), organization=other)
    assert word(*facts) == "yes"


def test_a_chain_is_lifted_by_a_later_consent_given_to_us():
    assert word(through(hour(1)), withdrawn(hour(5), organization=COLLECTOR), given(hour(6))) == "yes"


def test_a_consent_through_a_collector_lifts_no_no():
    assert word(withdrawn(hour(5)), through(hour(6))) == "no"
    assert word(withdrawn(hour(5), topic=TOPIC), through(hour(6))) == "no"


def test_a_consent_for_senders_unknown_names_its_collector():
    assert flaw(LATER, through(hour(1), collector=None)) == "conditions_not_met"


def test_a_chain_reaches_every_name_of_an_organization_that_uses_the_list():
    facts = through(hour(1), "zest"), given(hour(1)), withdrawn(hour(5), organization=COLLECTOR)
    assert word(*facts) == "no"


def test_no_chain_is_made_of_consents_that_had_no_collector():
    assert given(hour(1)).parties == ()
    assert (
        word(given(hour(1)), given(hour(1), "rival/newsletter"), withdrawn(hour(5), organization="rival-inc")) == "yes"
    )


@for_any(histories.histories, histories.questions)
def test_at_most_one_of_yes_and_no_holds(history, question):
    consent, refusal = last_word(question, question.seen(history))
    assert consent is None or refusal is None


@for_any(histories.histories, histories.questions)
def test_the_yes_that_holds_is_later_than_every_no_that_covers_the_question(history, question):
    seen = question.seen(history)
    consent, _ = last_word(question, seen)
    covering = [no for no in seen.of(histories.Withdrawal) if no.covers(question)]
    assert consent is None or all(no.occurred_at + MOMENT <= consent.occurred_at for no in covering)
