"""Keys of the API: what they may do, until when, and that nothing else opens the door."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from consent import clock
from consent.setup import keys
from consent.store import database
from consent.store.keys import ApiKey
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE

QUESTION = {"email": ANNE.email, "topic": "acme/newsletter"}


def last_used(key: str) -> Any:
    with database.reading() as connection:
        wanted = select(ApiKey.last_used_at).where(ApiKey.id == key.split("_")[1])
        return connection.execute(wanted).scalar_one()


def test_a_key_works_until_it_expires_and_then_says_so(client: FlaskClient, later: Any) -> None:
    api = Caller(client, keys.create("short", ["decisions"], clock.now(), clock.now() + timedelta(hours=1)))
    assert api.post("/decisions", **QUESTION).status_code == 200
    later(hours=1)
    refused = api.post("/decisions", **QUESTION)
    assert refused.status_code == 401 and refused.mimetype == "application/problem+json"
    assert re.match(r"This key expired at .* UTC\. Make another one", refused.get_json(force=True)["detail"])
    assert "error=invalid_token" in refused.headers["WWW-Authenticate"]


def test_a_key_that_was_revoked_opens_nothing_and_revoking_it_again_changes_nothing(client: FlaskClient) -> None:
    key = keys.create("lost", ["decisions"], clock.now())
    api = Caller(client, key)
    assert api.post("/decisions", **QUESTION).status_code == 200
    keys.revoke(key.split("_")[1], clock.now())
    (first,) = (one.revoked_at for one in keys.listed() if one.name == "lost")
    keys.revoke(key.split("_")[1], clock.now() + timedelta(days=1))
    assert [one.revoked_at for one in keys.listed() if one.name == "lost"] == [first]
    refused = api.post("/decisions", **QUESTION)
    assert refused.status_code == 401 and "was revoked on" in refused.get_json(force=True)["detail"]


def test_whoever_does_not_know_the_secret_learns_nothing_of_what_became_of_a_key(client: FlaskClient) -> None:
    key = keys.create("lost", ["decisions"], clock.now())
    keys.revoke(key.split("_")[1], clock.now())
    wrong, unknown = (
        Caller(client, text).post("/decisions", **QUESTION) for text in (key[:-1] + "~", "ck_000000000000_x")
    )
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.data == unknown.data and wrong.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"]


def test_revoking_a_key_that_nobody_has_is_an_error(house: House) -> None:
    with pytest.raises(keys.NoSuchKey, match="consent api-key list"):
        keys.revoke("000000000000", clock.now())


def test_a_missing_scope_is_named(client: FlaskClient) -> None:
    refused = Caller(client, keys.create("narrow", ["signups"], clock.now())).post("/decisions", **QUESTION)
    assert refused.status_code == 403
    assert "the scope decisions" in refused.get_json(force=True)["detail"]


def test_a_post_notes_when_its_key_was_used_and_a_get_does_not(client: FlaskClient, later: Any) -> None:
    key = keys.create("esp", ["decisions", "contacts"], clock.now())
    api = Caller(client, key)
    assert api.get("/contacts", email=ANNE.email).status_code == 404
    assert last_used(key) is None
    assert api.post("/decisions", **QUESTION).status_code == 200
    assert abs(last_used(key) - clock.now()) < timedelta(seconds=30)


def test_a_request_that_was_refused_writes_nothing_not_even_that_the_key_was_used(
    client: FlaskClient, house: House
) -> None:
    api = Caller(client, keys.create("esp", ["decisions"], clock.now()))
    before = house.rows()
    assert api.post("/decisions", email="nobody").status_code == 422
    assert house.rows() == before


def test_the_use_of_a_key_is_noted_once_a_minute(client: FlaskClient) -> None:
    key = keys.create("esp", ["decisions"], clock.now())
    found = keys.check(key)
    assert found
    keys.used(found, clock.now())
    first = last_used(key)
    keys.used(found, clock.now() + timedelta(hours=1))  # the process looks at its own clock, and asks no database
    assert last_used(key) == first


def test_an_answer_is_given_although_the_use_of_the_key_cannot_be_noted(house: House, client: FlaskClient) -> None:
    api = Caller(client, keys.create("esp", ["decisions"], clock.now()))
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE api_key RENAME COLUMN last_used_at TO gone")
    assert api.post("/decisions", **QUESTION).status_code == 200
