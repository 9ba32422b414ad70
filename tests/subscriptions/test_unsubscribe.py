"""Leaving works at once, for good, and as often as somebody presses."""

from typing import Any

import pytest

from tests.house import TICKED, House
from tests.people import ANNE, BOB


def test_one_click_withdraws_at_once(house: House) -> None:
    letter = house.confirm(ANNE.email)
    answer = house.press_unsubscribe(letter)
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (200, [])
    assert house.decide(ANNE.email).decision.code == "withdrawn"


@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_takes_both_encodings(house: House, encoding: str) -> None:
    letter = house.confirm(ANNE.email)
    form = {"List-Unsubscribe": "One-Click"}
    answer = house.client.post(house.one_click(letter), data=form, content_type=encoding)
    assert answer.status_code == 200
    assert not house.allows(ANNE.email)


def test_a_second_press_records_nothing(house: House) -> None:
    letter = house.confirm(ANNE.email)
    house.press_unsubscribe(letter)
    house.letters()
    before = house.rows()
    assert house.press_unsubscribe(letter).status_code == 200
    assert house.rows() == before


def test_the_link_still_works_in_five_years(house: House, later: Any) -> None:
    letter = house.confirm(ANNE.email)
    later(days=5 * 366)
    assert house.press_unsubscribe(letter).status_code == 200
    assert not house.allows(ANNE.email)


def test_leaving_one_topic_keeps_the_others(house: House) -> None:
    house.confirm(ANNE.email, ["acme/promotions"])
    letter = house.confirm(ANNE.email, ["acme/newsletter"])
    house.press_unsubscribe(letter)
    assert house.allows(ANNE.email, "acme/promotions") and not house.allows(ANNE.email, "acme/newsletter")


def test_leaving_everything_reaches_every_brand_of_the_organization(house: House) -> None:
    house.confirm(ANNE.email, ["zest/newsletter"], form="zest-news")
    letter = house.confirm(ANNE.email, ["acme/newsletter"])
    answer = house.client.post(house.one_click(letter), data={"scope": "organization"})
    assert answer.status_code == 200
    assert not house.allows(ANNE.email, "acme/newsletter") and not house.allows(ANNE.email, "zest/newsletter")


def test_a_no_to_any_spelling_of_the_address_holds_for_all(house: House) -> None:
    house.confirm("Anne@example.com")
    letter = house.confirm("anne@example.com")
    house.press_unsubscribe(letter)
    assert not house.allows("Anne@example.com")
    assert [r for r in house.rows()["standing"] if "'given'" in r] == []


def test_not_me_drops_the_request_and_keeps_us_quiet_for_a_month(house: House, later: Any) -> None:
    house.sign_up(BOB.email)
    letter = house.letters()[-1]
    house.press_unsubscribe(letter)
    assert house.client.post(house.link(letter, "c"), data=TICKED).status_code == 404
    later(days=29)
    house.sign_up(BOB.email)
    assert len(house.letters()) == 1
    later(days=61)
    house.sign_up(BOB.email)
    assert len(house.letters()) == 2


def test_a_post_that_is_no_button_and_no_mailbox_does_nothing(house: House) -> None:
    letter = house.confirm(ANNE.email)
    house.letters()
    before = house.rows()
    link = house.one_click(letter)
    for data in ({}, {"List-Unsubscribe": "no"}, {"scope": "everyone"}, {"confirm": "yes"}):
        assert house.client.post(link, data=data).status_code == 400
    assert house.client.post(f"{link}?List-Unsubscribe=One-Click").status_code == 400
    assert house.rows() == before


def test_the_page_shows_the_buttons_and_a_masked_address(house: House) -> None:
    letter = house.confirm(ANNE.email)
    page = house.client.get(house.one_click(letter))
    assert page.status_code == 200
    assert ANNE.email not in page.text
    assert 'value="topic"' in page.text and 'value="organization"' in page.text
