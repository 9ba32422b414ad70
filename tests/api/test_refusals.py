"""POST /api/v1/withdrawals and /suppressions: a "no" works at once, whoever tells it and however the address is spelt."""

import json
from typing import Any

import pytest

from consent import addresses
from tests.api.calling import Caller
from tests.conftest import SECRET
from tests.house import House
from tests.people import ANNE, BOB

EVERYWHERE = ("acme/newsletter", "acme/promotions", "zest/newsletter", "zest/promotions")


def agree(api: Caller, email: str = BOB.email) -> None:
    """Let somebody agree to everything, on paper."""
    for topic in EVERYWHERE:
        body = {
            "email": email,
            "topic": topic,
            "method": "paper",
            "evidence": "card",
            "occurred_at": "2026-01-05T10:00:00Z",
        }
        assert api.post("/consents", **body).status_code == 201


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        ({"scope": "acme/newsletter"}, ["acme/newsletter"]),
        ({"scope": "acme/newsletter", "brand": "acme"}, ["acme/newsletter"]),
        ({"scope": "acme"}, ["acme/newsletter", "acme/promotions"]),
        ({"scope": "all", "brand": "acme"}, list(EVERYWHERE)),
        ({"scope": "unspecified", "brand": "zest"}, list(EVERYWHERE)),
        ({"scope": "all"}, list(EVERYWHERE)),
    ],
)
def test_a_withdrawal_reaches_what_its_scope_says(
    api: Caller, house: House, scope: dict[str, str], left: list[str]
) -> None:
    agree(api)
    answer = api.post("/withdrawals", email=BOB.email, channel="phone", **scope)
    assert answer.status_code == 201
    assert [topic for topic in EVERYWHERE if api.verdict(BOB.email, topic) == ("deny", "withdrawn")] == left
    for topic in EVERYWHERE:
        batch = api.post("/decisions/batch", topic=topic, emails=[BOB.email]).get_json()["results"][0]
        assert (batch["decision"] == "deny") == (topic in left)


@pytest.mark.parametrize(
    "channel", ["reply_stop", "phone", "mail", "email", "one_click_post", "in_person", "paper", "web"]
)
def test_it_does_not_matter_how_the_person_said_so(api: Caller, channel: str) -> None:
    agree(api)
    assert api.post("/withdrawals", email=BOB.email, scope="all", channel=channel).status_code == 201
    assert api.verdict(BOB.email)[0] == "deny"


def test_a_no_is_kept_for_an_address_that_nobody_knew_and_for_every_spelling_of_it(api: Caller) -> None:
    api.post("/withdrawals", email="New.Person@example.com", scope="all", channel="phone")
    agree(api, "new.person@example.com")  # on a date before the no
    assert api.verdict("new.person@example.com") == ("deny", "withdrawn")
    assert api.verdict("New.Person@example.com") == ("deny", "withdrawn")


def test_an_objection_is_called_one(api: Caller) -> None:
    api.post("/withdrawals", email=BOB.email, scope="all", brand="acme", channel="mail", objection=True)
    assert api.verdict(BOB.email, place="DE") == ("deny", "objected")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scope": "acme/none"}, "scope"), ({"scope": "nobody"}, "scope"), ({"scope": "zest/newsletter", "brand": "acme"}, "scope"),
        ({"scope": "zest", "brand": "acme"}, "scope"), ({"brand": "nobody"}, "brand"), ({"channel": "pigeon"}, "channel"), ({"scope": 5}, "scope"),
        ({"occurred_at": "2031-01-01T00:00:00Z"}, "occurred_at"), ({"email": "bob@"}, "email"), ({"why": "x"}, "why"),
    ],
)  # fmt: skip
def test_an_impossible_withdrawal_is_refused_by_field_and_nothing_is_recorded(
    api: Caller, house: House, wrong: dict[str, Any], field: str
) -> None:
    before = house.rows()
    refused = api.post("/withdrawals", **({"email": BOB.email, "scope": "all", "channel": "phone"} | wrong))
    assert refused.status_code == 422 and field in refused.get_json(force=True)["errors"]
    assert house.rows() == before


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("hard_bounce", "undeliverable"),
        ("invalid", "undeliverable"),
        ("manual", "suppressed"),
        ("complaint", "complained"),
    ],
)
def test_a_suppression_stops_mail_and_leaves_consent_on_record(
    api: Caller, house: House, reason: str, code: str
) -> None:
    agree(api)
    assert api.post("/suppressions", email=BOB.email, reason=reason).status_code == 201
    assert api.verdict(BOB.email) == ("deny", code)
    assert "consent.withdrawn" not in house.kinds(BOB.email)
    batch = api.post("/decisions/batch", topic="acme/newsletter", emails=[BOB.email]).get_json()["results"][0]
    assert batch["decision"] == "deny"


