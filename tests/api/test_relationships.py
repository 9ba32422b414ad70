"""POST /api/v1/relationships: facts from which consent may be implied, recorded once and never edited."""

from datetime import timedelta
from typing import Any

import pytest

from consent import clock
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE, BOB
from tests.test_statements import cost

LAST_YEAR = "2025-11-03T10:00:00-05:00"
LONG_AGO = "2019-01-10T10:00:00-05:00"
KINDS = (
    "purchase", "lease", "barter", "inquiry", "quote_request", "demo_request", "contract", "subscription", "account",
    "loan", "membership", "donation", "volunteering", "published_address", "business_card", "referral", "question",
)  # fmt: skip
PUBLISHED = {"url": "https://acme.example/team", "snapshot": "sha256:9f86d081"}


def tell(api: Caller, kind: str = "purchase", at: str = LAST_YEAR, **more: Any) -> dict[str, Any]:
    """Record a relationship of Bob's with Acme and return the answer."""
    body = {"email": BOB.email, "brand": "acme", "kind": kind, "occurred_at": at} | more
    if kind == "published_address":
        body.setdefault("evidence", PUBLISHED)
    found = api.post("/relationships", **body)
    assert found.status_code == 201, found.text
    answer: dict[str, Any] = found.get_json()
    return answer


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_one_entry(api: Caller, house: House, kind: str) -> None:
    before = len(house.rows()["ledger_entry"])
    answer = tell(api, kind)
    assert len(house.rows()["ledger_entry"]) == before + 1
    assert house.kinds(BOB.email) == ["relationship.recorded"]
    assert answer["entry"] in "".join(house.rows()["ledger_entry"])


def test_a_purchase_implies_consent_with_its_section_its_entry_and_its_last_day(api: Caller) -> None:
    entry = tell(api)["entry"]
    answer = api.decide(BOB.email)
    assert (answer["decision"], answer["state"], answer["code"]) == ("allow", "implied", "implied_consent")
    assert answer["basis"] == {"regime": "casl", "ground": "10(10)(a)", "since": "2025-11-03", "until": "2027-11-03"}
    (reason,) = answer["reasons"]
    assert (reason["entry"], reason["citation"]) == (entry, "S.C. 2010, c. 23, s. 10(10)(a)")
    assert (
        reason["text"] == "The purchase of 3 November 2025 gives implied consent for two years, until 3 November 2027."
    )


def test_it_is_good_for_every_topic_of_the_brand_and_for_no_other_brand(api: Caller) -> None:
    tell(api)
    assert api.verdict(BOB.email, "acme/promotions") == ("allow", "implied_consent")
    assert api.verdict(BOB.email, "zest/newsletter") == ("deny", "brand_not_covered")


def test_what_has_ended_is_said_with_its_basis_and_what_to_do(api: Caller) -> None:
    tell(api, "inquiry", "2026-04-02T10:00:00-04:00")
    answer = api.decide(BOB.email)
    assert (answer["decision"], answer["state"], answer["code"]) == ("deny", "expired", "implied_consent_expired")
    assert answer["basis"] == {"regime": "casl", "ground": "10(10)(e)", "since": "2026-04-02", "until": "2026-10-02"}
    assert answer["reasons"][0]["text"].endswith("for six months; it ended on 2 October 2026.")
    assert "another route" in answer["remedy"]


def test_a_subscription_that_runs_implies_consent_and_its_end_is_recorded_as_one_more_entry(
    api: Caller, house: House
) -> None:
    tell(api, "subscription", LONG_AGO)
    assert api.decide(BOB.email)["basis"]["until"] is None
    tell(api, "subscription", LONG_AGO, ended_at="2026-01-15T10:00:00-05:00")
    assert house.kinds(BOB.email) == ["relationship.recorded", "relationship.ended"]
    assert api.decide(BOB.email)["basis"]["until"] == "2028-01-14"


def test_beginning_and_end_can_be_told_at_once(api: Caller, house: House) -> None:
    tell(api, "contract", LONG_AGO, ended_at="2024-03-15T10:00:00-04:00")
    assert house.kinds(BOB.email) == ["relationship.recorded"]
    assert api.verdict(BOB.email) == ("deny", "implied_consent_expired")
    assert api.decide(BOB.email, at="2026-03-15T12:00:00-04:00")["decision"] == "allow"


def test_a_relationship_recorded_wrongly_is_voided_and_stays_on_record(api: Caller, house: House) -> None:
    entry = tell(api)["entry"]
    voided = api.post("/relationships", email=BOB.email, brand="acme", voids=entry)
    assert voided.status_code == 201
    assert house.kinds(BOB.email) == ["relationship.recorded", "relationship.voided"]
    assert api.verdict(BOB.email) == ("deny", "no_consent")


def test_what_was_known_before_the_mistake_was_found_can_still_be_asked(api: Caller) -> None:
    first = tell(api)
    api.post("/relationships", email=BOB.email, brand="acme", voids=first["entry"])
    assert api.verdict(BOB.email, known_at=first["recorded_at"]) == ("allow", "implied_consent")


