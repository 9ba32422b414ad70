"""A log of 600 entries, what a thief can do to its database, and what an audit then says.

A thief drops the triggers, writes what he likes, and puts the triggers back; so every change here is made by
:func:`unguarded`. With the signing key he can also sign again: :meth:`Log.sign_again`. His SQL is SQLite's, and
:class:`Raw` spells it for PostgreSQL.
"""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, create_engine, insert

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
from tests.postgres import Postgres

LOG = "consent.example.com/ledger"
SIZE, KEPT = 600, (300, 500)
KEYS = "consent_key, deny_key, abuse_key"
_FILES = ("ledger.key", "ledger.key.signed")
_made: dict[Path, "Log"] = {}
_saved: dict[Path, str] = {}  # databases of PostgreSQL that stand for these files
_KINDS = ("consent.requested", "confirmation.sent", "welcome.sent", "welcome.delivered", "welcome.opened")


@dataclass
class Log:
    """The ledger in the database, its signer, the checkpoints that an auditor kept by size, and where a copy lies."""

    publisher: Publisher
    notes: dict[int, str] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)  # of the contacts that nobody knows
    backup: Path = Path("/nowhere")

    def grow(self, size: int) -> None:
        """Append entries about 100 contacts in turn, so that each chain runs through the whole log."""
        publish.number_all(clock.now())
        with database.writing() as connection:
            for number in range(sequence.size(connection), size):
                contact = f"{number % 100:020}AA"
                head = self.heads.get(contact, NEW_CHAIN)
                fields = {"language": "en", "channel": "web", "brand": "acme", "topic": "acme/newsletter"}
                draft = Draft(_KINDS[head.cseq % 5], "contact", fields, {"email": f"{number}@x.example", "ip": "::1"})
                (row,) = append.about(connection, Origin(LOG, clock.now()), contact, head, [draft])
                self.heads[contact] = Head(row.entry.cseq or 0, row.leaf_hash.hex())
        publish.number_all(clock.now())

    def sign(self) -> None:
        """Publish the head, as the worker does."""
        publish.publish(self.publisher, Origin(LOG, clock.now()))

    def sign_again(self, *sizes: int) -> None:
        """Do what a thief of the key does: new tiles, and new checkpoints of these *sizes* instead of all others."""
        with unguarded() as raw:
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
        self.backup = self.backup.with_name(f"{uuid4().hex}.backup")
        save(self.backup)

    def restore(self) -> None:
        """Put the copy in the place of the database."""
        load(self.backup)

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
    if store not in _made:
        _made[store] = _make(house, folder, store)
        save(store / "consent.db")
        for name in _FILES:
            shutil.copy(folder / name, store)
        shutil.copytree(house.mail, store / "mail")
    load(store / "consent.db")
    for name in _FILES:
        shutil.copy(store / name, folder)
    shutil.copytree(store / "mail", house.mail, dirs_exist_ok=True)
    publisher = signing.load(folder / "ledger.key", LOG)
    assert publisher is not None
    return Log(publisher, dict(_made[store].notes), dict(_made[store].heads), _made[store].backup)


def _make(house: House, folder: Path, store: Path) -> Log:
    """Make the log: two real journeys, then as many entries as it takes, signed at 300, 500 and 600."""
    house.confirm(ANNE.email)
    house.press_unsubscribe(house.confirm(BOB.email))
    house.letters()
    log = Log(signing.create(folder / "ledger.key", LOG), backup=store / "consent.backup")
    log.sign()
    for size in (*KEPT, SIZE):
        log.grow(size)
        if size == KEPT[0]:  # by then every contact has an entry
            acquaint()
        log.sign()
        log.notes[size] = log.publisher.note()
        if size == KEPT[-1]:
            log.back_up()
    return log


