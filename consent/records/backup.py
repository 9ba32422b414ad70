"""A copy of the whole database, made while the service runs, and beside it the signed head that the copy contains.

SQLite: one file, by SQLite's own backup, which holds no writer up. PostgreSQL: what ``pg_dump --format=custom``
writes, of one snapshot. Either is looked through before it gets its name, for a copy that nobody read is none.
"""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from consent.records import prove
from consent.store import database
from consent.store.ledger import LedgerEntry


class NoBackup(Exception):
    """No copy was made; the message says why, and what to do."""


class Backup(NamedTuple):
    """A copy: where it lies, how many bytes and entries it has, and which signed head lies in *note* (or neither)."""

    path: Path
    bytes: int
    entries: int
    signed: int
    note: Path | None


class _Held(NamedTuple):
    entries: int
    head: prove.Published | None


def make(folder: Path, now: datetime) -> Backup:
    """Write a copy into *folder*, named by *now*, readable by its owner alone; nothing is ever overwritten.

    Raises NoBackup, or OSError if the folder cannot be written; no draft is left then.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with database.reading() as connection:
        sqlite = connection.dialect.name == "sqlite"
        path = folder / f"consent-{now:%Y%m%dT%H%M%SZ}.{'db' if sqlite else 'dump'}"
        with _draft(path) as draft:
            held = _copy_file(connection, draft) if sqlite else _dump(connection, draft)
            note = _keep_note(path, held.head) if held.head else None  # first, so that no copy ever lacks its head
    return Backup(path, path.stat().st_size, held.entries, held.head.size if held.head else 0, note)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """Give an empty file beside *path* that takes its name once the block has ended well and all of it is on disk."""
    draft = path.with_name(f".{path.name}.part")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise NoBackup(f"Another backup is being written to {draft}: wait for it, or delete what it left.") from None
    try:
        if path.exists():
            raise NoBackup(f"{path} is there already; nothing is overwritten. Try again in a second.")
        yield draft
        _flush(draft)
        draft.rename(path)
        _flush(path.parent)
    finally:
        for left in path.parent.glob(f"{draft.name}*"):  # SQLite keeps its journals beside a file
            left.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_note(path: Path, head: prove.Published) -> Path:
    with _draft(path.with_suffix(".checkpoint")) as draft:
        draft.write_text(head.note, "utf-8")
    return path.with_suffix(".checkpoint")


def _held(connection: Connection) -> _Held:
    """Return how many entries there are for *connection*, and their newest signed head."""
    entries = connection.execute(select(func.count()).select_from(LedgerEntry)).scalar_one()
    return _Held(entries, prove.newest(connection))


def _copy_file(connection: Connection, draft: Path) -> _Held:
    """Copy SQLite's file into *draft*: one snapshot, a file without a log beside it, and checked."""
    held = _held(connection)  # begins the snapshot that is copied
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            _driver(connection).backup(copy)  # in one step: with several, a busy writer would make it begin again
            connection.invalidate()  # the snapshot keeps the log of the writers from being taken in
            copy.execute("PRAGMA journal_mode = DELETE")  # else it were whole only with a -wal file beside it
            (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise NoBackup(f"The database could not be copied to {draft}: {error}.") from None
    if found != "ok":
        raise NoBackup("The database is damaged, and so would its copy be: restore an older one. See `consent audit`.")
    return held


def _dump(connection: Connection, draft: Path) -> _Held:
    """Let ``pg_dump`` write *draft* from the snapshot of *connection*, and read it through."""
    _refuse_what_would_be_seen(connection)
    held, info = _held(connection), _driver(connection).info
    snapshot = connection.execute(select(func.pg_export_snapshot())).scalar_one()
    secret = {"PGPASSWORD": info.password} if info.password else {}  # who lists processes sees the command
    _run(
        "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--no-password", f"--snapshot={snapshot}",
        f"--file={draft}", f"--dbname={info.dsn}", secret=secret,
    )  # fmt: skip
    connection.invalidate()  # it may have been cut off for idling meanwhile, which takes nothing from the dump
    _run("pg_restore", f"--file={os.devnull}", str(draft), secret={})
    return held


def _refuse_what_would_be_seen(connection: Connection) -> None:
    """Raise NoBackup if the URL holds a secret that can be handed to a program only in its command line."""
    options = _driver(connection).pgconn.info
    for name in [one.keyword.decode() for one in options if one.val and one.dispchar == b"*"]:
        if name != "password":
            raise NoBackup(f"{name} in CONSENT_DATABASE_URL would be seen by who lists processes: take it out.")


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _run(program: str, *words: str, secret: dict[str, str]) -> None:
    if not (found := shutil.which(program)):
        raise NoBackup(f"{program} is not in the PATH: install PostgreSQL's client programs of the server's version.")
    done = subprocess.run([found, *words], env=_plain() | secret, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoBackup(f"{program} failed: {_reason(done.returncode, done.stderr)}")


def _reason(status: int, stderr: str) -> str:
    """Return in one line why a program failed: its errors and their details, not the warnings before them."""
    said = re.findall(r"^\w+: (?:error|detail): (.+)$", stderr, re.MULTILINE)[:3] or stderr.splitlines()[:1]
    return "; ".join(said) or (f"exit status {status}" if status > 0 else f"ended by signal {-status}")


def _plain() -> dict[str, str]:
    """Return our environment, without what would make the programs speak another language."""
    return dict(os.environ) | {"LC_ALL": "C"}
