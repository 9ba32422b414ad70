"""The worker's round: claim what is due, compose, hand over, write down what became of it.

The claim is committed before the message goes, the outcome after: a worker that dies in between leaves a lease
that runs out, and the message goes once more under the same Message-ID.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from consent import clock, outbox
from consent.mail import compose, headers
from consent.mail.compose import Desk
from consent.mail.headers import Letter, UnsafeHeader
from consent.mail.transport import CONNECT_SECONDS, MESSAGE_SECONDS, Carrier, Outcome
from consent.outbox import Job
from consent.records import append, contacts, history
from consent.records.append import Draft, Origin
from consent.store import database

#: The entry that a delivered mail leaves behind. None of them is ever a basis for anything.
_ENTRIES = {
    "mail.confirmation": "confirmation.sent",
    "mail.welcome": "welcome.sent",
    "mail.renewal": "renewal.sent",
}
#: No message is begun when the lease might run out before it has gone: another worker would send it as well.
_BEGIN_SECONDS = outbox.LEASE.total_seconds() - CONNECT_SECONDS - MESSAGE_SECONDS - 1
_log = logging.getLogger("consent.mail")


@dataclass
class Round:
    """What a worker carries from round to round.

    *domain* is the one whose mail it delivered last. *unwritten* is what became of messages while the database was
    away: without it they would go a second time. Once *stop* is set, no further message is begun.
    """

    carrier: Carrier
    keys: tuple[str, ...]
    base_url: str
    log: str  # the ledger's origin
    stop: threading.Event = field(default_factory=threading.Event)
    domain: str = ""
    unwritten: "list[Delivered]" = field(default_factory=list)


class Delivered(NamedTuple):
    """What became of *job*, whose *letter* is None if it was not to be sent any more."""

    job: Job
    letter: Letter | None
    outcome: Outcome


def deliver_due(round_: Round) -> int:
    """Deliver what is due and return how many rows were worked on; 0 when there is nothing to do."""
    _write_down_all(round_)
    jobs, begun = _claim(round_.domain), clock.monotonic()
    for number, job in enumerate(jobs):
        if round_.stop.is_set() or clock.monotonic() - begun > _BEGIN_SECONDS:
            _give_back(jobs[number:])
            return number
        round_.domain = job.domain
        try:
            _deliver(round_, job)
        except SQLAlchemyError:
            raise  # the database is away: the leases run out, and every message is tried again
        except Exception as error:  # one message that cannot be made must not hold up the others
            _put_off(job, type(error).__name__)
    return len(jobs)


@database.retried
def _claim(after: str) -> list[Job]:
    with database.reading() as connection:  # most rounds find nothing, and nothing need then be written
        if not outbox.anything_due(connection, clock.now()):
            return []
    with database.writing() as connection:
        return outbox.claim(connection, clock.now(), after=after)


@database.retried
def _give_back(jobs: Sequence[Job]) -> None:
    with database.writing() as connection:
        outbox.give_back(connection, jobs)


@database.retried
def _put_off(job: Job, fault: str) -> None:
    _log.error("%s %s could not be made: %s", job.kind, job.id, fault)
    with database.writing() as connection:
        outbox.retry(connection, job, fault, clock.now())


def _deliver(round_: Round, job: Job) -> None:
    now = clock.now()
    with database.reading() as connection:
        letter = compose.letter(connection, job, Desk(round_.keys, round_.base_url, now))
    outcome = _send(round_, letter, now) if letter else Outcome("dropped", "not_allowed")
    _log.info("%s %s: %s %s", job.kind, job.id, outcome.state, outcome.code)
    round_.unwritten.append(Delivered(job, letter, outcome))
    _write_down_all(round_)


def _send(round_: Round, letter: Letter, now: datetime) -> Outcome:
    try:
        content = headers.wire(letter, now)
    except UnsafeHeader as error:
        return Outcome("refused", str(error))
    return round_.carrier.carry(letter, content)


def _write_down_all(round_: Round) -> None:
    while round_.unwritten:
        _write_down(round_.unwritten[0], round_.log)
        round_.unwritten.pop(0)


@database.retried
def _write_down(done: Delivered, log: str) -> None:
    now = clock.now()
    job, letter, outcome = done
    with database.writing() as connection:
        contacts.take_turn(connection, job.contact_id)
        if outcome.state == "later" or (outcome.state == "unknown" and job.attempts == 1):
            outbox.retry(connection, job, outcome.code, now)
            return
        state = {"sent": "done", "dropped": "dropped"}.get(outcome.state, "failed")
        ours = outbox.finish(connection, job, state, outcome.code, now)
        if not ours or outcome.state != "sent" or letter is None or job.kind not in _ENTRIES:
            return
        past = history.read(connection, job.contact_id)
        if past.head.closed:  # erased while the mail was on its way
            return
        append.about(connection, Origin(log, now), job.contact_id, past.head, [_sent(job, letter, past)])


def _sent(job: Job, letter: Letter, past: history.History) -> Draft:
    """Draft the entry of a delivered mail; it refers to the entries that it answers."""
    cause = next(item for item in past.own if item.entry_id == job.entry_id)
    answered = [
        item.entry_id
        for item in past.own
        if item.body["kind"] == cause.body["kind"] and item.occurred_at == cause.occurred_at
    ]
    fields = {
        "brand": cause.body["brand"],
        "topic": cause.body["topic"] if len(answered) == 1 else None,
        "channel": "mail",
        "language": letter.language,
        "refs": answered,
        "details": {"message_id": letter.message_id},
    }
    return Draft(_ENTRIES[job.kind], "system", fields)
