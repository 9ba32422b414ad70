"""One decision, from the contact's entries as they stand, with everything that proves it."""

from dataclasses import dataclass
from datetime import datetime

from consent.addresses import Address
from consent.catalogue import Topic
from consent.law import decide
from consent.law.decision import Decision
from consent.law.facts import Question
from consent.records import history, sequence
from consent.records.standing import question
from consent.store import database


@dataclass(frozen=True)
class Answer:
    """A decision, the question it answers, and the size of the ledger that it was made from."""

    address: Address
    question: Question
    decision: Decision
    ledger_size: int
    asked_at: datetime


def ask(
    address: Address,
    topic: Topic,
    kind: str,
    now: datetime,
    at: datetime | None = None,
    known_at: datetime | None = None,
    place: str | None = None,
) -> Answer:
    """Return whether mail of *kind* about *topic* may go to *address* at the instant *at* (None: now).

    *place* is where the person is; by default what is on record. An answer for now takes in everything on record,
    even an entry written by a host whose clock is ahead: an acknowledged "no" holds for every decision that begins
    later. At most two statements.
    """
    with database.reading() as connection:
        past = history.find(connection, address.deny_key, address.consent_key)
        size = sequence.size(connection)
    facts = past.facts() if past else []
    instant = at or (past.present(now) if past else now)
    asked = question(topic, instant, kind, place or (past.place if past else None), known_at)
    return Answer(address, asked, decide.decide(asked, facts), size, now)
