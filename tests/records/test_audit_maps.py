"""The audit of what lies beside the entries: the map of addresses, erased ones, published heads, and what is set up."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from consent import clock
from consent.ledger import checkpoint
from consent.ledger.checkpoint import Checkpoint
from consent.records import audit
from consent.records.findings import FAIL, NOT_CLAIMED, OK
from consent.store import database
from consent.store.contacts import Contact
from consent.store.ledger import LedgerEntry
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE, BOB
from tests.records.tampering import KEYS, LOG, SIZE, Log, forget, know, look, unguarded
from tests.records.test_erase import gone

NOTHING: set[str] = set()


def run(*statements: str) -> None:
    """Do what a thief does to the database."""
    with unguarded() as raw:
        for statement in statements:
            raw.execute(statement)


def texts(log: Log, line: str) -> tuple[str, str]:
    """Return how the check *line* comes out, and its text."""
    (found,) = [one for one in log.audit().lines if one.line == line]
    return found.result, found.text


def id_of(address: str) -> str:
    with database.reading() as connection:
        return str(connection.execute(select(Contact.id).where(Contact.consent_key == address)).scalar_one())


def swap() -> None:
    """Give Anne, who said yes, the address of Bob, who said no, and the other way round."""
    ids = {address: id_of(address) for address in (ANNE.email, BOB.email)}
    with unguarded() as raw:
        ours = {
            address: raw.execute(f"SELECT {KEYS} FROM contact WHERE consent_key = ?", (address,)).fetchone()
            for address in ids
        }
        for address in ours:
            raw.execute(f"UPDATE contact SET ({KEYS}) = (NULL, NULL, NULL) WHERE id = ?", (ids[address],))
        for whose, other in ((ANNE.email, BOB.email), (BOB.email, ANNE.email)):
            raw.execute(f"UPDATE contact SET ({KEYS}) = (?, ?, ?) WHERE id = ?", (*ours[other], ids[whose]))


def test_two_contacts_whose_addresses_are_swapped_so_that_a_no_becomes_a_yes_are_found(log: Log, house: House) -> None:
    assert log.found() == NOTHING and texts(log, "CONTACTS") == (
        OK,
        "102 addresses fit the evidence, 0 not shown, 0 erased",
    )
    assert not house.allows(BOB.email)
    swap()
    assert house.allows(BOB.email)
    found = log.audit(300, 500, state=True)
    assert found.names == {"contact"} and found.findings.counts["CONTACTS"] == 2
    assert "@" not in str(found.findings.kept)
    assert {one.row for one in found.findings.kept} == {f"contact {id_of(who.email)}" for who in (ANNE, BOB)}


@pytest.mark.parametrize("key", ["consent_key", "deny_key", "abuse_key"])
def test_one_key_of_an_address_that_is_changed_or_taken_away_is_found(log: Log, key: str) -> None:
    for value in ("'eve@x.example'", "NULL"):
        run(
            f"UPDATE contact SET {key} = {value} WHERE consent_key = '{BOB.email}' OR deny_key = '{BOB.email}'",
        )
        assert log.found() >= {"contact"}


def test_a_contact_whose_row_is_gone_or_whose_address_was_taken_without_an_erasure_is_found(log: Log) -> None:
    whose = list(log.heads)[7]
    forget(whose)
    assert log.found() == {"contact"}
    run(f"DELETE FROM contact WHERE id = '{whose}'")
    assert log.found() == {"contact"}
    know(["nobody"])  # of whom nothing is on record
    assert texts(log, "CONTACTS") == (FAIL, "101 addresses fit the evidence, 1 not shown, 0 erased")


def test_an_erased_contact_that_gets_an_address_again_is_found(log: Log, house: House) -> None:
    whose = gone(house, BOB.email)
    assert log.found() == NOTHING and texts(log, "CONTACTS")[1].endswith("1 erased")
    run(f"UPDATE contact SET deny_key = 'eve@x.example' WHERE id = '{whose}'")
    assert log.found() == {"contact"}


def test_an_address_in_any_spelling_fits_its_evidence(house: House, api: Caller) -> None:
    for address in ("A.Tag+x@GMAIL.com", "a.tag+x@gmail.com", "o'neil@bücher.example", "Q@XN--BCHER-KVA.example"):
        house.sign_up(address)
        api.post("/withdrawals", email=f" {address} ", scope="all", channel="phone")
    house.number()
    with database.reading() as connection:
        found = look(connection)
    (line,) = [line for line in found.lines if line.line == "CONTACTS"]
    assert (found.names, line.text) == (NOTHING, "4 addresses fit the evidence, 0 not shown, 0 erased")


@pytest.mark.parametrize(
    "change",
    [
        "erased_at = '2020-01-01T00:00:00.000Z'",
        "entry_id = (SELECT entry_id FROM ledger_entry WHERE kind = 'ledger.opened')",
        "entry_id = 'none'",
    ],
)
def test_the_digest_of_an_erased_address_must_stand_beside_its_erasure(log: Log, house: House, change: str) -> None:
    gone(house, BOB.email)
    assert texts(log, "ERASED") == (OK, "1 digests, which cannot be verified")
    run(f"UPDATE erased_address SET {change}")
    assert log.found() == {"erased"}


def test_a_published_checkpoint_that_was_deleted_is_missed_by_who_kept_it_and_by_the_signer(log: Log) -> None:
    run("DELETE FROM ledger_checkpoint WHERE size IN (0, 500)")
    assert log.found(300, state=True) == NOTHING
    found = log.audit(500)
    assert found.names == {"checkpoint"}
    (finding,) = found.findings.kept
    assert finding.line == "SIGNATURE" and "500" in finding.text
    run("UPDATE ledger_checkpoint SET size = 601 WHERE size = 600")
    assert "checkpoint" in log.found(state=True)


def test_a_ledger_without_any_checkpoint_is_found_once_the_signer_had_a_minute(
    log: Log, later: Callable[..., None]
) -> None:
    run("DELETE FROM ledger_checkpoint")
    with database.reading() as connection:
        made = connection.execute(select(func.min(LedgerEntry.recorded_at))).scalar_one()
    age = (clock.now() - made).total_seconds()
    later(seconds=-age)
    assert log.found() == NOTHING
    assert log.found(state=True) == NOTHING  # a crash between the file and the first row
    later(seconds=120 - age)
    assert log.found(state=True) == {"checkpoint"}


def test_a_kept_checkpoint_of_a_key_that_is_not_of_this_log_was_never_published(log: Log) -> None:
    other = checkpoint.signer(LOG, bytes(32))
    note = checkpoint.sign(Checkpoint(LOG, 3, bytes(32)), [other])
    with database.reading() as connection:
        kept = audit.open_kept(note, "foreign", None, audit.keys(connection), [other.verifier])
        assert set(look(connection, [kept]).names) == {"inconsistent"}


def test_a_key_with_another_status_is_found(log: Log) -> None:
    run("UPDATE ledger_key SET status = 'trusted'")
    assert log.found() == {"signature"}


def test_a_deleted_standing_is_found_where_only_the_brand_is_named(log: Log, api: Caller) -> None:
    sale = {"brand": "acme", "kind": "purchase", "occurred_at": clock.now().isoformat()}
    assert api.post("/relationships", email="buyer@example.com", **sale).status_code == 201
    told = {"scope": "acme", "channel": "phone"}
    assert api.post("/withdrawals", email="leaver@example.com", **told).status_code == 201
    assert api.post("/withdrawals", email="other@example.com", **told | {"scope": "all"}).status_code == 201
    assert log.found() == NOTHING
    for who in ("buyer", "leaver"):
        whose = id_of(f"{who}@example.com")
        run(f"DELETE FROM standing WHERE topic = 'acme/newsletter' AND contact_id = '{whose}'")
        found = log.audit()
        assert found.names == {"standing"} and any(whose in one.row for one in found.findings.kept)


@pytest.mark.parametrize("table", ["organization", "brand", "topic", "notice"])
def test_a_catalogue_that_cannot_be_read_is_a_finding_and_no_traceback(log: Log, table: str) -> None:
    run(f"DELETE FROM {table}")
    found = log.audit()
    assert found.names == {"notice"}
    assert found.findings.kept[0].row == "catalogue" and "KeyError" in found.findings.kept[0].text
    assert texts(log, "STANDINGS")[0] == NOT_CLAIMED


@pytest.mark.parametrize("table", ["organization", "brand", "topic", "form"])
@pytest.mark.parametrize(
    "settings", ["{}", "[]", "null", '{"zone": 1}', pytest.param("no json", marks=pytest.mark.sqlite)]
)
def test_settings_of_any_shape_end_in_a_finding(log: Log, table: str, settings: str) -> None:
    run(f"UPDATE {table} SET settings = '{settings}'")
    assert log.found() == {"notice"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE form SET sha256 = 'x'",
        "UPDATE form SET brand = (SELECT slug FROM brand WHERE slug <> form.brand)",
        "UPDATE form SET version = 7",
        "DELETE FROM form WHERE slug = 'acme-news'",
        "INSERT INTO form SELECT slug, 2, brand, sha256, settings, published_at FROM form WHERE slug = 'acme-news'",
        "UPDATE notice SET slug = 'x' WHERE language = 'fr'",
        "UPDATE notice SET language = 'en'",
        "UPDATE notice SET brand = (SELECT slug FROM brand WHERE slug <> notice.brand)",
        "INSERT INTO notice SELECT 'x', slug, brand, language, words, published_at FROM notice LIMIT 1",
    ],
)
def test_a_form_or_notice_that_is_not_as_it_was_published_is_found(log: Log, statement: str) -> None:
    run(statement)
    assert log.found() == {"notice"}


@pytest.mark.parametrize("change", [{"source": "other"}, {"topics": ["acme/promotions"]}])
def test_a_form_whose_settings_are_not_as_they_were_published_is_found(log: Log, change: dict[str, object]) -> None:
    with unguarded() as raw:
        (settings,) = raw.execute("SELECT CAST(settings AS TEXT) FROM form WHERE slug = 'acme-news'").fetchone()
        changed = json.dumps(json.loads(settings) | change)
        raw.execute("UPDATE form SET settings = ? WHERE slug = 'acme-news'", (changed,))
    assert log.found() == {"notice"}


def test_a_signer_that_cannot_be_read_is_a_finding(log: Log) -> None:
    with database.reading() as connection:
        found = audit.audit(connection, log=LOG, state=None, kept=[], now=clock.now(), trouble="It is gone.")
    (line,) = [line for line in found.lines if line.line == "SIGNER"]
    assert (found.names, line.result, found.size) == ({"signer"}, FAIL, SIZE)
