"""Record what somebody tells us about a person: a consent obtained elsewhere, a relationship, a "no".

Each is one entry; nothing that was recorded is ever edited, only followed by another entry. A batch is one
transaction: what is refused is left out of it and said, everything else is recorded together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection

from consent import catalogue
from consent.addresses import Address
from consent.catalogue import Topic
from consent.law.places import law_of
from consent.records import append, contacts, history, once, standing
from consent.records.append import Draft, LedgerRow
from consent.records.history import History
from consent.store import database
from consent.subscriptions.acts import Act


class Refused(ValueError):
    """It cannot be recorded; *field* says which part is wrong, and the message what to do. Nothing was recorded."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True)
class Told:
    """One thing that is told about *address*: *draft* makes its entry in the light of what is on record.

    *topics* are those whose standing it may change. *place* is where the person is, if that was told too.
    *once* is a source and an id of its own, under which it is recorded once: told again it is Refused. *draft* may
    raise Refused.
    """

    address: Address
    draft: Callable[[History, Act], Draft]
    topics: tuple[Topic, ...]
    language: str = catalogue.LANGUAGES[0]
    place: str | None = None
    once: tuple[str, str] | None = None


@dataclass(frozen=True)
class Recorded:
    """The entry that was made."""

    entry: str
    contact: str
    leaf_hash: str
    occurred_at: datetime
    recorded_at: datetime


@database.retried
def record(told: Sequence[Told], act: Act) -> list[Recorded | Refused]:
    """Record everything that is *told*, in one transaction, and return what became of each, in the same order.

    Addresses take their turns in the order of their loose form, so that two batches do not wait for each other.
    """
    outcomes: dict[int, Recorded | Refused] = {}
    order = sorted(
        range(len(told)), key=lambda number: (told[number].address.deny_key, told[number].address.consent_key)
    )
    with database.writing() as connection:
        for _, numbers in groupby(order, key=lambda number: told[number].address.consent_key):
            ours = list(numbers)
            outcomes |= zip(ours, _of_one(connection, [told[number] for number in ours], act), strict=True)
    return [outcomes[number] for number in range(len(told))]


def _of_one(connection: Connection, told: Sequence[Told], act: Act) -> list[Recorded | Refused]:
    """Record what is told about one address; if all of it is refused, not even the contact is made."""
    with connection.begin_nested() as savepoint:
        contact = contacts.lock_or_make(connection, told[0].address, told[0].language, act.now)
        past = history.read(connection, contact)
        outcomes: list[Recorded | Refused] = []
        done: list[Told] = []
        for one in told:
            act = act.in_turn(past)
            if one.once and not once.first(connection, *one.once, act.now):
                outcomes.append(Refused("event", "It was told before."))
                continue
            try:
                draft = one.draft(past, act)
            except Refused as refused:
                outcomes.append(refused)
                continue
            (row,) = append.about(connection, act.origin, contact, past.head, [draft])
            past = standing.extend(past, [row])
            outcomes.append(recorded(row))
            done.append(one)
        if done:
            _update(connection, past, done, act)
        else:
            savepoint.rollback()
    return outcomes


def _update(connection: Connection, past: History, done: Sequence[Told], act: Act) -> None:
    """Keep the last place told, and the standing of every topic that the entries or the place may change."""
    topics = {topic.slug: topic for one in done for topic in one.topics}
    place = next((one.place for one in reversed(done) if one.place), past.place)
    if place and place != past.place:
        contacts.set_place(connection, past.contact, place)
        if law_of(place) != law_of(past.place):
            topics = dict(catalogue.current().topics)
        past = past.located(place)
    standing.update(connection, past, tuple(topics.values()), act.now)


def recorded(row: LedgerRow) -> Recorded:
    """Return what to tell whoever had the *row* recorded."""
    entry = row.entry
    return Recorded(entry.id, entry.contact or "", row.leaf_hash.hex(), entry.occurred_at, entry.recorded_at)
