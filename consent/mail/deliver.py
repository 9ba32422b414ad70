"""The worker's round: claim what is due, compose, hand over, write down what became of it.

That a message is about to go is committed before it goes, and what became of it after; one transaction does both for
several messages while the server takes them quickly, and for each alone when it does not. A worker that dies leaves a
lease that runs out, and messages that may have been taken: those of its last hundredth of a second. They go once more
under the same Message-ID, each written down by itself. What ends in the dark again is given up.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from consent import clock, outbox
from consent.mail import compose, dkim_keys, headers, outcomes
from consent.mail.compose import Desk
from consent.mail.dkim_keys import Key
from consent.mail.headers import Letter, UnsafeHeader
from consent.mail.outcomes import MOST_UNANSWERED, Delivered
from consent.mail.overrides import Templates
from consent.mail.transport import CONNECT_SECONDS, MESSAGE_SECONDS, Carrier, Outcome
from consent.outbox import Job
from consent.records.append import Origin
from consent.records.history import History
from consent.store import database

#: No message is begun when the lease might run out before it has gone: another worker would send it as well.
_BEGIN_SECONDS = outbox.LEASE.total_seconds() - CONNECT_SECONDS - MESSAGE_SECONDS - 1
MOST_AT_ONCE = 16  # messages that are begun, and whose ends are written, in one transaction
_CLAIMED, _CLAIMED_AT_PACE = 20, 100  # messages at a time, and while the server takes them as fast as they come
SOON_SECONDS = 0.02  # after which what became of a message is written down, whatever waits to go with it
_log = logging.getLogger("consent.mail")


def first(rest: "deque[Job]") -> Job | None:
    """Take the first message out of the *rest* of a round, which another thread may be emptying."""
    try:
        return rest.popleft()
    except IndexError:
        return None


class Ready(NamedTuple):
    """A message that may go: its *letter*, None if it must not go any more, or the *fault* why none can be made."""

    letter: Letter | None
    past: History
    fault: str | None = None


@dataclass
class Round:
    """What a worker carries from round to round.

    *domain* is the one whose mail it delivered last. *rest* are the messages that it claimed and has not handed over,
    of which *choose* takes the next one; of those in *begun* it is written down that they go, and those in *ready* are
    composed, at the instant *turned* of the monotonic clock. *window* is how many are made ready together. *since* is
    when, on the same clock, the one to *domain* began that is on its way, None if there is none. *unwritten* is what
    became of messages and is not in the database yet. Once *stop* is set, no further message is begun.
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
    begun: set[str] = field(default_factory=set)
    ready: dict[str, Ready] = field(default_factory=dict)
    turned: float = 0.0
    window: int = 1
    since: float | None = None
    unwritten: list[Delivered] = field(default_factory=list)

    @property
    def late(self) -> bool:
        """Whether what was made ready is no longer fresh, and what became of messages should be written down."""
        return clock.monotonic() - self.turned > SOON_SECONDS


def deliver_due(round_: Round, without: Collection[str] = ()) -> int:
    """Deliver what is due and return how many rows were worked on; 0 when there is nothing to do.

    Nothing goes to the domains in *without*. What another thread takes out of the round's rest, this one leaves.
    """
    _write_down(round_, ())
    _claim(round_, without)
    done, end = 0, clock.monotonic() + _BEGIN_SECONDS
    while not round_.stop.is_set() and clock.monotonic() < end and (job := round_.choose(round_.rest)):
        _one(round_, job)
        done += 1
    _write_down(round_, ())
    relieve(round_)
    return done


def _one(round_: Round, job: Job) -> None:
    """Deliver *job*."""
    round_.domain, round_.since = job.domain, clock.monotonic()
    try:
        if job.id not in round_.ready or round_.late:
            _make_ready(round_, job)
        ready = round_.ready.pop(job.id)
        round_.unwritten.append(Delivered(job, ready.letter, ready.past, _outcome(round_, job, ready)))
        round_.begun.discard(job.id)
    except SQLAlchemyError:
        round_.rest.clear()
        raise  # the database is away: the leases run out, and every message is tried again
    finally:
        round_.since = None