class Raw:
    """SQL as SQLite spells it, over a connection to either database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[object] = ()) -> Any:
        """Run one statement, and return its rows."""
        if self._connection.dialect.name != "sqlite":
            sql = _spelled(sql)
        return self._connection.exec_driver_sql(sql, tuple(values))


def _spelled(sql: str) -> str:
    """Return *sql* as PostgreSQL wants it."""
    for ours, theirs in (
        (r"%", "%%"),
        (r"\?", "%s"),
        (r"\browid\b", "ctid"),
        (r"zeroblob\((\d+)\)", r"decode(repeat('00', \1), 'hex')"),
        (r"\bx'([0-9a-f]*)'", r"'\\x\1'::bytea"),
        (r"CAST\((\S+) AS BLOB\)", r"convert_to(\1, 'UTF8')"),
    ):
        sql = re.sub(ours, theirs, sql)
    return sql


@contextmanager
def unguarded() -> Iterator[Any]:
    """Give the database without triggers and without foreign keys; the triggers come back afterwards."""
    if database.db.engine.dialect.name != "sqlite":
        with database.db.engine.begin() as connection:
            again = disarm(connection)
            yield Raw(connection)
            for sql in again:
                connection.exec_driver_sql(sql)
        return
    with closing(sqlite3.connect(_file(), isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        triggers = drop_triggers(raw)
        yield raw
        for sql in triggers:
            raw.execute(sql)
        raw.execute("COMMIT")


@contextmanager
def taken_back() -> Iterator[tuple[Connection, Raw]]:
    """Give a connection without foreign keys and triggers, none of whose changes stays; the audit runs over it too."""
    with database.db.engine.connect() as connection, connection.begin() as transaction:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            drop_triggers(Raw(connection))
        else:
            disarm(connection)
        yield connection, Raw(connection)
        transaction.rollback()


def drop_triggers(raw: Any) -> list[str]:
    """Drop every trigger of SQLite, and return what makes them again."""
    rows = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in rows:
        raw.execute(f'DROP TRIGGER "{name}"')
    return [sql for _, sql in rows]


def disarm(connection: Connection) -> list[str]:
    """Do what a superuser of PostgreSQL can: disable every trigger and check, and return what hides that."""
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # which foreign keys obey
    again = []
    found = "SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgenabled = 'A' AND NOT tgisinternal"
    for table, name in connection.exec_driver_sql(found).all():
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        again.append(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    found = "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s"
    for table, name, check in connection.exec_driver_sql(found, ("ck_ledger_entry_leaf",)).all():
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {check} NOT VALID".replace("%", "%%"))
        again.append(f"UPDATE pg_constraint SET convalidated = true WHERE conname = '{name}'")
    return again


def entry_at(raw: Any, seq: int) -> tuple[str, dict[str, Any]]:
    """Return the id and the body of the entry with the number *seq*."""
    wanted = "SELECT e.entry_id, e.body FROM ledger_entry e JOIN ledger_leaf l USING (entry_id) WHERE seq = ?"
    id, body = raw.execute(wanted, (seq,)).fetchone()
    return id, json.loads(body)


def spelled(entry: dict[str, Any]) -> bytes:
    """Return the canonical bytes of *entry*."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def edit(raw: Any, seq: int, body: bytes | None = None, *, hashes: bool = False) -> None:
    """Change the language in the entry number *seq*, or its whole *body*; with *hashes*, its two leaf hashes too."""
    id, entry = entry_at(raw, seq)
    body = body or spelled(entry | {"language": "fr"})
    raw.execute("UPDATE ledger_entry SET body = ? WHERE entry_id = ?", (body, id))
    if hashes:
        leaf = entries.leaf_hash(body)
        for table in ("ledger_entry", "ledger_leaf"):
            raw.execute(f"UPDATE {table} SET leaf_hash = ? WHERE entry_id = ?", (leaf, id))


def remove(raw: Any, seqs: Iterable[int]) -> None:
    """Delete the entries with these numbers, and everything that hangs on them."""
    for seq in list(seqs):
        id, _ = entry_at(raw, seq)
        for table in ("evidence", "ledger_leaf", "ledger_entry"):
            raw.execute(f"DELETE FROM {table} WHERE entry_id = ?", (id,))


def renumber(raw: Any) -> None:
    """Close the gaps in the numbers."""
    rows = raw.execute("SELECT entry_id, leaf_hash, sequenced_at FROM ledger_leaf ORDER BY seq").fetchall()
    raw.execute("DELETE FROM ledger_leaf")
    for number, row in enumerate(rows):
        raw.execute("INSERT INTO ledger_leaf VALUES (?, ?, ?, ?)", (number, *row))


