"""GET /api/v1/contacts…: who somebody is, how every topic stands, and the history with its proofs."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from consent import clock
from consent.records import publish, signing
from consent.records.append import Origin
from consent.setup import keys
from tests.api.calling import Caller
from tests.api.test_ledger_http import LOG, check_proof, is_problem
from tests.house import House
from tests.people import ANNE, BOB, CHLOE
from tests.test_statements import cost


def card(api: Caller, email: str = ANNE.email) -> dict[str, Any]:
    answer = api.get("/contacts", email=email)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def pages(api: Caller, contact: str, limit: int) -> list[dict[str, Any]]:
    """Return every entry of *contact*, read page by page."""
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        answer = api.get(f"/contacts/{contact}/entries", after=after, limit=limit).get_json()
        found += answer["entries"]
        assert len(answer["entries"]) <= limit
        if answer["next"] is None:
            return found
        after = answer["next"]


def test_a_contact_is_found_by_address_and_by_id(house: House, api: Caller) -> None:
    house.confirm(ANNE.email)
    found = card(api)
    assert api.get(f"/contacts/{found['id']}").get_json() == found
    assert (found["email"], found["language"], found["place"]) == (ANNE.email, "en", None)
    assert found["created_at"].endswith("Z")


def test_the_standings_are_what_a_decision_says(house: House, api: Caller) -> None:
    house.confirm(ANNE.email)
    (standing,) = card(api)["standings"]
    decided = api.decide(ANNE.email)
    assert standing["topic"] == "acme/newsletter" and standing["allowed_until"] is None
    assert (standing["state"], standing["basis"]) == (decided["state"], "casl.express")
    assert standing["entry"] == decided["reasons"][0]["entry"]
    house.press_unsubscribe(house.letters(ANNE.email)[-1])
    assert [line["state"] for line in card(api)["standings"]] == ["withdrawn"]


def test_an_implied_consent_is_expired_once_its_window_has_closed(api: Caller, later: Any) -> None:
    asked = {"email": BOB.email, "brand": "acme", "kind": "inquiry", "occurred_at": clock.now().isoformat()}
    api.post("/relationships", **asked)
    first = {line["topic"]: line for line in card(api, BOB.email)["standings"]}["acme/promotions"]
    assert (first["state"], first["basis"]) == ("implied", "casl.10(10)(e)") and first["allowed_until"]
    later(days=200)
    then = {line["topic"]: line for line in card(api, BOB.email)["standings"]}["acme/promotions"]
    assert then["state"] == "expired"


def test_a_sign_up_that_waits_is_requested(house: House, api: Caller) -> None:
    house.sign_up(CHLOE.email)
    assert [line["state"] for line in card(api, CHLOE.email)["standings"]] == ["requested"]


def test_only_the_exact_address_is_found(house: House, api: Caller) -> None:
    house.confirm(ANNE.email)
    for email in (BOB.email, ANNE.email.upper(), f"x{ANNE.email}"):
        assert is_problem(api.get("/contacts", email=email), 404), email
    for id in ("nobody", "%00", "A" * 22, card(api)["id"].swapcase()):
        assert is_problem(api.get(f"/contacts/{id}"), 404)
        assert is_problem(api.get(f"/contacts/{id}/entries"), 404)


@pytest.mark.parametrize(
    ("query", "field"), [({}, "email"), ({"email": "anne@"}, "email"), ({"email": ANNE.email, "x": 1}, "x")]
)
def test_an_impossible_question_is_refused(api: Caller, query: dict[str, Any], field: str) -> None:
    answer = api.get("/contacts", **query)
    assert is_problem(answer, 422) and field in answer.get_json(force=True)["errors"]


def test_the_history_is_the_chain_oldest_first_whatever_the_page(house: House, api: Caller) -> None:
    letter = house.confirm(ANNE.email, ["acme/newsletter", "acme/promotions"])
    house.letters()
    house.press_unsubscribe(letter)
    contact = card(api)["id"]
    whole = pages(api, contact, 1000)
    assert [entry["kind"] for entry in whole] == house.kinds(ANNE.email)
    assert [entry["cseq"] for entry in whole] == list(range(1, len(whole) + 1))
    assert pages(api, contact, 1) == pages(api, contact, 2) == pages(api, contact, len(whole)) == whole
    assert api.get(f"/contacts/{contact}/entries", after=3).get_json()["entries"] == whole[3:]
    asked = next(entry for entry in whole if entry["kind"] == "consent.requested")
    assert (asked["brand"], asked["topic"], asked["actor"], asked["channel"]) == (
        "acme", "acme/newsletter", "contact", "web",
    )  # fmt: skip


def test_each_entry_has_the_text_that_was_hashed_and_no_personal_data(house: House, api: Caller) -> None:
    house.confirm(ANNE.email)
    for entry in pages(api, card(api)["id"], 10):
        assert hashlib.sha256(b"\0" + entry["body"].encode()).hexdigest() == entry["leaf_hash"]
        assert "montreal" not in str(entry) and "127.0.0.1" not in str(entry)


def test_an_entry_is_sequenced_and_then_published_with_a_proof(house: House, api: Caller, tmp_path: Path) -> None:
    publisher = signing.create(tmp_path / "ledger.key", LOG)
    house.sign_up(ANNE.email)
    house.number()
    contact = card(api)["id"]
    assert {entry["state"] for entry in pages(api, contact, 10)} == {"sequenced"}
    publish.publish(publisher, Origin(LOG, clock.now()))
    house.sign_up(ANNE.email, ["acme/promotions"])
    house.number()
    found = pages(api, contact, 10)
    assert [entry["state"] for entry in found] == ["published", "sequenced"]
    path = found[0]["proof_url"].removeprefix("https://consent.example.com")
    assert check_proof(house.client.get(path).text, found[0], publisher) == found[0]["sequence"]


def test_after_an_erasure_the_entries_stay_and_the_address_is_gone(house: House, api: Caller) -> None:
    house.confirm(ANNE.email)
    contact = card(api)["id"]
    api.post(f"/contacts/{contact}/erasure", reason="request")
    assert is_problem(api.get("/contacts", email=ANNE.email), 404)
    found = api.get(f"/contacts/{contact}").get_json()
    assert (found["email"], found["place"]) == (None, None)
    assert {line["state"] for line in found["standings"]} == {"suppressed"}
    assert [entry["kind"] for entry in pages(api, contact, 10)][-1] == "contact.erased"


@pytest.mark.parametrize(
    ("query", "field"), [({"limit": 0}, "limit"), ({"limit": 1001}, "limit"), ({"after": "x"}, "after"), ({"at": 1}, "at")]
)  # fmt: skip
def test_an_impossible_page_is_refused(house: House, api: Caller, query: dict[str, Any], field: str) -> None:
    house.sign_up(ANNE.email)
    answer = api.get(f"/contacts/{card(api)['id']}/entries", **query)
    assert is_problem(answer, 422) and field in answer.get_json(force=True)["errors"]


def test_a_place_in_somebody_elses_history_is_refused(house: House, api: Caller) -> None:
    for person in (ANNE, BOB):
        house.sign_up(person.email)
    theirs = pages(api, card(api, BOB.email)["id"], 10)[0]["entry"]
    assert is_problem(api.get(f"/contacts/{card(api)['id']}/entries", after=theirs), 422)


def test_who_may_read_it(house: House, api: Caller) -> None:
    house.sign_up(ANNE.email)
    contact = card(api)["id"]
    paths = [f"/api/v1/contacts{rest}" for rest in (f"?email={ANNE.email}", f"/{contact}", f"/{contact}/entries")]
    allowed = {"contacts": [200, 200, 200], "records": [403, 403, 200], "decisions": [403, 403, 403]}
    for scope, statuses in allowed.items():
        headers = {"Authorization": f"Bearer {keys.create(scope, [scope], clock.now())}"}
        assert [house.client.get(path, headers=headers).status_code for path in paths] == statuses
    assert [house.client.get(path).status_code for path in paths] == [401, 401, 401]


def test_reading_changes_nothing_and_costs_few_statements(house: House, api: Caller) -> None:
    house.confirm(ANNE.email)
    contact = card(api)["id"]
    entry = pages(api, contact, 10)[0]["entry"]
    before = house.rows()
    assert len(cost(lambda: card(api))) == 2
    assert len(cost(lambda: api.get(f"/contacts/{contact}"))) == 2
    assert len(cost(lambda: api.get(f"/contacts/{contact}/entries"))) == 3
    assert len(cost(lambda: api.get(f"/contacts/{contact}/entries", after=entry))) == 4
    for path in (f"/contacts/{contact}", f"/contacts/{contact}/entries"):
        assert house.client.head(f"/api/v1{path}", headers=api.headers).status_code == 200
    assert house.rows() == before
