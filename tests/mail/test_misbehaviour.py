"""Servers that misbehave, verb by verb (F8): each leaves the message in the state that docs/operating.md gives it."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask

from consent import clock
from consent.mail import headers
from consent.mail.deliver import Round
from consent.mail.lanes import Lanes
from consent.mail.transport import MESSAGE_SECONDS, Carrier, Outcome
from tests.cli.test_serving import until
from tests.mail.test_wire import letter

DROP, RESET, HANG, DRIP = "drop", "reset", "hang", "drip"
FINE = {
    "greeting": "220 mx.example", "EHLO": "250-mx.example\r\n250 8BITMIME", "HELO": "250 mx.example", "MAIL": "250 OK",
    "RCPT": "250 OK", "DATA": "354 go on", ".": "250 taken", "QUIT": "221 bye", "RSET": "250 OK",
}  # fmt: skip


@dataclass
class Script:
    """An SMTP server that answers each verb as it is told; *taken* counts messages that came to their end."""

    answers: dict[str, str] = field(default_factory=dict)
    taken: int = 0
    port: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def serve(self, listening: socket.socket) -> None:
        """Talk to one client after the other."""
        while not self.stopped.is_set():
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client, client.makefile("rb") as lines:
                self._talk(client, lines)

    def _talk(self, client: socket.socket, lines: Iterator[bytes]) -> None:
        if not self._say(client, "greeting"):
            return
        for line in lines:
            verb = line[:4].strip().upper().decode("latin-1")
            if not self._say(client, verb):
                return
            if verb == "DATA" and self._answer("DATA").startswith("354") and not self._message(client, lines):
                return

    def _message(self, client: socket.socket, lines: Iterator[bytes]) -> bool:
        if self.answers.get("body") == DROP:
            next(lines)
            return False
        for line in lines:
            if line == b".\r\n":
                self.taken += 1
                return self._say(client, ".")
        return False

    def _answer(self, verb: str) -> str:
        return self.answers.get(verb, FINE.get(verb, "500 what?"))

    def _say(self, client: socket.socket, verb: str) -> bool:
        """Answer *verb*, and return whether the conversation goes on."""
        answer = self._answer(verb)
        if answer in (HANG, DRIP):
            while not self.stopped.wait(0.05):
                if answer == DRIP:
                    client.sendall(b"2")
            return False
        if answer == RESET:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        if answer in (DROP, RESET):
            return False
        client.sendall(answer.encode() + b"\r\n")
        return True


@pytest.fixture
def server() -> Iterator[Script]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        script = Script(port=listening.getsockname()[1])
        thread = threading.Thread(target=script.serve, args=(listening,), daemon=True)
        thread.start()
        yield script
        script.stopped.set()
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def carry(server: Script) -> Outcome:
    """Hand one message over to *server*."""
    carrier = Carrier(f"smtp://127.0.0.1:{server.port}", "consent.example.com")
    outcome = carrier.carry(letter(), headers.wire(letter(), clock.now()))
    carrier.rest()
    return outcome


CASES: dict[str, tuple[dict[str, str], str]] = {
    "greeted with 421": ({"greeting": "421 too many connections"}, "later"),
    "greeted with 554": ({"greeting": "554 no service"}, "later"),
    "dropped before the greeting": ({"greeting": DROP}, "later"),
    "EHLO and HELO refused": ({"EHLO": "550 no", "HELO": "550 no"}, "later"),
    "EHLO refused, HELO taken": ({"EHLO": "502 what?"}, "sent"),
    "MAIL put off": ({"MAIL": "451 4.3.0 later"}, "later"),
    "MAIL refused": ({"MAIL": "550 5.7.1 sender rejected"}, "refused"),
    "MAIL closed": ({"MAIL": "421 4.3.2 closing"}, "later"),
    "dropped at MAIL": ({"MAIL": DROP}, "later"),
    "dropped at RCPT": ({"RCPT": DROP}, "later"),
    "reset at RCPT": ({"RCPT": RESET}, "later"),
    "RCPT greylisted": ({"RCPT": "450 4.2.0 greylisted, try again"}, "later"),
    "RCPT full": ({"RCPT": "452 4.2.2 mailbox full"}, "later"),
    "RCPT unknown": ({"RCPT": "550 5.1.1 no such user"}, "refused"),
    "DATA put off": ({"DATA": "451 later"}, "later"),
    "DATA refused": ({"DATA": "554 no"}, "refused"),
    "dropped in the message": ({"body": DROP}, "unknown"),
    "put off at the end": ({".": "452 4.3.1 no space"}, "later"),
    "refused at the end": ({".": "554 5.6.0 content"}, "refused"),
    "dropped after the dot": ({".": DROP}, "unknown"),
    "reset after the dot": ({".": RESET}, "unknown"),
    "taken and then reset": ({"QUIT": RESET}, "sent"),
    "a reply of many lines": ({"RCPT": "250-a\r\n250-b\r\n250 c"}, "sent"),
    "a reply of no code": ({"RCPT": "what?"}, "later"),
    "a reply without an end": ({"RCPT": "250-" + "x" * 10_000}, "later"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_misbehaviour_ends_in_its_documented_state(app: Flask, server: Script, name: str) -> None:
    server.answers, state = CASES[name]
    assert carry(server).state == state


def test_nobody_there_is_for_later(app: Flask, server: Script) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert carry(Script(port=port)).state == "later"


@pytest.mark.parametrize("answer", [HANG, DRIP])
@pytest.mark.parametrize("verb", ["RCPT", "."])
def test_a_server_that_hangs_or_drips_is_broken_off_by_the_lane_that_watches(
    app: Flask, server: Script, verb: str, answer: str
) -> None:
    server.answers = {verb: answer}
    carrier = Carrier(f"smtp://127.0.0.1:{server.port}", "consent.example.com")
    round_ = Round(carrier, (), "", "", domain="example.com")
    outcomes: list[Outcome] = []

    def work() -> None:
        with app.app_context():
            outcomes.append(carrier.carry(letter(), headers.wire(letter(), clock.now())))

    thread = threading.Thread(target=work)
    thread.start()
    round_.since = clock.monotonic() - MESSAGE_SECONDS - 1  # so long ago, as far as the watch can tell
    lanes = Lanes([round_])
    assert until(lambda: lanes.watch() == 0 and not thread.is_alive())
    assert outcomes[0].state in ("unknown", "later")
    assert "example.com" in lanes.left_alone()
    carrier.rest()
