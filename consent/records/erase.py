"""Erase a person: everything that names them goes, and what is left proves only that it was erased, and says "no".

In one transaction: the evidence behind their entries is deleted, ``contact.erased`` is appended, which closes their
id, the address is forgotten, and its keyed digest is kept so that nobody writes to it again. The tree stays whole,
since entries hold no personal data; without the deleted salts nobody can test whose they were. Every spelling of
the address is erased together. Finished exports are thrown away: they may hold the address.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, insert, select, update

from consent import catalogue
from consent.records import answered, append, contacts, history, standing
from consent.records.append import Draft, LedgerRow, Origin
from consent.store import database
from consent.store.contacts import Contact
from consent.store.exports import Export
from consent.store.ledger import ErasedAddress, Evidence, LedgerEntry
from consent.store.outbox import DUE, OutboxRow
from consent.store.signups import Signup
from consent.store.standings import Standing

_FORGOTTEN = {"consent_key": None, "deny_key": None, "abuse_key": None, "place": None}


class NotKnown(LookupError):
    """No contact has this id or address."""


class ErasedAlready(LookupError):
    """The contact was erased before; nothing is left to erase."""


@database.retried
def erase(contact: str, reason: str, reference: str | None, origin: Origin, actor: str) -> LedgerRow:
    """Erase *contact* and every other spelling of its address, and return the entry that says so.

    *reason* is a code; *reference* (such as a ticket's number) is kept as evidence of that entry. Raises NotKnown,
    ErasedAlready.
    """
    with database.writing() as connection:
        contacts.take_turn(connection, contact)
        row = connection.execute(select(Contact.deny_key).where(Contact.id == contact)).first()
        if row is None:
            raise NotKnown
        if row.deny_key is None:
            raise ErasedAlready
        same = select(Contact.id).where(Contact.deny_key == row.deny_key, Contact.id != contact).order_by(Contact.id)
        others = connection.execute(same).scalars().all()
        draft = Draft(
            "contact.erased", actor, {"channel": "api", "details": {"reason": reason}}, {"reference": reference}
        )
        done = [_close(connection, one, draft, origin) for one in (contact, *others)]
        _remember(connection, row.deny_key, done)
        _forget(connection, [contact, *others])
        for closed in done:
            _settle(connection, closed)
    database.forget_freed_pages()
    return done[0]


def _close(connection: Connection, contact: str, draft: Draft, origin: Origin) -> LedgerRow:
    """Delete the evidence of *contact* and close its chain."""
    theirs = select(LedgerEntry.entry_id).where(LedgerEntry.contact == contact)
    connection.execute(delete(Evidence).where(Evidence.entry_id.in_(theirs)))
    past = history.read(connection, contact)
    origin = replace(origin, now=past.present(origin.now))
    (row,) = append.about(connection, origin, contact, past.head, [draft])
    return row


def _settle(connection: Connection, closed: LedgerRow) -> None:
    """Let every standing of the erased contact say "no"; it has no other spelling any more that could matter."""
    contact = str(closed.entry.contact)
    kept = connection.execute(select(Standing.topic).where(Standing.contact_id == contact)).scalars().all()
    topics = catalogue.current().topics
    known = [topics[slug] for slug in kept if slug in topics]
    standing.update(connection, history.read(connection, contact), known, closed.entry.recorded_at)


def _remember(connection: Connection, deny_key: str, done: Sequence[LedgerRow]) -> None:
    """Keep the digest of the address beside each entry that erased it, so that an audit misses one that vanished."""
    digest = contacts.digests(connection, deny_key)[-1]  # the oldest key, so that it outlives a rotation
    rows = [{"digest": digest, "entry_id": row.entry.id, "erased_at": row.entry.recorded_at} for row in done]
    connection.execute(insert(ErasedAddress), rows)


def _forget(connection: Connection, ids: Sequence[str]) -> None:
    """Forget the addresses, end every link but one-click, stop what was about to be mailed, drop finished exports."""
    erased = update(Contact).where(Contact.id.in_(ids))
    connection.execute(erased.values(**_FORGOTTEN, epoch=Contact.epoch + 1))
    connection.execute(update(Signup).where(Signup.contact_id.in_(ids)).values(network=None))
    waiting = update(OutboxRow).where(OutboxRow.contact_id.in_(ids), OutboxRow.state == DUE)
    connection.execute(waiting.values(state="dropped", outcome="erased"))
    connection.execute(update(OutboxRow).where(OutboxRow.contact_id.in_(ids)).values(domain="-"))
    connection.execute(delete(Export))
    answered.forget_people(connection)
