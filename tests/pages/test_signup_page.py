"""The hosted sign-up page."""

import re

import pytest
from flask.testing import FlaskClient

from consent.catalogue import form
from tests.house import House
from tests.people import ANNE, BOB


@pytest.mark.parametrize("slug", ["acme-news", "zest-news", "acme-webinar"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_it_shows_the_exact_words_and_nothing_is_ticked(client: FlaskClient, slug: str, language: str) -> None:
    page = client.get(f"/s/{slug}?lang={language}").text
    found = form(slug)
    assert found.notices[language].sha256 in page
    assert found.notices[language].words.splitlines()[1] in page
    assert page.count('type="checkbox"') == len(found.topics)
    assert "checked" not in page


def test_the_answer_is_the_same_for_every_address(house: House) -> None:
    house.confirm(ANNE.email)
    house.sign_up(BOB.email)
    answers = {house.sign_up(address).data for address in (ANNE.email, BOB.email, "nobody@example.com")}
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"email": "", "topic": "acme/newsletter"}, "complete e-mail address"),
        ({"email": "anne@", "topic": "acme/newsletter"}, "complete e-mail address"),
        ({"email": ANNE.email}, "Choose at least one"),
        ({"email": ANNE.email, "topic": "zest/newsletter"}, "Choose at least one"),
        ({"email": ANNE.email, "topic": ["acme/newsletter", "x"]}, "Choose at least one"),
        ({"email": ANNE.email, "topic": "acme/newsletter", "name": "x" * 201}, "too long"),
        ({"email": ANNE.email, "topic": "acme/newsletter", "notice": "0" * 64}, "out of date"),
    ],
)
def test_a_mistake_is_explained_and_nothing_is_stored(house: House, data: dict[str, str], says: str) -> None:
    before = house.rows()
    answer = house.client.post("/s/acme-news?lang=en", data=data)
    assert answer.status_code == 422
    assert says in answer.text and 'role="alert"' in answer.text
    assert house.rows() == before


def test_what_was_typed_is_still_there_after_a_mistake(client: FlaskClient) -> None:
    answer = client.post("/s/acme-news", data={"email": 'x"><b>', "topic": "acme/newsletter", "name": "Zoé"})
    assert 'value="Zoé"' in answer.text and "<b>" not in answer.text.split("<main", 1)[1].split("<legend>")[0]
    assert re.search(r'value="acme/newsletter"\s+checked', answer.text)


def test_the_words_of_another_form_cannot_be_put_under_a_sign_up(house: House) -> None:
    foreign = form("zest-news").notices["en"].sha256
    assert house.sign_up(ANNE.email, notice=foreign).status_code == 422


def test_a_robot_that_fills_the_decoy_gets_the_same_answer_and_is_not_recorded(house: House) -> None:
    before = house.rows()
    robot = house.sign_up("robot@example.com", website="https://spam.example")
    assert house.rows() == before
    assert robot.data == house.sign_up(ANNE.email).data


@pytest.mark.parametrize("path", ["/s/nothing", "/s/acme-news/", "/nowhere", "/u/short"])
def test_a_page_that_is_not_there_offers_a_way_out(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert 'href="/find"' in answer.text


def test_a_body_over_64_kib_is_refused_and_stores_nothing(house: House) -> None:
    before = house.rows()
    answer = house.client.post("/s/acme-news", data={"email": ANNE.email, "name": "x" * 70_000})
    assert (answer.status_code, answer.mimetype) == (413, "text/html")
    assert house.rows() == before
