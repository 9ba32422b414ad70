"""Compare what a client was told with what the database, the post office and the logs hold at the end.

The invariants are those of the reliability page: I1 to I10. Every breach is one line of text; none means
that they hold. It reads the database by plain SQL, so that a fault in our own queries cannot hide here.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from consent.mail.deliver import MOST_AT_ONCE
from consent.mail.lanes import LANES
from tests.faults.history import CHANGES, ONCE, Call
from tests.faults.post_office import Letter

_SETTING_UP = {"ledger.opened", "key.rotated", "notice.published", "form.published"}
_SENT = {"mail.confirmation": "confirmation.sent", "mail.welcome": "welcome.sent"}
_MAIL_OF = {"consent.requested": "mail.confirmation", "consent.given": "mail.welcome"}
_SECRET = re.compile(r"@d\d\.example\.com|(?<![a-z2-7])[a-z2-7]{40}(?![a-z2-7])|ck_[a-z0-9]{4}|Traceback", re.I)
_GONE = 404
_EXPECTED = {0, 200, 201, 503}


@dataclass(frozen=True)
class Entry:
    """One row of the ledger."""

    id: str
    kind: str
    address: str | None  # None if it is about nobody
    body: str


@dataclass(frozen=True)
class Row:
    """One row of the outbox."""

    id: str
    kind: str
    entry: str
    state: str
    attempts: int
    outcome: str | None


@dataclass
class Evidence:
    """Everything that is compared."""

    calls: Sequence[Call]
    entries: Sequence[Entry]
    rows: Sequence[Row]
    letters: Sequence[Letter]
    logs: Sequence[Path]
    worker_kills: int = 0
    recorded_after_503: list[str] = field(default_factory=list)  # filled by I2; judged apart from the rest


def read(url: str) -> tuple[list[Entry], list[Row]]:
    """Return the ledger and the outbox of the database at *url*."""
    engine = create_engine(_psycopg(url))
    try:
        with engine.connect() as connection:
            entries = connection.execute(text(_ENTRIES)).all()
            rows = connection.execute(text(_ROWS)).all()
    finally:
        engine.dispose()
    return [Entry(*row[:3], bytes(row[3]).decode()) for row in entries], [Row(*row) for row in rows]


def _psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


def intact(url: str) -> list[str]:
    """I8: return what the database's own check finds wrong with its files; on PostgreSQL that needs a superuser."""
    sqlite, engine = url.startswith("sqlite"), create_engine(_psycopg(url))
    try:
        with engine.connect() as connection:
            if not sqlite:
                connection.execute(text("CREATE EXTENSION IF NOT EXISTS amcheck"))
            found = [row for check in (_SQLITE if sqlite else _POSTGRESQL) for row in connection.execute(text(check))]
    except DBAPIError as error:
        return [f"I8 {error.orig}"]
    finally:
        engine.dispose()
    return [f"I8 {tuple(row)}" for row in found if tuple(row) != ("ok",)]


_SQLITE = ("PRAGMA integrity_check", "PRAGMA foreign_key_check")
_POSTGRESQL = (
    """SELECT 'ok' FROM pg_index, bt_index_check(indexrelid, true)
       WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)""",
    """SELECT c.relname, v.blkno, v.msg FROM pg_class c, verify_heapam(c.oid) v
       WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace""",
)
_ENTRIES = """
SELECT entry_id, kind, consent_key, body FROM ledger_entry LEFT JOIN contact ON contact.id = ledger_entry.contact
ORDER BY entry_id"""
_ROWS = "SELECT id, kind, entry_id, state, attempts, outcome FROM outbox ORDER BY id"


def breaches(found: Evidence) -> list[str]:
    """Return every breach, each after the name of its invariant."""
    checks = (_statuses, _kept, _traced, _mail_has_cause, _mail_of_every_cause, _duplicates, _decisions, _logs)
    return [breach for check in checks for breach in check(found)]


def _statuses(found: Evidence) -> Iterator[str]:
    left = {call.address: call.begun for call in reversed(found.calls) if call.operation == "one_click"}
    for call in found.calls:
        status, again = call.answer.status, call.answer.retry_after
        if status == _GONE and call.operation == "confirm" and left.get(call.address, call.ended) < call.ended:
            continue  # the same mail came twice, or the button was pressed again, after the person had left
        if status not in _EXPECTED:
            yield f"STATUS {call.operation} was answered {status} (line {call.begun})"
        if status == 503 and not again:
            yield f"STATUS {call.operation} was answered 503 without Retry-After (line {call.begun})"


def _kept(found: Evidence) -> Iterator[str]:
    """I1: what was acknowledged is in the ledger, exactly once."""
    ids = Counter(entry.id for entry in found.entries)
    about = {(entry.id, entry.kind, entry.address) for entry in found.entries}
    counts = _counts(found.entries)
    for call in _changes(found.calls, "ok"):
        kind = CHANGES[call.operation]
        if call.operation in ONCE:
            if counts[kind, call.address] != 1:
                yield f"I1 {call.operation} was acknowledged and left {counts[kind, call.address]} entries (line {call.begun})"
            continue
        entry = call.answer.body["entry"]
        if ids[entry] != 1 or (entry, kind, call.address) not in about:
            yield f"I1 {call.operation}: the acknowledged entry {entry} is not there (line {call.begun})"


