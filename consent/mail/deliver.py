"""The worker's round: claim what is due, compose, hand over, write down what became of it.

That a message is about to go is committed before it goes (with the claim, or with the end of the message before it),
and what became of it after. A worker that dies in between leaves a lease that runs out, and one message that may have
been taken: it goes once more under the same Message-ID. If that ends in the dark as well, it is given up.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from consent import catalogue, clock, outbox
from consent.mail import compose, dkim_keys, headers
from consent.mail.compose import Desk
from consent.mail.diagnosis import Diagnosis
from consent.mail.dkim_keys import Key
from consent.mail.headers import Letter, UnsafeHeader
from consent.mail.overrides import Templates
from consent.mail.transport import CONNECT_SECONDS, MESSAGE_SECONDS, Carrier, Outcome
from consent.outbox import Job
from consent.records import append, bounces, contacts, history, standing
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
_MOST_UNANSWERED = 2
_log = logging.getLogger("consent.mail")


def first(rest: "deque[Job]") -> Job | None:
    """Take the first message out of the *rest* of a round, which another thread may be emptying."""
    try:
        return rest.popleft()
    except IndexError:
        return None


@dataclass
class Round:
    """What a worker carries from round to round.

    *domain* is the one whose mail it delivered last. *rest* are the messages that it claimed and has not begun, of
    which *choose* takes the next one. *since* is when, on the monotonic clock, it began the one to *domain* that is on
    its way, None if there is none. *unwritten* is what became of messages while the database was away: without it they
    would go a second time. Once *stop* is set, no further message is begun.
    """

    carrier: Carrier
    keys: tuple[str, ...]
    base_url: str
    log: str  # the ledger's origin
    stop: threading.Event = field(default_factory=threading.Event)
    dkim: Mapping[str, Key] = field(default_factory=dict)
    templates: Templates = field(default_factory=dict)
    domain: str = ""
    rest: "deque[Job]" = field(default_factory=deque)
    choose: "Callable[[deque[Job]], Job | None]" = first
    since: float | None = None
    unwritten: "list[Delivered]" = field(default_factory=list)


class Delivered(NamedTuple):
    """What became of *job*, whose *letter* is None if it was not to be sent any more."""

    job: Job
    letter: Letter | None
    outcome: Outcome


def deliver_due(round_: Round, without: Collection[str] = ()) -> int:
    """Deliver what is due and return how many rows were worked on; 0 when there is nothing to do.

    Nothing goes to the domains in *without*. What another thread takes out of the round's rest, this one leaves.
    """
    _write_down_all(round_)
    job, done, end = _claim(round_, without), 0, clock.monotonic() + _BEGIN_SECONDS
    while job and not round_.stop.is_set() and clock.monotonic() < end:
        job, done = _one(round_, job), done + 1
    relieve(round_, job)
    return done


def _one(round_: Round, job: Job) -> Job | None:
    """Deliver *job*, and return the next one, of which is noted that it begins."""
    round_.domain, round_.since = job.domain, clock.monotonic()
    try:
        return _deliver(round_, job)
    except SQLAlchemyError:
        round_.rest.clear()
        raise  # the database is away: the leases run out, and every message is tried again
    except Exception as error:  # one message that cannot be made must not hold up the others
        following = round_.choose(round_.rest)
        _put_off(job, type(error).__name__, following)
        return following
    finally:
        round_.since = None


def relieve(round_: Round, begun: Job | None = None) -> int:
    """Give back what a round has claimed and not begun, and return how many messages that were.

    One may be *begun* on paper. Another thread may do it for a round whose message takes long.
    """
    jobs = [begun] if begun else []
    while job := first(round_.rest):
        jobs.append(job)
    if jobs:
        _give_back(jobs, begun)
    return len(jobs)


@database.retried
def _claim(round_: Round, without: Collection[str]) -> Job | None:
    """Put what is due into the round's rest, and return the message to begin with, of which that is noted."""
    round_.rest.clear()
    with database.reading() as connection:  # most rounds find nothing, and nothing need then be written
        if not outbox.anything_due(connection, clock.now()):
            return None
    with database.writing() as connection:
        round_.rest.extend(outbox.claim(connection, clock.now(), after=round_.domain, without=without))
        job = round_.choose(round_.rest)
        _begin(connection, job)
    return job