def _outcome(round_: Round, job: Job, ready: Ready) -> Outcome:
    if ready.fault:
        _log.error("%s %s could not be made: %s", job.kind, job.id, ready.fault)
        return Outcome("later", ready.fault)
    if ready.letter is None:
        outcome = Outcome("dropped", "not_allowed")
    elif job.unanswered >= MOST_UNANSWERED:
        outcome = Outcome("refused", "unanswered")
    else:
        outcome = _send(round_, ready.letter, clock.now())
    _log.info("%s %s: %s %s", job.kind, job.id, outcome.state, outcome.code)
    return outcome


def _send(round_: Round, letter: Letter, now: datetime) -> Outcome:
    try:
        content = headers.wire(letter, now)
    except UnsafeHeader as error:
        return Outcome("refused", str(error))
    return round_.carrier.carry(letter, dkim_keys.sign(content, letter.domain, round_.dkim))


def relieve(round_: Round) -> int:
    """Give back what a round has claimed and not handed over, and return how many messages that were.

    Another thread may do it for a round whose message takes long.
    """
    jobs = []
    while job := first(round_.rest):
        jobs.append(job)
    if jobs:
        _give_back(jobs, [job.id for job in jobs if job.id in round_.begun])
    return len(jobs)


@database.retried
def _claim(round_: Round, without: Collection[str]) -> None:
    """Put what is due into the round's rest."""
    round_.rest.clear()
    round_.begun.clear()
    round_.ready.clear()
    with database.reading() as connection:  # most rounds find nothing, and nothing need then be written
        if not outbox.anything_due(connection, clock.now()):
            return
    with database.writing() as connection:
        most = _CLAIMED_AT_PACE if round_.window == MOST_AT_ONCE else _CLAIMED
        round_.rest.extend(outbox.claim(connection, clock.now(), most, round_.domain, without))


@database.retried
def _give_back(jobs: Sequence[Job], begun: Collection[str]) -> None:
    with database.writing() as connection:
        outbox.give_back(connection, jobs, begun=begun)


def _make_ready(round_: Round, job: Job) -> None:
    """Write down what became of the messages before, and that *job* goes now and some others right after it.

    The others are as many as the server has taken at this pace, which each time on time doubles.
    """
    round_.window = max(1, round_.window // 2) if round_.late else min(round_.window * 2, MOST_AT_ONCE)
    coming = [job]
    if not job.unanswered:  # what may have been taken already goes alone
        fresh = (other for other in tuple(round_.rest) if not other.unanswered)
        coming += islice(fresh, round_.window - 1)
    _write_down(round_, [other for other in coming if other.id not in round_.begun])
    round_.begun.update(other.id for other in coming)
    round_.ready = _composed(round_, coming)
    round_.turned = clock.monotonic()


def _write_down(round_: Round, begun: Sequence[Job]) -> None:
    if round_.unwritten or begun:
        _write(round_.unwritten, begun, round_.log)
        round_.unwritten.clear()


@database.retried
def _write(delivered: Sequence[Delivered], begun: Sequence[Job], log: str) -> None:
    with database.writing() as connection:
        if delivered:
            outcomes.record(connection, delivered, Origin(log, clock.now()))
        outbox.begin(connection, begun)


def _composed(round_: Round, jobs: Sequence[Job]) -> dict[str, Ready]:
    """Compose the letters of *jobs*; one that cannot be made must not hold up the others."""
    desk = Desk(round_.keys, round_.base_url, clock.now(), round_.templates)
    made: dict[str, Ready] = {}
    with database.reading() as connection:
        papers = compose.papers(connection, jobs)
        for job in jobs:
            past = papers.pasts[job.contact_id]
            try:
                made[job.id] = Ready(compose.letter(connection, job, desk, papers), past)
            except SQLAlchemyError:
                raise
            except Exception as error:
                made[job.id] = Ready(None, past, type(error).__name__)
    return made
