"""``consent audit``."""

import base64
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from flask import Flask
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from consent import clock
from consent.cli.session import app_context, origin
from consent.config import BadSettings
from consent.ledger import checkpoint, verify
from consent.ledger.checkpoint import BadKey, BadNote, Checkpoint, Verifier
from consent.records import audit as records
from consent.records import signing
from consent.records.audit import SOUND, Report
from consent.records.audit_tree import Kept
from consent.records.signing import KeyTrouble
from consent.store import database

_LONGEST_NOTE = 1 << 20
_MANY = 20_000  # rows from which on it takes long enough for a progress bar


class Unreadable(click.ClickException):
    """The database is so broken that nothing can be said about the ledger."""

    exit_code = 2


class Key(click.ParamType[Verifier]):
    """A public key of the ledger."""

    name = "VKEY"

    def convert(self, value: str | Verifier, param: click.Parameter | None, ctx: click.Context | None) -> Verifier:
        """Return the key, or fail with what is wrong."""
        try:
            return value if isinstance(value, Verifier) else checkpoint.read_vkey(value)
        except BadKey as error:
            self.fail(f"{value} is no public key: {error}", param, ctx)


@click.command()
@click.option("--checkpoint", "checkpoints", multiple=True, metavar="OLD[@TIME]", help="A checkpoint that you kept.")
@click.option("--key", "keys", multiple=True, type=Key(), help="A public key that may have signed what you kept.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of words.")
def audit(checkpoints: Sequence[str], keys: Sequence[Verifier], as_json: bool) -> None:
    """Recompute the whole ledger from the database, and name every row that was changed.

    OLD is a file that holds a signed checkpoint, and TIME when you got it. Only what was kept outside of the company
    shows that the ledger was not rebuilt by somebody who has its key. Exit status 1 means TAMPERED.
    """
    with _legible(), app_context() as app:
        state, trouble = _state(app)  # before the database is looked at: a worker may sign more meanwhile
        with database.reading() as connection:
            known = records.keys(connection)
            kept = [_kept(text, known, keys) for text in checkpoints]
            log, now = origin(app).log, clock.now()
            with _progress(connection) as watch:
                found = records.audit(
                    connection, log=log, state=state, kept=kept, now=now, trouble=trouble, watch=watch
                )
        click.echo(json.dumps(_as_json(found)) if as_json else "\n".join(_as_text(found)))
    sys.exit(0 if found.verdict == SOUND else 1)


def _kept(text: str, known: Sequence[Verifier], others: Sequence[Verifier]) -> Kept:
    """Return what was kept in a file, with the time that is stated after it."""
    path, at, stated = text.rpartition("@")
    time: datetime | None = verify.parse_time(stated) if at else None
    path = path if time else text
    try:
        with Path(path).open("rb") as file:
            note = file.read(_LONGEST_NOTE).decode("utf-8")
        return records.open_kept(note, path, time, known, others)
    except (OSError, ValueError) as error:
        raise click.BadParameter(_why(path, error), param_hint="--checkpoint") from None


def _why(path: str, error: Exception) -> str:
    if isinstance(error, BadNote):
        return f"{path}: {error} If a key of the ledger signed it that is not on record, give it with --key."
    return f"{path} cannot be read as a checkpoint, perhaps followed by @ and a time like 2026-11-23T08:45:00Z: {error}"


def _state(app: Flask) -> tuple[Checkpoint | None, str | None]:
    """Return what the signer of this host signed last, or None if it has no key; and why that cannot be read."""
    settings = app.config["CONSENT"]
    try:
        publisher = signing.load(settings.ledger_key, settings.ledger_origin)
        return publisher.last() if publisher else None, None
    except (KeyTrouble, OSError) as error:
        return None, str(error)


@contextmanager
def _legible() -> Iterator[None]:
    """End with status 2 and a line, not with a traceback and status 1, whatever it is that cannot be gone on with."""
    try:
        yield
    except (BadSettings, click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except DatabaseError as error:
        raise Unreadable(f"The database cannot be read ({error.orig}): restore a copy and audit that.") from None
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
        raise Unreadable(f"The audit broke off ({where}), and says nothing about the ledger.") from None


@contextmanager
def _progress(connection: Connection) -> Iterator[Callable[[int], None]]:
    """Give what is to be told of the rows done; on a terminal, it shows how far a large ledger is."""
    rows = records.work(connection) if sys.stderr.isatty() else 0
    if rows < _MANY:
        yield lambda _: None
        return
    with click.progressbar(length=rows, label="Auditing", file=sys.stderr) as bar:
        yield bar.update


def _as_text(found: Report) -> Iterator[str]:
    names = max(len(line.line) for line in found.lines)
    texts = max(len(line.text) for line in found.lines)
    for line in found.lines:
        yield f"{line.line:{names}}  {line.text:{texts}}  {line.result}"
        shown, more = found.below(line)
        yield from (f"    {one.name}: {one.row}: {one.text}" for one in shown)
        if more:
            yield f"    and {more} more"
    yield from found.limits
    yield found.verdict


def _as_json(found: Report) -> dict[str, object]:
    """Return the answer with the keys that the offline verifier uses too."""
    findings = [
        {"finding": one.name, "line": one.line, "row": one.row, "text": one.text} for one in found.findings.kept
    ]
    lines = [line._asdict() | {"found": found.findings.counts[line.line]} for line in found.lines]
    head = {
        "verdict": found.verdict,
        "exit": 0 if found.verdict == SOUND else 1,
        "origin": found.log,
        "size": found.size,
        "root": None if found.root is None else base64.b64encode(found.root).decode(),
    }
    return {**head, "lines": lines, "findings": findings, "limits": list(found.limits)}
