"""The mail server of the fault tests, a process of its own: what it accepts is on disk before it answers 250.

    python -m tests.faults.post_office PORT LOG

One line of JSON a message: ``id`` (the Message-ID), ``to``, and the links that the message carries. Its pace is read
from ``LOG.pace`` for each message: seconds to wait before it is written down, and seconds between that and the answer.
"""

import asyncio
import email
import email.policy
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import UnthreadedController

from tests.clusters import REPOSITORY
from tests.conftest import free_port

_LINK = re.compile(r"http://127\.0\.0\.1:\d+/([cupr])/[a-z2-7]{40}")


@dataclass(frozen=True)
class Letter:
    """One accepted message. *links* maps the letter of their purpose to the links in its text; *at* is its line."""

    at: int
    id: str
    to: str
    links: dict[str, str]
    one_click: str

    @property
    def row(self) -> str:
        """The outbox row that it came from."""
        return self.id.strip("<>").partition("@")[0]


@dataclass
class PostOffice:
    """The server as the tests see it: where it listens, and what it has accepted so far."""

    port: int
    log: Path
    letters: list[Letter] = field(default_factory=list)
    _read: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """What CONSENT_SMTP_URL is to be."""
        return f"smtp://127.0.0.1:{self.port}"

    def pace(self, before: float, after: float) -> None:
        """From now on take *before* seconds to write a message down, and *after* more seconds to answer."""
        draft = self.log.with_suffix(".draft")
        draft.write_text(f"{before} {after}")
        draft.replace(self.log.with_suffix(".pace"))

    def look(self) -> list[Letter]:
        """Return what was accepted since the last look."""
        with self._lock, self.log.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
            self._read += len(whole) + 1 if whole else 0
            lines = [json.loads(line) for line in whole.splitlines()]
            fresh = [Letter(len(self.letters) + number, **line) for number, line in enumerate(lines)]
            self.letters += fresh
            return fresh


@contextmanager
def post_office(folder: Path) -> Iterator[PostOffice]:
    """Start the server, its log in *folder*, and end it with the block."""
    office = PostOffice(free_port(), folder / "mail.log")
    office.log.touch()
    office.pace(0, 0)
    with (folder / "post_office.log").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.post_office", str(office.port), str(office.log)],
            cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=said,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield office
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert "Traceback" not in (folder / "post_office.log").read_text()


class _Keeper:
    """Writes each message down before it answers."""

    def __init__(self, log: Path) -> None:
        self._pace = log.with_suffix(".pace")
        self._file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        before, after = map(float, self._pace.read_text().split())
        await asyncio.sleep(before)
        os.write(self._file, _line(envelope).encode() + b"\n")
        os.fsync(self._file)
        await asyncio.sleep(after)
        return "250 OK"


def _line(envelope: Any) -> str:
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    (to,) = envelope.rcpt_tos
    body: Any = message.get_body(("plain",))
    links = {found[1]: found[0] for found in _LINK.finditer(body.get_content())}
    one_click = str(message["List-Unsubscribe"]).strip("<>")
    return json.dumps({"id": str(message["Message-ID"]), "to": to, "links": links, "one_click": one_click})


def _serve(port: int, log: Path) -> None:
    loop = asyncio.new_event_loop()
    controller = UnthreadedController(_Keeper(log), hostname="127.0.0.1", port=port, loop=loop)
    controller.begin()
    loop.add_signal_handler(signal.SIGTERM, loop.stop)
    print("ready", flush=True)
    loop.run_forever()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), Path(sys.argv[2]))
