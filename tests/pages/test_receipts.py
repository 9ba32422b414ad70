"""The receipt in three forms: a page in plain words, a proof, and a record that is the person's own."""

import base64
import html
import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from consent import catalogue
from consent.ledger import entries
from consent.records import signing
from consent.records.signing import Publisher
from tests.api.calling import Caller
from tests.api.test_contacts import card
from tests.api.test_ledger_http import LOG, check_proof
from tests.house import TICKED, House
from tests.people import ANNE
from tests.records.test_erase import contact_of
from tests.test_statements import cost

BOTH = ("acme/newsletter", "acme/promotions")
#: What Kantara's schema demands (Consent Receipt 1.1), at the top, of a controller, and of a purpose.
TOP = {
    "version", "jurisdiction", "consentTimestamp", "collectionMethod", "consentReceiptID", "piiPrincipalId", "piiControllers", "policyUrl", "services",
    "sensitive", "spiCat",
}  # fmt: skip
CONTROLLER = {"piiController", "contact", "address", "email", "phone"}
PURPOSE = {"purposeCategory", "consentType", "piiCategory", "termination", "thirdPartyDisclosure"}


@pytest.fixture
def publisher(app: Flask, tmp_path: Path) -> Publisher:
    return signing.create(tmp_path / "ledger.key", LOG)


def receipt_of(house: House, topics: tuple[str, ...] = BOTH, form: str = "acme-news") -> str:
    """Confirm as Anne, and return the path of the receipt in the welcome mail."""
    house.confirm(ANNE.email, topics, form)
    return house.link(house.letters(ANNE.email)[-1], "r")


def record_of(house: House, path: str) -> dict[str, Any]:
    answer = house.client.get(f"{path}?format=json")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.data)
    return found


def fetch(house: House, url: str) -> TestResponse:
    """Get *url* in a context of its own: the one that a test holds keeps the language of the first request."""
    with house.app.app_context():
        return house.client.get(url)


def words(answer: TestResponse) -> str:
    return html.unescape(answer.text)


def test_the_page_numbers_each_entry_and_says_that_none_is_sealed_yet(house: House) -> None:
    page = house.client.get(receipt_of(house)).text
    assert page.count("in our ledger, not sealed yet") == 5
    assert "in our ledger, sealed" not in page and "format=proof" not in page
    assert "as soon as your consent is sealed" in page and "format=json" in page


def test_once_a_head_is_signed_the_page_says_so_and_leads_to_the_files(house: House, publisher: Publisher) -> None:
    path = receipt_of(house)
    house.drain()
    page = house.client.get(path).text
    assert page.count("in our ledger, sealed") == 5 and "not sealed yet" not in page
    for form in ("proof", "json"):
        assert f'href="{path}?format={form}"' in page
        assert house.client.get(f"{path}?format={form}").status_code == 200


def test_the_page_says_the_same_in_french(house: House, publisher: Publisher) -> None:
    path = receipt_of(house)
    house.drain()
    page = words(fetch(house, f"{path}?lang=fr"))
    assert page.count("de notre registre, scellé") == 5
    for text in ("Ce que nous avons inscrit", "À conserver", "La preuve (fichier texte)", "sans votre adresse"):
        assert text in page


def test_the_page_shows_the_address_masked(house: House) -> None:
    assert ANNE.email not in house.client.get(receipt_of(house)).text


def test_the_proof_of_the_newest_consent_is_a_file(house: House, api: Caller, publisher: Publisher) -> None:
    path = receipt_of(house)
    house.drain()
    answer = house.client.get(f"{path}?format=proof")
    assert answer.content_type == "text/plain; charset=utf-8" and answer.headers["Cache-Control"] == "no-store"
    history = api.get(f"/contacts/{card(api)['id']}/entries").get_json()["entries"]
    newest = [entry for entry in history if entry["kind"] == "consent.given"][-1]
    assert check_proof(answer.text, newest, publisher) == newest["sequence"]
    name = f'attachment; filename="consent-proof-{newest["entry"]}.txt"'
    assert answer.headers["Content-Disposition"] == name


