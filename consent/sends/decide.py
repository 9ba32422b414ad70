"""One decision, from the contact's entries as they stand, with everything that proves it."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from consent.addresses import Address
from consent.catalogue import Topic
from consent.law import decide
from consent.law.decision import Decision
from consent.law.facts import Question
from consent.records import history
from consent.store import database
from consent.store.ledger import LedgerLeaf


@dataclass(frozen=True)
class Answer:
    """A decision, the question it answers, and the size of the ledger that it was made from."""

    address: Address
    question: Question
    decision: Decision
    ledger_size: int
    asked_at: datetime
    zone: ZoneInfo


def ask(
    address: Address,
    topic: Topic,
    kind: str,
    now: datetime,
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> Answer:
    """Return whether mail of *kind* about *topic* may go to *address* at the instant *at* (None: now).

    An answer for now takes in everything on record, even an entry written by a host whose clock is ahead:
    an acknowledged "no" holds for every decision that begins later. At most two statements.
    """
    with database.reading() as connection:
        past = history.find(connection, address.deny_key, address.consent_key)
        size = _ledger_size(connection)
    facts = past.facts() if past else []
    instant = at or (past.present(now) if past else now)
    question = Question(
        topic=topic.slug, organization=topic.brand.organization.slug, at=instant, kind=kind, known_at=known_at
    )
    return Answer(address, question, decide.decide(question, facts), size, now, topic.brand.organization.zone)


def _ledger_size(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(LedgerLeaf.seq) + 1, 0))).scalar_one())
