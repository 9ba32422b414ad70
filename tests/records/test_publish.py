"""Signing the head: what is signed, when nothing is, and every way in which the signer refuses."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from consent import clock
from consent.ledger import checkpoint, merkle
from consent.records import prove, publish, sequence, signing
from consent.records.append import Origin
from consent.records.publish import Contradiction
from consent.records.signing import KeyTrouble, Publisher
from consent.store import database
from tests.house import House
from tests.people import ANNE, BOB

LOG = "consent.example.com/ledger"


@pytest.fixture
def publisher(app: Flask, tmp_path: Path) -> Publisher:
    return signing.create(tmp_path / "ledger.key", LOG)


def sign(publisher: Publisher) -> checkpoint.Checkpoint | None:
    return publish.publish(publisher, Origin(LOG, clock.now()))


def naive_root() -> bytes:
    with database.reading() as connection:
        leaves = connection.execute(text("SELECT leaf_hash FROM ledger_leaf ORDER BY seq")).scalars().all()

    def mth(hashes: list[bytes]) -> bytes:
        if len(hashes) == 1:
            return hashes[0]
        half = 1 << (len(hashes) - 1).bit_length() - 1
        return merkle.node_hash(mth(hashes[:half]), mth(hashes[half:]))

    return mth(list(leaves))


def test_the_signed_head_is_the_root_of_every_numbered_entry(house: House, publisher: Publisher) -> None:
    house.confirm(ANNE.email)
    head = sign(publisher)
    assert head is not None
    with database.reading() as connection:
        assert head.size == sequence.size(connection)
        stored = prove.newest(connection)
    assert head.root == naive_root()
    assert stored is not None
    assert checkpoint.open_note(stored.note, [publisher.signers[0].verifier]) == head == publisher.last()


def test_a_ledger_that_has_not_grown_is_not_signed_again(house: House, publisher: Publisher) -> None:
    sign(publisher)
    before = house.rows()
    assert sign(publisher) is None
    assert house.rows() == before


def test_the_worker_signs_what_it_has_delivered(house: House, publisher: Publisher) -> None:
    house.confirm(ANNE.email)
    house.drain()
    with database.reading() as connection:
        head = prove.newest(connection)
        assert head is not None and head.size == sequence.size(connection)


def test_a_key_made_after_the_ledger_was_opened_is_announced_in_it(house: House, publisher: Publisher) -> None:
    sign(publisher)
    assert any(
        "key.rotated" in row and publisher.signers[0].verifier.vkey in row for row in house.rows()["ledger_entry"]
    )
    with database.reading() as connection:
        assert prove.keys(connection) == [publisher.signers[0].verifier.vkey]


def test_a_database_from_before_the_last_note_is_not_signed(house: House, publisher: Publisher, tmp_path: Path) -> None:
    sign(publisher)
    old = (tmp_path / "ledger.key.signed").read_text()
    house.sign_up(ANNE.email)
    sign(publisher)
    ahead = (tmp_path / "ledger.key.signed").read_text()
    with database.writing() as connection:  # as an old copy would have it
        for table in ("ledger_leaf", "ledger_checkpoint"):
            connection.execute(text(f"DROP TRIGGER {table}_refuse_DELETE"))
        size = checkpoint.parse(old.partition("\n\n")[0] + "\n").size
        connection.execute(text(f"DELETE FROM ledger_leaf WHERE seq >= {size}"))
        connection.execute(text(f"DELETE FROM ledger_checkpoint WHERE size > {size}"))
    before = house.rows()
    with pytest.raises(Contradiction, match="restored from an old copy"):
        sign(publisher)
    assert house.rows() == before
    assert (tmp_path / "ledger.key.signed").read_text() == ahead


def test_a_ledger_with_another_beginning_is_not_signed(house: House, publisher: Publisher) -> None:
    house.sign_up(ANNE.email)
    sign(publisher)
    house.sign_up(BOB.email)
    with database.writing() as connection:
        connection.execute(text("DROP TRIGGER ledger_leaf_refuse_UPDATE"))
        connection.execute(text("UPDATE ledger_leaf SET leaf_hash = zeroblob(32) WHERE seq = 2"))
    with pytest.raises(Contradiction, match="the database was changed"):
        sign(publisher)


def test_a_note_that_was_signed_before_a_crash_is_published_by_the_next_round(
    house: House, publisher: Publisher
) -> None:
    house.sign_up(ANNE.email)
    sign(publisher)
    with database.writing() as connection:  # the file is there, the row is not
        connection.execute(text("DROP TRIGGER ledger_checkpoint_refuse_DELETE"))
        connection.execute(text("DELETE FROM ledger_checkpoint"))
    assert sign(publisher) is None
    with database.reading() as connection:
        head = prove.newest(connection)
    assert head is not None and head.note == publisher.note()


def test_without_the_file_of_the_last_note_nothing_is_signed(publisher: Publisher) -> None:
    publisher.state.unlink()
    with pytest.raises(KeyTrouble, match="newest checkpoint that was kept"):
        sign(publisher)


def test_a_last_note_of_another_key_is_refused(publisher: Publisher) -> None:
    other = checkpoint.signer(LOG, bytes(32))
    publisher.keep(checkpoint.sign(publisher.last(), [other]))
    with pytest.raises(KeyTrouble, match="not a note that this key signed"):
        sign(publisher)


def test_a_key_is_never_overwritten(publisher: Publisher, tmp_path: Path) -> None:
    with pytest.raises(KeyTrouble, match="never overwritten"):
        signing.create(tmp_path / "ledger.key", LOG)


def test_the_key_is_readable_by_its_owner_alone(publisher: Publisher, tmp_path: Path) -> None:
    assert (tmp_path / "ledger.key").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "ledger.key").read_bytes()) == 32


def test_while_a_key_is_retired_both_sign_and_then_the_new_one_alone(
    house: House, publisher: Publisher, tmp_path: Path
) -> None:
    sign(publisher)
    key = tmp_path / "ledger.key"
    old, new = signing.replace(key, LOG)
    publish.rotate(old.verifier.vkey, new.verifier.vkey, "scheduled", Origin(LOG, clock.now()))
    both = signing.load(key, LOG)
    assert both is not None and sign(both) is not None
    for verifier in (old.verifier, new.verifier):
        assert checkpoint.open_note(both.note(), [verifier]).origin == LOG
    signing.drop_retiring(key, LOG)
    publish.retire(old.verifier.vkey, new.verifier.vkey, Origin(LOG, clock.now()))
    alone = signing.load(key, LOG)
    assert alone is not None and sign(alone) is not None
    with pytest.raises(checkpoint.BadNote):
        checkpoint.open_note(alone.note(), [old.verifier])
    with database.reading() as connection:
        assert prove.keys(connection) == [new.verifier.vkey, old.verifier.vkey]


def test_tiles_of_more_than_256_entries_give_the_same_root(house: House, publisher: Publisher) -> None:
    for number in range(300):
        assert house.sign_up(f"person{number}@example.com").status_code == 200
    head = sign(publisher)
    assert head is not None and head.size > 300
    assert head.root == naive_root()
    with database.reading() as connection:
        for old_size in (1, 100, 255, 256, 257, head.size):
            proof = prove.consistency(connection, old_size, head.size)
            merkle.verify_consistency(
                proof, old_size=old_size, new_size=head.size, new_root=head.root, old_root=prove.root(connection, old_size)
            )  # fmt: skip
