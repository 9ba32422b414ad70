"""A log of 600 entries, what a thief can do to its database, and what an audit then says.

A thief drops the triggers, writes what he likes, and puts the triggers back; so every change here is made by
:func:`unguarded`. With the signing key he can also sign again: :meth:`Log.sign_again`.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from consent import addresses, clock
from consent.ledger import entries
from consent.ledger.checkpoint import Checkpoint
from consent.records import append, audit, history, prove, publish, sequence, signing
from consent.records.append import NEW_CHAIN, Draft, Head, LedgerRow, Origin
from consent.records.audit import Report
from consent.records.audit_tree import Kept
from consent.records.signing import Publisher
from consent.store import database
from consent.store.ledger import ErasedAddress, LedgerCheckpoint
from tests.house import House
from tests.people import ANNE, BOB

LOG = "consent.example.com/ledger"
SIZE, KEPT = 600, (300, 500)
KEYS = "consent_key, deny_key, abuse_key"
_FILES = ("ledger.key", "ledger.key.signed", "consent.backup")
_made: dict[Path, "Log"] = {}
_KINDS = ("consent.requested", "confirmation.sent", "welcome.sent", "welcome.delivered", "welcome.opened")


@dataclass
class Log:
    """The ledger in the database *path*, its signer, and the checkpoints that an auditor kept, by size."""

    path: Path
    publisher: Publisher
    notes: dict[int, str] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)  # of the contacts that nobody knows

    def grow(self, size: int) -> None:
        """Append entries about 100 contacts in turn, so that each chain runs through the whole log."""
        with database.writing() as connection:
            while (number := sequence.size(connection)) < size:
                contact = f"{number % 100:020}AA"
                head = self.heads.get(contact, NEW_CHAIN)
                fields = {"language": "en", "channel": "web", "brand": "acme", "topic": "acme/newsletter"}
                draft = Draft(_KINDS[head.cseq % 5], "contact", fields, {"email": f"{number}@x.example", "ip": "::1"})
                (row,) = append.about(connection, Origin(LOG, clock.now()), contact, head, [draft])
                self.heads[contact] = Head(row.entry.cseq or 0, row.leaf_hash.hex())

    def sign(self) -> None:
        """Publish the head, as the worker does."""
        publish.publish(self.publisher, Origin(LOG, clock.now()))

    def sign_again(self, *sizes: int) -> None:
        """Do what a thief of the key does: new tiles, and new checkpoints of these *sizes* instead of all others."""
        with unguarded(self.path) as raw:
            raw.execute("DELETE FROM ledger_tile")
            raw.execute("DELETE FROM ledger_checkpoint")
        with database.writing() as connection:
            sequence.fill_tiles(connection)
            for size in sizes:
                head = Checkpoint(LOG, size, prove.root(connection, size))
                _publish(connection, self.publisher, head)

    def newest(self) -> str:
        """Return the newest note in the database."""
        with database.reading() as connection:
            head = prove.newest(connection)
        assert head is not None
        return head.note

    def number_of(self, address: str) -> int:
        """Return the number of the first entry about *address*."""
        parsed = addresses.parse(address)
        with database.reading() as connection:
            past = history.find(connection, parsed.deny_key, parsed.consent_key)
        assert past is not None and past.own[0].sequence is not None
        return past.own[0].sequence

    def back_up(self) -> None:
        """Keep a copy of the database as it is now."""
        _copy(self.path, self.path.with_suffix(".backup"))

    def restore(self) -> None:
        """Put the copy in the place of the database."""
        _copy(self.path.with_suffix(".backup"), self.path)

    def audit(self, *kept: int, at: datetime | None = None, state: bool = False) -> Report:
        """Audit with the kept checkpoints of these sizes, all known to be from *at*, and with the signer's *state*."""
        with database.reading() as connection:
            known = audit.keys(connection)
            held = [audit.open_kept(self.notes[size], f"kept-{size}", at, known) for size in kept]
            return look(connection, held, self.publisher.last() if state else None)

    def found(self, *kept: int, at: datetime | None = None, state: bool = False) -> set[str]:
        """Return the names of what an audit finds."""
        return set(self.audit(*kept, at=at, state=state).names)


def look(connection: Connection, kept: Sequence[Kept] = (), state: Checkpoint | None = None) -> Report:
    """Audit over *connection*."""
    return audit.audit(connection, log=LOG, state=state, kept=kept, now=clock.now())


def build(house: House, folder: Path, store: Path) -> Log:
    """Give the log in *folder*, as it was made once and kept in *store*."""
    if not (store / "consent.db").exists():
        _made[store] = _make(house, folder)
        _copy(folder / "consent.db", store / "consent.db")
        for name in _FILES:
            shutil.copy(folder / name, store)
        shutil.copytree(house.mail, store / "mail")
    _copy(store / "consent.db", folder / "consent.db")
    for name in _FILES:
        shutil.copy(store / name, folder)
    shutil.copytree(store / "mail", house.mail, dirs_exist_ok=True)
    publisher = signing.load(folder / "ledger.key", LOG)
    assert publisher is not None
    return Log(folder / "consent.db", publisher, dict(_made[store].notes), dict(_made[store].heads))


def _make(house: House, folder: Path) -> Log:
    """Make the log: two real journeys, then as many entries as it takes, signed at 300, 500 and 600."""
    house.confirm(ANNE.email)
    house.press_unsubscribe(house.confirm(BOB.email))
    house.letters()
    log = Log(folder / "consent.db", signing.create(folder / "ledger.key", LOG))
    log.sign()
    for size in (*KEPT, SIZE):
        log.grow(size)
        log.sign()
        log.notes[size] = log.publisher.note()
        if size == KEPT[-1]:
            log.back_up()
    return log


