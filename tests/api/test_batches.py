"""Decisions by the ten thousand: the same answers as one by one, from one statement."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from consent import addresses, catalogue, clock
from consent.sends import many
from consent.store import database
from consent.store.contacts import Contact
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE, BOB, CHLOE
from tests.test_statements import cost, steps

TOPIC = "acme/newsletter"


def people(api: Caller, house: House) -> list[str]:
    """Put somebody of each state on record and return their addresses."""
    house.confirm("given@example.com")
    house.press_unsubscribe(house.confirm("withdrawn@example.com"))
    house.sign_up("requested@example.com")
    for email, kind, at in (
        ("implied@example.com", "purchase", "2025-11-03T10:00:00-05:00"),
        ("expired@example.com", "inquiry", "2020-11-03T10:00:00-05:00"),
        ("both@example.com", "inquiry", "2020-11-03T10:00:00-05:00"),
    ):
        api.post("/relationships", email=email, brand="acme", kind=kind, occurred_at=at)
    house.sign_up("both@example.com")
    api.post("/suppressions", email="suppressed@example.com", reason="hard_bounce")
    api.post(
        "/relationships", email="other@example.com", brand="zest", kind="purchase", occurred_at="2025-11-03T10:00:00Z"
    )
    names = ("given", "withdrawn", "requested", "implied", "expired", "both", "suppressed", "other", "nobody")
    return [f"{name}@example.com" for name in names]


def batch(api: Caller, emails: list[str], topic: str = TOPIC) -> list[dict[str, Any]]:
    answer = api.post("/decisions/batch", topic=topic, emails=emails)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.get_json()["results"]
    return results


def test_a_batch_says_of_each_what_a_single_decision_says(api: Caller, house: House) -> None:
    emails = people(api, house)
    for result in batch(api, emails):
        single = api.decide(result["email"])
        assert (result["decision"], result["state"]) == (single["decision"], single["state"]), result
        if single["decision"] == "allow":
            assert result["basis"] == f"{single['basis']['regime']}.{single['basis']['ground']}"


def test_the_answers_come_in_the_order_of_the_question_as_often_as_asked(api: Caller, house: House) -> None:
    house.confirm(ANNE.email)
    asked = [BOB.email, ANNE.email, BOB.email, ANNE.email]
    assert [result["email"] for result in batch(api, asked)] == asked
    assert [result["decision"] for result in batch(api, asked)] == ["deny", "allow", "deny", "allow"]


def test_implied_consent_says_until_when(api: Caller, house: House) -> None:
    people(api, house)
    (result,) = batch(api, ["implied@example.com"])
    assert result["allowed_until"] == "2027-11-04T04:00:00.000Z"


def test_an_unreadable_address_is_denied_and_named_and_the_others_are_answered(api: Caller, house: House) -> None:
    house.confirm(ANNE.email)
    bad, good = batch(api, ["anne at home", ANNE.email])
    assert (bad["decision"], bad["error"]) == ("deny", "This is no e-mail address.")
    assert good["decision"] == "allow"


def test_a_batch_is_two_statements_however_many_are_asked_about(house: House) -> None:
    house.confirm(ANNE.email)
    topic = catalogue.topic(TOPIC)
    asked = [addresses.parse(ANNE.email), *(addresses.parse(f"p{n}@example.com") for n in range(5000))]
    assert len(cost(lambda: many.ask(topic, asked, clock.now()))) == 2


def test_ten_thousand_are_taken_and_one_more_is_refused(api: Caller) -> None:
    emails = [f"somebody-with-a-long-name-{n}@example.com" for n in range(10_001)]
    assert len(batch(api, emails[:-1])) == 10_000
    assert "emails" in api.post("/decisions/batch", topic=TOPIC, emails=emails).get_json(force=True)["errors"]


@pytest.mark.parametrize(
    "wrong", [{"emails": []}, {"emails": "x"}, {"emails": [5]}, {"topic": "acme"}, {"kind": "receipt"}]
)
def test_an_impossible_batch_is_refused_by_field(api: Caller, wrong: dict[str, Any]) -> None:
    refused = api.post("/decisions/batch", **({"topic": TOPIC, "emails": [BOB.email]} | wrong))
    assert refused.status_code == 422 and set(refused.get_json(force=True)["errors"]) == set(wrong)


def exported(api: Caller, topic: str = TOPIC) -> dict[str, dict[str, Any]]:
    answer = api.post("/decisions/export", topic=topic)
    assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson")
    return {line["email"]: line for line in map(json.loads, answer.text.splitlines())}


def test_the_export_holds_everybody_who_may_be_mailed_and_nobody_else(api: Caller, house: House) -> None:
    people(api, house)
    found = exported(api)
    assert set(found) == {"given@example.com", "implied@example.com"}
    assert found["implied@example.com"]["basis"] == "casl.10(10)(a)"


def test_its_links_work_and_its_headers_are_those_of_one_click(api: Caller, house: House, client: FlaskClient) -> None:
    house.confirm(CHLOE.email)
    line = exported(api)[CHLOE.email]
    headers, base = line["headers"], "https://consent.example.com"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Id"] == "<newsletter.acme.acme.example>"
    assert client.get(line["preferences_url"].removeprefix(base)).status_code == 200
    link = headers["List-Unsubscribe"].removeprefix(f"<{base}").removesuffix(">")
    assert client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert exported(api) == {}


def test_taking_everybodys_address_is_an_entry_written_before_the_first_byte(api: Caller, house: House) -> None:
    house.confirm(ANNE.email)
    exported(api)
    made = [row for row in house.rows()["ledger_entry"] if "export.made" in row]
    assert len(made) == 1 and "decisions" in made[0] and ANNE.email not in made[0]


def test_without_the_scope_nobody_gets_them(client: FlaskClient) -> None:
    for path in ("batch", "export"):
        assert client.post(f"/api/v1/decisions/{path}", json={"topic": TOPIC}).status_code == 401


def test_a_batch_reads_the_entries_of_each_contact_and_not_all_sign_ups_of_the_topic(house: House) -> None:
    statement = many._of(catalogue.topic(TOPIC)).where(Contact.consent_key == ANNE.email)
    with database.reading() as connection:
        text = str(statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
        plan = steps(connection, text)
    entries = [step for step in plan if "ledger_entry" in step]
    assert len(entries) == 1 and entries[0].partition("(")[2].lstrip("(").startswith("contact"), plan
