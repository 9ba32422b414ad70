"""Idempotency-Key: the same request is done once and answered the same, however often and wherever it arrives."""

import os
import signal
import threading
from collections import Counter
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from consent import clock
from consent.api import idempotency
from consent.records import answered
from consent.setup import keys
from consent.store import database
from consent.store.answered import Answered
from consent.store.ledger import LedgerEntry
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE, BOB
from tests.test_races import at_once
from tests.test_statements import cost, on

PURCHASE = {"email": BOB.email, "brand": "acme", "kind": "purchase", "occurred_at": "2026-01-10T10:00:00Z"}
WITHDRAWAL = {"email": BOB.email, "scope": "acme", "channel": "phone"}
EVERY_EFFECT = {
    "/signups": {"email": ANNE.email, "form": "acme-news"},
    "/relationships": PURCHASE,
    "/consents": {
        "email": ANNE.email, "topic": "acme/newsletter", "method": "paper", "occurred_at": "2026-01-10T10:00:00Z",
        "evidence": {"document": "cabinet 4, sheet 12"},
    },
    "/withdrawals": WITHDRAWAL,
    "/suppressions": {"email": BOB.email, "reason": "manual"},
    "/renewals": {"topic": "acme/promotions", "form": "acme-news", "emails": [BOB.email]},
    "/exports": {"format": "csv"},
}  # fmt: skip


def send(api: Caller, path: str, body: Any, key: str = "order-1") -> TestResponse:
    return api.client.post(f"/api/v1{path}", json=body, headers={**api.headers, "Idempotency-Key": key})


def count(what: Any) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(what)).scalar_one())


@pytest.mark.parametrize("path", EVERY_EFFECT)
def test_the_same_request_again_is_answered_byte_for_byte_and_done_once(api: Caller, path: str) -> None:
    first = send(api, path, EVERY_EFFECT[path])
    entries = count(LedgerEntry)
    second = send(api, path, EVERY_EFFECT[path])
    assert first.status_code < 300, first.text
    assert (second.status_code, second.mimetype, second.data) == (first.status_code, first.mimetype, first.data)
    assert (first.headers.get("Idempotency-Replayed"), second.headers["Idempotency-Replayed"]) == (None, "true")
    assert count(LedgerEntry) == entries and count(Answered) == 1


def test_an_erasure_that_is_asked_for_again_is_answered_as_done_and_not_as_an_error(api: Caller, house: House) -> None:
    house.sign_up(ANNE.email)
    path = f"/contacts/{api.get('/contacts', email=ANNE.email).get_json()['id']}/erasure"
    first, second = (send(api, path, {"reason": "request"}) for _ in range(2))
    assert first.status_code == second.status_code == 202 and first.data == second.data
    assert send(api, path, {"reason": "request"}, "order-2").status_code == 409


def test_another_spelling_of_the_same_json_is_the_same_request(api: Caller) -> None:
    first = send(api, "/relationships", PURCHASE)
    headers = {**api.headers, "Idempotency-Key": "order-1", "Content-Type": "application/json; charset=UTF-8"}
    text = "{\n" + ",\n ".join(f'"{name}" : "{value}"' for name, value in reversed(PURCHASE.items())) + "}"
    assert api.client.post("/api/v1/relationships", data=text, headers=headers).data == first.data


def test_another_body_under_the_same_key_is_refused_and_changes_nothing(api: Caller, house: House) -> None:
    send(api, "/relationships", PURCHASE)
    before = house.rows()
    refused = send(api, "/relationships", PURCHASE | {"kind": "lease"})
    assert refused.status_code == 422 and "another body" in refused.get_json(force=True)["detail"]
    assert house.rows() == before


def test_the_scope_of_a_key_is_the_caller_and_the_path(api: Caller, client: FlaskClient) -> None:
    other = Caller(client, keys.create("other", keys.SCOPES, clock.now()))
    assert send(api, "/relationships", PURCHASE).status_code == 201
    assert send(api, "/withdrawals", WITHDRAWAL).status_code == 201
    assert "Idempotency-Replayed" not in send(other, "/relationships", PURCHASE).headers
    assert "Idempotency-Replayed" not in send(api, "/relationships", PURCHASE, "ORDER-1").headers


def test_without_the_header_a_request_is_done_again_and_nothing_is_kept(api: Caller) -> None:
    first, second = (api.post("/relationships", **PURCHASE).get_json()["entry"] for _ in range(2))
    assert first != second and count(Answered) == 0


def test_what_was_refused_leaves_its_key_free_for_the_corrected_request(api: Caller) -> None:
    assert send(api, "/relationships", PURCHASE | {"kind": "theft"}).status_code == 422
    assert count(Answered) == 0
    assert send(api, "/relationships", PURCHASE).status_code == 201


def test_of_many_what_became_of_each_is_answered_again(api: Caller) -> None:
    body = {"items": [PURCHASE, PURCHASE | {"kind": "theft"}, PURCHASE | {"email": ANNE.email}]}
    first, second = send(api, "/relationships", body), send(api, "/relationships", body)
    assert [one["status"] for one in first.get_json()["results"]] == [201, 422, 201]
    assert first.data == second.data


@pytest.mark.parametrize("value", ["", " ", "x" * 256, "tab\there", "é", "\x7f", "\x00"])
@pytest.mark.parametrize("path", ["/relationships", "/decisions"])
def test_a_malformed_key_is_refused_and_nothing_is_done(api: Caller, house: House, path: str, value: str) -> None:
    before = house.rows()
    environ = {"HTTP_IDEMPOTENCY_KEY": value, "HTTP_AUTHORIZATION": api.headers["Authorization"]}
    refused = api.client.post(f"/api/v1{path}", json=PURCHASE, environ_overrides=environ)
    assert refused.status_code == 400 and "1 to 255 characters" in refused.get_json(force=True)["detail"]
    assert house.rows() == before