def test_a_bounce_stops_receipts_too_and_a_suppression_of_ours_does_not(api: Caller) -> None:
    for email, reason in ((ANNE.email, "hard_bounce"), (BOB.email, "manual")):
        sale = {"email": email, "brand": "acme", "kind": "purchase", "occurred_at": "2026-05-01T10:00:00Z"}
        api.post("/relationships", **sale)
        api.post("/suppressions", email=email, reason=reason)
    assert api.verdict(ANNE.email, kind="receipt") == ("deny", "undeliverable")
    assert api.verdict(BOB.email, kind="receipt") == ("allow", "exempt_receipt")


def test_confirming_a_new_sign_up_lifts_a_bounce(api: Caller, house: House) -> None:
    api.post("/suppressions", email=ANNE.email, reason="hard_bounce", occurred_at="2026-01-01T10:00:00Z")
    house.sign_up(ANNE.email)
    assert house.letters(ANNE.email) == []  # to such an address not even the confirmation goes
    assert api.verdict(ANNE.email) == ("deny", "undeliverable")


def test_a_suppression_made_by_mistake_is_lifted_on_record_but_a_complaint_is_not(api: Caller, house: House) -> None:
    agree(api)
    entries = [
        api.post("/suppressions", email=BOB.email, reason=r).get_json()["entry"] for r in ("manual", "complaint")
    ]
    assert api.post("/suppressions", email=BOB.email, lifts=entries[0]).status_code == 201
    assert api.verdict(BOB.email) == ("deny", "complained")
    for entry in [*entries, "nothing"]:
        refused = api.post("/suppressions", email=BOB.email, lifts=entry)
        assert refused.status_code == 422 and "lifts" in refused.get_json(force=True)["errors"]
    assert house.kinds(BOB.email)[-1] == "suppression.lifted"


def test_the_list_gives_keyed_digests_and_no_address_page_by_page(api: Caller) -> None:
    for number in range(5):
        api.post("/suppressions", email=f"P{number}@example.com", reason="invalid")
    first = api.get("/suppressions", limit=3).get_json()
    second = api.get("/suppressions", limit=3, after=first["next"]).get_json()
    rows = first["suppressions"] + second["suppressions"]
    assert [row["digest"] for row in rows] == [addresses.digest(f"p{n}@example.com", SECRET) for n in range(5)]
    assert second["next"] is None and "example.com" not in str(rows)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": None, "lifts": "x", "brand": "acme"},
        {"reason": "erased"},
        {"reason": None},
        {"lifts": "x"},
        {"brand": "nobody"},
        {"occurred_at": "soon"},
    ],
)
def test_an_impossible_suppression_is_refused_and_nothing_is_recorded(
    api: Caller, house: House, wrong: dict[str, Any]
) -> None:
    before = house.rows()
    assert api.post("/suppressions", **({"email": BOB.email, "reason": "manual"} | wrong)).status_code == 422
    assert house.rows() == before


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"brand": "jane.doe@secret.example"}, "brand"), ({"brand": ""}, "brand"), ({"brand": "x" * 100_000}, "brand"),
        ({"brand": "listcoo"}, "brand"), ({"brand": "listco", "scope": "acme"}, "scope"),
    ],
)  # fmt: skip
def test_a_party_that_is_not_on_record_for_the_person_is_refused(
    api: Caller, house: House, wrong: dict[str, Any], field: str
) -> None:
    through = {"brand": "acme", "method": "unknown_third_party", "collector": "listco", "conditions_met": True}
    api.post("/consents", email=BOB.email, evidence="list 9", occurred_at="2026-03-01T10:00:00Z", **through)
    before = house.rows()
    body = {"email": BOB.email, "scope": "all", "channel": "other_authorized_user"} | wrong
    refused = api.post("/withdrawals", **body)
    assert refused.status_code == 422 and field in refused.get_json(force=True)["errors"]
    assert house.rows() == before


def test_one_click_ends_a_consent_that_was_given_under_another_brands_name(api: Caller, house: House) -> None:
    api.post(
        "/withdrawals", email=BOB.email, scope="zest/newsletter", channel="phone", occurred_at="2026-02-01T10:00:00Z"
    )
    named = {"topic": "acme/newsletter", "on_behalf_of": ["acme", "zest"], "method": "signed", "evidence": "card 3"}
    api.post("/consents", email=BOB.email, occurred_at="2026-03-01T10:00:00Z", **named)
    assert api.verdict(BOB.email, "zest/newsletter") == ("allow", "express_consent")
    line = api.post("/decisions/export", topic="zest/newsletter").get_data(as_text=True)
    link = (
        json.loads(line)["headers"]["List-Unsubscribe"].removeprefix("<https://consent.example.com").removesuffix(">")
    )
    assert house.client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert api.verdict(BOB.email, "zest/newsletter") == ("deny", "withdrawn")


def test_an_unknown_parameter_of_a_list_is_refused_by_its_name(api: Caller) -> None:
    refused = api.get("/suppressions", since="yesterday")
    assert refused.status_code == 422 and "since" in refused.get_json(force=True)["errors"]
