"""The attacks on the ledger's database, one by one: what is found with the database alone, and with a kept checkpoint.

Where a set is empty, nothing can show it, and the audit claims no more. The numbers are those of the threat model.
The log has 600 entries; an auditor kept the checkpoints at 300 and 500.
"""

from collections.abc import Callable

import pytest
from sqlalchemy import insert

from consent import clock
from consent.ledger import checkpoint
from consent.ledger.checkpoint import BadNote, Checkpoint
from consent.ledger.entries import leaf_hash
from consent.records import append, audit, publish
from consent.records.append import NEW_CHAIN, Draft, Origin
from consent.records.audit import SOUND
from consent.store import database
from consent.store.ledger import LedgerPending
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE, BOB, CHLOE
from tests.records import tampering
from tests.records.tampering import LOG, SIZE, Log, unguarded

NOTHING: set[str] = set()
MIDDLE = 450  # an entry with entries of the same contact before and after it, below the last kept checkpoint
LAST = 599  # the newest entry of its contact, above the last kept checkpoint


def test_0_an_untouched_ledger_is_sound(log: Log) -> None:
    assert log.audit(300, 500, at=clock.now(), state=True).verdict == SOUND


def test_1_a_row_is_edited(log: Log) -> None:
    with unguarded() as raw:
        tampering.edit(raw, 100)
    assert log.found() == {"root", "chain", "tile"}
    assert log.found(300) == log.found(state=True) == {"root", "chain", "tile", "inconsistent"}


def test_2_a_row_is_edited_and_signed_with_the_stolen_key(log: Log) -> None:
    with unguarded() as raw:
        tampering.edit(raw, 100, hashes=True)
    log.sign_again(300, 500, 600)
    assert log.found() == {"chain"}
    assert log.found(500) == {"chain", "inconsistent"}


def test_3_a_row_is_deleted(log: Log) -> None:
    with unguarded() as raw:
        tampering.remove(raw, [MIDDLE])
    assert log.found() == {"root", "complete", "chain", "tile"}
    assert log.found(300) == log.found()  # it lies above
    assert log.found(500) == {"root", "complete", "chain", "tile", "inconsistent"}


def test_3_a_row_is_deleted_and_the_others_numbered_again(log: Log) -> None:
    with unguarded() as raw:
        tampering.remove(raw, [MIDDLE])
        tampering.renumber(raw)
    assert log.found() == {"root", "rollback", "chain", "tile"}
    assert log.found(500) == {"root", "rollback", "chain", "tile", "inconsistent"}


@pytest.mark.parametrize(("seq", "alone"), [(MIDDLE, {"chain"}), (499, NOTHING)])
def test_4_a_row_is_deleted_and_the_rest_signed_again(log: Log, seq: int, alone: set[str]) -> None:
    with unguarded() as raw:
        if not alone:  # then it is made that contact's newest entry
            tampering.remove(raw, [599])
        tampering.remove(raw, [seq])
        tampering.renumber(raw)
    log.sign_again(300, 500, 598)
    assert log.found() == alone
    assert log.found(500) == alone | {"inconsistent"}


def test_5_two_contacts_entries_are_swapped_and_signed_again_which_nothing_but_a_kept_checkpoint_shows(
    log: Log,
) -> None:
    with unguarded() as raw:
        raw.execute("UPDATE ledger_leaf SET seq = -1 WHERE seq = 450")
        raw.execute("UPDATE ledger_leaf SET seq = 450 WHERE seq = 451")
        raw.execute("UPDATE ledger_leaf SET seq = 451 WHERE seq = -1")
    log.sign_again(300, 500, 600)
    assert log.found() == NOTHING
    assert log.found(500) == {"inconsistent"}


def test_6_the_ledger_is_cut_below_a_kept_checkpoint_and_signed_again(log: Log) -> None:
    with unguarded() as raw:
        tampering.remove(raw, range(400, SIZE))
    log.sign_again(300, 400)
    assert log.found() == log.found(300) == NOTHING
    assert log.found(500) == log.found(state=True) == {"rollback"}


