"""Only the POST of the confirm button gives consent, once."""

from typing import Any

from tests.house import TICKED, House
from tests.people import ANNE


def test_pressing_the_button_gives_consent(house: House) -> None:
    house.confirm(ANNE.email)
    answer = house.decide(ANNE.email)
    assert answer.decision and answer.decision.code == "express_consent"
    assert str(answer.decision.reasons[0].citation) == "S.C. 2010, c. 23, s. 10(1)"


def test_opening_the_link_changes_nothing(house: House) -> None:
    house.sign_up(ANNE.email)
    link = house.link(house.letters()[-1], "c")
    before = house.rows()
    for _ in range(50):
        assert house.client.get(link).status_code == 200
        assert house.client.head(link).status_code == 200
    assert house.rows() == before
    assert house.client.post(link, data=TICKED).status_code == 200
    assert house.allows(ANNE.email)


def test_a_second_press_says_so_and_records_nothing(house: House) -> None:
    letter = house.confirm(ANNE.email)
    house.letters()
    before = house.rows()
    again = house.client.post(house.link(letter, "c"), data=TICKED)
    assert again.status_code == 200
    assert "already" in again.text
    assert house.rows() == before


def test_one_press_confirms_every_topic_of_the_sign_up(house: House) -> None:
    house.confirm(ANNE.email, ["acme/newsletter", "acme/promotions"])
    assert house.allows(ANNE.email, "acme/newsletter") and house.allows(ANNE.email, "acme/promotions")
    assert house.kinds(ANNE.email).count("welcome.sent") == 0
    assert [str(letter["Subject"]) for letter in house.letters()][1:] != []
    assert house.kinds(ANNE.email).count("welcome.sent") == 1


def test_a_link_gives_nothing_after_seven_days(house: House, later: Any) -> None:
    house.sign_up(ANNE.email)
    link = house.link(house.letters()[-1], "c")
    later(days=7, seconds=1)
    answer = house.client.post(link, data=TICKED)
    assert answer.status_code == 404
    assert "/s/acme-news" in answer.text
    assert not house.allows(ANNE.email)


def test_a_link_that_is_older_than_a_no_gives_nothing(house: House) -> None:
    letter = house.confirm(ANNE.email)
    house.press_unsubscribe(letter)
    assert house.client.post(house.link(letter, "c"), data=TICKED).status_code == 404
    assert not house.allows(ANNE.email)


def test_a_new_sign_up_confirmed_by_the_person_lifts_the_no(house: House) -> None:
    house.press_unsubscribe(house.confirm(ANNE.email))
    assert not house.allows(ANNE.email)
    house.confirm(ANNE.email)
    assert house.allows(ANNE.email)


def test_the_entry_names_its_request_its_mail_and_the_words(house: House) -> None:
    house.confirm(ANNE.email)
    given = next(row for row in house.rows()["ledger_entry"] if "'consent.given'" in row)
    requested = next(row for row in house.rows()["ledger_entry"] if "'consent.requested'" in row)
    assert requested.split("'")[1] in given
    assert house.decide(ANNE.email).decision.code == "express_consent"  # so the method is an opt-in