def _traced(found: Evidence) -> Iterator[str]:
    """I2: every entry has its request, and there are no more of them than requests that may have been done."""
    asked = _counted(_changes(found.calls, "ok", "info"))
    tried = _counted(_changes(found.calls, "ok", "info", "fail"))
    for (kind, address), count in _counts(found.entries).items():
        if address is None:
            if kind not in _SETTING_UP:
                yield f"I2 an entry {kind} is about nobody"
        elif kind in CHANGES.values():
            if count > tried[kind, address]:
                yield f"I2 {count} entries {kind} of {address}, and {tried[kind, address]} requests"
            elif count > asked[kind, address]:
                found.recorded_after_503.append(f"{kind} of {address}")
        elif kind not in _SENT.values():
            yield f"I2 nothing accounts for an entry {kind}"


def _mail_has_cause(found: Evidence) -> Iterator[str]:
    """I3: every accepted mail has its row and the entry that caused it, about the person it was sent to."""
    rows, entries = {row.id: row for row in found.rows}, {entry.id: entry for entry in found.entries}
    for letter in found.letters:
        row = rows.get(letter.row)
        cause = entries.get(row.entry) if row else None
        if cause is None:
            yield f"I3 the mail {letter.id} has no row or no cause"
        elif cause.address != letter.to:
            yield f"I3 the mail {letter.id} went to somebody else"


def _mail_of_every_cause(found: Evidence) -> Iterator[str]:
    """I4: every request and every consent has its mail, which went out or was rightly dropped."""
    of_cause = defaultdict(list)
    for row in found.rows:
        of_cause[row.entry, row.kind].append(row)
    for entry in found.entries:
        kind = _MAIL_OF.get(entry.kind)
        if kind and len(of_cause[entry.id, kind]) != 1:
            yield f"I4 {entry.kind} {entry.id} has {len(of_cause[entry.id, kind])} rows {kind}"
    accepted = {letter.row for letter in found.letters}
    noted = {reference for entry in found.entries if entry.kind in _SENT.values() for reference in _message(entry)}
    for row in found.rows:
        if row.outcome != "unanswered" or found.worker_kills < 2:  # two kills in one hand-over, and then it is given up
            yield from _end_of(row, row.id in accepted, row.id in noted)


def _end_of(row: Row, accepted: bool, noted: bool) -> Iterator[str]:
    if row.state == "done" and not accepted:
        yield f"I4 {row.kind} {row.id} is done, and was never accepted"
    if (row.state == "done") != noted:
        yield f"I4 {row.kind} {row.id} is {row.state}, and its entry {'is' if noted else 'is not'} there"
    if row.state not in ("done", "dropped") or (row.state == "dropped" and row.outcome != "not_allowed"):
        yield f"I4 {row.kind} {row.id} is {row.state} after {row.attempts} attempts ({row.outcome})"


def _message(entry: Entry) -> Iterable[str]:
    return re.findall(r'"message_id":"<([^@"]+)@', entry.body)


def _duplicates(found: Evidence) -> Iterator[str]:
    """I5: a mail goes twice at most, under the same Message-ID, and only because a worker was killed just after it went."""
    counts = Counter(letter.id for letter in found.letters)
    if len({letter.row for letter in found.letters}) != len(counts):
        yield "I5 one row went under two Message-IDs"
    for message, count in counts.items():
        if count > 2:
            yield f"I5 {message} was accepted {count} times"
    extra = sum(counts.values()) - len(counts)
    if extra > LANES * MOST_AT_ONCE * found.worker_kills:  # of so many each lane may not have written down the end
        yield f"I5 {extra} mails were sent again after {found.worker_kills} kills of the worker"


def _decisions(found: Evidence) -> Iterator[str]:
    """I6: a decision says what was acknowledged before it was asked for, unless the opposite is on its way."""
    calls: Mapping[str, list[Call]] = defaultdict(list)
    for call in found.calls:
        calls[call.address].append(call)
    for call in found.calls:
        if call.operation == "decide" and call.result == "ok":
            said = call.answer.body["decision"]
            if (must := _must_be(call, calls[call.address])) not in (None, said):
                yield f"I6 the decision at line {call.begun} says {said}, and not {must}: {call.answer.body['code']}"


def _must_be(decision: Call, calls: Sequence[Call]) -> str | None:
    """Return the only right answer of *decision*, or None if there are two. Nobody here agrees again after leaving."""
    before = [call for call in calls if call.ended < decision.begun and call.result == "ok"]
    begun = [call for call in calls if call.begun < decision.ended and call.answer.why != "ConnectionRefusedError"]
    if any(call.operation in ("one_click", "withdraw") for call in before):
        return "deny"
    if any(call.operation in ("one_click", "withdraw") for call in begun):
        return None
    if any(call.operation in ("confirm", "relate") for call in before):
        return "allow"
    return None if any(call.operation in ("confirm", "relate") for call in begun) else "deny"


def _logs(found: Evidence) -> Iterator[str]:
    """I10: no address, no token, no key and no traceback is in a log."""
    for path in found.logs:
        lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
        for number, line in enumerate(lines, 1):
            if hit := _SECRET.search(line):
                yield f"I10 {path.name}, line {number} holds {hit[0]!r}"


def _changes(calls: Sequence[Call], *results: str) -> list[Call]:
    return [call for call in calls if call.operation in CHANGES and call.result in results]


def _counts(entries: Sequence[Entry]) -> Counter[tuple[str, str | None]]:
    return Counter((entry.kind, entry.address) for entry in entries)


def _counted(calls: Sequence[Call]) -> Counter[tuple[str, Any]]:
    return Counter((CHANGES[call.operation], call.address) for call in calls)