@pytest.mark.parametrize("voids", ["nothing", "another person's", "another brand's", "twice"])
def test_only_a_relationship_of_this_person_and_brand_can_be_voided_and_once(
    api: Caller, house: House, voids: str
) -> None:
    entry, email, brand = tell(api)["entry"], BOB.email, "acme"
    if voids == "nothing":
        entry = "01a20f8a-0000-7000-8000-000000000000"
    elif voids == "another person's":
        email = ANNE.email
    elif voids == "another brand's":
        brand = "zest"
    else:
        api.post("/relationships", email=email, brand=brand, voids=entry)
    before = house.rows()
    refused = api.post("/relationships", email=email, brand=brand, voids=entry)
    assert refused.status_code == 422 and "voids" in refused.get_json(force=True)["errors"]
    assert house.rows() == before


def test_a_gift_to_a_company_implies_nothing(api: Caller) -> None:
    tell(api, "donation")
    assert api.decide(BOB.email)["decision"] == "deny"


def test_a_published_address_counts_with_its_proof_and_its_three_conditions(api: Caller) -> None:
    tell(api, "published_address")
    assert api.decide(BOB.email)["decision"] == "deny"
    tell(api, "published_address", by_recipient=True, no_spam_notice=False, role_relevant=True)
    assert api.decide(BOB.email)["basis"]["ground"] == "10(9)(b)"


def test_a_referral_allows_one_message_by_itself_and_none_in_bulk(api: Caller) -> None:
    tell(api, "referral", relationships_ok=True, named_in_message=True)
    assert api.verdict(BOB.email) == ("allow", "exempt_referral")
    batch = api.post("/decisions/batch", topic="acme/newsletter", emails=[BOB.email]).get_json()
    assert batch["results"][0]["decision"] == "deny"


def test_the_zone_where_it_happened_counts_beside_that_of_the_organization(api: Caller) -> None:
    tell(api, at="2024-12-05T23:30:00-08:00", zone="America/Vancouver")
    answer = api.decide(BOB.email, at="2026-12-06T10:00:00-05:00")
    assert (answer["decision"], answer["unsettled"][0]["reading"]) == ("deny", "zones")
    assert api.decide(BOB.email, at="2026-12-05T10:00:00-05:00")["decision"] == "allow"


def test_a_purchase_does_not_revive_what_was_withdrawn(api: Caller) -> None:
    api.post("/withdrawals", email=BOB.email, scope="all", channel="phone", occurred_at="2025-06-01T10:00:00Z")
    tell(api)
    answer = api.decide(BOB.email)
    assert (answer["decision"], answer["code"]) == ("deny", "withdrawn")
    assert "purchase_revives" in [item["reading"] for item in answer["unsettled"]]


def test_where_the_person_is_decides_which_law_governs(api: Caller) -> None:
    tell(api, "inquiry", LONG_AGO, place="US-MA")
    answer = api.decide(BOB.email, "zest/newsletter")
    assert (answer["decision"], answer["code"], answer["place"]) == ("allow", "opt_out_regime", "US-MA")
    assert answer["basis"]["regime"] == "can_spam"
    assert api.decide(BOB.email, "zest/newsletter", place="CA-ON")["decision"] == "deny"


def test_the_reference_is_evidence_and_not_in_the_entry(api: Caller, house: House) -> None:
    tell(api, reference="ORDER-77 for Bob")
    rows = house.rows()
    assert not [row for row in rows["ledger_entry"] if "ORDER-77" in row]
    assert [row for row in rows["evidence"] if "ORDER-77" in row]


IMPOSSIBLE = [
    ({"kind": "friendship"}, "kind"),
    ({"kind": None}, "kind"),
    ({"occurred_at": "2031-01-01T00:00:00Z"}, "occurred_at"),
    ({"occurred_at": "0001-01-01T00:00:00Z"}, "occurred_at"),
    ({"occurred_at": "2026-01-01T00:00:00"}, "occurred_at"),
    ({"occurred_at": "2026-02-30T00:00:00Z"}, "occurred_at"),
    ({"kind": "subscription", "ended_at": "2020-01-01T00:00:00Z"}, "ended_at"),
    ({"kind": "subscription", "ended_at": "2031-01-01T00:00:00Z"}, "ended_at"),
    ({"kind": "purchase", "ended_at": "2026-01-01T00:00:00Z"}, "ended_at"),
    ({"kind": "published_address", "evidence": {}}, "evidence"),
    ({"kind": "published_address", "evidence": {"rumour": "x"}}, "evidence"),
    ({"kind": "published_address"}, "evidence"),
    ({"kind": "published_address", "evidence": "url+snapshot"}, "evidence"),
    ({"kind": "published_address", "evidence": {"url": "https://acme.example"}}, "evidence"),
    ({"zone": "posixrules"}, "zone"),
    ({"brand": "nobody"}, "brand"),
    ({"zone": "Canada/Nowhere"}, "zone"),
    ({"place": "Québec"}, "place"),
    ({"email": "bob"}, "email"),
    ({"similar": "yes"}, "similar"),
    ({"colour": "red"}, "colour"),
    ({"voids": "x", "kind": "purchase"}, "kind"),
]


