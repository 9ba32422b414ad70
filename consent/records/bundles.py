"""Write a bundle: the whole ledger, one contact's entries, or a selection, proven against the newest checkpoint.

It streams from one point in time and in constant memory. Personal data is in it only as far as it was asked for,
field by field; for what was erased the entry ``contact.erased`` stands in, and is always taken along.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, or_, select

from consent.ledger import bundle, checkpoint, merkle, tiles, verify
from consent.ledger.checkpoint import BadNote, Checkpoint
from consent.ledger.entries import EVIDENCE, when
from consent.ledger.merkle import Node
from consent.ledger.tiles import ENTRIES, WIDTH, Tile
from consent.records import export, prove, sequence
from consent.records.append import Origin
from consent.records.bundle_files import Files, ZipFiles, appearing
from consent.records.export import Filters, Made
from consent.resources import folder
from consent.store import catalogue as tables
from consent.store import database
from consent.store.ledger import Evidence, LedgerCheckpoint, LedgerEntry, LedgerLeaf

FIELDS = tuple(sorted(EVIDENCE))
_BATCH = 500
_NODES_KEPT = 50_000
_TILES_KEPT = 64
_NEWEST_CHECKPOINTS = 1000


class NothingSigned(Exception):
    """There is no checkpoint yet that a bundle could be proven against."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing was signed yet: make a key with `consent ledger key new` and run `consent worker`, which signs."
        )


class NotSignedYet(Exception):
    """An erasure is recorded and no signed head covers it: a bundle of now would seem to miss its evidence."""

    def __init__(self) -> None:
        super().__init__("An erasure is not under a signed head yet; try again in some seconds.")


class BadKept(ValueError):
    """A checkpoint that is to be continued is none of this ledger's, or newer than its head."""


@dataclass(frozen=True)
class Bundled:
    """A finished bundle: its scope, how many entries it holds, and the SHA-256 of its manifest."""

    scope: str
    entries: int
    sha256: str


def scope_of(filters: Filters) -> str:
    """Return ``full``, ``contact`` (all of one contact) or ``selection``."""
    stated = filters.stated()
    if not stated:
        return bundle.FULL
    return bundle.CONTACT if stated.keys() == {"contact"} else bundle.SELECTION


def fields_of(words: Sequence[str]) -> tuple[str, ...]:
    """Return the fields of evidence that *words* name: each by its name, ``all``, or ``none``."""
    if "all" in words:
        return FIELDS
    return tuple(sorted(set(words) - {"none"}))


def save(
    out: Path, filters: Filters, fields: Sequence[str], origin: Origin, actor: str, kept: Sequence[str] = ()
) -> Bundled:
    """Write a bundle to *out*, a zip or a folder, record it, and only then let it appear there.

    It shows that it continues each of the notes *kept*. Raises NothingSigned, NotSignedYet, BadKept, and OSError if it
    cannot be written; nothing is then left under *out*.
    """
    with appearing(out) as files:
        with database.reading_late() as connection:
            made = write(connection, files, filters, fields, origin.now, kept)
        _record(made, filters, fields, origin, actor)
    return made


def content(filters: Filters, fields: Sequence[str], origin: Origin, actor: str) -> tuple[bytes, Bundled]:
    """Return a bundle as the bytes of a zip, and record it; for small ones. Raises NothingSigned, NotSignedYet."""
    file = io.BytesIO()
    archive = ZipFiles(file)
    with database.reading_late() as connection:
        made = write(connection, archive, filters, fields, origin.now)
    archive.close()
    _record(made, filters, fields, origin, actor)
    return file.getvalue(), made


def _record(made: Bundled, filters: Filters, fields: Sequence[str], origin: Origin, actor: str) -> None:
    more = {"scope": made.scope, "evidence": list(fields)}
    export.record("bundle", filters, Made(made.entries, made.sha256), origin, actor, **more)


