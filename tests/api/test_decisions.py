"""POST /api/v1/decisions."""

from contextlib import suppress
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from consent.records.sequence import ClockBehind
from consent.store import database
from tests.house import House
from tests.people import ANNE, CHLOE


def ask(client: FlaskClient, key: str, **body: object) -> TestResponse:
    body = {"email": ANNE.email, "topic": "acme/newsletter"} | body
    return client.post("/api/v1/decisions", json=body, headers={"Authorization": f"Bearer {key}"})


def test_an_allow_names_its_basis_its_section_and_its_entry(house: House, client: FlaskClient, api_key: str) -> None:
    house.confirm(ANNE.email)
    house.number()
    answer = ask(client, api_key).get_json()
    assert (answer["decision"], answer["state"], answer["code"]) == ("allow", "given", "express_consent")
    assert answer["basis"]["regime"] == "casl" and answer["basis"]["ground"] == "express"
    (reason,) = answer["reasons"]
    assert reason["citation"] == "S.C. 2010, c. 23, s. 10(1)"
    assert reason["entry"] in "".join(house.rows()["ledger_entry"])
    assert reason["sequence"] == answer["ledger"]["size"] - 1
    assert answer["remedy"] is None


def test_a_deny_says_what_to_do_instead(client: FlaskClient, api_key: str) -> None:
    answer = ask(client, api_key).get_json()
    assert (answer["decision"], answer["state"], answer["code"]) == ("deny", "unknown", "no_consent")
    assert answer["basis"] is None and "sign-up form" in answer["remedy"]


def test_a_welcome_mail_is_listed_as_not_consent(house: House, client: FlaskClient, api_key: str) -> None:
    letter = house.confirm(CHLOE.email)
    house.letters()
    house.press_unsubscribe(letter)
    answer = ask(client, api_key, email=CHLOE.email).get_json()
    assert answer["decision"] == "deny"
    assert [item["kind"] for item in answer["not_consent"]] == ["welcome.sent"]


def test_the_past_is_answered_as_of_then(house: House, client: FlaskClient, api_key: str, later: Any) -> None:
    letter = house.confirm(ANNE.email)
    then = ask(client, api_key).get_json()["at"]
    later(days=1)
    house.press_unsubscribe(letter)
    assert ask(client, api_key).get_json()["decision"] == "deny"
    assert ask(client, api_key, at=then).get_json()["decision"] == "allow"
    assert ask(client, api_key, at="2020-01-01T00:00:00Z").get_json()["decision"] == "deny"


def test_a_no_written_by_a_clock_that_is_ahead_holds_at_once(
    house: House, client: FlaskClient, api_key: str, later: Any
) -> None:
    letter = house.confirm(ANNE.email)
    later(seconds=30)
    house.press_unsubscribe(letter)
    later(seconds=0)
    assert ask(client, api_key).get_json()["decision"] == "deny"


def test_a_worker_whose_clock_is_behind_still_sends_the_welcome(house: House, later: Any) -> None:
    later(seconds=30)
    house.confirm(ANNE.email)
    with database.writing() as connection:
        connection.execute(text("UPDATE outbox SET run_at = '2026-01-01T00:00:00.000Z'"))
    later(seconds=0)
    with suppress(ClockBehind):  # on PostgreSQL, where it sends and leaves the numbering to others
        house.letters()
    assert house.kinds(ANNE.email)[-1] == "welcome.sent"


def test_the_confirmation_kind_is_allowed_only_while_a_sign_up_waits(
    house: House, client: FlaskClient, api_key: str
) -> None:
    assert ask(client, api_key, kind="confirmation").get_json()["decision"] == "deny"
    house.sign_up(ANNE.email)
    assert ask(client, api_key, kind="confirmation").get_json()["code"] == "exempt_confirmation"
    house.letters()
    assert ask(client, api_key, kind="confirmation").get_json()["decision"] == "deny"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "newsletter"}, {"at": "yesterday"}, {"at": "2026-01-01T00:00:00"}, {"at": "9999-12-31T23:59:59-23:59"}, {"at": "0001-01-01T00:00:00+23:59"}, {"at": 5}, {"topic": "acme"}, {"topic": "acme/x"},
        {"email": "anne"}, {"place": "Québec"}, {"when": "now"}, {"email": None}, {"topic": ["acme/newsletter"]},
    ],
)  # fmt: skip
def test_an_impossible_question_is_refused_field_by_field(
    client: FlaskClient, api_key: str, body: dict[str, object]
) -> None:
    answer = ask(client, api_key, **body)
    assert answer.status_code == 422
    assert set(answer.get_json(force=True)["errors"]) == set(body)


def test_the_reasons_come_in_french_for_who_reads_french(house: House, client: FlaskClient, api_key: str) -> None:
    house.confirm(ANNE.email)
    headers = {"Authorization": f"Bearer {api_key}", "Accept-Language": "fr-CA,fr;q=0.9"}
    body = {"email": ANNE.email, "topic": "acme/newsletter"}
    french = client.post("/api/v1/decisions", json=body, headers=headers).get_json()
    chosen = ask(client, api_key, language="fr").get_json()
    english = client.post("/api/v1/decisions", json=body | {"language": "en"}, headers=headers).get_json()
    assert french["reasons"] == chosen["reasons"]
    assert french["reasons"][0]["text"].endswith("un consentement exprès n’a pas de terme.")
    assert french["reasons"][0]["citation"] == "L.C. 2010, ch. 23, art. 10(1)"
    same = ("decision", "state", "code", "basis")
    assert [french[key] for key in same] == [english[key] for key in same]


def test_the_api_is_described(client: FlaskClient) -> None:
    found = client.get("/api/openapi.json").get_json()
    assert found["openapi"] == "3.1.0"
    assert {path.removeprefix("/api/v1") for path in found["paths"]} == {
        "/signups", "/decisions", "/decisions/batch", "/decisions/export", "/relationships", "/consents", "/contacts/{id}/erasure", "/withdrawals",
        "/suppressions", "/expiring", "/renewals", "/exports", "/exports/{id}", "/exports/{id}/download",
        "/messages/preflight", "/contacts", "/contacts/{id}", "/contacts/{id}/entries", "/entries", "/brands", "/topics", "/notices", "/forms", "/ledger/checkpoint", "/ledger/vkey", "/ledger/tile/{tile}",
        "/ledger/tile/entries/{tile}", "/ledger/proof/{entry}", "/ledger/consistency",
    }  # fmt: skip


def test_what_a_body_may_hold_is_described_for_one_and_for_many(client: FlaskClient) -> None:
    found = client.get("/api/openapi.json").get_json()
    content = found["paths"]["/api/v1/relationships"]["post"]["requestBody"]["content"]["application/json"]
    one, many = content["schema"]["oneOf"]
    described = found["components"]["schemas"][one["$ref"].rpartition("/")[2]]
    assert {"email", "brand", "kind", "occurred_at", "ended_at", "voids"} <= set(described["properties"])
    assert many["properties"]["items"]["items"]["anyOf"][0] == one
