"""The sign-up form on a company's own site: in a frame, as a plain form, and sent as JSON."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from consent import catalogue
from consent.store import database
from consent.store.ledger import Evidence
from tests.house import House
from tests.people import ANNE, BOB

SITE, THANKS = "https://acme.example", "https://acme.example/thanks"
STRANGER = "https://evil.example"
CROSS = {"Origin": SITE, "Sec-Fetch-Site": "cross-site"}
GOOD = {"email": ANNE.email, "topic": ["acme/newsletter"]}


def send(client: FlaskClient, form: str = "acme-news", origin: str | None = SITE, **body: object) -> TestResponse:
    """Do what `fetch` does on a site."""
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"} if origin else {}
    return client.post(f"/s/{form}", json=body, headers=headers)


def policy(answer: TestResponse) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


def shared(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers if name.startswith("Access-Control")}


def form_data() -> list[dict[str, object]]:
    with database.reading() as connection:
        found = connection.execute(select(Evidence.value).where(Evidence.field == "form_data")).scalars()
        return [json.loads(value) for value in found]


@pytest.mark.parametrize(("form", "sites"), [("acme-news", [SITE]), ("zest-news", ["'none'"])])
@pytest.mark.parametrize("data", [GOOD, {"email": "nonsense"}])
def test_exactly_the_registered_sites_may_frame_it(client: FlaskClient, form: str, sites: list[str], data) -> None:
    for answer in (client.get(f"/embed/{form}"), client.post(f"/embed/{form}", data=data)):
        assert policy(answer)["frame-ancestors"] == sites
        assert policy(answer)["default-src"] == ["'none'"]


@pytest.mark.parametrize("path", ["/s/acme-news", "/find", "/embed/nothing", "/u/broken", "/healthz"])
def test_no_other_page_may_be_framed(client: FlaskClient, path: str) -> None:
    assert policy(client.get(path))["frame-ancestors"] == ["'none'"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_framed_form_is_the_same_form(client: FlaskClient, language: str) -> None:
    framed, hosted = (client.get(f"/{door}/acme-news?lang={language}").text for door in ("embed", "s"))
    words = catalogue.form("acme-news").notices[language].words.splitlines()
    for page in (framed, hosted):
        assert page.count('type="checkbox"') == 2 and "checked" not in page
        assert all(line in page for line in words)
    assert '<form method="post" action="/embed/acme-news?lang=' in framed


def test_the_framed_form_signs_up_and_leads_nowhere_else(house: House) -> None:
    answer = house.client.post("/embed/acme-news", data=GOOD, headers={"Sec-Fetch-Site": "none"})
    assert answer.status_code == 200 and "/find" not in answer.text and "/u/" not in answer.text
    assert len(house.letters(ANNE.email)) == 1
    assert not house.allows(ANNE.email)


@pytest.mark.parametrize("path", ["/c/", "/u/", "/p/"])
def test_nothing_that_confirms_or_leaves_can_be_framed(house: House, path: str) -> None:
    letter = house.confirm(ANNE.email)
    house.sign_up(ANNE.email, ["acme/promotions"])
    letters = {"/c/": house.letters(ANNE.email)[-1]}
    link = house.one_click(letter) if path == "/u/" else house.link(letters.get(path, letter), path.strip("/"))
    assert policy(house.client.get(link))["frame-ancestors"] == ["'none'"]


def test_a_plain_form_on_a_registered_site_signs_up_and_its_site_is_evidence(house: House) -> None:
    answer = house.client.post("/s/acme-news", data=GOOD, headers=CROSS)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert len(house.letters(ANNE.email)) == 1
    assert form_data() == [{"origin": SITE, "signals": ["no_time"]}]


def test_a_plain_form_may_lead_on_to_the_registered_page_with_nothing_about_the_person(house: House) -> None:
    answer = house.client.post("/s/acme-news", data={**GOOD, "return_url": THANKS}, headers=CROSS)
    assert (answer.status_code, answer.headers["Location"]) == (303, THANKS)
    assert policy(answer)["form-action"] == ["'self'", SITE]
    assert ANNE.email not in answer.text
    assert len(house.letters(ANNE.email)) == 1


def test_after_a_mistake_the_page_still_leads_on_to_the_registered_page(client: FlaskClient) -> None:
    answer = client.post("/s/acme-news", data={"email": "anne@", "return_url": THANKS}, headers=CROSS)
    assert answer.status_code == 422
    assert f'name="return_url" value="{THANKS}"' in answer.text
    assert policy(answer)["form-action"] == ["'self'", SITE]


def test_a_robot_is_led_on_like_a_person(house: House) -> None:
    person, robot = (
        house.client.post("/s/acme-news", data={**GOOD, "return_url": THANKS, **more}, headers=CROSS)
        for more in ({}, {"website": "x"})
    )
    assert (person.status_code, person.headers["Location"], person.data) == (
        robot.status_code,
        robot.headers["Location"],
        robot.data,
    )


@pytest.mark.parametrize("form", ["acme-news", "zest-news"])
@pytest.mark.parametrize(
    "origin", [STRANGER, "https://acme.example.evil.example", "http://acme.example", SITE + ":444"]
)
@pytest.mark.parametrize("kind", ["data", "json"])
def test_a_strangers_site_is_refused_and_nothing_is_stored(house: House, form: str, origin: str, kind: str) -> None:
    before = house.rows()
    body = {"email": ANNE.email, "topic": catalogue.form(form).topics[0].slug}
    answer = house.client.post(f"/s/{form}", headers={"Origin": origin}, **{kind: body})
    assert answer.status_code == 403
    assert shared(answer) == {}
    assert house.rows() == before
    assert ANNE.email not in answer.text


def test_a_person_from_a_strangers_site_may_sign_up_on_the_page_that_refuses(client: FlaskClient) -> None:
    page = client.post("/s/acme-news?lang=fr", data=GOOD, headers={"Origin": STRANGER}).text
    assert "pas inscrit pour ce formulaire" in page and '<form method="post"' in page


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_site_that_hides_its_name_is_a_stranger(house: House, site: str) -> None:
    answer = house.client.post("/s/acme-news", data=GOOD, headers={"Origin": "null", "Sec-Fetch-Site": site})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://consent.example.com"},
        {"Origin": "null"},
        {},
    ],
)
def test_our_own_page_is_no_stranger_in_any_browser(client: FlaskClient, headers: dict[str, str]) -> None:
    page = client.get("/s/acme-news").text
    made = page.split('name="made" value="')[1].split('"')[0]
    assert client.post("/s/acme-news", data={**GOOD, "made": made}, headers=headers).status_code == 200


def test_json_from_a_registered_site_is_answered_202_for_every_address(house: House) -> None:
    house.confirm(BOB.email)
    answers = [send(house.client, **{**GOOD, "email": email}) for email in (ANNE.email, BOB.email)]
    for answer in answers:
        assert (answer.status_code, answer.get_json()) == (202, {"state": "requested"})
        assert answer.headers["Access-Control-Allow-Origin"] == SITE
        assert "Access-Control-Allow-Credentials" not in answer.headers and "Set-Cookie" not in answer.headers
        assert "Origin" in answer.headers["Vary"]
    assert answers[0].data == answers[1].data
    assert len(house.letters(ANNE.email)) == 1


@pytest.mark.parametrize(
    "topics", [{"topic": "acme/newsletter"}, {"topic": ["acme/newsletter"]}, {"topics": ["acme/newsletter"]}]
)
def test_json_names_topics_as_the_form_or_as_the_api_does(house: House, topics: dict[str, object]) -> None:
    assert send(house.client, email=ANNE.email, **topics).status_code == 202
    assert len(house.letters(ANNE.email)) == 1


def test_json_without_a_site_is_taken_and_shared_with_nobody(house: House) -> None:
    answer = send(house.client, origin=None, **GOOD)
    assert answer.status_code == 202
    assert shared(answer) == {}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"topic": ["acme/newsletter"]}, "email"),
        ({"email": "anne@", "topic": ["acme/newsletter"]}, "email"),
        ({"email": [ANNE.email], "topic": ["acme/newsletter"]}, "email"),
        ({"email": ANNE.email}, "topic"),
        ({"email": ANNE.email, "topic": []}, "topic"),
        ({"email": ANNE.email, "topic": [1]}, "topic"),
        ({"email": ANNE.email, "topics": {"a": 1}}, "topics"),
        ({"email": ANNE.email, "topic": ["zest/newsletter"]}, "topic"),
        ({**GOOD, "name": "x" * 201}, "name"),
        ({**GOOD, "name": "Anne\r\nBcc: bob@boston.example"}, "name"),
        ({**GOOD, "name": None}, "name"),
        ({**GOOD, "notice": "0" * 64}, "notice"),
        ({**GOOD, "admin": True}, "admin"),
        ({**GOOD, "return_url": THANKS}, "return_url"),
    ],
)
def test_json_passes_the_checks_of_the_page_listmonk_2038(house: House, body: dict[str, object], field: str) -> None:
    before = house.rows()
    answer = send(house.client, **body)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert list(answer.get_json()["errors"]) == [field]
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert house.rows() == before


def test_a_robot_that_fills_the_decoy_in_json_gets_the_same_answer_and_no_mail(house: House) -> None:
    before = house.rows()
    robot = send(house.client, **GOOD, website="https://spam.example")
    assert house.rows() == before
    assert (robot.status_code, robot.data) == (202, send(house.client, **GOOD).data)


def test_a_browser_is_told_that_a_registered_site_may_send_json(house: House) -> None:
    before = house.rows()
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = house.client.options("/s/acme-news", headers={"Origin": SITE, **asks})
    assert shared(answer) == {
        "Access-Control-Allow-Origin": SITE,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "600",
    }
    assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert house.rows() == before


def test_a_form_that_is_not_there_is_a_problem_for_a_program_and_a_page_for_a_person(client: FlaskClient) -> None:
    answers = [client.post("/s/nothing", **body).mimetype for body in ({"json": {}}, {"data": {}})]
    assert answers == ["application/problem+json", "text/html"]


def test_a_form_set_up_before_sites_were_checked_gives_no_site_to_a_header(house: House, tmp_path: Path) -> None:
    kept = {"origins": ("https://acme.example/path; script-src *", SITE)}
    form = catalogue.form("acme-news")
    settings = {"topics": [], "notices": {}, "title": {}, "source": "web_form", **kept}
    row = type("Row", (), {"slug": "x", "version": 1, "brand": "acme", "settings": settings})
    assert catalogue._form(row, {"acme": form.brand}, {}, {}).origins == (SITE,)