def test_7_a_cut_above_the_last_kept_checkpoint_nothing_can_show_but_the_signers_own_file(log: Log) -> None:
    with unguarded() as raw:
        tampering.remove(raw, range(550, SIZE))
    log.sign_again(300, 500, 550)
    assert log.found() == log.found(300, 500) == NOTHING
    assert log.found(state=True) == {"rollback"}


def test_8_a_ledger_that_is_rebuilt_as_a_whole_only_a_kept_checkpoint_shows(log: Log) -> None:
    with unguarded() as raw:
        tampering.edit(raw, 250)
        tampering.chain_again(raw)
    log.sign_again(300, 500, 600)
    assert log.found() == NOTHING
    assert log.found(300) == {"inconsistent"}


def test_9_a_backdated_entry_is_found_only_by_a_kept_checkpoint_with_a_time(log: Log) -> None:
    with database.writing() as connection:
        draft = Draft("consent.requested", "contact", {"language": "en"})
        append.about(connection, Origin(LOG, tampering.long_ago()), "new" + "0" * 18 + "A", NEW_CHAIN, [draft])
    tampering.know(["new" + "0" * 18 + "A"])
    log.sign()
    assert log.found() == log.found(500) == NOTHING
    assert log.found(500, at=clock.now()) == {"time"}


def test_9_an_entry_cannot_be_newer_than_the_checkpoint_that_covers_it(log: Log) -> None:
    assert log.found(300, at=tampering.long_ago(1)) == {"time"}


def test_10_a_tail_rewritten_after_the_last_kept_checkpoint_nothing_can_show(log: Log) -> None:
    with unguarded() as raw:
        tampering.edit(raw, 550)
        tampering.chain_again(raw)
    log.sign_again(300, 500, 600)
    assert log.found() == log.found(300, 500) == NOTHING


def test_11_a_contacts_newest_entry_dropped_after_the_last_kept_checkpoint_nothing_can_show(log: Log) -> None:
    with unguarded() as raw:
        tampering.remove(raw, [LAST])
    log.sign_again(300, 500, 599)
    assert log.found() == log.found(300, 500) == NOTHING


def test_12_two_views_of_one_ledger_nothing_can_show_to_those_who_each_see_one(log: Log) -> None:
    with unguarded() as raw:
        tampering.edit(raw, 550)
        tampering.chain_again(raw)
    log.sign_again(300, 500, 600)
    assert log.newest() != log.notes[SIZE]  # what another person was shown
    assert log.found(500) == NOTHING


def test_13_an_entry_that_was_never_written_nothing_can_ever_show(log: Log, house: House) -> None:
    log.back_up()
    assert house.press_unsubscribe(house.letters(ANNE.email)[-1]).status_code == 200
    log.restore()  # a dishonest service takes a "no", and keeps nothing of it
    assert house.allows(ANNE.email)
    assert log.found(300, 500, state=True) == NOTHING


def test_14_a_consent_invented_at_the_right_time_nothing_can_show(log: Log, api: Caller) -> None:
    told = {"topic": "acme/newsletter", "method": "paper", "evidence": "card", "occurred_at": clock.now().isoformat()}
    assert api.post("/consents", email="invented@example.com", **told).status_code == 201
    log.sign()
    assert log.found(300, 500, at=clock.now(), state=True) == NOTHING


def test_15_an_entry_without_a_number_is_pending(log: Log, later: Callable[..., None]) -> None:
    log.grow(SIZE + 1)
    with unguarded() as raw:
        raw.execute("DELETE FROM ledger_leaf WHERE seq = 600")
    later(minutes=10)  # on PostgreSQL an entry may wait for a moment
    assert log.found() == log.found(300, 500, state=True) == {"pending"}