def _begin(connection: Connection, job: Job | None) -> None:
    if job:
        outbox.begin(connection, job)


@database.retried
def _give_back(jobs: Sequence[Job], begun: Job | None = None) -> None:
    with database.writing() as connection:
        outbox.give_back(connection, jobs, begun=begun)


@database.retried
def _put_off(job: Job, fault: str, following: Job | None) -> None:
    _log.error("%s %s could not be made: %s", job.kind, job.id, fault)
    with database.writing() as connection:
        outbox.retry(connection, job, fault, clock.now())
        _begin(connection, following)


def _deliver(round_: Round, job: Job) -> Job | None:
    now = clock.now()
    with database.reading() as connection:
        letter = compose.letter(connection, job, Desk(round_.keys, round_.base_url, now, round_.templates))
    if letter is None:
        outcome = Outcome("dropped", "not_allowed")
    elif job.unanswered >= _MOST_UNANSWERED:
        outcome = Outcome("refused", "unanswered")
    else:
        outcome = _send(round_, letter, now)
    _log.info("%s %s: %s %s", job.kind, job.id, outcome.state, outcome.code)
    round_.unwritten.append(Delivered(job, letter, outcome))
    following = round_.choose(round_.rest)
    _write_down_all(round_, following)
    return following


def _send(round_: Round, letter: Letter, now: datetime) -> Outcome:
    try:
        content = headers.wire(letter, now)
    except UnsafeHeader as error:
        return Outcome("refused", str(error))
    return round_.carrier.carry(letter, dkim_keys.sign(content, letter.domain, round_.dkim))


def _write_down_all(round_: Round, following: Job | None = None) -> None:
    while round_.unwritten:
        _write_down(round_.unwritten[0], round_.log, following)
        round_.unwritten.pop(0)


@database.retried
def _write_down(done: Delivered, log: str, following: Job | None) -> None:
    with database.writing() as connection:
        contacts.take_turn(connection, done.job.contact_id)
        _end(connection, done, Origin(log, clock.now()))
        _begin(connection, following)


def _end(connection: Connection, done: Delivered, origin: Origin) -> None:
    """Write down what became of a message; one that was sent leaves its entry."""
    job, letter, outcome = done
    unknown = outcome.state == "unknown"
    if outcome.state == "later" or (unknown and job.unanswered + 1 < _MOST_UNANSWERED):
        outbox.retry(connection, job, outcome.code, origin.now, answered=not unknown)
        return
    state = {"sent": "done", "dropped": "dropped"}.get(outcome.state, "failed")
    if not outbox.finish(connection, job, state, outcome.code, origin.now) or letter is None:
        return
    past = history.read(connection, job.contact_id)
    if past.head.closed:  # the person was erased while the mail was on its way
        return
    if outcome.state == "sent" and job.kind in _ENTRIES:
        append.about(connection, origin, job.contact_id, past.head, [_sent(job, letter, past)])
    elif outcome.diagnosis:
        _bounced(connection, past, letter, outcome.diagnosis, origin)


def _bounced(connection: Connection, past: history.History, letter: Letter, found: Diagnosis, origin: Origin) -> None:
    """Record that the recipient was refused for good; a refusal that is about us is told to operators alone."""
    if found.alarm:
        _log.error("mail is refused because of us, and not of its readers: the server said %s", found.code)
        return
    at, evidence = past.present(origin.now), {"email": letter.recipient}
    draft = bounces.bounce(
        past, hard=found.hard, dead=found.dead, code=found.code, provider="smtp", at=at, evidence=evidence
    )
    rows = append.about(connection, replace(origin, now=at), past.contact, past.head, [draft])
    standing.update(connection, standing.extend(past, rows), tuple(catalogue.current().topics.values()), at)


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
