"""POST /api/v1/messages/preflight."""

import pytest
from flask.testing import FlaskClient

from consent import clock
from consent.setup import keys
from tests.api.calling import Caller
from tests.law.letters import letter

PATH = "/messages/preflight"
RAW = letter().decode()


def test_a_good_message_is_ok_and_a_bad_one_says_how_to_mend_it(api: Caller) -> None:
    good = api.post(PATH, topic="acme/newsletter", raw=RAW).get_json()
    assert (good["ok"], good["findings"]) == (True, [])
    bad = api.post(
        PATH, topic="acme/newsletter", raw=letter(List_Unsubscribe_Post=None).decode(), language="fr"
    ).get_json()
    assert bad["ok"] is False
    assert bad["findings"] == [{"id": "list_unsubscribe_post", "level": "error", "citation": "RFC 8058 s. 3.1",
        "message": "Il n’y a pas de champ List-Unsubscribe-Post. Ajoutez\u00a0: List-Unsubscribe-Post: List-Unsubscribe=One-Click"}]  # fmt: skip


def test_the_bytes_themselves_may_be_sent(api: Caller) -> None:
    headers = api.headers | {"Content-Type": "message/rfc822"}
    url = f"/api/v1{PATH}?topic=acme/newsletter&kind=receipt"
    assert api.client.post(url, data=letter(), headers=headers).get_json()["ok"] is True
    assert api.client.post(url, data=b"\xff" * 1000, headers=headers).get_json()["ok"] is False
    assert api.client.post(f"/api/v1{PATH}", data=letter(), headers=headers).status_code == 422


def test_what_was_sent_before_is_recognized_by_its_fingerprint(api: Caller) -> None:
    mark = api.post(PATH, topic="acme/newsletter", raw=RAW).get_json()["fingerprint"]
    again = api.post(PATH, topic="acme/newsletter", raw=RAW, earlier=[mark]).get_json()
    assert [found["id"] for found in again["findings"]] == ["repeats_earlier"]


def test_whoever_must_be_named_beside_the_brand_is_looked_for(api: Caller) -> None:
    asked = {"topic": "acme/newsletter", "raw": RAW, "on_behalf": ["Marie Roy"]}
    (found,) = api.post(PATH, **asked).get_json()["findings"]
    assert found["id"] == "identity" and "Marie Roy" in found["message"]
    assert api.post(PATH, **asked | {"on_behalf": ["Acme Widgets Inc."]}).get_json()["ok"] is True


@pytest.mark.parametrize(
    "body",
    [{"on_behalf": "Marie"}, {"on_behalf": ["x"] * 21}, {"kind": "newsletter"}, {"topic": "acme/x"}, {"raw": None}, {"raw": 5}, {"earlier": ["x"]}, {"place": "Québec"}, {"probe": True}],
)  # fmt: skip
def test_an_impossible_request_is_refused_field_by_field(api: Caller, body: dict[str, object]) -> None:
    found = api.post(PATH, **({"topic": "acme/newsletter", "raw": RAW} | body))
    assert found.status_code == 422 and set(found.get_json(force=True)["errors"]) == set(body)


def test_it_needs_a_key_of_who_sends_or_decides(client: FlaskClient, app: object) -> None:
    for scope, status in (("sends", 200), ("decisions", 200), ("leads", 403)):
        caller = Caller(client, keys.create(scope, [scope], clock.now()))
        assert caller.post(PATH, topic="acme/newsletter", raw=RAW).status_code == status
    assert client.post(f"/api/v1{PATH}", json={}).status_code == 401
    assert (
        caller.client.post(
            f"/api/v1{PATH}", data="x", headers=Caller(client, keys.create("s", ["sends"], clock.now())).headers
        ).status_code
        == 415
    )
