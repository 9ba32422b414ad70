"""GET /api/v1/brands, /topics, /notices and /forms: what is set up."""

import hashlib

import pytest
from flask.testing import FlaskClient

from consent import clock
from consent.setup import keys
from tests.api.calling import Caller


def test_brands_say_who_writes_and_what_each_message_must_say(api: Caller) -> None:
    acme, zest = api.get("/brands").get_json()["brands"]
    assert (acme["slug"], acme["organization_name"], acme["zone"]) == ("acme", "Acme Widgets Inc.", "America/Toronto")
    assert acme["phone"] == "+1 416 555 0100" and zest["phone"] is None and zest["languages"] == ["fr", "en"]


def test_topics_have_the_names_that_people_see_and_the_list_id_of_their_messages(api: Caller) -> None:
    found = {one["slug"]: one for one in api.get("/topics").get_json()["topics"]}
    assert found["acme/newsletter"]["name"] == {"en": "Acme newsletter", "fr": "Infolettre d’Acme"}
    assert found["acme/newsletter"]["list_id"] == "<newsletter.acme.acme.example>"


def test_forms_name_the_notices_whose_words_they_show(api: Caller) -> None:
    words = {one["sha256"]: one["words"] for one in api.get("/notices").get_json()["notices"]}
    forms = api.get("/forms").get_json()["forms"]
    shown = {sha for form in forms for sha in form["notices"].values()}
    assert shown <= words.keys() and all(
        hashlib.sha256(text.encode()).hexdigest() == sha for sha, text in words.items()
    )
    assert forms[0]["url"] == f"https://consent.example.com/s/{forms[0]['slug']}"


@pytest.mark.parametrize("what", ["brands", "topics", "notices", "forms"])
def test_page_by_page_everything_comes_once(api: Caller, what: str) -> None:
    whole, pieces, after = api.get(f"/{what}").get_json()[what], [], ""
    while after is not None:
        page = api.get(f"/{what}", after=after, limit=1).get_json()
        pieces += page[what]
        after = page["next"]
    assert pieces == whole and len(whole) > 1


@pytest.mark.parametrize("scope", keys.SCOPES)
def test_any_key_may_see_what_is_set_up(client: FlaskClient, scope: str) -> None:
    assert Caller(client, keys.create(scope, [scope], clock.now())).get("/topics").status_code == 200
