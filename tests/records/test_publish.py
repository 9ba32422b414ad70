"""Signing the head: what is signed, when nothing is, and every way in which the signer refuses."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from consent import clock
from consent.ledger import checkpoint, merkle
from consent.records import audit, prove, publish, rotate, sequence, signing
from consent.records.append import Origin
from consent.records.publish import Contradiction
from consent.records.signing import KeyTrouble, Publisher
from consent.store import database
from tests.house import House
from tests.people import ANNE, BOB
from tests.records.tampering import unguarded

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
    with database.reading() as connection:
        told = connection.execute(text("SELECT body FROM ledger_entry WHERE kind = 'key.rotated'")).scalars()
        assert [publisher.signers[0].verifier.vkey.encode() in body for body in told] == [True]
        assert prove.keys(connection) == [publisher.signers[0].verifier.vkey]


def test_a_database_from_before_the_last_note_is_not_signed(house: House, publisher: Publisher, tmp_path: Path) -> None:
    sign(publisher)
    old = (tmp_path / "ledger.key.signed").read_text()
    house.sign_up(ANNE.email)
    sign(publisher)
    ahead = (tmp_path / "ledger.key.signed").read_text()
    size = checkpoint.parse(old.partition("\n\n")[0] + "\n").size
    with unguarded() as raw:  # as an old copy would have it
        raw.execute(f"DELETE FROM ledger_leaf WHERE seq >= {size}")
        raw.execute(f"DELETE FROM ledger_checkpoint WHERE size > {size}")
    before = house.rows()
    with pytest.raises(Contradiction, match="restored from an old copy"):
        sign(publisher)
    assert house.rows() == before
    assert (tmp_path / "ledger.key.signed").read_text() == ahead


def test_a_ledger_with_another_beginning_is_not_signed(house: House, publisher: Publisher) -> None:
    house.sign_up(ANNE.email)
    sign(publisher)
    house.sign_up(BOB.email)
    with unguarded() as raw:
        raw.execute("UPDATE ledger_leaf SET leaf_hash = zeroblob(32) WHERE seq = 2")
    with pytest.raises(Contradiction, match="the database was changed"):
        sign(publisher)


def test_a_note_that_was_signed_before_a_crash_is_published_by_the_next_round(
    house: House, publisher: Publisher
) -> None:
    house.sign_up(ANNE.email)
    sign(publisher)
    with unguarded() as raw:  # the file is there, the row is not
        raw.execute("DELETE FROM ledger_checkpoint")
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
    key, old = tmp_path / "ledger.key", publisher.signers[0].verifier
    new = checkpoint.read_vkey(rotate.begin(key, Origin(LOG, clock.now())))
    for verifier in (old, new):
        assert checkpoint.open_note(publisher.note(), [verifier]).size > 0
    assert rotate.finish(key, Origin(LOG, clock.now())) == new.vkey
    with pytest.raises(checkpoint.BadNote):
        checkpoint.open_note(publisher.note(), [old])
    with database.reading() as connection:
        assert prove.keys(connection) == [new.vkey, old.vkey]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", range(12))
def test_a_rotation_cut_short_at_any_write_can_be_done_again(
    house: House, publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    sign(publisher)
    key, first = tmp_path / "ledger.key", publisher.signers[0].verifier
    kill_after(monkeypatch, step)
    for act in (rotate.begin, rotate.finish):
        with suppress(Killed):
            act(key, Origin(LOG, clock.now()))
    monkeypatch.undo()
    with suppress(KeyTrouble):  # it had gone far enough, or not begun
        rotate.finish(key, Origin(LOG, clock.now()))
    house.sign_up(ANNE.email)
    again = signing.load(key, LOG)
    assert again is not None and sign(again) is not None
    new = checkpoint.read_vkey(rotate.begin(key, Origin(LOG, clock.now())))
    assert rotate.finish(key, Origin(LOG, clock.now())) == new.vkey != first.vkey
    last = signing.load(key, LOG)
    with database.reading() as connection:
        report = audit.audit(connection, log=LOG, state=last and last.last(), kept=[], now=clock.now())
    assert report.names == frozenset()


def kill_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """Let the process end at the write of number *writes*: of a file, a file's end, or a row that tells of a key."""
    left = iter(range(writes))
    for module, name in ((signing, "_write"), (signing, "drop_retiring"), (publish, "_note_key"), (publish, "_store")):
        monkeypatch.setattr(module, name, _counted(getattr(module, name), left))


def _counted(write: Callable[..., None], left: Iterator[int]) -> Callable[..., None]:
    def counted(*given: object) -> None:
        if next(left, None) is None:
            raise Killed
        write(*given)

    return counted


def test_a_key_that_was_announced_in_a_crash_is_announced_once_and_signing_goes_on(
    house: House, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "_store", _counted(publish._store, iter(())))
    with pytest.raises(Killed):
        sign(publisher)
    monkeypatch.undo()
    assert sign(publisher) is None  # the head was signed; its row is made up for
    with database.reading() as connection:
        head = prove.newest(connection)
        assert head is not None and head.size == publisher.last().size == sequence.size(connection)


def test_a_key_that_is_gone_is_not_taken_for_none(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "ledger.key").unlink()
    with pytest.raises(KeyTrouble, match="put the key back"):
        signing.load(tmp_path / "ledger.key", LOG)


def test_a_key_of_another_length_is_named_by_its_length(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "ledger.key").write_bytes(bytes([255]) * 31)
    with pytest.raises(KeyTrouble, match="has 31 bytes"):
        signing.load(tmp_path / "ledger.key", LOG)


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
