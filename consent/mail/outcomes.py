"""What became of messages, written down for several of them in one transaction: the outbox's rows and the entries."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection

from consent import catalogue, outbox
from consent.mail.diagnosis import Diagnosis
from consent.mail.headers import Letter
from consent.mail.transport import Outcome
from consent.outbox import Job
from consent.records import append, bounces, contacts, history, standing
from consent.records.append import Draft, Origin
from consent.records.history import History

MOST_UNANSWERED = 2
#: The entry that a delivered mail leaves behind. None of them is ever a basis for anything.
_ENTRIES = {
    "mail.confirmation": "confirmation.sent",
    "mail.welcome": "welcome.sent",
    "mail.renewal": "renewal.sent",
}
_STATES = {"sent": "done", "dropped": "dropped"}
_log = logging.getLogger("consent.mail")


class Delivered(NamedTuple):
    """What became of *job*. Its *letter* is None if it was not to be sent any more; *past* holds its cause."""

    job: Job
    letter: Letter | None
    past: History
    outcome: Outcome


def record(connection: Connection, delivered: Sequence[Delivered], origin: Origin) -> None:
    """Write down what became of messages; one that was sent leaves its entry, one that was refused a bounce.

    What is no longer this worker's to end is left alone: its lease ran out, or the person was erased. Four statements
    for messages that were sent, however many, and one more for PostgreSQL's turns.
    """
    contacts.take_turns(connection, {done.job.contact_id for done in delivered})
    ended = _end(connection, delivered, origin)
    _sent(connection, [done for done in ended if done.outcome.state == "sent" and done.job.kind in _ENTRIES], origin)
    for job, letter, _, outcome in ended:
        if letter and outcome.diagnosis:
            _bounced(connection, job, letter, outcome.diagnosis, origin)


def _end(connection: Connection, delivered: Iterable[Delivered], origin: Origin) -> list[Delivered]:
    """End the rows, or put them off, and return the messages whose rows were ended."""
    over, ours = [], set[str]()
    for done in delivered:
        unknown = done.outcome.state == "unknown"
        if done.outcome.state == "later" or (unknown and done.job.unanswered + 1 < MOST_UNANSWERED):
            outbox.retry(connection, done.job, done.outcome.code, origin.now, answered=not unknown)
        else:
            over.append(done)
    for (state, code), same in groupby(sorted(over, key=_end_of), _end_of):
        ours |= outbox.finish(connection, [done.job for done in same], state, code, origin.now)
    return [done for done in over if done.job.id in ours]


def _end_of(done: Delivered) -> tuple[str, str]:
    return _STATES.get(done.outcome.state, "failed"), done.outcome.code


def _sent(connection: Connection, delivered: Sequence[Delivered], origin: Origin) -> None:
    """Append the entries of messages that were sent; nothing about a person who was erased while they were."""
    heads = history.heads(connection, {done.job.contact_id for done in delivered})
    drafts: dict[str, list[Draft]] = {contact: [] for contact, head in heads.items() if not head.closed}
    for done in delivered:
        if done.letter and done.job.contact_id in drafts:
            drafts[done.job.contact_id].append(_draft(done.job, done.letter, done.past))
    append.about_each(connection, origin, [(contact, heads[contact], made) for contact, made in drafts.items()])


def _draft(job: Job, letter: Letter, past: History) -> Draft:
    """Draft the entry of a delivered mail; it refers to the entries that it answers."""
    cause = next(item for item in past.own if item.entry_id == job.entry_id)
    answered = [
        item.entry_id
        for item in past.own
        if item.body["kind"] == cause.body["kind"] and item.occurred_at == cause.occurred_at
    ]
    fields: Mapping[str, Any] = {
        "brand": cause.body["brand"],
        "topic": cause.body["topic"] if len(answered) == 1 else None,
        "channel": "mail",
        "language": letter.language,
        "refs": answered,
        "details": {"message_id": letter.message_id},
    }
    return Draft(_ENTRIES[job.kind], "system", fields)


def _bounced(connection: Connection, job: Job, letter: Letter, found: Diagnosis, origin: Origin) -> None:
    """Record that the recipient was refused for good; a refusal that is about us is told to operators alone."""
    if found.alarm:
        _log.error("mail is refused because of us, and not of its readers: the server said %s", found.code)
        return
    past = history.read(connection, job.contact_id)
    if past.head.closed:  # the person was erased while the mail was on its way
        return
    at, evidence = past.present(origin.now), {"email": letter.recipient}
    draft = bounces.bounce(
        past, hard=found.hard, dead=found.dead, code=found.code, provider="smtp", at=at, evidence=evidence
    )
    rows = append.about(connection, replace(origin, now=at), past.contact, past.head, [draft])
    standing.update(connection, standing.extend(past, rows), tuple(catalogue.current().topics.values()), at)