def test_each_entry_of_the_receipt_can_be_proven_and_no_other(house: House, api: Caller, publisher: Publisher) -> None:
    path = receipt_of(house)
    house.drain()
    for entry in api.get(f"/contacts/{card(api)['id']}/entries").get_json()["entries"]:
        answer = house.client.get(f"{path}?format=proof&entry={entry['entry']}")
        if entry["kind"] == "welcome.sent":  # about the same person, and not behind this consent
            assert answer.status_code == 404
        else:
            assert check_proof(answer.text, entry, publisher) == entry["sequence"]
    for other in ("", "x", "019abcde-f012-7345-89ab-cdef01234567"):
        assert house.client.get(f"{path}?format=proof&entry={other}").status_code == 404


def test_before_a_head_is_signed_the_proof_is_promised_in_words(house: House) -> None:
    path = receipt_of(house)
    for language, text in (("en", "The proof is not ready yet"), ("fr", "La preuve n’est pas encore prête")):
        answer = fetch(house, f"{path}?format=proof&lang={language}")
        assert (answer.status_code, answer.mimetype) == (409, "text/html") and text in words(answer)
        assert int(answer.headers["Retry-After"]) > 0


def test_the_record_has_the_fields_of_kantara(house: House, publisher: Publisher) -> None:
    path = receipt_of(house)
    house.drain()
    found = record_of(house, path)
    brand, notice = catalogue.brand("acme"), catalogue.form("acme-news").notices["en"]
    assert found.keys() >= TOP
    assert (found["version"], found["sensitive"], found["spiCat"]) == ("KI-CR-v1.1.0", False, [])
    assert (found["piiPrincipalId"], found["jurisdiction"], found["language"]) == (contact_of(ANNE.email), "CA", "en")
    assert (found["policyUrl"], found["publicKey"]) == (brand.privacy_url, publisher.signers[0].verifier.vkey)
    (controller,) = found["piiControllers"]
    assert controller.keys() >= CONTROLLER and all(controller[name] for name in CONTROLLER)
    assert isinstance(controller["address"], dict) and controller["piiController"] == "Acme Widgets Inc."
    assert [service["service"] for service in found["services"]] == ["Acme: Acme newsletter", "Acme: Acme offers"]
    for purpose in (purpose for service in found["services"] for purpose in service["purposes"]):
        assert purpose.keys() >= PURPOSE
        assert (purpose["consentType"], purpose["purposeCategory"]) == ("EXPLICIT", ["6 - Marketing"])
        assert purpose["thirdPartyDisclosure"] is True and purpose["thirdPartyName"] == "Example Mail Services Ltd."
    assert found["ledger"]["notice"] == {"sha256": notice.sha256, "words": notice.words}
    given = [entry for entry in found["ledger"]["entries"] if entry["kind"] == "consent.given"][-1]
    assert found["consentReceiptID"] == given["entry"]
    occurred_at = entries.instant(json.loads(base64.b64decode(given["body"]))["occurred_at"])
    assert found["consentTimestamp"] == int(occurred_at.timestamp())


def test_a_forwarded_receipt_reveals_no_address_and_no_network(house: House, publisher: Publisher) -> None:
    path = receipt_of(house)
    house.drain()
    for form in ("", "?format=json", "?format=proof"):
        said = house.client.get(f"{path}{form}").text
        assert not [word for word in (ANNE.email, "anne", "127.0.0.1", "werkzeug") if word in said.lower()]


def test_the_record_alone_proves_who_agreed_to_what(house: House, publisher: Publisher) -> None:
    path = receipt_of(house)
    house.drain()
    found = record_of(house, path)["ledger"]
    assert found["vkeys"] == [publisher.signers[0].verifier.vkey]
    proven = []
    for entry in found["entries"]:
        body = base64.b64decode(entry["body"], validate=True)
        assert entries.leaf_hash(body).hex() == entry["leaf_hash"]
        assert check_proof(entry["proof"], entry, publisher) == entry["sequence"]
        says = entries.decode(body)
        assert says["id"] == entry["entry"] and says["kind"] == entry["kind"]
        for name, salt in entry["salts"].items():  # the person knows the value
            assert entries.commit(name, bytes.fromhex(salt), ANNE.email.encode()) == says["commitments"][name]
            proven.append(entry["kind"])
    assert proven == ["consent.requested"] * 2
    kinds = [entry["kind"] for entry in found["entries"]]
    assert kinds == ["consent.requested"] * 2 + ["confirmation.sent"] + ["consent.given"] * 2


