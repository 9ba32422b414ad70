"""Places: which law each has, the Schedule, and which laws govern between two places."""

import pytest

from consent.law.decide import REGIMES, decide, governing
from consent.law.places import EU_AND_EEA, SCHEDULE, country_of, law_of
from tests.law.histories import ask, given, hour, related, withdrawn

SALE = {"opt_out_offered": True, "similar": True}


def test_the_schedule_has_its_116_states():
    assert len(SCHEDULE) == 116
    assert not SCHEDULE & {"CA", "MX", "TW", "NG", "EG"}


def test_every_state_of_the_eu_and_the_eea_is_in_the_schedule():
    assert len(EU_AND_EEA) == 30
    assert EU_AND_EEA | {"US", "GB"} < SCHEDULE
    assert not EU_AND_EEA & {"GB", "CH"}


@pytest.mark.parametrize(
    ("place", "law"),
    [
        ("US", "us"),
        ("US-MA", "us"),
        ("GB", "uk"),
        ("GB-SCT", "uk"),
        ("DE", "eu"),
        ("NO", "eu"),
        ("FR-75", "eu"),
        ("CA", "ca"),
        ("CA-QC", "ca"),
        ("CH", "ca"),
        ("AU", "ca"),
        ("MX", "ca"),
        ("", "ca"),
        (None, "ca"),
    ],
)
def test_the_law_of_a_place(place, law):
    assert law_of(place) == law


def test_the_country_of_a_place_is_its_first_two_letters():
    assert [country_of(place) for place in ("CA-QC", "US", "", None)] == ["CA", "US", "", ""]


@pytest.mark.parametrize(
    ("sender", "recipient", "laws"),
    [
        ("CA", "CA", "ca"),
        ("CA", None, "ca"),
        (None, None, "ca"),
        ("CA", "US", "us"),
        ("CA-ON", "US-MA", "us"),
        (None, "US", "us"),
        ("CA", "GB", "uk"),
        ("CA", "DE", "eu"),
        ("CA", "NO", "eu"),
        ("CA", "AU", "ca"),
        ("CA", "NG", "ca"),
        ("AU", "US", "us"),
        ("US", "CA", "ca us"),
        ("US", None, "ca us"),
        ("US", "AU", "ca us"),
        ("GB", "CA", "ca uk"),
        ("DE", "CA", "ca eu"),
        ("US", "US", "us"),
        ("US", "GB", "uk us"),
        ("GB", "US", "uk us"),
        ("DE", "GB", "eu uk"),
        ("DE", "FR", "eu"),
        ("US", "DE", "eu us"),
    ],
)
def test_the_laws_that_govern_come_strictest_first(sender, recipient, laws):
    assert governing(ask(hour(1), sender_place=sender, place=recipient)) == tuple(laws.split())


def test_there_are_four_laws_and_the_first_is_the_strictest():
    assert list(REGIMES) == ["ca", "eu", "uk", "us"]


@pytest.mark.parametrize("recipient", ["CA", None, "MX", "AU"])
def test_from_the_united_states_to_canada_both_must_allow(recipient):
    question = ask(hour(99), sender_place="US", place=recipient)
    assert decide(question, []).reasons[0].citation.statute.title.startswith("Canada")
    assert not decide(question, [given(hour(1)), withdrawn(hour(2))])
    assert decide(question, [given(hour(1))])


def test_where_both_allow_the_stricter_is_the_basis_and_both_are_cited():
    decision = decide(ask(hour(99), sender_place="US", place="CA"), [given(hour(1))])
    assert str(decision.basis) == "casl.express"
    assert [str(reason.citation) for reason in decision.reasons] == [
        "S.C. 2010, c. 23, s. 10(1)",
        "15 U.S.C. 7704(a)(4)(B)",
    ]


def test_where_the_second_denies_it_is_the_reason():
    question = ask(hour(99), sender_place="GB", place="CA")
    decision = decide(question, [related(hour(1))])
    assert (bool(decision), str(decision.reasons[0].citation)) == (False, "S.I. 2003/2426, reg. 22(2)")
    assert decide(question, [related(hour(1), **SALE)])


@pytest.mark.parametrize("place", ["US", "GB", "DE"])
def test_the_law_of_canada_steps_back_for_a_listed_state_whose_law_is_held(place):
    inquiry = related(hour(1), "inquiry")  # good for Canada alone
    assert (
        str(decide(ask(hour(99), place=place), [inquiry]).reasons[0].citation.statute.title).startswith("Canada")
        is False
    )


@pytest.mark.parametrize(
    ("place", "kind", "cited"),
    [
        ("CA", "receipt", "S.C. 2010, c. 23, s. 6(6)(b)"),
        ("AU", "receipt", "S.C. 2010, c. 23, s. 6(6)(b)"),
        ("US", "receipt", "15 U.S.C. 7702(17)(A)"),
        ("GB", "receipt", "S.I. 2003/2426, reg. 22(2)"),
        ("FR", "legal_notice", "Directive 2002/58/EC Art. 13(1)"),
        ("CA", "address_transfer_to_processor", "15 U.S.C. 7704(a)(4)(A)(iv)"),
    ],
)
def test_an_exempt_kind_cites_the_law_that_governs(place, kind, cited):
    decision = decide(ask(hour(99), kind=kind, place=place), [related(hour(1))])
    assert (bool(decision), str(decision.reasons[0].citation)) == (True, cited)


def test_telling_a_processor_in_the_united_states_cites_the_exception_for_it():
    decision = decide(ask(hour(99), kind="address_transfer_to_processor", sender_place="US", place="US"), [])
    assert str(decision.reasons[0].citation) == "15 U.S.C. 7704(a)(4)(A)(iv)"