def chain_again(raw: Any) -> None:
    """Make every chain and every hash fit the bodies as they are now: a history that fits itself."""
    heads: dict[str, str] = {}
    count = raw.execute("SELECT count(*) FROM ledger_leaf").fetchone()[0]
    for seq in range(count):
        _, entry = entry_at(raw, seq)
        contact = entry["contact"]
        if contact:
            entry["prev"] = heads.get(contact)
        edit(raw, seq, spelled(entry), hashes=True)
        if contact:
            heads[contact] = entries.leaf_hash(spelled(entry)).hex()


def save(path: Path) -> None:
    """Keep a copy of the database as it is now in the place *path*."""
    if database.db.engine.dialect.name == "sqlite":
        _copy(_file(), path)
        return
    _saved[path] = f"saved_{uuid4().hex}"
    _administer(f'CREATE DATABASE "{_saved[path]}" TEMPLATE "{_file()}"')


def load(path: Path) -> None:
    """Put the copy in the place *path* into the place of the database."""
    if database.db.engine.dialect.name == "sqlite":
        _copy(path, _file())
        return
    _administer(f'DROP DATABASE "{_file()}" WITH (FORCE)', f'CREATE DATABASE "{_file()}" TEMPLATE "{_saved[path]}"')


def forget_saved(postgres: Postgres | None) -> None:
    """Drop the copies that were kept on PostgreSQL."""
    while _saved:
        name = _saved.popitem()[1]
        if postgres:
            postgres.drop(name)


def _file() -> str:
    """Return the file of the database, or its name on PostgreSQL."""
    return str(database.db.engine.url.database)


def _administer(*statements: str) -> None:
    """Run *statements* beside the database, to which nobody is connected then."""
    for engine in database.db.engines.values():
        engine.dispose()
    beside = create_engine(database.db.engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with beside.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    beside.dispose()


def _copy(source: str | Path, target: str | Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def long_ago(days: int = 30) -> datetime:
    """Return an instant that many *days* ago."""
    return clock.now() - timedelta(days=days)


def _publish(connection: Connection, publisher: Publisher, head: Checkpoint) -> None:
    key_id = publisher.signers[0].verifier.key_id.hex()
    row = {"size": head.size, "root": head.root, "note": publisher.sign(head), "key_id": key_id}
    connection.execute(insert(LedgerCheckpoint), [row | {"created_at": clock.now()}])


def acquaint() -> None:
    """Make a contact for each id that the entries name, under the first address that they commit to."""
    with unguarded() as raw:
        rows = raw.execute(
            "SELECT contact, value FROM ledger_entry JOIN evidence USING (entry_id) "
            "WHERE field = 'email' AND cseq = 1 AND contact NOT IN (SELECT id FROM contact)"
        ).fetchall()
        _insert_contacts(raw, [(contact, value.decode()) for contact, value in rows])


def know(contacts: Iterable[str]) -> None:
    """Let the database have these *contacts*, whose addresses no evidence shows."""
    with unguarded() as raw:
        _insert_contacts(raw, [(contact, f"{contact}@y.example") for contact in contacts])


def _insert_contacts(raw: Any, rows: Iterable[tuple[str, str]]) -> None:
    for contact, email in rows:
        found = addresses.parse(email)
        values = (contact, found.consent_key, found.deny_key, found.abuse_key, "2026-11-23T08:45:00.123Z")
        sql = f"INSERT INTO contact (id, {KEYS}, created_at, language, epoch) VALUES (?, ?, ?, ?, ?, 'en', 0)"
        raw.execute(sql, values)


def forget(contact: str) -> None:
    """Take the address of *contact* away, as its erasure does."""
    with unguarded() as raw:
        raw.execute(f"UPDATE contact SET ({KEYS}) = (NULL, NULL, NULL) WHERE id = ?", (contact,))


def remember_erasure(connection: Connection, row: LedgerRow) -> None:
    """Keep a digest beside the entry of an erasure, as the service does."""
    values = {"digest": "0" * 64, "entry_id": row.entry.id, "erased_at": row.entry.recorded_at}
    connection.execute(insert(ErasedAddress), [values])
