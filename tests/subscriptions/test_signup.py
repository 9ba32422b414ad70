"""Signing up asks; it never changes what is allowed."""

from typing import Any

from tests.house import TICKED, House
from tests.people import ANNE, BOB


def test_a_sign_up_is_recorded_with_the_words_that_were_shown(house: House) -> None:
    house.sign_up(ANNE.email, language="fr")
    decision = house.decide(ANNE.email).decision
    assert (bool(decision), decision.state, decision.code) == (False, "requested", "unconfirmed")
    assert house.kinds(ANNE.email) == ["consent.requested"]


def test_a_confirmation_mail_goes_once_and_is_an_entry(house: House) -> None:
    house.sign_up(ANNE.email)
    assert len(house.letters()) == 1
    assert len(house.letters()) == 1
    assert house.kinds(ANNE.email) == ["consent.requested", "confirmation.sent"]


def test_an_impatient_second_press_sends_no_second_mail(house: House) -> None:
    house.sign_up(ANNE.email)
    before = house.rows()
    house.sign_up(ANNE.email)
    assert house.rows() == before


def test_signing_up_again_later_replaces_the_first_link(house: House, later: Any) -> None:
    house.sign_up(ANNE.email)
    first = house.letters()[-1]
    later(hours=1)
    house.sign_up(ANNE.email)
    second = house.letters()[-1]
    assert house.client.post(house.link(first, "c"), data=TICKED).status_code == 404
    assert not house.allows(ANNE.email)
    assert house.client.post(house.link(second, "c"), data=TICKED).status_code == 200
    assert house.allows(ANNE.email)


def test_signing_up_for_what_is_held_changes_nothing_but_mails_the_way_to_the_preferences(house: House) -> None:
    house.confirm(ANNE.email)
    house.letters()
    before = house.rows()
    house.sign_up(ANNE.email)
    letter = house.letters()[-1]
    after = house.rows()
    assert house.client.get(house.link(letter, "p")).status_code == 200
    assert {table for table in before if before[table] != after[table]} == {"outbox"}


def test_signing_up_for_more_asks_only_for_what_is_missing(house: House) -> None:
    house.confirm(ANNE.email)
    house.sign_up(ANNE.email, ["acme/newsletter", "acme/promotions"])
    letter = house.letters()[-1]
    house.client.post(house.link(letter, "c"), data=TICKED)
    assert house.allows(ANNE.email, "acme/promotions")
    assert house.kinds(ANNE.email).count("consent.given") == 2


def test_consent_to_one_topic_is_not_consent_to_another(house: House) -> None:
    house.confirm(ANNE.email, ["acme/newsletter"])
    assert not house.allows(ANNE.email, "acme/promotions")
    assert not house.allows(ANNE.email, "zest/newsletter")


def test_another_spelling_of_the_address_is_not_given_anothers_consent(house: House) -> None:
    house.confirm("Anne@example.com")
    assert house.allows("Anne@example.com")
    assert not house.allows("anne@example.com")


def test_a_stranger_who_signs_somebody_up_gives_nothing(house: House) -> None:
    for _ in range(3):
        house.sign_up(BOB.email)
    assert not house.allows(BOB.email)
