"""POST /api/v1/signups."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent import clock
from consent.setup import keys
from tests.house import House


def post(client: FlaskClient, key: str, body: object) -> TestResponse:
    return client.post("/api/v1/signups", json=body, headers={"Authorization": f"Bearer {key}"})


def test_every_address_gets_the_same_answer(house: House, client: FlaskClient, api_key: str) -> None:
    first = post(client, api_key, {"email": "anne@example.com", "form": "acme-news"})
    again = post(client, api_key, {"email": "anne@example.com", "form": "acme-news"})
    assert (first.status_code, first.json) == (again.status_code, again.json) == (202, {"state": "requested"})
    assert house.kinds("anne@example.com") == ["consent.requested", "consent.requested"]


def test_the_evidence_is_kept_as_asserted_by_the_key(house: House, client: FlaskClient, api_key: str) -> None:
    evidence = {"ip": "203.0.113.9", "user_agent": "Form/1", "url": "https://acme.example/webinar"}
    body = {"email": "bob@example.com", "form": "acme-webinar", "evidence": evidence, "source": "webinar"}
    assert post(client, api_key, body).status_code == 202
    entry = house.decide("bob@example.com").decision.reasons[0].fact
    assert entry is not None and house.decide("bob@example.com").decision.state == "requested"
    rows = {line for line in house.rows()["evidence"] if entry.entry in line}
    assert sum("203.0.113.9" in row for row in rows) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"form": "acme-news"}, "email"),
        ({"email": "anne@", "form": "acme-news"}, "email"),
        ({"email": 5, "form": "acme-news"}, "email"),
        ({"email": "=?utf-8?q?x?=@example.com", "form": "acme-news"}, "email"),
        ({"email": "anne@example.com"}, "form"),
        ({"email": "anne@example.com", "form": "nowhere"}, "form"),
        ({"email": "anne@example.com", "form": "acme-news", "topics": ["acme/nothing"]}, "topics"),
        ({"email": "anne@example.com", "form": "acme-news", "topics": ["zest/newsletter"]}, "topics"),
        ({"email": "anne@example.com", "form": "acme-news", "topics": []}, "topics"),
        ({"email": "anne@example.com", "form": "acme-news", "language": "de"}, "language"),
        ({"email": "anne@example.com", "form": "acme-news", "extra": 1}, "extra"),
        ({"email": "anne@example.com", "form": "acme-news", "evidence": {"ip": "here"}}, "evidence"),
        ({"email": "anne@example.com", "form": "acme-news", "source": "luck"}, "source"),
    ],
)
def test_bad_fields_are_named_and_nothing_is_stored(
    house: House, client: FlaskClient, api_key: str, body: dict[str, object], field: str
) -> None:
    before = house.rows()
    answer = post(client, api_key, body)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert field in answer.get_json(force=True)["errors"]
    assert house.rows() == before


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'"\xff"', "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b"email=anne@example.com", "application/x-www-form-urlencoded", 415),
        (b'{"email": "' + b"a" * 70_000 + b'"}', "application/json", 413),
        (b"[" * 30_000, "application/json", 400),
        (b'{"email": "a@example.com", "form": "\\ud800"}', "application/json", 400),
    ],
)
def test_an_unreadable_body_is_a_problem_and_stores_nothing(
    house: House, client: FlaskClient, api_key: str, content: bytes, kind: str, status: int
) -> None:
    before = house.rows()
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": kind}
    answer = client.post("/api/v1/signups", data=content, headers=headers)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert house.rows() == before


def test_a_call_without_a_key_is_told_how_to_send_one(client: FlaskClient) -> None:
    answer = client.post("/api/v1/signups", json={})
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert "api-key create" in answer.get_json(force=True)["detail"]


def test_a_key_without_the_scope_is_refused(client: FlaskClient) -> None:
    key = keys.create("narrow", ["decisions"], clock.now())
    assert post(client, key, {"email": "anne@example.com", "form": "acme-news"}).status_code == 403


@pytest.mark.parametrize("key", ["", "ck_", "ck_a_b", "nonsense", "ck_" + "0" * 12 + "_" + "x" * 43])
def test_a_wrong_key_is_refused(client: FlaskClient, key: str) -> None:
    assert post(client, key, {"email": "anne@example.com", "form": "acme-news"}).status_code == 401


def test_unknown_api_addresses_and_methods_are_problems_too(client: FlaskClient) -> None:
    assert client.get("/api/v1/nothing").mimetype == "application/problem+json"
    wrong = client.get("/api/v1/signups")
    assert (wrong.status_code, wrong.mimetype) == (405, "application/problem+json")
    assert "POST" in wrong.headers["Allow"]
