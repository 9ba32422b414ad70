"""Bounces and complaints that come as mail: believed if they hold a token of ours, else only counted."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from consent.feedback import reports, take
from consent.feedback.events import Event
from consent.feedback.reports import Failure, Report
from consent.records import links
from consent.records import reports as counted
from consent.records.links import Link
from consent.store import database, trouble
from consent.subscriptions.acts import Act
from consent.tokens import BadLink

_log = logging.getLogger("consent.feedback")
_NOTHING = {"not-spam": "other", "auth-failure": "alarm", "virus": "other", "dmarc": "other"}


class Taken(NamedTuple):
    """What a message was taken for: the report in it, the sorts of events, and whether it was proved to be ours."""

    report: Report
    what: Sequence[str]
    proved: bool
    recorded: bool
    again: bool


def read(raw: bytes, keys: Sequence[str], act: Act) -> Taken:
    """Record what the message *raw* reports about the owner of the token in it. Never raises for what *raw* holds."""
    report = reports.read(raw)
    link = _proof(report, keys)
    events = list(_events(report, link)) if report.kind in ("bounce", "complaint") else []
    counts = take.take(events, act) if link else Counter[str]()
    recorded = any(event.kind not in ("alarm", "other") and counts[event.what] for event in events)
    what = ", ".join(event.what for event in events) or report.kind
    _log.info("a report came as mail: %s, %s", what, "of ours" if link else "without a token of ours")
    counted.count("again" if counts["again"] else what, proved=link is not None)
    return Taken(report, [event.what for event in events], link is not None, recorded, bool(counts["again"]))


def attempt(raw: bytes, keys: Sequence[str], act: Act) -> bool:
    """Record what *raw* reports as :func:`read` does; return False if only this message cannot be: look at it by hand.

    Raises SQLAlchemyError when the database is away, so that no message passes for read that was not recorded.
    """
    try:
        read(raw, keys, act)
    except Exception as error:  # one message must not keep the others from being read
        if trouble.passes(error):
            raise
        _log.error("a report that came as mail could not be recorded, and is flagged: %s", type(error).__name__)
        return False
    return True


def _proof(report: Report, keys: Sequence[str]) -> Link | None:
    """Return what the first token in the report that is ours stands for, or None. An erased person has none."""
    with database.reading() as connection:
        for purpose, token in report.tokens:
            try:
                link = links.open_link(connection, token, purpose, keys)
            except BadLink:
                continue
            if link.address:
                return link
    return None


def _events(report: Report, link: Link | None) -> Iterator[Event]:
    """Yield what the report says: one event, since our messages go to one person each."""
    address = link.address if link else ""
    sender = link.topics[0].brand.from_address if link and link.topics else ""
    about = Event(provider="mail", id=report.id, kind="other", address=address, sender=sender)  # its Date is anybody's
    if report.kind == "complaint":
        kind = _NOTHING.get(report.feedback, "complaint")
        yield replace(about, kind=kind, feedback=report.feedback)
    elif report.failures:
        worst = max(report.failures, key=_severity)
        found = worst.diagnosis
        kind = "alarm" if found.alarm else "bounce"
        yield replace(about, kind=kind, hard=found.hard, dead=found.dead, code=found.code, said=worst.words)


def _severity(failure: Failure) -> tuple[bool, bool]:
    return failure.diagnosis.dead, failure.diagnosis.hard