def test_16_an_entry_inserted_by_sql_becomes_a_valid_one_and_nothing_can_show_it(log: Log) -> None:
    now = clock.now()
    draft = Draft("welcome.opened", "provider:x", {"details": {"message_id": "1"}})
    row, _ = append._row(Origin(LOG, now), draft, "sql" + "0" * 18 + "A", NEW_CHAIN)
    at = tampering.entries.when(now)
    values = (row.entry.id, row.entry.contact, 1, row.entry.kind, None, None, at, at, row.body, row.leaf_hash)
    with database.writing() as connection:
        tampering.Raw(connection).execute("INSERT INTO ledger_entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        if connection.dialect.name != "sqlite":  # where no trigger numbers it
            connection.execute(insert(LedgerPending), [{"entry_id": row.entry.id}])
    log.sign()
    assert log.found() == {"contact"}
    tampering.know([str(row.entry.contact)])
    assert log.found(300, 500, state=True) == NOTHING


@pytest.mark.parametrize("change", ["value = CAST('eve@x.example' AS BLOB)", "salt = zeroblob(32)", "field = 'name'"])
def test_17_evidence_is_altered(log: Log, change: str) -> None:
    with unguarded() as raw:
        id, _ = tampering.entry_at(raw, MIDDLE)
        raw.execute(f"UPDATE evidence SET {change} WHERE entry_id = ? AND field = 'email'", (id,))
    assert log.found() == log.found(500) == {"evidence"}


def test_18_evidence_is_deleted_without_an_entry_that_says_so(log: Log) -> None:
    with unguarded() as raw:
        id, _ = tampering.entry_at(raw, MIDDLE)
        raw.execute("DELETE FROM evidence WHERE entry_id = ? AND field = 'email'", (id,))
    found = log.audit()
    assert found.names == {"evidence"}
    (finding,) = found.findings.kept
    assert "MISSING" in finding.text and id in finding.row and f"({MIDDLE})" in finding.row


def test_19_a_standing_is_flipped_to_given(log: Log) -> None:
    with unguarded() as raw:
        raw.execute(
            "UPDATE standing SET (state, basis, allowed_from, allowed_until, since, entry_id) = "
            "(SELECT state, basis, allowed_from, allowed_until, since, entry_id FROM standing WHERE state = 'given') "
            "WHERE state = 'withdrawn'"
        )
    found = log.audit(300, 500, state=True)
    assert found.names == {"standing"} and found.findings.counts["STANDINGS"] == 1
    (finding,) = found.findings.kept
    assert finding.row.endswith(" acme/newsletter") and BOB.email not in str(finding)


def test_20_a_database_restored_from_an_old_backup(log: Log) -> None:
    log.restore()
    assert log.found() == log.found(300, 500) == NOTHING
    assert log.found(state=True) == {"rollback"}
    with pytest.raises(publish.Contradiction):
        log.sign()


def test_21_a_second_publisher_on_a_copy(log: Log, house: House) -> None:
    log.restore()  # a copy from when there were 500, that went its own way
    for number in range(SIZE - 500):
        house.sign_up(f"copy{number}@example.com")
    house.number()
    log.sign_again(300, 500, SIZE)
    assert log.found() == log.found(300, 500) == NOTHING
    assert log.found(state=True) == {"inconsistent"}


def test_22_a_foreign_key_is_believed_nowhere(log: Log) -> None:
    thief = checkpoint.signer(LOG, bytes(32))
    with database.reading() as connection:
        known = audit.keys(connection)
    forged = checkpoint.sign(Checkpoint(LOG, 300, bytes(32)), [thief])
    with pytest.raises(BadNote):
        audit.open_kept(forged, "forged", None, known)
    with unguarded() as raw:
        raw.execute("UPDATE ledger_checkpoint SET note = ? WHERE size = 300", (forged,))
    assert log.found() == {"signature"}
    with unguarded() as raw:  # nor if it is put among ours: no entry announces it
        raw.execute("INSERT INTO ledger_key SELECT ?, 'active', 0, entry_id FROM ledger_key", (thief.verifier.vkey,))
    assert log.found() == {"signature"}


@pytest.mark.parametrize("spell", [lambda b: b.replace(b":", b": ", 1), lambda b: b[:-1] + b',"v":1}'])
def test_23_a_second_spelling_is_not_canonical(log: Log, spell: object) -> None:
    with unguarded() as raw:
        _, entry = tampering.entry_at(raw, LAST)
        tampering.edit(raw, LAST, spell(tampering.spelled(entry)), hashes=True)  # type: ignore[operator]
    log.sign_again(300, 500, 600)
    assert log.found() == log.found(500) == {"canonical"}


def test_23_an_entry_of_another_log_or_of_no_kind_is_not_canonical(log: Log) -> None:
    for change in ({"log": "other.example/ledger"}, {"details": {"note": "x"}}, {"channel": "owl"}):
        with unguarded() as raw:
            _, entry = tampering.entry_at(raw, LAST)
            tampering.edit(raw, LAST, tampering.spelled(entry | change), hashes=True)
        log.sign_again(300, 500, 600)
        assert log.found() == {"canonical"}
        with unguarded() as raw:
            tampering.edit(raw, LAST, tampering.spelled(entry), hashes=True)


def test_26_a_clock_that_was_set_back_breaks_the_time_rule(log: Log, house: House, later: Callable[..., None]) -> None:
    now = clock.now()
    later(days=-3)
    house.sign_up(CHLOE.email)
    later(days=0)
    house.number()
    assert log.found(500) == NOTHING
    assert log.found(500, at=now) == {"time"}


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("entry_id", "019abcde-f012-7345-89ab-cdef01234567", {"complete", "pending", "evidence", "chain"}),
        ("contact", "x" * 21 + "A", {"column", "chain", "contact"}),
        ("cseq", 99, {"column", "chain"}),
        ("kind", "consent.given", {"column", "standing"}),  # of which there would have to be one
        ("brand", "zest", {"column"}),
        ("topic", "acme/promotions", {"column"}),
        ("occurred_at", "2020-01-01T00:00:00.000Z", {"column"}),
        ("occurred_at", "yesterday", {"column"}),
        ("recorded_at", "2020-01-01T00:00:00.000Z", {"column"}),
    ],
)
def test_27_a_copied_column_is_edited_and_the_body_left(
    log: Log, later: Callable[..., None], column: str, value: object, expected: set[str]
) -> None:
    with unguarded() as raw:
        id, _ = tampering.entry_at(raw, MIDDLE)
        raw.execute(f"UPDATE ledger_entry SET {column} = ? WHERE entry_id = ?", (value, id))
    later(minutes=10)  # on PostgreSQL an entry may be without a number for a moment
    assert log.found() == log.found(500) == expected


def test_an_entry_after_the_erasure_of_its_contact_breaks_the_chain(log: Log) -> None:
    contact = next(iter(log.heads))
    drafts = [Draft("contact.erased", "system"), Draft("welcome.opened", "provider:x")]
    with database.writing() as connection:
        rows = append.about(connection, Origin(LOG, clock.now()), contact, log.heads[contact], drafts)
        tampering.remember_erasure(connection, rows[0])
    log.grow(SIZE)  # which numbers them
    tampering.forget(contact)
    assert log.found() == {"chain"}


def test_bodies_that_are_no_json_end_in_findings_and_not_in_a_traceback(log: Log) -> None:
    for seq in (log.number_of(ANNE.email), MIDDLE):
        with unguarded() as raw:
            tampering.edit(raw, seq, b"\xff")
    assert {"canonical", "root", "standing", "chain", "tile"} == log.found()
    assert leaf_hash(b"\xff") != leaf_hash(b"")
