"""Recompute the whole ledger from the database, and name every row that is not what it should be.

Whoever can write to the database can change it; what cannot be changed with it is the tree under a signed head that
somebody else holds. So everything here is computed anew from the bodies of the entries: leaves, tiles, roots,
copied columns, chains, evidence and standings. It runs over one reading connection and in constant memory.

The findings are named as the offline verifier (:mod:`consent.ledger.verify`) names them: ``signature``, ``root``,
``complete``, ``canonical``, ``chain``, ``time``, ``evidence``, ``rollback``, ``inconsistent``. What only the
database has adds ``pending``, ``column``, ``tile``, ``standing``, ``contact``, ``notice``, ``erased``, ``checkpoint``
and ``enforcement``; a signer whose files cannot be read is ``signer``.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from consent.ledger import checkpoint
from consent.ledger.checkpoint import BadKey, BadNote, Checkpoint, Verifier
from consent.records import audit_catalogue, audit_contacts, audit_standings, enforcement, sequence
from consent.records.audit_contacts import Contacts
from consent.records.audit_entries import Entries, check_pending
from consent.records.audit_tree import Heads, Kept, check_published, check_surplus
from consent.records.findings import Finding, Findings, Line
from consent.store.ledger import LedgerEntry, LedgerKey

SOUND, TAMPERED = "SOUND", "TAMPERED"


@dataclass(frozen=True)
class Report:
    """The answer: the checks in order, what they found, and what an audit like this one *cannot* show."""

    log: str
    size: int
    root: bytes | None
    lines: Sequence[Line]
    findings: Findings
    limits: Sequence[str]

    @property
    def verdict(self) -> str:
        """SOUND or TAMPERED."""
        return TAMPERED if self.findings.counts else SOUND

    @property
    def names(self) -> frozenset[str]:
        """The names of everything that was found."""
        return frozenset(self.findings.names)

    def below(self, line: Line) -> tuple[Sequence[Finding], int]:
        """Return the first findings of the check *line*, and how many more there are."""
        shown = self.findings.of(line.line)
        return shown, self.findings.counts[line.line] - len(shown)


def audit(
    connection: Connection,
    *,
    log: str,
    state: Checkpoint | None,
    kept: Sequence[Kept],
    now: datetime,
    trouble: str | None = None,
    watch: Callable[[int], None] = lambda _: None,
) -> Report:
    """Check everything and return the answer; nothing is changed.

    *state* is the last head that the signer keeps, None on a host without the key, or where it cannot be read: then
    *trouble* says why. *kept* are heads that the auditor holds. *watch* is told how many entries, contacts and
    standings were done, of :func:`work` in all.
    """
    found = Findings()
    if trouble:
        found.add("SIGNER", "signer", "signer", trouble)
    known = _known_keys(connection, found)
    heads = Heads(connection, known, [*kept, *_of_signer(state)], log)
    entries = Entries(connection, heads, [log, *_older_logs(connection)], found)
    for done in entries.pages():
        watch(done)
    check_surplus(connection, entries.tree, found)
    check_published(connection, heads, entries.tree, now, found)
    entries.evidence.orphans()
    waiting = check_pending(connection, now, found)
    for problem in enforcement.problems(connection):
        found.add("ENFORCEMENT", "enforcement", "database", problem)
    contacts = Contacts(connection, found)
    for done in contacts.pages():
        watch(done)
    lines = [
        *_lines(entries, heads, found),
        found.judge("PENDING", f"{waiting} entries wait for their number"),
        _contacts(contacts, found),
        *_set_up(connection, now, found, watch),
        _erased(connection, found),
        _enforcement(connection, found),
        *_outside(heads, found),
    ]
    return Report(log, entries.tree.size, entries.tree.root(), lines, found, list(_limits(kept)))


def work(connection: Connection) -> int:
    """Return how many rows an audit will tell its watcher about."""
    return sequence.size(connection) + audit_contacts.count(connection) + audit_standings.count(connection)


def keys(connection: Connection) -> list[Verifier]:
    """Return the public keys of this log, as the database has them."""
    return _known_keys(connection, Findings())


def open_kept(
    note: str, name: str, at: datetime | None, known: Sequence[Verifier], others: Sequence[Verifier] = ()
) -> Kept:
    """Return the head in *note*, which an auditor kept and one of the *known* keys signed. Raises BadNote.

    It may also be signed by one of *others*, keys that the database does not have; it was then not published here.
    """
    try:
        return Kept(name, checkpoint.open_note(note, known), at)
    except BadNote:
        return Kept(name, checkpoint.open_note(note, [*known, *others]), at, ours=False)


def _of_signer(state: Checkpoint | None) -> list[Kept]:
    return [] if state is None else [Kept("the last note that was signed", state, own=True)]


def _known_keys(connection: Connection, found: Findings) -> list[Verifier]:
    """Return the keys in ledger_key; each must be announced by the entry that it names."""
    columns = (LedgerKey.vkey, LedgerKey.status, LedgerKey.from_size, LedgerEntry.body)
    wanted = select(*columns).outerjoin(LedgerEntry, LedgerEntry.entry_id == LedgerKey.entry_id)
    known: dict[str, Verifier] = {}
    for vkey, status, size, body in connection.execute(wanted.order_by(LedgerKey.from_size)):
        row = f"ledger_key {vkey} {status}"
        try:
            known[vkey] = checkpoint.read_vkey(vkey)
        except BadKey as error:
            found.add("SIGNATURE", "signature", row, f"It is no key: {error}")
            continue
        if not _announces(_details(body), vkey, status, size):
            found.add("SIGNATURE", "signature", row, "The entry that it names does not say this of the key.")
    return list(known.values())


def _announces(details: dict[str, Any], vkey: str, status: str, size: int) -> bool:
    """Whether an entry with these *details* says that the key *vkey* has this *status* from this *size* on."""
    if status not in ("active", "retired"):
        return False
    retired = details.get("reason") == "retired"
    named = details.get("old") if retired else details.get("new", details.get("vkey"))
    return (named, details.get("from_size", 0)) == (vkey, size) and (status == "retired") == retired


def _older_logs(connection: Connection) -> list[str]:
    """Return the names that the log had before, which its first entry cites."""
    opened = select(LedgerEntry.body).where(LedgerEntry.kind == "ledger.opened")
    names = (_details(body).get("old_origin") for body in connection.execute(opened).scalars())
    return [name for name in names if isinstance(name, str)]


def _details(body: Any) -> dict[str, Any]:
    try:
        found = json.loads(body)["details"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _lines(entries: Entries, heads: Heads, found: Findings) -> Iterator[Line]:
    """Yield the answer line by line, for the entries and what lies beside each of them."""
    said = (f"{entries.evidence.opened} fields fit", f"{entries.evidence.erased} erased")
    last = f", the last at {heads.newest}" if heads.published else ""
    signed = f"{heads.published} published checkpoints{last}"
    yield found.judge("SIGNATURE", signed, claimed=bool(heads.published))
    yield found.judge("ROOT", f"recomputed from {entries.count} entries")
    yield found.judge("COMPLETE", f"numbers 0 to {entries.count - 1}" if entries.count else "no entries")
    yield found.judge("CANONICAL", f"{entries.count} entries")
    yield found.judge("COLUMNS", f"copies beside {entries.count} entries")
    yield found.judge("CONTACT-CHAINS", f"{entries.contacts} contacts")
    yield found.judge("TILES", f"{entries.tiles} full tiles are stored")
    timed = sum(one.at is not None for one in heads.kept)
    yield found.judge("TIME", f"{timed} kept checkpoints with a time", claimed=bool(timed))
    yield found.judge("EVIDENCE", ", ".join(said))


def _contacts(contacts: Contacts, found: Findings) -> Line:
    text = f"{contacts.shown} addresses fit the evidence, {contacts.unknown} not shown, {contacts.erased} erased"
    return found.judge("CONTACTS", text)


def _set_up(connection: Connection, now: datetime, found: Findings, watch: Callable[[int], None]) -> Iterator[Line]:
    """Check the standings, and what is set up, without which they cannot be computed."""
    topics, standings = audit_catalogue.topics(connection, found), 0
    if topics is not None:
        for done in audit_standings.check(connection, topics, now, found):
            standings += done
            watch(done)
    said = "what is set up cannot be read" if topics is None else f"{standings} computed anew"
    yield found.judge("STANDINGS", said, claimed=topics is not None)
    notices, forms = audit_catalogue.check_notices(connection, found), audit_catalogue.check_forms(connection, found)
    yield found.judge("NOTICES", f"{notices} notices, {forms} versions of forms")


def _erased(connection: Connection, found: Findings) -> Line:
    digests = audit_contacts.check_erased(connection, found)
    return found.judge("ERASED", f"{digests} digests, which cannot be verified")


def _enforcement(connection: Connection, found: Findings) -> Line:
    return found.judge("ENFORCEMENT", f"{enforcement.count(connection)} guards of the database")


def _outside(heads: Heads, found: Findings) -> Iterator[Line]:
    """Yield the lines about the heads that are not in the database."""
    own = [one for one in heads.kept if one.own]
    text = f"the last note that was signed covers {own[0].head.size}" if own else "this host has no signing key"
    if "signer" in found.names:
        text = "what was signed last cannot be read"
    yield found.judge("SIGNER", text, claimed=bool(own))
    theirs = {one.line: one for one in heads.kept if not one.own}
    for line, one in theirs.items():
        yield found.judge(line, one.name)
    if not theirs:
        yield found.judge("CONSISTENT-WITH", "no kept checkpoint was given", claimed=False)


def _limits(kept: Sequence[Kept]) -> Iterator[str]:
    if not kept:
        yield (
            "No kept checkpoint was given: whoever has the signing key could have rebuilt the whole ledger, "
            "and this audit would not show it."
        )
    else:
        held = max(one.head.size for one in kept)
        yield f"It cannot show changes to what is newer than the last checkpoint you hold (size {held})."
    yield "It cannot show what was never recorded."
