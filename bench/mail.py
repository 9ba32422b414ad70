"""Handing mail over: what waits in the outbox beside smtplib with ready bytes over one connection, in the same run.

``python -m bench.mail``: 2,000 confirmations to a sink on this machine that takes everything at once.
"""

import logging
import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import company, report
from bench.load import free_port
from consent import addresses, catalogue, clock, config
from consent.app import create_app
from consent.cli import work
from consent.records import signing
from consent.records.append import Origin
from consent.subscriptions import signup
from consent.subscriptions.acts import Act

MAILS, BARE, GOAL = 2_000, 4_000, 0.5
_SINK = """
import asyncio, sys

async def talk(reader, writer):
    writer.write(b"220 sink\\r\\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"DATA":
            writer.write(b"354 go on\\r\\n")
            await writer.drain()
            await reader.readuntil(b"\\r\\n.\\r\\n")
        writer.write(b"221 bye\\r\\n" if verb == b"QUIT" else b"250 OK\\r\\n")
        await writer.drain()
        if verb == b"QUIT":
            break
    writer.close()

async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", int(sys.argv[1]), limit=1 << 20)
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def main() -> None:
    """Measure, print, write."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name, _sink() as port:
        bare = _bare(port)
        ours = _ours(Path(name), port)
    report.put(
        "Handing mail over",
        f"`python -m bench.mail`, {report.machine()}; SQLite, one worker, {MAILS:,} confirmations, one connection.\n\n"
        "| what | figure | beside | ratio | goal |\n|---|---|---|---|---|\n"
        f"| messages a second | {ours:.0f}/s | smtplib with ready bytes: {bare:.0f}/s | {ours / bare:.2f} | {GOAL} |",
    )


@contextmanager
def _sink() -> Iterator[int]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", _SINK, str(port)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield port
        finally:
            process.terminate()


def _bare(port: int) -> float:
    """Return how many messages a second smtplib hands over that are ready, each of 6 kB like ours."""
    message = b"Subject: hello\r\n\r\n" + b"x" * 76 * 80
    with smtplib.SMTP("127.0.0.1", port) as server:
        begun = clock.monotonic()
        for _ in range(BARE):
            server.sendmail("a@acme.example", ["b@example.com"], message)
        return BARE / (clock.monotonic() - begun)


def _ours(path: Path, port: int) -> float:
    settings = config.read(company.environment(path, CONSENT_SMTP_URL=f"smtp://127.0.0.1:{port}"))
    app = create_app(settings)
    with app.app_context():
        company.set_up("records")
        signing.create(settings.ledger_key, company.LOG)
        form = catalogue.form("acme-news")
        for number in range(MAILS):
            to = addresses.parse(f"person{number}@example{number % 50}.com")
            wanted = signup.Request(to, form, form.topics[:1], "en", form.notices["en"], form.source)
            signup.request(wanted, Act(Origin(company.LOG, clock.now()), {}, network="192.0.2.0/24"))
    begun = clock.monotonic()
    work.drain(app)
    return MAILS / (clock.monotonic() - begun)


if __name__ == "__main__":
    main()
