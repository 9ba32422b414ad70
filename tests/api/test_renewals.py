"""Implied consent that ends soon: who it is, and the one mail that asks in time."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from consent import clock
from consent.cli import work
from consent.law.periods import minus
from tests.api.calling import Caller
from tests.house import TICKED, House
from tests.people import ANNE, BOB, CHLOE

TOPIC = "acme/promotions"  # its renewal_form is acme-news


@pytest.fixture
def near_the_end(api: Caller) -> None:
    """Bob and Anne have asked Acme something; it is twenty days before what that implies ends."""
    asked_on = minus((clock.now() + timedelta(days=20)).date(), 6)
    for person in (ANNE, BOB):
        body = {"email": person.email, "brand": "acme", "kind": "inquiry", "occurred_at": f"{asked_on}T15:00:00Z"}
        assert api.post("/relationships", **body).status_code == 201


def test_who_ends_within_thirty_days_is_listed_with_the_basis_and_the_end(api: Caller, near_the_end: None) -> None:
    found = api.get("/expiring", topic=TOPIC).get_json()["expiring"]
    assert {line["email"] for line in found} == {ANNE.email, BOB.email}
    assert {line["basis"] for line in found} == {"casl.10(10)(e)"}
    assert api.get("/expiring", topic=TOPIC, within=5).get_json()["expiring"] == []


def test_the_list_comes_in_pages(api: Caller, near_the_end: None) -> None:
    first = api.get("/expiring", topic=TOPIC, limit=1).get_json()
    second = api.get("/expiring", topic=TOPIC, limit=1, after=first["next"]).get_json()
    emails = [page["expiring"][0]["email"] for page in (first, second)]
    assert sorted(emails) == sorted([ANNE.email, BOB.email])


@pytest.mark.parametrize("wrong", [{"topic": "acme/none"}, {"within": 0}, {"within": "soon"}, {"limit": 5000}])
def test_an_impossible_list_is_refused(api: Caller, wrong: dict[str, Any]) -> None:
    assert api.get("/expiring", **({"topic": TOPIC} | wrong)).status_code == 422


def test_the_worker_asks_each_of_them_once_and_not_for_topics_without_a_form(house: House, near_the_end: None) -> None:
    letters = house.letters(BOB.email)
    assert [str(letter["Subject"]) for letter in letters] == ["Would you like to keep hearing from us? - Acme"]
    work.drain(house.app)
    assert len(house.letters(BOB.email)) == 1
    assert house.kinds(BOB.email) == ["relationship.recorded", "renewal.offered", "renewal.sent"]


def test_pressing_the_button_makes_it_express_consent(house: House, client: FlaskClient, near_the_end: None) -> None:
    letter = house.letters(BOB.email)[0]
    assert client.get(house.link(letter, "c")).status_code == 200
    assert house.decide(BOB.email, TOPIC).decision.state == "implied"
    assert client.post(house.link(letter, "c"), data=TICKED).status_code == 200
    assert house.decide(BOB.email, TOPIC).decision.state == "given"
    assert [str(found["Subject"]) for found in house.letters(BOB.email)][-1].startswith("You are subscribed")


def test_its_unsubscribe_link_ends_what_was_implied(house: House, near_the_end: None) -> None:
    letter = house.letters(BOB.email)[0]
    assert "not ask" not in house.client.get(house.one_click(letter)).text
    house.press_unsubscribe(letter)
    assert house.decide(BOB.email, TOPIC).decision.code == "withdrawn"
    assert not [row for row in house.rows()["ledger_entry"] if "not_me" in row]


def test_it_does_not_go_once_the_person_has_left_or_the_consent_has_ended(
    api: Caller, house: House, later: Any, near_the_end: None
) -> None:
    answer = api.post("/renewals", topic=TOPIC, emails=[ANNE.email, BOB.email, "nobody@example.com"])
    assert answer.status_code == 202
    assert [result["outcome"] for result in answer.get_json()["results"]] == ["queued", "queued", "no_consent"]
    api.post("/withdrawals", email=ANNE.email, scope="all", channel="phone")
    later(days=22)
    assert house.letters() == []


def test_it_is_refused_with_the_reason_when_it_is_not_lawful_or_not_needed(
    api: Caller, house: House, near_the_end: None
) -> None:
    house.confirm("given@example.com", [TOPIC])
    api.post("/withdrawals", email=ANNE.email, scope=TOPIC, channel="phone")
    asked = [ANNE.email, BOB.email, BOB.email, "given@example.com"]
    results = api.post("/renewals", topic=TOPIC, emails=asked).get_json()["results"]
    assert [result["outcome"] for result in results] == ["withdrawn", "already", "already", "express_consent"]


def test_what_has_no_end_in_sight_is_not_asked_about_and_nothing_is_recorded(api: Caller, house: House) -> None:
    body = {"email": CHLOE.email, "brand": "acme", "kind": "subscription", "occurred_at": "2020-01-10T10:00:00Z"}
    api.post("/relationships", **body)
    (result,) = api.post("/renewals", topic=TOPIC, emails=[CHLOE.email]).get_json()["results"]
    assert result["outcome"] == "no_end"
    assert house.kinds(CHLOE.email) == ["relationship.recorded"]


def test_for_one_ending_there_is_one_mail_however_long_before_it(api: Caller, house: House, later: Any) -> None:
    sale = {"email": CHLOE.email, "brand": "acme", "kind": "purchase", "occurred_at": clock.now().isoformat()}
    api.post("/relationships", **sale)
    outcomes = []
    for days in (2, 90, 700):
        later(days=days)
        outcomes += [api.post("/renewals", topic=TOPIC, emails=[CHLOE.email]).get_json()["results"][0]["outcome"]]
    assert outcomes == ["queued", "already", "already"]
    later(days=715)
    assert len(house.letters(CHLOE.email)) <= 1
    assert house.kinds(CHLOE.email).count("renewal.offered") == 1


def test_its_page_does_not_speak_as_if_the_person_had_signed_up(house: House, near_the_end: None) -> None:
    page = house.client.get(house.link(house.letters(BOB.email)[0], "c")).text
    assert "Stop them now" in page and "It was not you?" not in page


def test_a_form_that_does_not_offer_the_topic_cannot_ask(api: Caller, near_the_end: None) -> None:
    for body in ({"form": "zest-news"}, {"topic": "zest/newsletter"}):
        refused = api.post("/renewals", **({"topic": TOPIC, "emails": [BOB.email]} | body))
        assert refused.status_code == 422 and "form" in refused.get_json(force=True)["errors"]


@pytest.mark.parametrize(
    ("topic", "form", "subject", "says"),
    [
        (TOPIC, "acme-news", "Would you like to keep hearing from us? - Acme", "By law we may send them until"),
        ("zest/newsletter", "zest-news", "Souhaitez-vous continuer de recevoir nos messages\u202f? - Zest Kitchen", "La loi nous permet de vous les envoyer"),
    ],
)  # fmt: skip
def test_the_mail_says_the_same_as_text_and_as_html_in_both_languages(
    api: Caller, house: House, topic: str, form: str, subject: str, says: str
) -> None:
    sale = {"brand": topic.partition("/")[0], "kind": "purchase", "occurred_at": "2025-11-03T10:00:00-05:00"}
    api.post("/relationships", email=CHLOE.email, **sale)
    api.post("/renewals", topic=topic, form=form, emails=[CHLOE.email])
    letter = house.letters(CHLOE.email)[0]
    assert letter["Subject"] == subject
    for kind in ("plain", "html"):
        part = letter.get_body((kind,))
        assert part is not None and says in part.get_content()
        assert all(f"/{purpose}/" in part.get_content() for purpose in "cup")