def test_the_record_can_be_had_before_a_head_is_signed_without_proofs(house: House) -> None:
    path = receipt_of(house)
    answer = house.client.get(f"{path}?format=json")
    assert answer.mimetype == "application/json" and answer.headers["Cache-Control"] == "no-store"
    found = json.loads(answer.data)
    assert "publicKey" not in found
    assert {entry["proof"] for entry in found["ledger"]["entries"]} == {None}


def test_a_french_consent_gives_a_french_record(house: House) -> None:
    house.sign_up(ANNE.email, language="fr", form="acme-news")
    link = house.link(house.letters(ANNE.email)[-1], "c")
    house.client.post(link, data=TICKED)
    found = record_of(house, house.link(house.letters(ANNE.email)[-1], "r"))
    assert found["language"] == "fr" and found["services"][0]["service"] == "Acme: Infolettre d’Acme"
    assert "formulaire acme-news@1" in found["collectionMethod"]


def test_a_brand_without_a_phone_or_privacy_page_has_the_page_and_the_proof(house: House, publisher: Publisher) -> None:
    path = receipt_of(house, ("zest/newsletter",), "zest-news")
    house.drain()
    refused = house.client.get(f"{path}?format=json")
    assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
    problem = json.loads(refused.data)
    assert set(problem["errors"]) == {"phone", "privacy_url"} and "phone, privacy_url" in problem["detail"]
    page = house.client.get(path)
    assert page.status_code == 200 and "format=json" not in page.text and "format=proof" in page.text
    assert house.client.get(f"{path}?format=proof").status_code == 200


@pytest.mark.parametrize("query", ["format=xml", "format=", "format=JSON", "format=page"])
def test_an_unknown_form_is_no_page(house: House, query: str) -> None:
    answer = house.client.get(f"{receipt_of(house)}?{query}")
    assert answer.status_code == 404 and answer.mimetype == "text/html"


@pytest.mark.parametrize("query", ["", "?format=proof", "?format=json"])
def test_a_link_of_another_kind_opens_no_form_of_a_receipt(house: House, query: str) -> None:
    path = receipt_of(house)
    others = [
        house.link(house.letters(ANNE.email)[-1], "p").rpartition("/")[2],
        "a" * 40,
        path[3:-1] + ("b" if path.endswith("a") else "a"),
    ]
    for token in others:
        assert house.client.get(f"/r/{token}{query}").status_code == 404


@pytest.mark.parametrize("query", ["", "?format=proof", "?format=json"])
def test_after_an_erasure_the_link_opens_nothing(house: House, api: Caller, query: str) -> None:
    path = receipt_of(house)
    api.post(f"/contacts/{card(api)['id']}/erasure", reason="request")
    answer = house.client.get(f"{path}{query}")
    assert answer.status_code == 404 and ANNE.email not in answer.text


def test_looking_changes_nothing_sets_no_cookie_and_costs_few_statements(house: House, publisher: Publisher) -> None:
    path = receipt_of(house)
    house.drain()
    before = house.rows()
    for query in ("", "?format=proof", "?format=json"):
        for method in ("GET", "HEAD"):
            answer = house.client.open(f"{path}{query}", method=method)
            assert answer.status_code == 200 and "Set-Cookie" not in answer.headers
        assert house.client.post(f"{path}{query}").status_code == 405
    assert house.rows() == before
    assert len(cost(lambda: house.client.get(path))) == 3
    assert len(cost(lambda: house.client.get(f"{path}?format=proof"))) == 6
