"""POST /api/v1/consents: consent that was obtained elsewhere counts with its evidence, and only if the law takes it."""

from typing import Any

import pytest

from consent import catalogue
from tests.api.calling import Caller
from tests.house import House
from tests.people import BOB

SPRING = "2026-03-15T10:00:00-04:00"
BEFORE_THE_ACT = "2013-05-01T10:00:00-04:00"
RECORDING = {"recording": "calls/2026-03-15/4711.wav"}


def body(**more: Any) -> dict[str, Any]:
    return {
        "email": BOB.email, "topic": "acme/newsletter", "method": "oral", "occurred_at": SPRING, "evidence": RECORDING,
    } | more  # fmt: skip


ACCEPTED = [
    ("oral", RECORDING), ("oral", "full_recording"), ("oral", {"verification": "Verifier Ltd., case 9"}),
    ("oral", {"type": "independent_verification", "reference": "case 9"}), ("paper", {"document": "scan 12"}),
    ("paper", "scan 12, drawer 4"), ("signed", "contract 7, page 2"), ("typed_address", {"form_data": "bob@…"}),
    ("reply_agree", {"reference": "message 42"}), ("checkbox_unticked", {"url": "https://acme.example/form", "ip": "203.0.113.9"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "evidence"), ACCEPTED)
def test_an_opt_in_with_its_proof_is_express_consent(api: Caller, method: str, evidence: Any) -> None:
    answer = api.post("/consents", **body(method=method, evidence=evidence))
    assert answer.status_code == 201, answer.text
    assert api.verdict(BOB.email) == ("allow", "express_consent")
    assert api.decide(BOB.email)["basis"]["since"] == "2026-03-15"


def test_it_is_one_entry_and_what_proves_it_is_evidence_that_can_be_erased(api: Caller, house: House) -> None:
    api.post("/consents", **body())
    assert house.kinds(BOB.email) == ["consent.given"]
    rows = house.rows()
    assert not [row for row in rows["ledger_entry"] if "4711.wav" in row or BOB.email in row]
    assert [row for row in rows["evidence"] if "4711.wav" in row]


def test_a_consent_told_late_does_not_beat_a_no_that_came_after_it(api: Caller) -> None:
    api.post("/withdrawals", email=BOB.email, scope="all", channel="reply_stop", occurred_at="2026-05-01T10:00:00Z")
    api.post("/consents", **body())
    assert api.verdict(BOB.email) == ("deny", "withdrawn")


def test_a_later_one_with_its_evidence_lifts_the_no(api: Caller) -> None:
    api.post("/withdrawals", email=BOB.email, scope="all", channel="reply_stop", occurred_at="2026-02-01T10:00:00Z")
    api.post("/consents", **body())
    assert api.verdict(BOB.email) == ("allow", "express_consent")


def test_a_consent_from_before_the_act_counts_but_never_lifts_a_no(api: Caller) -> None:
    old = body(occurred_at=BEFORE_THE_ACT, method="signed", pre_2014=True, evidence={"document": "card 3"})
    assert api.post("/consents", **old).status_code == 201
    assert api.verdict(BOB.email) == ("allow", "express_consent")
    api.post("/withdrawals", email=BOB.email, scope="acme", channel="mail", occurred_at="2012-01-01T10:00:00Z")
    assert api.verdict(BOB.email) == ("deny", "withdrawn")


def test_the_published_notice_that_was_shown_is_named_by_slug_or_digest(api: Caller, house: House) -> None:
    assert api.post("/consents", **body(notice="acme-web")).status_code == 201
    digest = next(notice.sha256 for notice in catalogue.current().notices.values() if notice.brand == "acme")
    assert api.post("/consents", **body(notice=digest)).status_code == 201
    assert sum(digest in row for row in house.rows()["ledger_entry"]) >= 2  # published, and shown


def test_a_consent_asked_for_on_behalf_of_two_brands_covers_both(api: Caller) -> None:
    api.post("/consents", **body(on_behalf_of=["acme", "zest"]))
    assert api.verdict(BOB.email, "zest/newsletter") == ("allow", "express_consent")
    assert api.verdict(BOB.email, "zest/promotions") != ("allow", "express_consent")


def test_a_consent_through_a_collector_ends_for_everybody_when_the_collector_is_told(api: Caller) -> None:
    through = {
        "email": BOB.email, "brand": "acme", "method": "unknown_third_party", "collector": "listco",
        "conditions_met": True, "occurred_at": SPRING, "evidence": "list 9",
    }  # fmt: skip
    assert api.post("/consents", **through).status_code == 201
    assert api.decide(BOB.email)["basis"]["ground"] == "express_third_party"
    told = {"email": BOB.email, "scope": "all", "brand": "listco", "channel": "other_authorized_user"}
    assert api.post("/withdrawals", **told).status_code == 201
    assert api.verdict(BOB.email) == ("deny", "withdrawn")
    batch = api.post("/decisions/batch", topic="acme/newsletter", emails=[BOB.email]).get_json()
    assert batch["results"][0]["decision"] == "deny"


REFUSED = [
    ({"evidence": None}, "evidence"),
    ({"evidence": ""}, "evidence"),
    ({"evidence": {}}, "evidence"),
    ({"evidence": {"document": "a note"}}, "evidence"),
    ({"evidence": {"type": "hearsay", "reference": "x"}}, "evidence"),
    ({"evidence": {"type": "full_recording", "ip": "192.0.2.1"}}, "evidence"),
    ({"evidence": "none"}, "evidence"),
    ({"evidence": 7}, "evidence"),
    ({"method": "prechecked_box"}, "method"),
    ({"method": "terms_acceptance"}, "method"),
    ({"method": "telepathy"}, "method"),
    ({"method": "confirm_button"}, "method"),
    ({"occurred_at": "2031-01-01T00:00:00Z"}, "occurred_at"),
    ({"occurred_at": "2026-01-01T00:00:00"}, "occurred_at"),
    ({"topic": "acme/none"}, "topic"),
    ({"notice": "acme-none"}, "notice"),
    ({"notice": "zest-web"}, "notice"),
    ({"pre_2014": True}, "pre_2014"),
    ({"collector": "listco"}, "collector"),
    ({"on_behalf_of": []}, "on_behalf_of"),
    ({"on_behalf_of": ["nobody"]}, "on_behalf_of"),
    ({"brand": "zest"}, "brand"),
    ({"granted": True}, "granted"),
]


@pytest.mark.parametrize(("wrong", "field"), REFUSED)
def test_what_the_law_would_not_take_for_consent_is_refused_by_field_and_nothing_is_recorded(
    api: Caller, house: House, wrong: dict[str, Any], field: str
) -> None:
    before = house.rows()
    refused = api.post("/consents", **body(**wrong))
    assert refused.status_code == 422
    errors = refused.get_json(force=True)["errors"]
    assert errors[field]
    assert house.rows() == before


@pytest.mark.parametrize("missing", ["evidence", "topic", "method", "occurred_at", "email"])
def test_what_a_consent_needs_is_named_when_it_is_missing(api: Caller, missing: str) -> None:
    whole = body()
    del whole[missing]
    assert missing in api.post("/consents", **whole).get_json(force=True)["errors"]