def write(
    connection: Connection,
    files: Files,
    filters: Filters,
    fields: Sequence[str],
    now: datetime,
    kept: Sequence[str] = (),
) -> Bundled:
    """Write the files of a bundle; *fields* of evidence are opened. Raises NothingSigned, NotSignedYet, BadKept."""
    published = prove.newest(connection)
    if published is None:
        raise NothingSigned
    head = Checkpoint(published.note.partition("\n")[0], published.size, published.root)
    if fields and _erased_since(connection, head.size):
        raise NotSignedYet
    continued = _continued(kept, head)
    writer = _Writer(connection, files, head, filters, fields)
    scope = scope_of(filters)
    files.add("checkpoint", [published.note.encode()])
    count = writer.tiles() if scope == bundle.FULL else writer.entries()
    files.add("evidence.ndjson", writer.evidence())
    writer.notices()
    files.add("checkpoints.ndjson", writer.checkpoints(continued))
    files.add("vkeys.txt", [f"{vkey}\n".encode() for vkey in prove.keys(connection)])
    files.add("verify.py", [Path(verify.__file__).read_bytes()])
    for language in ("en", "fr"):
        text = (folder("templates") / "bundle" / f"README.{language}.txt").read_text("utf-8")
        filled = text.format(origin=head.origin, size=head.size, scope=scope, made_at=when(now))
        files.add(f"README.{language}.txt", [filled.encode()])
    listed = dict(files.digests)
    files.add(
        "manifest.json",
        [bundle.manifest(head, scope=scope, filter=filters.stated(), evidence=fields, made_at=when(now), files=listed)],
    )
    return Bundled(scope, count, files.digests["manifest.json"])


class _Writer:
    """What the files of one bundle are made from."""

    def __init__(
        self, connection: Connection, files: Files, head: Checkpoint, filters: Filters, fields: Sequence[str]
    ) -> None:
        self._connection, self._files, self._head = connection, files, head
        self._chosen = _chosen(filters, head.size)
        self._whole = scope_of(filters) == bundle.FULL
        self._fields = fields
        self._notices: set[str] = set()
        self._read = _Remembering(connection, head.size)

    def tiles(self) -> int:
        """Write every tile of the tree, and the entries; return how many entries there are."""
        for tile in tiles.tiles_of(self._head.size):
            if tile.level == 0:
                first = tile.index * WIDTH
                bodies = prove.bodies(self._connection, first, first + tile.width)
                name = tiles.path(Tile(ENTRIES, tile.index, tile.width))
                self._files.add(name, [prove.entry_tile(bodies)])
            self._files.add(tiles.path(tile), [sequence.read_tile(self._connection, tile)], dense=True)
        return self._head.size

    def entries(self) -> int:
        """Write the chosen entries with their proofs; return how many there are."""
        count = 0

        def lines() -> Iterator[bytes]:
            nonlocal count
            for row in self._rows():
                if notice := json.loads(row.body)["notice"]:
                    self._notices.add(notice)
                count += 1
                yield bundle.entry_line(row.seq, row.body, self._read.inclusion(row.seq))

        self._files.add("entries.ndjson", lines())
        return count

    def evidence(self) -> Iterator[bytes]:
        """Yield the opened evidence of the chosen entries, in the order of the ledger."""
        wanted = (
            select(LedgerLeaf.seq, Evidence.entry_id, Evidence.field, Evidence.salt, Evidence.value)
            .join_from(LedgerLeaf, Evidence, Evidence.entry_id == LedgerLeaf.entry_id)
            .where(Evidence.field.in_(self._fields))
            .order_by(LedgerLeaf.seq, Evidence.field)
        )
        for first, last in self._pieces() if self._fields else ():
            piece = wanted.where(LedgerLeaf.seq.between(first, last))
            if not self._whole:
                within = self._chosen.where(LedgerLeaf.seq.between(first, last))
                piece = piece.where(Evidence.entry_id.in_(within.with_only_columns(LedgerEntry.entry_id)))
            for row in self._connection.execute(piece):
                yield bundle.evidence_line(row.entry_id, row.field, row.salt, row.value)

    def notices(self) -> None:
        """Write the words that the entries name, each under its digest."""
        wanted = select(tables.Notice.sha256, tables.Notice.words).order_by(tables.Notice.sha256)
        for row in self._connection.execute(wanted).all():
            if self._whole or row.sha256 in self._notices:
                self._files.add(f"notices/{row.sha256}.txt", [row.words.encode()])

    def checkpoints(self, kept: Mapping[int, str]) -> Iterator[bytes]:
        """Yield the newest thousand earlier checkpoints, of those before the last of each day, and those *kept*."""
        wanted = select(LedgerCheckpoint.size, LedgerCheckpoint.created_at).order_by(LedgerCheckpoint.size)
        rows = self._connection.execute(wanted.where(LedgerCheckpoint.size <= self._head.size)).all()
        for size in sorted({*_thinned(rows), *kept}):
            found = select(LedgerCheckpoint.note, LedgerCheckpoint.created_at).where(LedgerCheckpoint.size == size)
            row = self._connection.execute(found).first()
            note, at = (row.note, when(row.created_at)) if row else (kept[size], None)
            yield bundle.checkpoint_line(size, note, at, self._read.consistency(size))

    def _rows(self) -> Iterator[Row[Any]]:
        ordered = self._chosen.order_by(LedgerLeaf.seq).limit(_BATCH)
        last = -1
        while rows := self._connection.execute(ordered.where(LedgerLeaf.seq > last)).all():
            yield from rows
            last = rows[-1].seq

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """Yield the first and the last number of each piece of the ledger."""
        for first in range(0, self._head.size, 16 * _BATCH):
            yield first, min(first + 16 * _BATCH, self._head.size) - 1


