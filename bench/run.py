"""Measure sign-up, confirm, one-click and decision against a bare Flask hello, interleaved, in one run.

``python -m bench.run`` takes about two minutes, prints the table and writes bench/results.md. SQLite, durable
(``synchronous=FULL``), four processes of one thread each (threads of one process fight over the interpreter),
16 connections, plain HTTP on loopback.
"""

import json
import statistics
import sys
import tempfile
import urllib.parse
from pathlib import Path

from sqlalchemy import select

from bench import company, report
from bench.load import BIN, Measured, free_port, need_wrk, serving, shoot
from consent import config
from consent.app import create_app
from consent.config import Settings
from consent.records.links import by_handle
from consent.store import database
from consent.store.signups import Signup
from consent.tokens import make

ROUNDS = 5
SECONDS = 3
PROCESSES = ["--workers", "4", "--threads", "1"]
GOALS = {"sign-up": 0.10, "confirm": 0.13, "one-click": 0.17, "decision": 0.25}  # of hello; half of it is due now
_ONE_CLICK = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"})


class Figures:
    """The rounds of one run, by what was measured."""

    def __init__(self) -> None:
        self.rounds: dict[str, list[Measured]] = {}

    def add(self, name: str, measured: Measured) -> None:
        """Keep one round; a failed request stops the run, since its figure would be a lie."""
        if measured.failed:
            sys.exit(f"bench: {measured.failed} requests of {name} failed.")
        self.rounds.setdefault(name, []).append(measured)
        print(
            f"  {name:10} {measured.rate:8.0f} /s   p50 {measured.p50:6.1f} ms   p99 {measured.p99:7.1f} ms", flush=True
        )

    def rate(self, name: str) -> float:
        """Return the median rate."""
        return statistics.median(m.rate for m in self.rounds[name])

    def spread(self, name: str) -> str:
        """Return the lowest and highest rate."""
        rates = [m.rate for m in self.rounds[name]]
        return f"{min(rates):.0f}–{max(rates):.0f}"


def main() -> None:
    """Measure, print, write."""
    need_wrk()
    figures = Figures()
    with tempfile.TemporaryDirectory() as name:
        started = _measure(Path(name), figures)
    report.put("Requests over HTTP", _report(figures, started))


def _measure(path: Path, figures: Figures) -> float:
    port, other = free_port(), free_port()
    environ = company.environment(path, CONSENT_BASE_URL=f"http://127.0.0.1:{port}")
    settings = config.read(environ)
    app = create_app(settings)
    with app.app_context():
        key = company.set_up("decisions")
    serve = [str(BIN / "consent"), "serve", "--bind", f"127.0.0.1:{port}", *PROCESSES]
    bare = [str(BIN / "gunicorn"), "bench.hello:app", "-b", f"127.0.0.1:{other}", "-k", "gthread", *PROCESSES]
    root = Path(__file__).parent.parent
    with serving(serve, port, environ, path) as started, serving(bare, other, {}, root), app.app_context():
        number = _warm_up(port, other, settings)
        for _ in range(ROUNDS):
            number = _round(port, other, settings, key, figures, number)
    return started


def _warm_up(port: int, other: int, settings: Settings) -> int:
    shoot(other, [("/", "")] * 2000, 1)
    shoot(port, _signups(0, 1500), 1)
    shoot(port, _links(settings, "c", 1500), 1)
    return 100_000


def _round(port: int, other: int, settings: Settings, key: str, figures: Figures, number: int) -> int:
    """Run one round of each, each feeding the next, and return the next unused address number."""
    figures.add("hello", shoot(other, [("/", "")] * 40_000, SECONDS))
    figures.add("sign-up", shoot(port, _signups(number, 20_000), SECONDS))
    figures.add("confirm", shoot(port, _links(settings, "c", 20_000), SECONDS - 1))
    figures.add("one-click", shoot(port, _links(settings, "u", 20_000), SECONDS - 1))
    known = range(number, number + 500)  # everybody here has signed up, and some have confirmed or left
    asked = [json.dumps({"email": _address(n), "topic": "acme/newsletter"}) for n in known]
    decisions = [("/api/v1/decisions", body) for body in asked] * 40
    figures.add("decision", shoot(port, decisions, SECONDS, "application/json", key))
    return number + 20_000


def _address(number: int) -> str:
    return f"person{number}@example.com"


def _signups(first: int, count: int) -> list[tuple[str, str]]:
    form = {"topic": "acme/newsletter", "language": "en"}
    bodies = (urllib.parse.urlencode(form | {"email": _address(n)}) for n in range(first, first + count))
    return [("/s/acme-news", body) for body in bodies]


_used: dict[str, set[bytes]] = {"c": set(), "u": set()}


def _links(settings: Settings, purpose: str, most: int) -> list[tuple[str, str]]:
    """Return POSTs to links that were not used yet: of sign-ups to confirm, or of confirmed ones to leave."""
    with database.reading() as connection:
        handles = connection.execute(select(Signup.handle).order_by(Signup.requested_at.desc())).scalars().all()
        fresh = [h for h in handles if h not in _used[purpose]][:most]
        link = by_handle(connection, fresh[0])
    assert link is not None
    _used[purpose].update(fresh)
    body = _ONE_CLICK if purpose == "u" else "confirm=yes&agree=acme/newsletter"
    return [
        (f"/{purpose}/{make(purpose, handle, 0, link.organization.id, settings.secret_keys)}", body) for handle in fresh
    ]


def _report(figures: Figures, started: float) -> str:
    hello = figures.rate("hello")
    lines = [
        f"`make bench`, {report.machine()}, SQLite with",
        f"`synchronous=FULL`, `consent serve {' '.join(PROCESSES)}`, wrk with 16 connections,",
        f"{ROUNDS} interleaved rounds, medians. The ceiling is a bare Flask hello on the same server in the same run.",
        "",
        "| path | a second | lowest–highest | p50 ms | p99 ms | of hello | goal | half of the goal |",
        "|---|---|---|---|---|---|---|---|",
        f"| hello | {_row(figures, 'hello')} | 1 | | |",
    ]
    for name, goal in GOALS.items():
        ratio = figures.rate(name) / hello
        met = "reached" if ratio >= goal / 2 else "**missed**"
        lines.append(f"| {name} | {_row(figures, name)} | {ratio:.2f} | {goal:.2f} | {met} |")
    lines += [
        "",
        f"Start-up of `consent serve`, from the command to the first answer: {started:.2f} s (limit 2 s).",
        "",
    ]
    return "\n".join(lines)


def _row(figures: Figures, name: str) -> str:
    rounds = figures.rounds[name]
    p50, p99 = (statistics.median(getattr(m, share) for m in rounds) for share in ("p50", "p99"))
    return f"{figures.rate(name):.0f} | {figures.spread(name)} | {p50:.1f} | {p99:.1f}"


if __name__ == "__main__":
    main()