@contextmanager
def unguarded(path: Path) -> Iterator[sqlite3.Connection]:
    """Give the database *path* without triggers and without foreign keys; the triggers come back afterwards."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        triggers = drop_triggers(connection)
        yield connection
        for sql in triggers:
            connection.execute(sql)
        connection.execute("COMMIT")
    finally:
        connection.close()


def drop_triggers(connection: Any) -> list[str]:
    """Drop every trigger, and return what makes them again."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in rows:
        connection.execute(f'DROP TRIGGER "{name}"')
    return [sql for _, sql in rows]


def entry_at(connection: sqlite3.Connection, seq: int) -> tuple[str, dict[str, Any]]:
    """Return the id and the body of the entry with the number *seq*."""
    wanted = "SELECT e.entry_id, e.body FROM ledger_entry e JOIN ledger_leaf l USING (entry_id) WHERE seq = ?"
    id, body = connection.execute(wanted, (seq,)).fetchone()
    return id, json.loads(body)


def spelled(entry: dict[str, Any]) -> bytes:
    """Return the canonical bytes of *entry*."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def edit(connection: sqlite3.Connection, seq: int, body: bytes | None = None, *, hashes: bool = False) -> None:
    """Change the language in the entry number *seq*, or its whole *body*; with *hashes*, its two leaf hashes too."""
    id, entry = entry_at(connection, seq)
    body = body or spelled(entry | {"language": "fr"})
    connection.execute("UPDATE ledger_entry SET body = ? WHERE entry_id = ?", (body, id))
    if hashes:
        leaf = entries.leaf_hash(body)
        for table in ("ledger_entry", "ledger_leaf"):
            connection.execute(f"UPDATE {table} SET leaf_hash = ? WHERE entry_id = ?", (leaf, id))


def remove(connection: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Delete the entries with these numbers, and everything that hangs on them."""
    for seq in list(seqs):
        id, _ = entry_at(connection, seq)
        for table in ("evidence", "ledger_leaf", "ledger_entry"):
            connection.execute(f"DELETE FROM {table} WHERE entry_id = ?", (id,))


def renumber(connection: sqlite3.Connection) -> None:
    """Close the gaps in the numbers."""
    rows = connection.execute("SELECT entry_id, leaf_hash, sequenced_at FROM ledger_leaf ORDER BY seq").fetchall()
    connection.execute("DELETE FROM ledger_leaf")
    connection.executemany(
        "INSERT INTO ledger_leaf VALUES (?, ?, ?, ?)", [(number, *row) for number, row in enumerate(rows)]
    )


def chain_again(connection: sqlite3.Connection) -> None:
    """Make every chain and every hash fit the bodies as they are now: a history that fits itself."""
    heads: dict[str, str] = {}
    count = connection.execute("SELECT count(*) FROM ledger_leaf").fetchone()[0]
    for seq in range(count):
        _, entry = entry_at(connection, seq)
        contact = entry["contact"]
        if contact:
            entry["prev"] = heads.get(contact)
        edit(connection, seq, spelled(entry), hashes=True)
        if contact:
            heads[contact] = entries.leaf_hash(spelled(entry)).hex()


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def long_ago(days: int = 30) -> datetime:
    """Return an instant that many *days* ago."""
    return clock.now() - timedelta(days=days)


def _publish(connection: Connection, publisher: Publisher, head: Checkpoint) -> None:
    key_id = publisher.signers[0].verifier.key_id.hex()
    row = {"size": head.size, "root": head.root, "note": publisher.sign(head), "key_id": key_id}
    connection.execute(insert(LedgerCheckpoint), [row | {"created_at": clock.now()}])


def acquainted(log: Log) -> Log:
    """Return *log* with a contact for each id that its entries name, under the first address that they commit to."""
    for path in (log.path, log.path.with_suffix(".backup")):
        with closing(sqlite3.connect(path)) as raw, raw:
            rows = raw.execute(
                "SELECT contact, CAST(value AS TEXT) FROM ledger_entry JOIN evidence USING (entry_id) "
                "WHERE field = 'email' AND cseq = 1 AND contact NOT IN (SELECT id FROM contact)"
            ).fetchall()
            _insert_contacts(raw, rows)
    return log


def know(path: Path, contacts: Iterable[str]) -> None:
    """Let the database *path* have these *contacts*, whose addresses no evidence shows."""
    with closing(sqlite3.connect(path)) as raw, raw:
        _insert_contacts(raw, [(contact, f"{contact}@y.example") for contact in contacts])


def _insert_contacts(raw: sqlite3.Connection, rows: Iterable[tuple[str, str]]) -> None:
    for contact, email in rows:
        found = addresses.parse(email)
        values = (contact, found.consent_key, found.deny_key, found.abuse_key, "2026-11-23T08:45:00.123Z")
        sql = f"INSERT INTO contact (id, {KEYS}, created_at, language, epoch) VALUES (?, ?, ?, ?, ?, 'en', 0)"
        raw.execute(sql, values)


def forget(path: Path, contact: str) -> None:
    """Take the address of *contact* away, as its erasure does."""
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(f"UPDATE contact SET ({KEYS}) = (NULL, NULL, NULL) WHERE id = ?", (contact,))


def remember_erasure(connection: Connection, row: LedgerRow) -> None:
    """Keep a digest beside the entry of an erasure, as the service does."""
    values = {"digest": "0" * 64, "entry_id": row.entry.id, "erased_at": row.entry.recorded_at}
    connection.execute(insert(ErasedAddress), [values])
