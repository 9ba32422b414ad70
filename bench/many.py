"""Measure decisions in bulk against the bare query in the same run: ``python -m bench.many [EXPORTED]``.

A batch of 10,000 among 100,000 contacts, and an export of everybody who may be mailed, by default among 1,000,000. The
ceiling of the export is its own SQL statement, whose rows the driver yields and nobody looks at.
"""

import base64
import itertools
import json
import random
import resource
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from sqlalchemy.dialects import sqlite

from bench import company, report
from consent import catalogue, clock, config
from consent.app import create_app
from consent.sends import many
from consent.store import database

ROUNDS = 5
KNOWN, ASKED = 100_000, 10_000
TOPIC = "acme/newsletter"
_WHEN = "2026-01-01T00:00:00.000Z"


def main() -> None:
    """Measure, print, write."""
    exported = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        app = _app(Path(name))
        with app.app_context():
            key = company.set_up("decisions")
            _fill(0, KNOWN)
            batch = _batch(app, key)
            _fill(KNOWN, exported)
            export = _export(app, key)
    report.put("Decisions in bulk", f"`python -m bench.many`, {report.machine()}, SQLite.\n\n{batch}\n\n{export}")


def _app(path: Path) -> Flask:
    return create_app(config.read(company.environment(path)))


def _fill(first: int, last: int) -> None:
    """Write contacts with a standing for TOPIC, nine of ten with consent, straight into the tables."""
    people = (
        (base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode(), _address(number))
        for number in range(first, last)
    )
    raw = database.db.engine.raw_connection()
    cursor = raw.cursor()
    cursor.execute("BEGIN")
    while chunk := list(itertools.islice(people, 10_000)):
        cursor.executemany(
            "INSERT INTO contact (id, consent_key, deny_key, abuse_key, language, epoch, created_at) "
            f"VALUES (?1, ?2, ?2, ?2, 'en', 0, '{_WHEN}')",
            chunk,
        )
        cursor.executemany(
            "INSERT INTO standing "
            "(contact_id, topic, organization, handle, state, basis, allowed_from, since, entry_id) "
            f"VALUES (?, '{TOPIC}', 'acme-inc', ?, ?, ?, ?, '{_WHEN}', 'bench')",
            list(_standings(chunk)),
        )
    cursor.execute("COMMIT")
    raw.close()


def _standings(people: list[tuple[str, str]]) -> Iterator[tuple[object, ...]]:
    for number, (contact, _) in enumerate(people):
        given = ("given", "casl.express", _WHEN) if number % 10 else ("withdrawn", None, None)
        yield (contact, secrets.token_bytes(8), *given)


def _address(number: int) -> str:
    return f"person{number}@example.com"


def _batch(app: Flask, key: str) -> str:
    seconds = []
    for _ in range(ROUNDS):
        asked = [*random.sample(range(KNOWN), ASKED * 9 // 10), *range(-(ASKED // 10), 0)]
        body = json.dumps({"topic": TOPIC, "emails": [_address(number) for number in asked]})
        started = time.perf_counter()
        answer = app.test_client().post(
            "/api/v1/decisions/batch", data=body, content_type="application/json", headers=_bearer(key)
        )
        seconds.append(time.perf_counter() - started)
        assert len(answer.get_json()["results"]) == ASKED
    middle = statistics.median(seconds)
    met = "reached" if middle <= 0.5 else "**missed**"
    return f"Batch of {ASKED:,} among {KNOWN:,} contacts, request to answer: {middle:.2f} s (limit 0.5 s, {met})."


def _export(app: Flask, key: str) -> str:
    bare, streamed, rows = [], [], 0
    before = _peak()
    for _ in range(ROUNDS):
        seconds, rows = _bare()
        bare.append(seconds)
        streamed.append(_streamed(app, key, rows))
    ratio = statistics.median(one / other for one, other in zip(bare, streamed, strict=True))
    met = "reached" if ratio >= 0.5 else "**missed**"
    query, stream = statistics.median(bare), statistics.median(streamed)
    return (
        f"Export of {rows:,} lines with two signed links each, {ROUNDS} interleaved rounds, medians: "
        f"bare query {query:.1f} s, streamed {stream:.1f} s, **{ratio:.2f} of the bare query's speed** "
        f"(goal 0.5, {met}); memory grew by {_peak() - before} MB to {_peak()} MB (limit 150 MB)."
    )


def _bare() -> tuple[float, int]:
    statement = many._open(catalogue.topic(TOPIC), clock.now())
    text = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    raw = database.db.engine.raw_connection()
    started, rows = time.perf_counter(), 0
    for _ in raw.cursor().execute(text):
        rows += 1
    seconds = time.perf_counter() - started
    raw.close()
    return seconds, rows


def _streamed(app: Flask, key: str, rows: int) -> float:
    started = time.perf_counter()
    answer = app.test_client().post(
        "/api/v1/decisions/export", json={"topic": TOPIC}, headers=_bearer(key), buffered=False
    )
    lines = sum(part.count(b"\n") for part in answer.iter_encoded())
    assert lines == rows
    return time.perf_counter() - started


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
