"""Sign the head of the ledger, and never two that contradict each other.

Before signing, the tree of now is checked against the last note that this key signed (a file outside the database)
and against the newest checkpoint in the database. If it does not begin with them, the database was changed, or
restored from an old copy, and nothing is signed any more: the way on is a log of a new name.
"""

from datetime import datetime

from sqlalchemy import Connection, exists, insert, select

from consent.ledger import merkle
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.merkle import BadProof
from consent.records import append, prove, sequence
from consent.records.append import Draft, Origin
from consent.records.signing import Publisher
from consent.store import database
from consent.store.ledger import LedgerCheckpoint, LedgerEntry, LedgerKey

PROFILE = 1  # version of the format of entries


class Contradiction(Exception):
    """The ledger does not continue what was signed. Nothing was signed; the message says what was found."""


def open_log(connection: Connection, origin: Origin, vkey: str | None) -> None:
    """Append ``ledger.opened`` if the ledger is empty: the first entry names the log and its key, if there is one."""
    if connection.execute(select(exists().select_from(LedgerEntry))).scalar():  # numbered or not
        return
    details = {"vkey": vkey, "profile": PROFILE}
    (row,) = append.about_nobody(connection, origin, [Draft("ledger.opened", "system", {"details": details})])
    if vkey:
        _note_key(connection, vkey, "active", 0, row.entry.id)


@database.retried
def publish(publisher: Publisher, origin: Origin) -> Checkpoint | None:
    """Sign the ledger as it stands, and return the checkpoint; None if it was signed already.

    Raises Contradiction and signing.KeyTrouble; then nothing was signed.
    """
    announce(publisher, origin)
    number_all(origin.now)
    with database.writing() as connection:  # nothing is appended in it: were it lost, the note would still hold
        database.alone(connection, "publish")
        last = publisher.last()
        size = sequence.fill_tiles(connection)
        _check(connection, last, size, "the last note that was signed")
        if stored := prove.newest(connection):
            _check(connection, Checkpoint(origin.log, stored.size, stored.root), size, "the newest checkpoint")
        if last.size > (stored.size if stored else 0):  # a crash came between the file and the row
            _store(connection, publisher, last, publisher.note(), origin.now)
        if size <= max(last.size, stored.size if stored else 0):
            return None
        head = Checkpoint(origin.log, size, prove.root(connection, size))
        note = publisher.sign(head)
        publisher.keep(note)
        _store(connection, publisher, head, note, origin.now)
    return head


@database.retried
def number_all(now: datetime) -> int:
    """Give every waiting entry its number, in transactions of their own, and return how many. Raises ClockBehind."""
    total = 0
    while not sequence.inline():
        with database.writing() as connection:
            done = sequence.number(connection, now)
        total += done
        if done < sequence.MOST_NUMBERED:
            break
    return total


@database.retried
def announce(publisher: Publisher, origin: Origin) -> None:
    """Record a key that the ledger does not name yet: a new one, or one that was made after the ledger was opened."""
    vkey = publisher.signers[0].verifier.vkey
    with database.reading() as connection:
        if _status(connection, vkey):
            return
    with database.writing() as connection:
        database.alone(connection, "setup")
        open_log(connection, origin, vkey)
        if not _status(connection, vkey):
            old = publisher.signers[1].verifier.vkey if len(publisher.signers) > 1 else None
            reason = "rotated" if old else "first_key"
            _record_key(connection, origin, {"old": old, "new": vkey, "reason": reason}, vkey, "active")


@database.retried
def retire(old: str, new: str, origin: Origin) -> None:
    """Record that the key *old* signs no more; once, however often it is asked for."""
    with database.writing() as connection:
        database.alone(connection, "setup")
        if "retired" not in _status(connection, old):
            _record_key(connection, origin, {"old": old, "new": new, "reason": "retired"}, old, "retired")


def _status(connection: Connection, vkey: str) -> set[str]:
    return set(connection.execute(select(LedgerKey.status).where(LedgerKey.vkey == vkey)).scalars())


def _record_key(connection: Connection, origin: Origin, details: dict[str, str | None], vkey: str, status: str) -> None:
    size = sequence.size(connection)
    draft = Draft("key.rotated", "system", {"details": {**details, "from_size": size}})
    (row,) = append.about_nobody(connection, origin, [draft])
    _note_key(connection, vkey, status, size, row.entry.id)


def _check(connection: Connection, old: Checkpoint, size: int, what: str) -> None:
    """Raise Contradiction unless the first *size* entries begin with those that *old* covers."""
    if old.size > size:
        raise Contradiction(
            f"The ledger has {size} entries, and {what} covers {old.size}: it was restored from an old copy or cut. "
            "Restore the newest database, or go on in a log of a new name (docs/operating.md)."
        )
    try:
        if old.size:
            proof = prove.consistency(connection, old.size, size)
            root = prove.root(connection, size)
            merkle.verify_consistency(proof, old_size=old.size, new_size=size, old_root=old.root, new_root=root)
    except BadProof:
        raise Contradiction(
            f"The first {old.size} entries are not those of {what}: the database was changed, or restored from an old "
            "copy, and went on. `consent audit` names the rows."
        ) from None


def _store(connection: Connection, publisher: Publisher, head: Checkpoint, note: str, now: datetime) -> None:
    row = {"size": head.size, "root": head.root, "note": note, "created_at": now}
    key_id = publisher.signers[0].verifier.key_id.hex()
    connection.execute(insert(LedgerCheckpoint), [{**row, "key_id": key_id}])


def _note_key(connection: Connection, vkey: str, status: str, size: int, entry: str) -> None:
    row = {"vkey": vkey, "status": status, "from_size": size, "entry_id": entry}
    connection.execute(insert(LedgerKey), [row])