@pytest.mark.parametrize(("wrong", "field"), IMPOSSIBLE)
def test_an_impossible_relationship_is_refused_by_field_and_nothing_is_recorded(
    api: Caller, house: House, wrong: dict[str, Any], field: str
) -> None:
    before = house.rows()
    body = {"email": BOB.email, "brand": "acme", "kind": "purchase", "occurred_at": LAST_YEAR} | wrong
    refused = api.post("/relationships", **body)
    assert refused.status_code == 422
    assert field in refused.get_json(force=True)["errors"]
    assert house.rows() == before


def test_a_batch_answers_for_each_item_and_records_the_good_ones_together(api: Caller, house: House) -> None:
    good = {"brand": "acme", "kind": "purchase", "occurred_at": LAST_YEAR}
    items = [
        good | {"email": BOB.email},
        good | {"email": "x"},
        good | {"email": ANNE.email},
        good | {"email": BOB.email},
    ]
    answer = api.post("/relationships", items=items)
    assert answer.status_code == 200
    results = answer.get_json()["results"]
    assert [result["status"] for result in results] == [201, 422, 201, 201]
    assert "email" in results[1]["errors"]
    assert house.kinds(BOB.email) == ["relationship.recorded"] * 2
    assert house.kinds(ANNE.email) == ["relationship.recorded"]


@pytest.mark.parametrize("items", [[], "x", None, [1], list(range(1001))])
def test_a_batch_is_a_list_of_one_to_a_thousand_objects(api: Caller, house: House, items: Any) -> None:
    api.decide(BOB.email)  # from now on it is noted that the key is in use
    before = house.rows()
    answer = api.post("/relationships", items=items)
    assert answer.status_code in (200, 422)
    if answer.status_code == 200:
        assert [result["status"] for result in answer.get_json()["results"]] == [422]
    assert house.rows() == before


def test_a_thousand_items_are_taken_in_one_call(api: Caller, house: House) -> None:
    good = {"brand": "acme", "kind": "purchase", "occurred_at": LAST_YEAR, "reference": "r" * 150}
    answer = api.post("/relationships", items=[good | {"email": f"p{n}@example.com"} for n in range(1000)])
    assert {result["status"] for result in answer.get_json()["results"]} == {201}
    assert len(house.rows()["contact"]) == 1000


def test_an_end_ends_every_record_of_the_same_relationship(api: Caller, house: House) -> None:
    for _ in range(2):
        tell(api, "subscription", LONG_AGO)
    tell(api, "subscription", LONG_AGO, ended_at="2021-01-01T10:00:00-05:00")
    assert api.verdict(BOB.email) == ("deny", "implied_consent_expired")


def test_another_end_of_what_has_ended_is_refused_and_the_same_one_changes_nothing(api: Caller, house: House) -> None:
    ended = {"ended_at": "2021-01-01T10:00:00-05:00"}
    tell(api, "subscription", LONG_AGO, **ended)
    tell(api, "subscription", LONG_AGO, **ended)
    before = house.rows()
    body = {"email": BOB.email, "brand": "acme", "kind": "subscription", "occurred_at": LONG_AGO}
    refused = api.post("/relationships", **body, ended_at="2026-01-01T10:00:00-05:00")
    assert refused.status_code == 422 and "void" in refused.get_json(force=True)["errors"]["ended_at"][0]
    assert house.rows() == before
    assert api.verdict(BOB.email) == ("deny", "implied_consent_expired")


def test_an_end_told_by_a_clock_that_is_ahead_reaches_the_standing(api: Caller) -> None:
    soon = (clock.now() + timedelta(seconds=20)).isoformat()
    tell(api, "subscription", LONG_AGO, ended_at=soon)
    (result,) = api.post("/decisions/batch", topic="acme/newsletter", emails=[BOB.email]).get_json()["results"]
    assert result["allowed_until"] is not None


def test_a_number_without_end_is_unreadable_and_no_fault_of_ours(api: Caller) -> None:
    for path in ("relationships", "decisions", "signups", "consents", "withdrawals", "suppressions", "renewals"):
        body = '{"email": ' + "9" * 5000 + "}"
        answer = api.client.post(f"/api/v1/{path}", data=body, content_type="application/json", headers=api.headers)
        assert answer.status_code == 400, path


def test_many_facts_about_one_person_read_their_history_once(api: Caller) -> None:
    body = {"email": BOB.email, "brand": "acme", "kind": "purchase", "occurred_at": LAST_YEAR}
    found = cost(lambda: api.post("/relationships", items=[body] * 20))
    assert (
        len([statement for statement in found if statement.startswith("SELECT contact.id, contact.consent_key")]) == 1
    )
    assert len([statement for statement in found if statement.startswith("INSERT INTO standing")]) == 1