def test_a_key_of_255_characters_is_one(api: Caller) -> None:
    assert send(api, "/relationships", PURCHASE, "x" * 255).status_code == 201


def test_a_question_is_answered_anew_since_a_yes_must_not_outlive_a_no(api: Caller, house: House) -> None:
    letter = house.confirm(ANNE.email)
    body = {"email": ANNE.email, "topic": "acme/newsletter"}
    assert send(api, "/decisions", body).get_json()["decision"] == "allow"
    house.press_unsubscribe(letter)
    assert send(api, "/decisions", body).get_json()["decision"] == "deny"


def test_sixteen_at_once_with_one_key_have_one_effect(api: Caller, house: House) -> None:
    def act() -> TestResponse:
        return send(Caller(house.app.test_client(use_cookies=False), key), "/relationships", PURCHASE)

    key = api.headers["Authorization"].removeprefix("Bearer ")
    before = count(LedgerEntry)
    outcomes = at_once(house, [act] * 16)
    codes = Counter(outcome.status_code for outcome in outcomes)
    assert set(codes) <= {201, 409} and codes[201] >= 1, codes
    assert len({outcome.data for outcome in outcomes if outcome.status_code == 201}) == 1
    assert count(LedgerEntry) == before + 1
    assert all(outcome.headers["Retry-After"] == "1" for outcome in outcomes if outcome.status_code == 409)
    assert send(api, "/relationships", PURCHASE).headers["Idempotency-Replayed"] == "true"


def test_while_a_request_is_in_flight_the_same_is_told_to_wait(api: Caller, house: House) -> None:
    """The first waits for the person, whom somebody else has locked; the second need not wait with it."""
    send(api, "/relationships", PURCHASE, "before")
    begun, codes = threading.Event(), list[int]()

    def first() -> int:
        begun.set()
        return send(api, "/relationships", PURCHASE).status_code

    def second() -> None:
        begun.wait(10)
        deadline = clock.monotonic() + 10
        while clock.monotonic() < deadline and 409 not in codes:  # until the first has really begun
            if answered._at_work:
                codes.append(send(api, "/relationships", PURCHASE).status_code)

    def hold() -> None:
        with database.writing() as connection:
            answered._take(connection, bytes(32))
            database.alone(connection, "test")
            if connection.dialect.name != "sqlite":
                connection.exec_driver_sql("LOCK TABLE contact IN ACCESS EXCLUSIVE MODE")
            ready.set()
            done.wait(20)

    ready, done = threading.Event(), threading.Event()

    def run() -> None:
        ready.wait(10)
        second()
        done.set()

    def wait_then_first() -> int:
        ready.wait(10)
        return first()

    outcomes = at_once(house, [hold, wait_then_first, run])
    assert outcomes[1] == 201 and codes[-1:] == [409], (outcomes, codes)


@pytest.mark.postgresql
def test_a_request_that_is_in_flight_on_another_host_is_told_to_wait(api: Caller) -> None:
    asked = "\n".join((api.headers["Authorization"].split("_")[1], "POST", "/api/v1/relationships", "order-1"))
    import hashlib

    with database.db.engine.begin() as elsewhere:
        answered._take(elsewhere, hashlib.sha256(asked.encode()).digest())
        assert send(api, "/relationships", PURCHASE).status_code == 409
    assert send(api, "/relationships", PURCHASE).status_code == 201


def test_a_process_that_is_killed_before_the_commit_leaves_neither_effect_nor_key(api: Caller, house: House) -> None:
    before = count(LedgerEntry)
    database.db.engine.dispose()
    child = os.fork()
    if child == 0:  # dies at the last moment: everything is written, nothing is committed
        answered._keeping = lambda dialect: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]  # never returns
        send(api, "/relationships", PURCHASE)
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert (count(LedgerEntry), count(Answered)) == (before, 0)
    assert send(api, "/relationships", PURCHASE).status_code == 201
    assert (count(LedgerEntry), count(Answered)) == (before + 1, 1)


def test_after_a_day_a_key_may_be_used_anew_and_the_worker_forgets_it(api: Caller, house: House, later: Any) -> None:
    first = send(api, "/relationships", PURCHASE)
    later(hours=24)
    again = send(api, "/relationships", PURCHASE)
    assert again.status_code == 201 and again.data != first.data
    later(hours=49)
    house.drain()
    assert count(Answered) == 0


def test_once_somebody_is_erased_no_kept_answer_names_them_and_nothing_is_done_again(api: Caller, house: House) -> None:
    house.sign_up(ANNE.email)
    body = {"topic": "acme/promotions", "form": "acme-news", "emails": [ANNE.email]}
    assert ANNE.email in send(api, "/renewals", body).text
    contact = api.get("/contacts", email=ANNE.email).get_json()["id"]
    assert api.post(f"/contacts/{contact}/erasure", reason="request").status_code == 202
    assert ANNE.email not in str(house.rows()["answered"])
    refused = send(api, "/renewals", body)
    assert refused.status_code == 409 and "This was done" in refused.get_json(force=True)["detail"]


def test_it_costs_two_statements_more_and_nothing_without_the_header(api: Caller) -> None:
    plain = len(cost(lambda: api.post("/relationships", **PURCHASE)))
    assert len(cost(lambda: send(api, "/relationships", PURCHASE))) == plain + on(sqlite=2, postgresql=3)
    assert len(cost(lambda: send(api, "/relationships", PURCHASE))) == on(sqlite=1, postgresql=2)


def test_the_longest_key_is_what_the_header_takes() -> None:
    assert idempotency.LONGEST == 255