class _Remembering:
    """Proofs one after the other: nodes of the tree that were read stay at hand, for neighbours share most of them."""

    def __init__(self, connection: Connection, size: int) -> None:
        self._size = size
        read = lru_cache(_TILES_KEPT)(partial(_tile, connection))
        self._reader = tiles.reader(size, read)
        self._nodes: dict[Node, bytes] = {}

    def inclusion(self, index: int) -> list[bytes]:
        """Return the proof that entry *index* is in the tree."""
        return merkle.prove_inclusion(index, self._size, self._read)

    def consistency(self, old_size: int) -> list[bytes]:
        """Return the proof that the tree begins with that of *old_size*; none is needed from an empty one."""
        return merkle.prove_consistency(old_size, self._size, self._read) if old_size else []

    def _read(self, nodes: Sequence[Node]) -> list[bytes]:
        missing = [node for node in nodes if node not in self._nodes]
        if len(self._nodes) + len(missing) > _NODES_KEPT:
            self._nodes.clear()
            missing = list(nodes)
        self._nodes |= zip(missing, self._reader(missing), strict=True)
        return [self._nodes[node] for node in nodes]


def _erased_since(connection: Connection, size: int) -> bool:
    """Whether an entry that accounts for missing evidence is not among the first *size*. One statement."""
    late = or_(LedgerLeaf.seq.is_(None), LedgerLeaf.seq >= size)
    wanted = select(LedgerEntry.entry_id).outerjoin(LedgerLeaf, LedgerLeaf.entry_id == LedgerEntry.entry_id)
    erasing = LedgerEntry.kind.in_(("contact.erased", "evidence.rectified"))
    return connection.execute(wanted.where(erasing, late).limit(1)).first() is not None


def _continued(kept: Sequence[str], head: Checkpoint) -> dict[int, str]:
    """Return the notes by the size that they say. Whether they are ours, whoever checks the bundle will see."""
    found: dict[int, str] = {}
    for note in kept:
        try:
            old = checkpoint.parse(note.rpartition("\n\n")[0] + "\n")
        except BadNote as error:
            raise BadKept(f"What was kept is no checkpoint. {error}") from None
        if old.origin != head.origin or old.size > head.size:
            raise BadKept(f"What was kept covers {old.size} entries of {old.origin}; this covers {head.size}.")
        found[old.size] = note
    return found


def _tile(connection: Connection, level: int, index: int, width: int) -> bytes:
    return sequence.read_tile(connection, Tile(level, index, width))


def _chosen(filters: Filters, size: int) -> Select[*tuple[Any, ...]]:
    """Select the entries below *size* that the filters choose, and the erasure of whoever is in them."""
    chosen = export.select_entries(filters)
    if filters.stated():
        theirs = chosen.with_only_columns(LedgerEntry.contact).where(LedgerEntry.contact.is_not(None)).correlate(None)
        chosen = export.select_entries(Filters()).where(
            or_(
                LedgerEntry.entry_id.in_(chosen.with_only_columns(LedgerEntry.entry_id).correlate(None)),
                and_(LedgerEntry.kind == "contact.erased", LedgerEntry.contact.in_(theirs)),
            )
        )
    return chosen.where(LedgerLeaf.seq < size)


def _thinned(rows: Sequence[Row[int, datetime]]) -> Iterable[int]:
    """Return the sizes of the newest checkpoints, and of the last one of each day (UTC) before them."""
    older = len(rows) - _NEWEST_CHECKPOINTS
    for number, (row, after) in enumerate(zip(rows, [*rows[1:], None], strict=True)):
        if number >= older or after is None or row.created_at.date() != after.created_at.date():
            yield row.size
