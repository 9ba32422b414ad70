"""Measure the service on PostgreSQL, durable: ``python -m bench.postgresql``, which takes some four minutes.

Consent-changing requests beside the same ones with the ledger's step taken out (bench/unnumbered.py), interleaved, 16
connections, two web processes and a worker each; how long entries wait for their number under that load; two web
processes beside one; and 10,000 mails delivered by four workers. The server is the one that the tests start.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench import company, report
from bench.load import BIN, Measured, free_port, need_wrk, serving, shoot
from consent import addresses, catalogue, clock, config
from consent.app import create_app
from consent.records import signing
from consent.records.append import Origin
from consent.subscriptions import signup
from consent.subscriptions.acts import Act
from tests.clusters import Cluster, cluster

ROUNDS, SECONDS = 5, 4
MAILS, WORKERS = 10_000, 4
GOAL, LAG_GOAL, SCALE_GOAL = 0.8, 1.5, 1.6
_ROOT = Path(__file__).parent.parent
_LAGS = """
SELECT extract(epoch FROM l.sequenced_at - e.recorded_at) FROM ledger_leaf l JOIN ledger_entry e USING (entry_id)
WHERE e.recorded_at >= %s
"""


@dataclass
class House:
    """One installation: its settings, its API key, and the command that runs it."""

    env: dict[str, str]
    key: str
    command: Sequence[str]
    port: int
    used: int = 0

    def words(self, *words: str) -> list[str]:
        """Return the command line of *words*."""
        return [*self.command, *words]


def main() -> None:
    """Measure, print, write."""
    need_wrk()
    with tempfile.TemporaryDirectory() as name, cluster() as server:
        numbered = _made(server, Path(name), "numbered", [str(BIN / "consent")])
        plain = _made(server, Path(name), "plain", [sys.executable, "-m", "bench.unnumbered"])
        lines = [*_beside_each_other(server, numbered, plain), *_scaling(numbered)]
        mails = _made(server, Path(name), "mails", [str(BIN / "consent")])
        lines += _mailing(server, Path(name), mails)
    table = "| what | figure | beside | ratio | goal |\n|---|---|---|---|---|\n" + "\n".join(lines)
    head = f"`python -m bench.postgresql`, {report.machine()}, {os.cpu_count()} cores for everything, 16 connections,"
    report.put("PostgreSQL", f"{head}\nfsync on, {ROUNDS} interleaved rounds of {SECONDS} s, medians.\n\n{table}")


def _made(server: Cluster, path: Path, name: str, command: Sequence[str]) -> House:
    port = free_port()
    env = company.environment(
        path,
        CONSENT_DATABASE_URL=server.make(name),
        CONSENT_BASE_URL=f"http://127.0.0.1:{port}",
        CONSENT_SMTP_URL=f"file:{path}/{name}-mail",
        CONSENT_LEDGER_KEY=f"{path}/{name}.key",
        CONSENT_ACCESS_LOG="off",
    )
    settings = config.read(env)
    with create_app(settings).app_context():
        key = company.set_up("records")
        catalogue.reload()
        signing.create(settings.ledger_key, company.LOG)
    return House(env, key, command, port)


@contextmanager
def _running(house: House, processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """Serve, with a worker beside it; give the worker."""
    serve = ["serve", "--bind", f"127.0.0.1:{house.port}", "--workers", str(processes), "--threads", "2"]
    with serving(house.words(*serve), house.port, house.env, _ROOT):
        worker = _worker(house)
        try:
            yield worker
        finally:
            worker.send_signal(signal.SIGCONT)
            worker.terminate()
            worker.wait(20)


def _worker(house: House, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        house.words("worker", *words),
        env=os.environ | house.env,
        cwd=_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _beside_each_other(server: Cluster, numbered: House, plain: House) -> list[str]:
    found: dict[tuple[str, str], list[float]] = {}
    begun = clock.now()
    with ExitStack() as stack:
        houses = {"numbered": numbered, "plain": plain}
        workers = {name: stack.enter_context(_running(house, 2)) for name, house in houses.items()}
        for number in range(-1, ROUNDS):
            for name, house in reversed(houses.items()):  # the one that numbers last: then nothing waits when it stops
                for other, worker in workers.items():  # what the other one has left to do must not disturb
                    worker.send_signal(signal.SIGCONT if other == name else signal.SIGSTOP)
                for kind, load in (("relationships", _relationships), ("sign-ups", _signups)):
                    rate = _shot(house, kind, load).rate
                    if number >= 0:  # the first round warms up
                        found.setdefault((kind, name), []).append(rate)
            _none_waits(server)
    lines = []
    for kind in ("sign-ups", "relationships"):
        with_step, without = (statistics.median(found[kind, name]) for name in ("numbered", "plain"))
        lines.append(
            f"| {kind} with the ledger | {with_step:.0f}/s | without its step: {without:.0f}/s "
            f"| {with_step / without:.2f} | {GOAL} |"
        )
    return [*lines, _lag(server, begun)]


def _none_waits(server: Cluster) -> None:
    """Wait until every entry has its number: a worker that is stopped meanwhile would spoil that figure."""
    with psycopg.connect(server.url("numbered"), autocommit=True) as connection:
        for _ in range(600):
            if connection.execute("SELECT NOT EXISTS (SELECT FROM ledger_pending)").fetchone() == (True,):
                return
            threading.Event().wait(0.05)
    sys.exit("bench: entries wait for their numbers, and no worker takes them.")


def _lag(server: Cluster, since: object) -> str:
    with psycopg.connect(server.url("numbered")) as connection:
        lags = sorted(float(row[0]) for row in connection.execute(_LAGS, [since]))
    p50, p99 = (lags[int(len(lags) * share)] for share in (0.5, 0.99))
    return (
        f"| an entry waits for its number, of {len(lags)} | p50 {p50:.2f} s, p99 {p99:.2f} s | | | p99 {LAG_GOAL} s |"
    )


def _scaling(house: House) -> list[str]:
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(3):
        for processes, found in rates.items():
            with _running(house, processes) as worker:
                worker.send_signal(signal.SIGSTOP)
                found.append(_shot(house, "relationships", _relationships).rate)
    one, two = (statistics.median(found) for found in rates.values())
    return [
        f"| two web processes | {two:.0f}/s | one: {one:.0f}/s | {two / one:.2f} | {SCALE_GOAL}, when cores allow |"
    ]


def _shot(house: House, kind: str, load: Callable[[House], list[tuple[str, str]]]) -> Measured:
    requests = load(house)
    key, body = (house.key, "application/json") if kind == "relationships" else ("", "")
    measured = shoot(house.port, requests, SECONDS, body, key)
    if measured.failed:
        sys.exit(f"bench: {measured.failed} {kind} failed.")
    print(f"  {kind:14} {measured.rate:7.0f} /s  p50 {measured.p50:6.1f} ms  p99 {measured.p99:7.1f} ms", flush=True)
    return measured


def _fresh(house: House, count: int) -> Iterator[str]:
    house.used += count
    return (f"person{number}@example{number % 50}.com" for number in range(house.used - count, house.used))


def _relationships(house: House) -> list[tuple[str, str]]:
    what = {"brand": "acme", "kind": "purchase", "occurred_at": "2026-01-10T10:00:00Z"}
    return [("/api/v1/relationships", json.dumps({"email": one, **what})) for one in _fresh(house, 12_000)]


def _signups(house: House) -> list[tuple[str, str]]:
    form = {"topic": "acme/newsletter", "language": "en"}
    return [("/s/acme-news", urllib.parse.urlencode(form | {"email": one})) for one in _fresh(house, 12_000)]


def _mailing(server: Cluster, path: Path, house: House) -> list[str]:
    """Let four workers deliver what 10,000 sign-ups queued, and count what came out."""
    with create_app(config.read(house.env)).app_context():
        form = catalogue.form("acme-news")
        for one in _fresh(house, MAILS):
            to = addresses.parse(one)
            wanted = signup.Request(to, form, form.topics[:1], "en", form.notices["en"], form.source)
            signup.request(wanted, Act(Origin(company.LOG, clock.now()), {}, network="192.0.2.0/24"))
    begun = clock.monotonic()
    workers = [_worker(house, "--once") for _ in range(WORKERS)]
    for worker in workers:
        worker.wait(600)
    seconds = clock.monotonic() - begun
    files = len(list((path / "mails-mail").glob("*.eml")))
    with psycopg.connect(server.url("mails")) as connection:
        sent = "SELECT count(*), count(DISTINCT contact) FROM ledger_entry WHERE kind = 'confirmation.sent'"
        entries, people = connection.execute(sent).fetchone() or (0, 0)
        (due,) = connection.execute("SELECT count(*) FROM outbox WHERE state = 'due'").fetchone() or (0,)
    exactly = files == entries == people == MAILS and not due
    return [
        f"| {MAILS:,} mails by {WORKERS} workers | {MAILS / seconds:.0f}/s, {files:,} files, {entries:,} entries "
        f"| | | {'exactly once' if exactly else '**not exactly once**'} |"
    ]


if __name__ == "__main__":
    main()
