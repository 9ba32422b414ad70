"""Promise 8: erasure keeps the "no". And the tree stays whole, and nothing that names the person stays."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from consent import addresses, clock
from consent.api.erasures import CODE
from consent.law.kinds import KINDS
from consent.records import append, audit, contacts, erase, history, prove, publish, sequence, signing
from consent.records.append import Closed, Draft, Origin
from consent.store import database
from tests.api.calling import Caller
from tests.conftest import SECRET
from tests.house import TICKED, House
from tests.people import ANNE, BOB
from tests.records.tampering import unguarded
from tests.test_statements import cost, on

LOG = "consent.example.com/ledger"


def contact_of(address: str) -> str:
    with database.reading() as connection:
        found = history.find(connection, addresses.parse(address).deny_key, addresses.parse(address).consent_key)
    assert found is not None
    return found.contact


def gone(house: House, address: str = ANNE.email, reference: str | None = None) -> str:
    """Erase *address* and return the id that it had."""
    contact = contact_of(address)
    erase.erase(contact, "request", reference, Origin(LOG, clock.now()), "system")
    return contact


def test_no_byte_of_the_address_is_left_in_the_database(house: House, tmp_path: Path, api: Caller) -> None:
    house.sign_up(ANNE.email, name="Anne Tremblay")
    house.confirm(ANNE.email)
    assert api.post("/exports", format="jsonl").status_code == 201  # a finished export holds addresses too
    gone(house)
    content = b"".join(path.read_bytes() for path in tmp_path.glob("consent.db*"))
    for word in (b"anne@montreal", b"ANNE@", b"Anne Tremblay", b"127.0.0.1"):
        assert word not in content


def test_every_entry_stays_and_the_root_of_before_is_still_in_the_tree(house: House, tmp_path: Path) -> None:
    publisher = signing.create(tmp_path / "ledger.key", LOG)
    house.confirm(ANNE.email)
    before = publish.publish(publisher, Origin(LOG, clock.now()))
    assert before is not None
    gone(house)
    after = publish.publish(publisher, Origin(LOG, clock.now()))
    assert after is not None and after.size == before.size + 1
    with database.reading() as connection:
        assert prove.root(connection, before.size) == before.root


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_mail_may_go_to_an_erased_address(house: House, kind: str) -> None:
    house.confirm(ANNE.email)
    gone(house)
    answer = house.decide(ANNE.email, kind=kind).decision
    assert (answer.state, answer.code) == ("suppressed", "erased")


def test_every_spelling_of_the_address_is_erased_with_it(house: House) -> None:
    house.confirm(ANNE.email)
    house.confirm("ANNE@montreal.example")
    gone(house)
    assert [row for row in house.rows()["contact"] if "montreal" in row.casefold()] == []
    assert house.decide("aNNE@montreal.example").decision.code == "erased"


def test_an_erased_address_is_suppressed_in_batches_and_left_out_of_lists(house: House, api: Caller) -> None:
    for person in (ANNE, BOB):
        house.confirm(person.email)
    gone(house)
    found = api.post("/decisions/batch", topic="acme/newsletter", emails=[ANNE.email, BOB.email, "x@example.com"])
    states = [(result["decision"], result["state"]) for result in found.get_json()["results"]]
    assert states == [("deny", "suppressed"), ("allow", "given"), ("deny", "unknown")]
    lines = api.post("/decisions/export", topic="acme/newsletter").text.splitlines()
    assert [json.loads(line)["email"] for line in lines] == [BOB.email]


def test_the_suppression_list_names_it_by_a_digest_alone(house: House, api: Caller) -> None:
    house.confirm(ANNE.email)
    gone(house)
    (line,) = api.get("/suppressions").get_json()["suppressions"]
    assert (line["reason"], line["digest"]) == ("erased", addresses.digest(ANNE.email, SECRET))


def test_signing_up_again_records_nothing_and_gets_the_same_answer(house: House) -> None:
    house.confirm(ANNE.email)
    gone(house)
    before, other = house.rows(), house.sign_up(BOB.email)
    again = house.sign_up(ANNE.email)
    assert (again.status_code, again.text) == (other.status_code, other.text)
    house.drain()
    assert not [row for row in house.rows()["contact"] if ANNE.email in row]
    assert len(house.rows()["evidence"]) > len(before["evidence"])  # Bob's, and none of hers


def test_what_an_api_client_tells_of_an_erased_address_changes_no_answer(house: House, api: Caller) -> None:
    house.confirm(ANNE.email)
    gone(house)
    body = {"email": ANNE.email, "brand": "acme", "kind": "purchase", "occurred_at": "2026-10-01T10:00:00Z"}
    assert api.post("/relationships", **body, place="US-MA").status_code == 201
    assert api.verdict(ANNE.email) == ("deny", "erased")
    (result,) = api.post("/decisions/batch", topic="acme/newsletter", emails=[ANNE.email]).get_json()["results"]
    assert result["decision"] == "deny"


def test_a_digest_under_a_key_that_was_rotated_still_suppresses(house: House) -> None:
    house.confirm(ANNE.email)
    gone(house)
    engines = dict(database.db.engines)
    before = engines[None].get_execution_options()["consent_digest_keys"]
    for engine in engines.values():
        engine.update_execution_options(consent_digest_keys=("a-newer-key-of-more-than-32-bytes-0123456789", *before))
    assert house.decide(ANNE.email).decision.code == "erased"


def test_nothing_can_be_recorded_about_an_erased_id(house: House) -> None:
    house.confirm(ANNE.email)
    contact = gone(house)
    with database.writing() as connection:
        past = history.read(connection, contact)
        with pytest.raises(Closed):
            append.about(connection, Origin(LOG, clock.now()), contact, past.head, [Draft("welcome.opened", "system")])


def test_the_button_in_old_mail_still_answers_and_records_nothing(house: House) -> None:
    letter = house.confirm(ANNE.email)
    gone(house)
    before = house.rows()
    assert house.press_unsubscribe(letter).status_code == 200
    assert house.client.get(house.one_click(letter)).status_code == 200
    assert house.rows() == before


@pytest.mark.parametrize("purpose", ["c", "p"])
def test_every_other_link_in_old_mail_has_ended(house: House, purpose: str) -> None:
    letter = house.confirm(ANNE.email)
    link = house.link(letter, purpose)
    gone(house)
    before = house.rows()
    assert house.client.get(link).status_code == 404
    assert house.client.post(link, data=TICKED | {"save": "save"}).status_code in (400, 404)
    assert house.rows() == before


def test_mail_that_was_waiting_is_not_sent(house: House) -> None:
    house.sign_up(ANNE.email)
    gone(house)
    assert house.letters(ANNE.email) == []


def test_the_reference_of_the_request_is_kept_as_evidence_of_the_erasure(house: House) -> None:
    house.confirm(ANNE.email)
    gone(house, reference="DSR-42")
    assert [row for row in house.rows()["evidence"] if "DSR-42" in row]
    assert len(house.rows()["evidence"]) == 1


def test_the_api_erases_by_id_once(house: House, api: Caller) -> None:
    house.confirm(ANNE.email)
    contact = contact_of(ANNE.email)
    done = api.post(f"/contacts/{contact}/erasure", reason="request", reference="DSR-42")
    assert (done.status_code, done.get_json()["contact"]) == (202, contact)
    before = house.rows()
    again = api.post(f"/contacts/{contact}/erasure", reason="request")
    assert (again.status_code, again.mimetype) == (409, "application/problem+json")
    assert api.post("/contacts/AAAAAAAAAAAAAAAAAAAAAA/erasure", reason="request").status_code == 404
    for bad in ("", "Because she asked", "x" * 41, "Ünique"):
        assert api.post(f"/contacts/{contact}/erasure", reason=bad).status_code == 422, CODE
    assert api.post(f"/contacts/{contact}/erasure").status_code == 422
    assert house.rows() == before


def test_an_unknown_address_costs_one_more_statement_to_look_for_its_digest(house: House) -> None:
    assert len(cost(lambda: house.decide("nobody@example.com"))) == 3


def test_a_contact_made_after_an_erasure_remembers_it_without_a_further_statement(house: House) -> None:
    house.confirm(ANNE.email)
    gone(house)
    with database.writing() as connection:
        spent = cost(lambda: contacts.lock_or_make(connection, addresses.parse(ANNE.email), "en", clock.now()))
        assert len(spent) == on(sqlite=1, postgresql=2)
        made = connection.execute(text("SELECT erased_entry FROM contact WHERE consent_key IS NOT NULL")).scalar()
        assert made
        assert sequence.size(connection) > 0


def test_an_audit_misses_a_digest_that_was_taken_away(house: House) -> None:
    house.confirm(ANNE.email)
    house.confirm("ANNE@montreal.example")
    gone(house)
    house.number()
    with unguarded() as raw:
        raw.execute("DELETE FROM erased_address")
    with database.reading() as connection:
        found = audit.audit(connection, log=LOG, state=None, kept=[], now=clock.now())
    assert found.names == {"erased"}
    assert found.findings.counts["ERASED"] == 2
