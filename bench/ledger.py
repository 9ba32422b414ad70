"""Measure the ledger: ``python -m bench.ledger [ENTRIES]``, by default 1,000,000, which takes some minutes.

What appending costs beside the same transaction without a ledger; root and proofs from stored tiles; writing a
bundle; checking it. The ceiling of reading and checking is SHA-256 over the same bodies in the same run.
"""

import hashlib
import json
import random
import resource
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from sqlalchemy import Connection, text

from bench import company, report
from bench.many import _app
from consent import addresses, catalogue, clock
from consent.ledger import verify
from consent.records import append, bundles, prove, publish, signing
from consent.records.append import NEW_CHAIN, Draft, Origin
from consent.records.export import Filters
from consent.store import database
from consent.subscriptions import signup
from consent.subscriptions.acts import Act

LOG = "bench"  # as the set-up of bench.many names it
CHUNK = 5_000
PER_CONTACT = 5
TRANSACTIONS = 400


def main() -> None:
    """Measure, print, write."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        app = _app(path)
        with app.app_context():
            company.set_up("decisions")
            catalogue.reload()
            lines = [_appending()]
            publisher = signing.create(path / "ledger.key", LOG)
            _fill(size)
            started = time.perf_counter()
            head = publish.publish(publisher, Origin(LOG, clock.now()))
            assert head is not None
            lines.append(
                f"| first head of {head.size:,}, with every tile | {time.perf_counter() - started:.1f} s | | |"
            )
            lines += _proving(head.size)
            lines += _bundling(path, head.size, publisher.signers[0].verifier.vkey)
    table = "| what | figure | bare limit | ratio |\n|---|---|---|---|\n" + "\n".join(lines)
    report.put("The ledger", f"`python -m bench.ledger {size}`, {report.machine()}, SQLite, durable.\n\n{table}")


def _appending() -> str:
    """Return what a sign-up costs, and the same with a plain row for the record: no hash, chain, salt or number."""
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE plain (id TEXT PRIMARY KEY, contact TEXT, kind TEXT, record TEXT)"))
    with_ledger, without = [], []
    for number in range(TRANSACTIONS):
        with mock.patch.object(append, "about", _plainly):
            without.append(_sign_up(f"w{number}@example.com"))
        with_ledger.append(_sign_up(f"p{number}@example.com"))
    bare, full = statistics.median(without), statistics.median(with_ledger)
    more = (full / bare - 1) * 100
    return (
        f"| a sign-up with its entry | {full * 1e6:.0f} µs | with a plain row: {bare * 1e6:.0f} µs | + {more:.0f} % |"
    )


def _plainly(
    connection: Connection, origin: Origin, contact: str, _: object, drafts: Sequence[Draft]
) -> list[SimpleNamespace]:
    """Stand in for appending: what entry and evidence say goes into one row of a table that anybody may edit."""
    (draft,) = drafts
    id = append.new_id(origin.now)
    record = json.dumps({**draft.fields, **draft.evidence}, default=str)
    connection.execute(_PLAIN, {"id": id, "contact": contact, "kind": draft.kind, "record": record})
    return [SimpleNamespace(entry=SimpleNamespace(id=id))]


_PLAIN = text("INSERT INTO plain VALUES (:id, :contact, :kind, :record)")


def _sign_up(address: str) -> float:
    form = catalogue.form("acme-news")
    wanted = signup.Request(addresses.parse(address), form, form.topics[:1], "en", form.notices["en"], form.source)
    act = Act(Origin(LOG, clock.now()), {"ip": "192.0.2.1", "user_agent": "bench"}, network="192.0.2.0/24")
    started = time.perf_counter()
    signup.request(wanted, act)
    return time.perf_counter() - started


def _draft(number: int) -> Draft:
    fields = {
        "brand": "acme",
        "topic": "acme/newsletter",
        "channel": "web",
        "source": "web_form",
        "form": "acme-news@1",
        "notice": "ab" * 32,
        "language": "en",
        "details": {"method": "checkbox_unticked", "notice_complete": True},
    }
    return Draft("consent.requested", "contact", fields, {"email": f"p{number}@example.com", "ip": "192.0.2.1"})


def _fill(size: int) -> None:
    """Append *size* entries about contacts of five entries each, with an address as evidence, in chunks."""
    number = 0
    while number < size:
        with database.writing() as connection:
            last = min(number + CHUNK, size)
            _chunk(connection, number, last)
            number = last


def _chunk(connection: Connection, first: int, last: int) -> None:
    origin = Origin(LOG, clock.now())
    for number in range(first, last, PER_CONTACT):
        drafts = [_draft(one) for one in range(number, min(number + PER_CONTACT, last))]
        append.about(connection, origin, secrets.token_urlsafe(16), NEW_CHAIN, drafts)


def _proving(size: int) -> Iterator[str]:
    chosen = random.Random(1)
    with database.reading() as connection:
        root = _median(lambda: prove.root(connection, size), 50)
        inclusion = _median(lambda: prove.inclusion(connection, chosen.randrange(size), size), 200)
        consistency = _median(lambda: prove.consistency(connection, chosen.randrange(1, size), size), 200)
    yield f"| root of {size:,} from tiles | {root * 1e3:.2f} ms | limit 5 ms | |"
    yield f"| inclusion proof | {inclusion * 1e3:.2f} ms | limit 5 ms | |"
    yield f"| consistency proof | {consistency * 1e3:.2f} ms | limit 5 ms | |"


def _bundling(path: Path, size: int, vkey: str) -> Iterator[str]:
    with database.reading() as connection:
        bare = _timed(lambda: [hashlib.sha256(b"\0" + body).digest() for body in prove.bodies(connection, 0, 100_000)])
    bare *= size / min(size, 100_000)
    for name in ("bundle", "bundle.zip"):
        started = time.perf_counter()
        bundles.save(path / name, Filters(), ("email",), Origin(LOG, clock.now()), "system")
        took = time.perf_counter() - started
        yield (
            f"| {name} of {size:,} written, addresses opened | {took:.1f} s, {size / took:,.0f}/s | "
            f"reading and hashing: {bare:.1f} s | {bare / took:.2f} |"
        )
    yield f"| memory of this process at its most | {_memory(resource.RUSAGE_SELF):.0f} MB | | |"
    for name in ("bundle", "bundle.zip"):
        for options in (["--quick"], []):
            started = time.perf_counter()
            _verify(path / name, vkey, options)
            took = time.perf_counter() - started
            yield f"| verify {name} {' '.join(options)} | {took:.1f} s | hashing: {bare:.1f} s | {bare / took:.2f} |"
    yield f"| memory of the verifier at its most | {_memory(resource.RUSAGE_CHILDREN):.0f} MB | limit 200 MB | |"


def _verify(bundle: Path, vkey: str, options: list[str]) -> None:
    command = [sys.executable, "-I", str(verify.__file__), str(bundle), "--key", vkey, *options]
    said = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    assert said.endswith("SOUND\n"), said


def _memory(whose: int) -> float:
    return resource.getrusage(whose).ru_maxrss / 1024


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _median(act: Callable[[], object], rounds: int) -> float:
    return statistics.median(_timed(act) for _ in range(rounds))


if __name__ == "__main__":
    main()
